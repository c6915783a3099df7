"""The programme files that ship, and how a programme file is read: TOML to the plain value that the charter records.

What a value must be is `ledger.procedure.programme_value`. Reading a file says everything that is wrong with it at
once, each with its key and its line.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from ledger.canonical import digest, encode
from ledger.errors import MalformedError
from ledger.procedure.programme_value import Problem, problems
from ledger.programmes.toml_lines import line_of, lines

_SUFFIX = ".toml"


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Something wrong with a programme file: code, key path, facts, and the line (from 1) of the key or its table.

    Line 0: the file as a whole.
    """

    code: str
    path: str
    line: int
    facts: dict[str, str | int] = field(default_factory=dict)


class ProgrammeError(MalformedError):
    """A programme file that cannot be used; `problems` says everything that is wrong with it, in the file's order."""

    def __init__(self, name: str, found: tuple[FileProblem, ...]) -> None:
        """Remember all problems of the file `name` (its last part only)."""
        super().__init__("PROGRAMME_INVALID", file=name, problems=len(found))
        self.problems = found


def shipped() -> tuple[str, ...]:
    """Return the labels of the programmes that ship, sorted."""
    names = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def load_shipped(label: str) -> Mapping[str, Any]:
    """Return the value of a programme that ships; raises `ProgrammeError` where there is none of this label."""
    if label not in shipped():
        facts: dict[str, str | int] = {"known": ", ".join(shipped())}
        raise ProgrammeError(label, (FileProblem("PROGRAMME_NOT_SHIPPED", "", 0, facts),))
    data = resources.files(__name__).joinpath(label + _SUFFIX).read_bytes()
    return load_bytes(data, label + _SUFFIX)


def load_file(path: Path | str) -> Mapping[str, Any]:
    """Return the value of a programme file; raises `ProgrammeError` with all problems and their lines."""
    file = Path(path)
    try:
        data = file.read_bytes()
    except OSError as error:
        facts: dict[str, str | int] = {"cause": error.strerror or type(error).__name__}
        raise ProgrammeError(file.name, (FileProblem("PROGRAMME_UNREADABLE", "", 0, facts),)) from None
    return load_bytes(data, file.name)


def load_bytes(data: bytes, name: str) -> Mapping[str, Any]:
    """Return the value that the bytes of a programme file spell; `name` is for the error alone."""
    try:
        text = data.decode()
        value = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        facts: dict[str, str | int] = {"cause": str(error)}
        raise ProgrammeError(name, (FileProblem("PROGRAMME_NOT_TOML", "", _line_in(error, data), facts),)) from None
    found = (*problems(value), *_unreadable_texts(value, ""))
    if found:
        where = lines(text)
        located = [FileProblem(one.code, one.path, line_of(where, one.path), one.facts) for one in found]
        raise ProgrammeError(name, tuple(sorted(located, key=lambda one: one.line)))
    return value


def programme_hash(value: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the value's canonical bytes: the id of this version of the rules."""
    return digest(value)


def _unreadable_texts(value: object, path: str) -> Iterator[Problem]:
    """Find texts that could never be signed: the charter's canonical bytes refuse what people cannot see or trust."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _unreadable_texts(member, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _unreadable_texts(item, f"{path}[{place}]")
    elif isinstance(value, str):
        try:
            encode(value)
        except MalformedError as error:
            yield Problem(error.code, path, error.facts)


def _line_in(error: UnicodeDecodeError | tomllib.TOMLDecodeError, data: bytes) -> int:
    """Return the line that the decoder names; the interpreter's TOML reader states it only within its message."""
    if isinstance(error, UnicodeDecodeError):
        return data.count(b"\n", 0, error.start) + 1
    words = str(error).replace(",", " ").replace(")", " ").split()
    for word, number in pairwise(words):
        if word == "line" and number.isdecimal():
            return int(number)
    return data.count(b"\n") + 1
