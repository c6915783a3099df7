"""Cells as they are written into files that a spreadsheet may open: none of them becomes a formula there."""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def escaped(text: str) -> str:
    """Return the text with a `'` before it where a spreadsheet would take it for a formula.

    A text that has such a mark already gets one more, so that reading takes off what writing put there and no more.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unescaped(text: str) -> str:
    """Return the text without the mark that `escaped` put before it."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
