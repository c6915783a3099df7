"""What a rule answers: a refusal, or a reason for a place, each with code, clause and the facts that decided."""

from dataclasses import dataclass, field
from typing import TypeAlias

Facts: TypeAlias = "dict[str, str | int]"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rules' no (不予受理): a stable code, the clause or specification it rests on, and the deciding facts."""

    code: str
    clause: str
    facts: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something came out as it did: a code for the words, the clause, the facts and the entries that show it."""

    code: str
    clause: str
    facts: dict[str, str | int] = field(default_factory=dict)
    entries: tuple[int, ...] = ()


def refuse(code: str, clause: str, **facts: str | int) -> Refusal:
    """Return a refusal; facts are named as the message texts name them."""
    return Refusal(code, clause, facts)
