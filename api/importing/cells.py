"""One cell of a file to the one spelling it has in the log, or why it cannot be.

Nothing is repaired that could have meant something else. Spaces around a cell and capital letters in ids mean nothing
and go. Full-width digits and letters are refused with what they would be; a number of more than 15 digits, a formula,
a date where none belongs are refused, since what stood there before the spreadsheet changed it cannot be known.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from api.importing import moments
from api.importing.escaping import unescaped
from api.importing.people import Names
from api.importing.problems import shown
from api.importing.raw import Kind, RawCell, Stored
from ledger.import_tables import CellFault, CellType, Column, cell_fault

CELL_MOST = 40_000
"""Characters of a cell, above what a full list of ids needs."""
DIGITS_EXACT = 15
"""Significant digits that a spreadsheet's number surely kept."""

Converted: TypeAlias = str | CellFault
"""The text as it will stand in the log, or what is wrong."""

_DECIMAL = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2}))?")
_ID = re.compile(r"[a-z0-9][a-z0-9:._-]*")
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?E\+[0-9]{2,3}")
_ERRORS = frozenset({"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"})
_LIST_MARKS = re.compile("[;；、,，\n]")
_PERSON_COLUMNS = frozenset({"person", "member", "candidate", "approve", "against", "abstain"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What cells are read with: the programme's offset from UTC in minutes, and whose id a name is."""

    offset_minutes: int
    names: Names


def converter(column: Column, reading: Reading) -> Callable[[RawCell], Converted]:
    """Return the function that reads the cells of a column; it remembers short cells that it has read before."""
    known: dict[RawCell, Converted] = {}

    def convert(raw: RawCell) -> Converted:
        found = known.get(raw)
        if found is None:
            found = _convert(column, raw, reading)
            # Ids and lists recur by the thousand; the bound keeps a million different cells from piling up.
            if len(known) < 4_096 and len(raw) < 200:
                known[raw] = found
        return found

    return convert


def _convert(column: Column, raw: RawCell, reading: Reading) -> Converted:
    text_or_fault = _stored(column, raw) if isinstance(raw, Stored) else _written(column, raw)
    if isinstance(text_or_fault, CellFault):
        return text_or_fault
    made = _SPELLED[column.type](column, text_or_fault, reading) if text_or_fault else ""
    if isinstance(made, CellFault):
        return made
    return cell_fault(column, made) or made


def _written(column: Column, raw: str) -> Converted:
    """What a file has as text: not what a spreadsheet left of a number or formula when it wrote the file."""
    text = raw.strip()
    if len(raw) > CELL_MOST:
        return _fault("IMPORT_CELL_HUGE", column, most=CELL_MOST)
    if _SCIENTIFIC.fullmatch(text):
        return _fault("IMPORT_CELL_NUMBER_LONG", column, given=shown(text), digits=DIGITS_EXACT)
    return _fault("IMPORT_CELL_ERROR", column, given=text) if text in _ERRORS else text


def _stored(column: Column, raw: Stored) -> Converted:
    """What a workbook stores instead of text: taken only where nothing can have been lost or changed."""
    timed = column.type in (CellType.INSTANT, CellType.DAY)
    if raw.kind is Kind.MOMENT and timed:
        return raw.text
    if raw.kind is Kind.NUMBER and not timed:
        digits = raw.text.lstrip("-").replace(".", "").lstrip("0")
        if len(digits) > DIGITS_EXACT or "e" in raw.text.lower() or not raw.text.isascii():
            return _fault("IMPORT_CELL_NUMBER_LONG", column, given=raw.text, digits=DIGITS_EXACT)
        return raw.text
    return _fault(_NOT_TAKEN[raw.kind], column, given=shown(raw.text))


_NOT_TAKEN: Mapping[Kind, str] = {
    Kind.NUMBER: "IMPORT_CELL_NUMBER",
    Kind.SHAPED: "IMPORT_CELL_NUMBER_SHAPED",
    Kind.MOMENT: "IMPORT_CELL_DATE",
    Kind.FORMULA: "IMPORT_CELL_FORMULA",
    Kind.BOOLEAN: "IMPORT_CELL_BOOLEAN",
    Kind.ERROR: "IMPORT_CELL_ERROR",
}


def _fault(code: str, column: Column, **facts: str | int) -> CellFault:
    return CellFault(code, column.name, facts)


def _text(column: Column, text: str, reading: Reading) -> Converted:
    """Words are kept as they are; only what an export put before them against formulas is taken off again."""
    if any(mark in text for mark in "\r\n"):
        return _fault("IMPORT_CELL_LINE_BREAK", column, given=shown(text))
    return unescaped(text)


def _narrow(column: Column, text: str) -> CellFault | None:
    """Refuse full-width and other compatibility forms in what is no free text."""
    plain = unicodedata.normalize("NFKC", text)
    if plain != text and plain.isascii():
        return _fault("IMPORT_CELL_FULLWIDTH", column, given=shown(text), plain=shown(plain))
    return None


def _one_id(column: Column, text: str, reading: Reading) -> Converted:
    lower = text.lower() if text.isascii() else text
    if _ID.fullmatch(lower) or column.name not in _PERSON_COLUMNS:
        return lower
    return reading.names.id_of(column.name, text)


def _id(column: Column, text: str, reading: Reading) -> Converted:
    return _narrow(column, text) or _one_id(column, text, reading)


def _ids(column: Column, text: str, reading: Reading) -> Converted:
    fault = _narrow(column, _LIST_MARKS.sub(" ", text))
    if fault is not None:
        return fault
    parts = _LIST_MARKS.split(text) if _LIST_MARKS.search(text) else text.split()
    made = []
    for part in filter(None, (one.strip() for one in parts)):
        found = _one_id(column, part, reading)
        if isinstance(found, CellFault):
            return found
        made.append(found)
    return " ".join(made)


def _plain(column: Column, text: str, reading: Reading) -> Converted:
    return _narrow(column, text) or text


def _lower(column: Column, text: str, reading: Reading) -> Converted:
    return _narrow(column, text) or (text.lower() if text.isascii() else text)


def _hundredths(column: Column, text: str, reading: Reading) -> Converted:
    found = _DECIMAL.fullmatch(text)
    if found is None:
        return _narrow(column, text) or _fault("IMPORT_CELL_INVALID", column, expected="0.00", given=shown(text))
    return str(int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")))


def _day(column: Column, text: str, reading: Reading) -> Converted:
    expected = "YYYY-MM-DD"
    found = moments.day(text)
    return found or _narrow(column, text) or _fault("IMPORT_CELL_INVALID", column, expected=expected, given=shown(text))


def _instant(column: Column, text: str, reading: Reading) -> Converted:
    expected = "YYYY-MM-DD HH:MM"
    found = moments.instant(text, reading.offset_minutes)
    return found or _narrow(column, text) or _fault("IMPORT_CELL_INVALID", column, expected=expected, given=shown(text))


_SPELLED: Mapping[CellType, Callable[[Column, str, Reading], Converted]] = {
    CellType.ID: _id,
    CellType.IDS: _ids,
    CellType.TEXT: _text,
    CellType.INTEGER: _plain,
    CellType.HUNDREDTHS: _hundredths,
    CellType.CHOICE: _lower,
    CellType.DAY: _day,
    CellType.INSTANT: _instant,
    CellType.DIGEST: _lower,
}
