"""What a rehearsal tells while it plays: one beat for each thing worth a line, with the entries that show it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Fact: TypeAlias = "str | int | tuple[str, ...]"


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing that happened: the stage it belongs to, a code for the sentence, the entries that show it, and facts.

    People stand in the facts by id. `refused`: somebody tried and was not admitted, so that no entry shows it.
    """

    stage: str
    code: str
    entries: tuple[int, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    refused: bool = False


Tell: TypeAlias = Callable[[Beat], None]


def silent(beat: Beat) -> None:
    """Tell nobody."""
