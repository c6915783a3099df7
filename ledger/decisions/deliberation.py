"""Inspection, proposed list and named votes: clause five(六), and wherever else a group decides by name."""

from ledger.decisions.prerequisites import not_begun, not_derived, places_vacant, steps_missing, unreasoned
from ledger.decisions.registry import Asked, CosignDecisions, Decisions, StageGates
from ledger.nominees import to_propose
from ledger.procedure.deliberating import voters_needed
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.reasons import Refusal, refuse
from ledger.round_plan import exhausted_tie
from ledger.selection import Selection
from ledger.state.deliberation_book import Matter
from ledger.state.places import standing
from ledger.state.voters import APPROVAL, OBJECTION, TIE, deciding, kept_out, kind_of, members, voted_from
from ledger.statements.deliberation import (
    CandidatesProposed,
    DeliberationClosed,
    DeliberationVoted,
    InspectionReported,
)
from ledger.tie_breaks import LOT, settle

CLAUSE = "五(六)"


def _inspect(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 五(六): those who hold a place are inspected once, at their work too, and with reasons."""
    body: InspectionReported = asked.body
    early = not_begun(state, asked, StageKind.DELIBERATION)
    if early is not None:
        return early
    if body.candidate not in standing(state):
        return refuse("NOT_A_NOMINEE", CLAUSE, person=body.candidate)
    known = state.deliberation.inspections.get(body.candidate)
    if known is not None:
        return refuse("ALREADY_INSPECTED", CLAUSE, person=body.candidate, index=known.index)
    return unreasoned(body.front_line, CLAUSE, body.candidate) or unreasoned(body.reason, CLAUSE, body.candidate)


def _propose(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 五(六): all who hold a place and are not agreed to yet, each inspected; nobody is added or left out."""
    body: CandidatesProposed = asked.body
    early = not_begun(state, asked, StageKind.DELIBERATION)
    if early is not None:
        return early
    derived = to_propose(state)
    if not derived:
        return refuse("NOTHING_TO_PROPOSE", CLAUSE)
    for person in derived:
        if person not in state.deliberation.inspections:
            return refuse("PREREQUISITE_MISSING", CLAUSE, step="inspection.reported", subject=person)
    early = steps_missing(state, asked, derived, StageKind.DELIBERATION, CLAUSE)
    return early or not_derived(body.candidates, body.list_hash, derived, CLAUSE)


def _vote(state: Selection, asked: Asked) -> Refusal | None:
    """Clauses 五(六) to 五(八): a member votes by name, once, on every subject; a no states its reason."""
    body: DeliberationVoted = asked.body
    role, _ = deciding(state, body.matter)
    if not state.roll.has_role(asked.person, (role,)):
        return refuse("NOT_AUTHORISED", CLAUSE, act=asked.statement.type, needed=role)
    matter = state.deliberation.matter(body.matter)
    refused = _votable(state, body.matter, matter)
    if refused is not None:
        return refused
    voted = voted_from(state, body.matter, asked.person)
    if matter is not None and matter.closed is None and voted is not None:
        return refuse("ALREADY_VOTED", CLAUSE, first=matter.votes[voted].index)
    return _voices(state, asked)


def _votable(state: Selection, matter_id: str, matter: Matter | None) -> Refusal | None:
    tied = _tied(state, matter_id)
    if matter is None and not tied:
        return refuse("UNKNOWN_MATTER", CLAUSE, matter=matter_id)
    if matter is not None and matter.closed is not None and not tied:
        return refuse("MATTER_CLOSED", CLAUSE, matter=matter_id, index=matter.closed)
    if kind_of(matter_id) == OBJECTION:
        objection = state.notices.objections.by_id[matter_id.partition(":")[2]]
        if objection.lead:
            return refuse("OBJECTION_NOT_ADMITTED", "五(七)", objection=objection.id)
    return None


def _tied(state: Selection, matter_id: str) -> tuple[str, ...]:
    """Reading `runoff_exhausted`: who is tied after the last run-off, while the leaders have not parted them."""
    known = state.rounds.by_id.get(matter_id.partition(":")[2]) if kind_of(matter_id) == TIE else None
    tie = exhausted_tie(state, known.session) if known else None
    if known is None or tie is None or tie.round != known.id:
        return ()
    by_lot = state.charter.version_for(known.stage).programme.reading("runoff_exhausted") == LOT
    return () if by_lot or settle(state, known.session, state.size) else tie.candidates


def asked_of(state: Selection, matter_id: str) -> tuple[str, ...]:
    """Return the subjects on which a named vote that is open asks for a voice; none where there is no such vote."""
    matter = state.deliberation.matter(matter_id)
    return matter.subjects if matter is not None and matter.closed is None else _tied(state, matter_id)


def always_reasoned(matter_id: str) -> bool:
    """Say whether every voice on a matter states its reason, a yes too."""
    return kind_of(matter_id) in (OBJECTION, TIE)


def _voices(state: Selection, asked: Asked) -> Refusal | None:
    body: DeliberationVoted = asked.body
    given = [voice.subject for voice in body.voices]
    if len(set(given)) != len(given):
        return refuse("DUPLICATE_CHOICE", CLAUSE)
    for subject in given:
        if kept_out(state, body.matter, asked.person, subject):
            return refuse("DECIDER_CONFLICT", "五(七)", person=asked.person, subject=subject)
    expected = [one for one in asked_of(state, body.matter) if not kept_out(state, body.matter, asked.person, one)]
    if not expected or sorted(given) != sorted(expected):
        return refuse("VOICES_INCOMPLETE", CLAUSE, expected=len(expected), given=len(given))
    always = always_reasoned(body.matter)
    for voice in body.voices:
        refused = unreasoned(voice.reason, CLAUSE, voice.subject) if always or not voice.agree else None
        if refused is not None:
            return refused
    return None


def too_few(state: Selection, matter: Matter) -> Refusal | None:
    """Refuse to end a named vote before enough members have voted on every subject."""
    _, least = deciding(state, matter.id)
    for subject in matter.subjects:
        everybody, out = members(state, matter.id, subject)
        tally = matter.tally(subject)
        needed = voters_needed(least, everybody, out)
        if tally.agree + tally.against < max(needed, 1):
            return refuse("NO_QUORUM", CLAUSE, present=tally.agree + tally.against, needed=needed)
    return None


def _close(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 五(六): the named vote ends with its minutes once enough members have voted; its outcome is derived."""
    body: DeliberationClosed = asked.body
    matter = state.deliberation.matter(body.matter)
    if matter is None or kind_of(body.matter) == APPROVAL:
        return refuse("UNKNOWN_MATTER", CLAUSE, matter=body.matter)
    if matter.closed is not None:
        return refuse("MATTER_CLOSED", CLAUSE, matter=body.matter, index=matter.closed)
    return too_few(state, matter)


def _may_open(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Clause 五(六): there is somebody to inspect and propose once the final order is fixed."""
    if state.rounds.final is None:
        return refuse("PREREQUISITE_MISSING", stage.clause, step="result.certified", subject=stage.id)
    return None


def _may_close(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Clause 五(六): no place is vacant, and the leadership group has agreed to everybody who holds one."""
    refused = places_vacant(state, stage.clause)
    if refused is not None:
        return refused
    for person in standing(state):
        if person not in state.deliberation.agreed:
            return refuse("PREREQUISITE_MISSING", stage.clause, step="deliberation.closed", subject=person)
    return None


DECISIONS: Decisions = {
    InspectionReported: _inspect,
    CandidatesProposed: _propose,
    DeliberationVoted: _vote,
    DeliberationClosed: _close,
}
COSIGN: CosignDecisions = {}
OPEN: StageGates = {StageKind.DELIBERATION: _may_open}
CLOSE: StageGates = {StageKind.DELIBERATION: _may_close}
