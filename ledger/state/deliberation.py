"""Inspections, proposals and named votes (five(六)); the vacancies are in `places`, who may vote in `voters`."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.procedure.deliberating import carried, has_objection
from ledger.procedure.programme import StageKind
from ledger.procedure.vacancies import DropOut
from ledger.state.places import Places, standing
from ledger.state.standing import drop_out
from ledger.state.voters import OBJECTION, PROPOSAL, TIE, governing, kind_of, members
from ledger.statements.deliberation import (
    CandidatesProposed,
    DeliberationClosed,
    DeliberationVoted,
    InspectionReported,
    Voice,
)

if TYPE_CHECKING:
    from ledger.selection import Selection
    from ledger.state.matters import Folds
    from ledger.statements import Act


@dataclass(frozen=True, slots=True)
class Inspection:
    """An inspector's report on a person, by its entry."""

    index: int
    passed: bool
    inspector: str


@dataclass(frozen=True, slots=True)
class NamedVote:
    """One member's vote on a matter: the entry, and a voice on each subject."""

    index: int
    voices: tuple[Voice, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """The voices on one subject."""

    agree: int
    against: int


@dataclass(slots=True)
class Matter:
    """A named vote: its subjects, each member's vote, and once closed its minutes and outcome.

    `carried` holds the subjects that the vote went for: agreed to, sustained or approved. `earlier` keeps the votes
    given before discipline blocked the decision.
    """

    id: str
    subjects: tuple[str, ...]
    opened: int
    votes: dict[str, NamedVote] = field(default_factory=dict)
    closed: int | None = None
    minutes: str | None = None
    carried: tuple[str, ...] = ()
    earlier: list[dict[str, NamedVote]] = field(default_factory=list)

    def tally(self, subject: str) -> Tally:
        """Count the voices on a subject."""
        voices = [voice.agree for vote in self.votes.values() for voice in vote.voices if voice.subject == subject]
        return Tally(sum(voices), len(voices) - sum(voices))

    def reopen(self) -> None:
        """Vote anew; what was voted before is kept."""
        self.earlier.append(self.votes)
        self.votes, self.closed, self.minutes, self.carried = {}, None, None, ()


@dataclass(slots=True)
class Deliberation:
    """Inspections, proposals, named votes, vacancies. `agreed`: whom the leadership group agreed to, by what entry."""

    inspections: dict[str, Inspection] = field(default_factory=dict)
    proposed: dict[str, int] = field(default_factory=dict)
    agreed: dict[str, int] = field(default_factory=dict)
    matters: dict[str, Matter] = field(default_factory=dict)
    places: Places = field(default_factory=Places)

    def matter(self, matter_id: str) -> Matter | None:
        """Return a named vote by the id of its matter, or None where none was opened."""
        return self.matters.get(matter_id)

    def open_matter(self, matter_id: str, subjects: tuple[str, ...], index: int) -> Matter:
        """Open a named vote, or return the one that is open."""
        return self.matters.setdefault(matter_id, Matter(matter_id, subjects, index))


def close_matter(state: "Selection", matter: Matter, index: int, minutes: str) -> None:
    """End a named vote and derive for which subjects it went."""
    matter.closed, matter.minutes = index, minutes
    matter.carried = tuple(subject for subject in matter.subjects if carries(state, matter, subject))
    missing = max((_could_turn(state, matter, subject) for subject in matter.subjects), default=0)
    if missing:
        state.findings.add("VOICES_OUTSTANDING", "warn", index, index, matter=matter.id, missing=missing)


def _could_turn(state: "Selection", matter: Matter, subject: str) -> int:
    """Return how many members have said nothing, if their voices could have turned the outcome; else 0."""
    everybody, out = members(state, matter.id, subject)
    tally = matter.tally(subject)
    missing = everybody - out - tally.agree - tally.against
    if kind_of(matter.id) == TIE or (kind_of(matter.id) == PROPOSAL) != (subject in matter.carried):
        return 0
    if kind_of(matter.id) == PROPOSAL:
        turned = not _agreed_to(state, tally.against + missing, everybody)
    else:
        turned = carried(tally.agree + missing, everybody - out)
    return missing if turned else 0


def _agreed_to(state: "Selection", against: int, everybody: int) -> bool:
    reading = governing(state, StageKind.DELIBERATION).reading("deliberation_rule")
    return not has_objection(reading, against, everybody)


def carries(state: "Selection", matter: Matter, subject: str) -> bool:
    """Say whether the votes given so far go for a subject, counted against all members who may decide."""
    everybody, kept_out = members(state, matter.id, subject)
    tally = matter.tally(subject)
    if kind_of(matter.id) == PROPOSAL:
        return _agreed_to(state, tally.against, everybody)
    return carried(tally.agree, everybody - kept_out)


def _inspected(state: "Selection", act: "Act", now: "Act") -> None:
    body: InspectionReported = act.body
    state.deliberation.inspections[body.candidate] = Inspection(now.index, body.passed, act.person)
    if not body.passed:
        if body.candidate == next(iter(standing(state)), None):
            state.findings.add("TOP_RANK_REMOVED", "warn", now.index, now.index, person=body.candidate)
        drop_out(state, body.candidate, DropOut.FAILED_INSPECTION, now.index)


def _proposed(state: "Selection", act: "Act", now: "Act") -> None:
    body: CandidatesProposed = act.body
    state.deliberation.proposed |= dict.fromkeys(body.candidates, now.index)
    state.deliberation.open_matter(f"{PROPOSAL}:{now.index}", body.candidates, now.index)


def _voted(state: "Selection", act: "Act", now: "Act") -> None:
    body: DeliberationVoted = act.body
    subjects = tuple(sorted(voice.subject for voice in body.voices))
    matter = state.deliberation.open_matter(body.matter, subjects, now.index)
    if matter.closed is not None:  # the tied were not parted, or the round left another tie: they vote again
        matter.reopen()
        matter.subjects = subjects
    matter.votes[act.person] = NamedVote(now.index, body.voices)


def _closed(state: "Selection", act: "Act", now: "Act") -> None:
    body: DeliberationClosed = act.body
    matter = state.deliberation.matters[body.matter]
    first = next(iter(standing(state)), None)
    close_matter(state, matter, now.index, body.minutes)
    if kind_of(matter.id) != PROPOSAL:
        return
    for person in matter.subjects:
        if person in matter.carried:
            state.deliberation.agreed[person] = now.index
            continue
        if person == first and person not in state.out:
            proofs = [vote.index for vote in matter.votes.values()]
            state.findings.add("TOP_RANK_REMOVED", "warn", now.index, *proofs, now.index, person=person)
        drop_out(state, person, DropOut.NOT_AGREED, now.index)


FOLDS: "Folds" = {
    InspectionReported: _inspected,
    CandidatesProposed: _proposed,
    DeliberationVoted: _voted,
    DeliberationClosed: _closed,
}

__all__ = ["FOLDS", "OBJECTION", "PROPOSAL", "TIE", "Deliberation", "Inspection", "Matter", "NamedVote", "Tally"]
