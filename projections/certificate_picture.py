"""A certificate as a picture: what it says, and a code that a telephone reads. Nothing in it proves anything by itself.

The code holds one line (`Certificate.scanned`): whoever scans it can look the entry up in the log, or ask for the file
of the certificate and check that. Drawn from whole numbers, so that the same certificate always gives the same bytes.
"""

from collections.abc import Sequence

import segno

from projections.svg import document, element, fitted, label

WIDTH, MARGIN, LINE, BELOW = 900, 48, 30, 40
MODULE, QUIET = 4, 4
INK, PALE, WARNING, EDGE = "#1d1d1f", "#6b6b70", "#8a1c1c", "#b08d57"


def certificate_picture(
    honour: str, lines: Sequence[str], warning: str, scanned: str, limits: Sequence[str], language: str
) -> bytes:
    """Return the picture: the honour, lines of what is certified, a warning or none, the code, and what it proves."""
    code, side = _code(scanned)
    top = 130 + (LINE if warning else 0)
    height = max(top + LINE * len(lines), top + side) + LINE * len(limits) + BELOW + 24
    text_width = WIDTH - 3 * MARGIN - side
    body = [
        element("rect", x=0, y=0, width=WIDTH, height=height, fill="#ffffff"),
        element("rect", x=14, y=14, width=WIDTH - 28, height=height - 28, fill="none", stroke=EDGE, stroke_width=3),
        _middle(honour, 84, 40, INK),
    ]
    if warning:
        body.append(_middle(warning, 122, 20, WARNING))
    for place, line in enumerate(lines):
        body.append(label(fitted(line, 17, text_width), MARGIN, top + LINE * place + 20, 17, fill=INK))
    x, y = WIDTH - MARGIN - side, top
    body.append(element("path", d=code, transform=f"translate({x} {y})", fill=INK))
    below = max(top + LINE * len(lines), top + side) + BELOW
    for place, line in enumerate(limits):
        body.append(label(fitted(line, 14, WIDTH - 2 * MARGIN), MARGIN, below + LINE * place, 14, fill=PALE))
    return document(WIDTH, height, language, honour, "; ".join((*lines, scanned)), body)


def _middle(said: str, y: int, size: int, fill: str) -> str:
    return label(fitted(said, size, WIDTH - 2 * MARGIN), WIDTH // 2, y, size, text_anchor="middle", fill=fill)


def _code(scanned: str) -> tuple[str, int]:
    """Return the dark modules of the code as a path, and the length of its sides with the quiet zone."""
    matrix = segno.make(scanned, error="m", micro=False, boost_error=False).matrix
    runs = []
    for y, modules in enumerate(matrix):
        x = 0
        while x < len(modules):
            start = x
            while x < len(modules) and modules[x]:
                x += 1
            if x > start:
                left, high, wide = (QUIET + start) * MODULE, (QUIET + y) * MODULE, (x - start) * MODULE
                runs.append(f"M{left} {high}h{wide}v{MODULE}h-{wide}z")
            x += 1
    return "".join(runs), (len(matrix) + 2 * QUIET) * MODULE
