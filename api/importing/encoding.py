"""How a text file is encoded: UTF-8 with or without BOM, or GB18030. Both are tried strictly; nothing is guessed.

Bytes that are good UTF-8 and good GB18030 at once, and would show no Chinese as UTF-8, are refused as ambiguous: they
may as well be a few Chinese characters as a few accented letters, and a wrong choice would change names unseen.
"""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from api.importing.problems import ReadProblem, UnreadableError

UTF8, GB18030 = "utf-8-sig", "gb18030"
_CHUNK = 1 << 20
_BEYOND_TWO_BYTES = re.compile("[\u0800-\U0010ffff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class Encoded:
    """A file's encoding, and how many lines it has at most."""

    encoding: str
    lines: int


class _Attempt:
    """One strict attempt at decoding, chunk by chunk; `failed_at` is the line (from 1) of the first bad byte."""

    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self.failed_at = 0

    def feed(self, chunk: bytes, lines_before: int, *, final: bool) -> str:
        if self.failed_at:
            return ""
        try:
            return self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            self.failed_at = lines_before + error.object.count(b"\n", 0, error.start) + 1
            return ""


def encoding_of(path: Path, file: str) -> Encoded:
    """Return how a file is encoded; reads it once, in pieces.

    Raises `UnreadableError`: `IMPORT_FILE_UNREADABLE`, `IMPORT_ENCODING`, `IMPORT_ENCODING_AMBIGUOUS`.
    """
    try:
        with path.open("rb") as opened:
            return _detect(opened, file)
    except OSError as error:
        facts = {"reason": error.strerror or type(error).__name__}
        raise UnreadableError(ReadProblem("IMPORT_FILE_UNREADABLE", file, 0, "", facts)) from None


def _detect(opened: BinaryIO, file: str) -> Encoded:
    head = opened.read(4)
    opened.seek(0)
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise UnreadableError(ReadProblem("IMPORT_ENCODING", file, 0, "", {"utf8": 1, "gb18030": 1}))
    utf8, gb18030 = _Attempt("utf-8"), _Attempt(GB18030)
    lines, beyond_ascii, surely_utf8 = 0, False, head.startswith(codecs.BOM_UTF8)
    while True:
        chunk = opened.read(_CHUNK)
        if b"\x00" in chunk:
            row = lines + chunk.count(b"\n", 0, chunk.index(b"\x00")) + 1
            raise UnreadableError(ReadProblem("IMPORT_ENCODING", file, 0, "", {"utf8": row, "gb18030": row}))
        text = utf8.feed(chunk, lines, final=not chunk)
        gb18030.feed(chunk, lines, final=not chunk)
        beyond_ascii = beyond_ascii or _BEYOND_ASCII.search(text) is not None
        surely_utf8 = surely_utf8 or _BEYOND_TWO_BYTES.search(text) is not None
        lines += chunk.count(b"\n") or chunk.count(b"\r")
        if not chunk:
            break
    return Encoded(_chosen(utf8, gb18030, file, doubtful=beyond_ascii and not surely_utf8), lines + 1)


def _chosen(utf8: _Attempt, gb18030: _Attempt, file: str, *, doubtful: bool) -> str:
    if utf8.failed_at and gb18030.failed_at:
        facts: dict[str, str | int] = {"utf8": utf8.failed_at, "gb18030": gb18030.failed_at}
        raise UnreadableError(ReadProblem("IMPORT_ENCODING", file, 0, "", facts))
    if doubtful and not utf8.failed_at and not gb18030.failed_at:
        raise UnreadableError(ReadProblem("IMPORT_ENCODING_AMBIGUOUS", file, 0, ""))
    return GB18030 if utf8.failed_at else UTF8
