"""The programme of a selection that comes in without a ledger: a full programme file, or a small one filled up."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ledger.import_programme import expanded
from ledger.procedure.programme import Programme
from ledger.procedure.programme_value import problems, programme_from_value
from ledger.programmes import FileProblem, ProgrammeError, load_shipped, shipped

BESIDE = "programme.toml"
"""The name under which a programme file may lie beside the tables."""


def programme_of(given: str | None, place: Path) -> Programme:
    """Return the programme of a file or of one that ships, else of the file beside the tables.

    Raises `ProgrammeError` with everything that is wrong with it, also where there is none.
    """
    if given in shipped():
        return programme_from_value(load_shipped(str(given)))
    beside = (place if place.is_dir() else place.parent) / BESIDE
    return programme_from_value(value_of(Path(given) if given else beside))


def value_of(path: Path) -> Mapping[str, Any]:
    """Return the value of a programme file, with what a small one leaves out filled in. Raises `ProgrammeError`."""
    try:
        value = expanded(tomllib.loads(path.read_bytes().decode()))
    except OSError as error:
        raise _wrong(path, "PROGRAMME_UNREADABLE", error.strerror or "-") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(path, "PROGRAMME_NOT_TOML", str(error)) from None
    found = problems(value)
    if found:
        raise ProgrammeError(path.name, tuple(FileProblem(one.code, one.path, 0, one.facts) for one in found))
    return value


def _wrong(path: Path, code: str, cause: str) -> ProgrammeError:
    return ProgrammeError(path.name, (FileProblem(code, "", 0, {"cause": cause}),))
