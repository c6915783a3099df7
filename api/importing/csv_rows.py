"""Rows of a CSV file (RFC 4180: commas, double quotes, any line ends), read one after another."""

import csv
from collections.abc import Iterator
from pathlib import Path

from api.importing.encoding import encoding_of
from api.importing.problems import ReadProblem, UnreadableError
from api.importing.raw import RawRow, RawTable

OTHER_DELIMITERS = ";\t|"


def csv_table(path: Path, file: str) -> RawTable:
    """Return the table of a CSV file. Raises `UnreadableError`; see `encoding_of`."""
    known = encoding_of(path, file)
    return RawTable(file, lambda: _rows(path, file, known.encoding), known.lines)


def _rows(path: Path, file: str, encoding: str) -> Iterator[RawRow]:
    number = 0
    try:
        with path.open(encoding=encoding, errors="strict", newline="") as opened:
            for number, row in enumerate(csv.reader(opened, strict=True), start=1):
                if number == 1 and len(row) == 1 and any(one in row[0] for one in OTHER_DELIMITERS):
                    raise UnreadableError(ReadProblem("IMPORT_DELIMITER", file, 1, ""))
                yield number, row
    except csv.Error as error:
        code = "IMPORT_CELL_HUGE" if "field limit" in str(error) else "IMPORT_QUOTING"
        raise UnreadableError(ReadProblem(code, file, number + 1, "", {"most": csv.field_size_limit()})) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(ReadProblem("IMPORT_FILE_UNREADABLE", file, 0, "", {"reason": str(error)[:80]})) from None
