"""Inspections, proposals and named votes (five(六)); the vacancies are in `places`, who may vote in `voters`."""

from ledger.procedure.deliberating import carried, has_objection
from ledger.procedure.programme import StageKind
from ledger.procedure.vacancies import DropOut
from ledger.state.books import Books
from ledger.state.deliberation_book import Deliberation, Inspection, Matter, NamedVote, Tally
from ledger.state.matters import Folds
from ledger.state.places import standing
from ledger.state.standing import drop_out
from ledger.state.voters import OBJECTION, PROPOSAL, TIE, governing, kind_of, members
from ledger.statements import Act
from ledger.statements.deliberation import (
    CandidatesProposed,
    DeliberationClosed,
    DeliberationVoted,
    InspectionReported,
)


def close_matter(state: Books, matter: Matter, index: int, minutes: str) -> None:
    """End a named vote and derive for which subjects it went."""
    matter.closed, matter.minutes = index, minutes
    matter.carried = tuple(subject for subject in matter.subjects if carries(state, matter, subject))
    missing = max((_could_turn(state, matter, subject) for subject in matter.subjects), default=0)
    if missing:
        state.findings.add("VOICES_OUTSTANDING", "warn", index, index, matter=matter.id, missing=missing)


def _could_turn(state: Books, matter: Matter, subject: str) -> int:
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


def _agreed_to(state: Books, against: int, everybody: int) -> bool:
    reading = governing(state, StageKind.DELIBERATION).reading("deliberation_rule")
    return not has_objection(reading, against, everybody)


def carries(state: Books, matter: Matter, subject: str) -> bool:
    """Say whether the votes given so far go for a subject, counted against all members who may decide."""
    everybody, kept_out = members(state, matter.id, subject)
    tally = matter.tally(subject)
    if kind_of(matter.id) == PROPOSAL:
        return _agreed_to(state, tally.against, everybody)
    return carried(tally.agree, everybody - kept_out)


def _inspected(state: Books, act: Act, now: Act) -> None:
    body: InspectionReported = act.body
    state.deliberation.inspections[body.candidate] = Inspection(now.index, body.passed, act.person)
    if not body.passed:
        if body.candidate == next(iter(standing(state)), None):
            state.findings.add("TOP_RANK_REMOVED", "warn", now.index, now.index, person=body.candidate)
        drop_out(state, body.candidate, DropOut.FAILED_INSPECTION, now.index)


def _proposed(state: Books, act: Act, now: Act) -> None:
    body: CandidatesProposed = act.body
    state.deliberation.proposed |= dict.fromkeys(body.candidates, now.index)
    state.deliberation.open_matter(f"{PROPOSAL}:{now.index}", body.candidates, now.index)


def _voted(state: Books, act: Act, now: Act) -> None:
    body: DeliberationVoted = act.body
    subjects = tuple(sorted(voice.subject for voice in body.voices))
    matter = state.deliberation.open_matter(body.matter, subjects, now.index)
    if matter.closed is not None:  # the tied were not parted, or the round left another tie: they vote again
        matter.reopen()
        matter.subjects = subjects
    matter.votes[act.person] = NamedVote(now.index, body.voices)


def _closed(state: Books, act: Act, now: Act) -> None:
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


FOLDS: Folds = {
    InspectionReported: _inspected,
    CandidatesProposed: _proposed,
    DeliberationVoted: _voted,
    DeliberationClosed: _closed,
}

__all__ = ["FOLDS", "OBJECTION", "PROPOSAL", "TIE", "Deliberation", "Inspection", "Matter", "NamedVote", "Tally"]
