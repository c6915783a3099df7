"""One row: a sentence of a clause, where it begins, an act that it allows and one that it forbids."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from api.rehearsal.driver import World


class Forbidden(NamedTuple):
    """A statement that must be refused: who signs, what, and how its header differs."""

    alias: str
    body: Any
    header: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Row:
    """`clause` and `sentence` in our own words; the history it begins with; what is admitted; what is refused, and how.

    What is refused is tried first, unless it is `after` the admitted acts.
    """

    clause: str
    sentence: str
    prefix: str
    admitted: Callable[[World], object]
    refused: Callable[[World], Forbidden]
    code: str
    after: bool = False
