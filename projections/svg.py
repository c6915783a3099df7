"""Pictures as text: SVG elements that are always well-formed, and how wide a text will be.

Standard library only, whole numbers only, so that the same view always gives the same bytes. Nothing is fetched and
nothing runs in a picture: no fonts, no scripts, no links.
"""

from collections.abc import Iterable
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

FONTS = "'Noto Sans CJK SC','Source Han Sans SC','PingFang SC','Microsoft YaHei','Segoe UI',Helvetica,Arial,sans-serif"
ELLIPSIS = "…"


def element(name: str, *children: str, **attributes: str | int) -> str:
    """Return an element; `stroke_width=2` is written `stroke-width="2"`, and children are taken as they are."""
    written = "".join(f" {key.rstrip('_').replace('_', '-')}={_quoted(value)}" for key, value in attributes.items())
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def words(said: str) -> str:
    """Return a text as the content of an element; a character that XML does not allow shows as U+FFFD."""
    return escape("".join(one if _allowed(ord(one)) else "\ufffd" for one in said))


def label(said: str, x: int, y: int, size: int, **attributes: str | int) -> str:
    """Return a line of text with its baseline at `y`; `size` in units of the picture."""
    return element("text", words(said), x=x, y=y, font_size=size, **attributes)


def document(width: int, height: int, language: str, title: str, desc: str, body: Iterable[str]) -> bytes:
    """Return a whole picture, with its title and its content in words for whoever cannot see it."""
    inner = [element("title", words(title), id="title"), element("desc", words(desc), id="desc"), *body]
    root = element(
        "svg", "\n", *(f"{one}\n" for one in inner),
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width} {height}", width=width, height=height,
        role="img", aria_labelledby="title desc", font_family=FONTS, **{"xml:lang": language},
    )  # fmt: skip
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'.encode()


def width_of(said: str, size: int) -> int:
    """Return about how wide a text is at a font size.

    A Chinese character is as wide as high, as is what Chinese fonts make wide, such as quotation marks; others take
    three fifths.
    """
    fifths = sum(5 if east_asian_width(one) in "WFA" else 3 for one in said)
    return -(-fifths * size // 5)


def fitted(said: str, size: int, width: int) -> str:
    """Return a text that fits into a width, cut short with an ellipsis if it must be."""
    if width_of(said, size) <= width:
        return said
    while said and width_of(said + ELLIPSIS, size) > width:
        said = said[:-1]
    return said.rstrip() + ELLIPSIS


def _quoted(value: str | int) -> str:
    return quoteattr("".join(one if _allowed(ord(one)) else "\ufffd" for one in str(value)))


def _allowed(code: int) -> bool:
    """Say whether XML 1.0 allows a character (production 2)."""
    return code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
