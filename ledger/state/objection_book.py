"""Objections as they stand: outer facts only, never who objects (five(七)).

An objection that came too late, bears no name or was withdrawn is kept as a lead and stops nothing. Any other is open
until it has been decided for everybody it is about who still stands, and answered.
"""

from collections.abc import Container
from dataclasses import dataclass, field

from ledger.roll import SEALED_PREFIX


@dataclass(slots=True)
class Hearing:
    """What a candidate was told, by when to reply (UTC ms), and the entry of the reply."""

    index: int
    respond_by: int
    reply: int | None = None


@dataclass(frozen=True, slots=True)
class Investigation:
    """The organiser's findings."""

    index: int
    founded: bool
    findings: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """The outcome for one candidate."""

    index: int
    sustained: bool


@dataclass(slots=True)
class Objection:
    """One objection. Everything named like an act is the entry of that act, or None.

    `number` counts from 1, `examiner` is the auditor who examined it last. `against`: the candidates for whom it is in
    time; `late`: those whose notice was over. `received_at`: when it came (UTC ms), for a paper as attested.
    `confirmed`: the entry that made it effective. `ex_officio`: discipline goes on after a withdrawal.
    """

    id: str
    number: int
    notice: str
    index: int
    author: str
    received_at: int
    on_paper: bool
    sealed: str
    against: tuple[str, ...]
    late: tuple[str, ...]
    confirmed: int | None = None
    examined: int | None = None
    examiner: str | None = None
    admissible: bool | None = None
    hearings: dict[str, Hearing] = field(default_factory=dict)
    investigation: Investigation | None = None
    rulings: dict[str, Ruling] = field(default_factory=dict)
    blocked: list[int] = field(default_factory=list)
    answered: int | None = None
    withdrawn: int | None = None
    ex_officio: int | None = None

    @property
    def one_time(self) -> bool:
        """Whether a one-time key filed it."""
        return self.author.startswith(SEALED_PREFIX)

    @property
    def lead(self) -> bool:
        """Whether it is no objection in the procedure: too late, not admissible or withdrawn; kept for discipline."""
        return not self.against or self.admissible is False or (self.withdrawn is not None and self.ex_officio is None)

    def undecided(self, out: "Container[str]") -> tuple[str, ...]:
        """Return those it is about who still stand and for whom it is not decided."""
        return tuple(one for one in self.against if one not in self.rulings and one not in out)

    def is_open(self, out: "Container[str]") -> bool:
        """Say whether it holds up the approval: undecided for somebody who stands, or decided and not answered."""
        if self.lead or self.answered is not None:
            return False
        return bool(self.rulings) or bool(self.undecided(out))


@dataclass(slots=True)
class Objections:
    """All objections by id; the one-time keys by person; the entries that opened sealed evidence, by its digest."""

    by_id: dict[str, Objection] = field(default_factory=dict)
    one_time_keys: dict[str, bytes] = field(default_factory=dict)
    openings: dict[str, list[int]] = field(default_factory=dict)
    sealed: set[str] = field(default_factory=set)

    def open(self, out: "Container[str]") -> tuple[Objection, ...]:
        """Return the objections that hold up the approval, by number."""
        return tuple(one for one in self.by_id.values() if one.is_open(out))

    def one_time_waiting(self, notice: str) -> int:
        """Count the objections by one-time keys to a notice that wait for their examination."""
        return sum(
            one.one_time and one.notice == notice and one.examined is None and one.withdrawn is None
            for one in self.by_id.values()
        )
