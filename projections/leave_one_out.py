"""Leave-one-out: what each member's ballots, and each expert's scores, did to a certified result.

Clauses five(一)–(三), five(五); DISPUTES section 10, question 3, and C01. Of one session at a time: its ballots with
those of its run-offs, and its score sheets, which can only order equals. Held fixed: presence and quorum, public votes,
decisions by the leaders or by lot, and what everybody else did. Several members or other changes at once are a
`Change` of `projections.whatif`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ledger.results import outcome_from
from ledger.selection import Selection
from ledger.state.rounds import Round
from ledger.statements import Act
from projections.contests import Certified, certified, sessions_of, without
from projections.whatif import Moved, moved

HELD_FIXED = ("PRESENCE_AND_QUORUM", "PUBLIC_VOTES", "DECISIONS_AND_LOTS", "BEHAVIOUR")


class Part(StrEnum):
    """What of a member is left out."""

    BALLOTS = "ballots"
    SCORES = "scores"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One member's ballots or scores left out.

    `entries` were left out; `moved` are those whose rank, seat or place among those left would differ. `tie`: among
    whom only a run-off that nobody held could say, and `at_cut` whether a seat hangs on that.
    """

    member: str
    part: Part
    entries: tuple[int, ...]
    moved: tuple[Moved, ...]
    tie: tuple[str, ...]
    at_cut: bool

    @property
    def seats_change(self) -> bool:
        """Whether anybody else would be taken for certain, or nobody could say who is."""
        gained = any(one.taken_if and not one.taken for one in self.moved)
        return gained or self.at_cut or any(one.taken and not one.taken_if for one in self.moved)


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """One certified result without each of those who voted or scored, in turn; always hypothetical."""

    subject: str
    certified: int
    members: tuple[LeftOut, ...]
    held_fixed: tuple[str, ...] = HELD_FIXED
    hypothetical: bool = True


def leave_one_out(
    state: Selection, acts: Sequence[Act], stage: str, group: str | None = None
) -> tuple[LeaveOneOut, ...]:
    """Return it for a stage's certified results, or for one group's; `acts` are those that `state` has."""
    return tuple(
        LeaveOneOut(one.session.subject, one.index, tuple(_members(one)))
        for one in certified(state, acts, sessions_of(state, stage, group))
    )


def _members(one: Certified) -> Iterator[LeftOut]:
    voters = {member for played in _played(one) for member in played.ballots}
    scorers = {member for member, _ in one.session.sheets}
    for member in sorted(voters | scorers):
        if member in voters:
            entries = (played.ballots[member].index for played in _played(one) if member in played.ballots)
            yield _left_out(one, member, Part.BALLOTS, tuple(entries))
        if member in scorers:
            entries = (sheet.index for (who, _), sheet in one.session.sheets.items() if who == member)
            yield _left_out(one, member, Part.SCORES, tuple(entries))


def _played(one: Certified) -> tuple[Round, ...]:
    """Return the rounds that count: the vote of the whole list and its run-offs."""
    return (one.derived.played, *one.session.runoffs)


def _left_out(one: Certified, member: str, part: Part, entries: tuple[int, ...]) -> LeftOut:
    derived = without(one, frozenset({member}), ballots=part is Part.BALLOTS, scores=part is Part.SCORES)
    everybody = moved(one.outcome, outcome_from(one.session, derived))
    return LeftOut(
        member,
        part,
        tuple(sorted(entries)),
        tuple(each for each in everybody if each.changed),
        derived.due.candidates if derived.due else (),
        derived.due is not None and derived.due.at_cut,
    )
