"""Which media types may be put on file, and whether content is what it says it is.

The list is closed: what stands on no list is refused. Content is looked at just enough to refuse a page or a script
that poses as a document: it must begin as its type begins, and text must be text. What a document holds beyond that is
for whoever opens it, who gets it under its stated type and no other.
"""

import codecs
import re

from ledger.errors import MalformedError

SEALED = "application/vnd.ballot-ledger.sealed"
"""Ciphertext of `ledger.sealing`."""
SEALED_MAGIC = b"BLSEAL\x00\x02"

_OFFICE = "application/vnd.openxmlformats-officedocument"
_ZIP = (b"PK\x03\x04",)

_BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "application/pdf": (b"%PDF-1.", b"%PDF-2."),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/tiff": (b"II*\x00", b"MM\x00*"),
    f"{_OFFICE}.wordprocessingml.document": _ZIP,
    f"{_OFFICE}.spreadsheetml.sheet": _ZIP,
    SEALED: (SEALED_MAGIC,),
}
_TEXTS = frozenset({"text/plain", "text/csv", "application/json"})

MEDIA_TYPES = frozenset(_BEGINNINGS) | _TEXTS
"""What may be put on file unless the ledger's settings say otherwise."""

_NAME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}", re.ASCII)
_HEAD = 1024
# What a browser or a shell would run, or a system would start, whatever the type says.
_ACTIVE = (b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<iframe", b"<?xml", b"<?php", b"#!")
_PROGRAMS = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\x00asm")


def is_media_type(text: str) -> bool:
    """Say whether a text is a media type in its one spelling: lower case, no parameters."""
    return _NAME.fullmatch(text) is not None


class MediaCheck:
    """Holds streamed content against its stated media type; raises `MalformedError` `MEDIA_MISMATCH`."""

    def __init__(self, media_type: str, allowed: frozenset[str] = MEDIA_TYPES) -> None:
        """Expect content of `media_type`; raises `MEDIA_TYPE_REFUSED` if that is not on the list `allowed`."""
        if media_type not in allowed or not is_media_type(media_type):
            raise MalformedError("MEDIA_TYPE_REFUSED", media_type=media_type[:96])
        self._type = media_type
        self._head = b""
        self._looked = False
        self._decoder = codecs.getincrementaldecoder("utf-8")() if media_type in _TEXTS else None

    def feed(self, piece: bytes) -> None:
        """Look at the next piece of the content."""
        self._text(piece, final=False)
        if not self._looked:
            self._head += piece[: _HEAD - len(self._head)]
            if len(self._head) == _HEAD:
                self._look()

    def finish(self) -> None:
        """Say that the content ends here."""
        self._text(b"", final=True)
        if not self._looked:
            self._look()

    def _look(self) -> None:
        self._looked = True
        head = self._head.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n\f\v\x00").lower()
        if head.startswith(_ACTIVE) or (self._decoder is None and self._head.startswith(_PROGRAMS)):
            raise self._mismatch()
        expected = _BEGINNINGS.get(self._type)
        if expected is not None and not self._head.startswith(expected):
            raise self._mismatch()

    def _text(self, piece: bytes, *, final: bool) -> None:
        if self._decoder is None:
            return
        try:
            text = self._decoder.decode(piece, final)
        except UnicodeDecodeError:
            raise self._mismatch() from None
        if "\x00" in text:
            raise self._mismatch()

    def _mismatch(self) -> MalformedError:
        return MalformedError("MEDIA_MISMATCH", media_type=self._type)
