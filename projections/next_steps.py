"""The acts that come next in the open stage, each put to the ledger's decisions: possible now, or refused and why.

Only acts whose content follows from the state are asked about; who votes what, and what inspectors report, is theirs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ledger import grouping
from ledger.decisions.deliberation import too_few
from ledger.derivation import balance_of
from ledger.lists import groups_with_candidates
from ledger.nominees import list_hash, to_approve, to_propose, to_publish
from ledger.outcome import Outcome
from ledger.procedure.acts import ACTS
from ledger.procedure.groups import SharesImpossible
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.reasons import Refusal
from ledger.results import poll_outcome, session_outcome
from ledger.round_plan import due_round
from ledger.selection import Selection
from ledger.state.places import next_up, vacancies
from ledger.state.rounds import RoundStatus
from ledger.state.voters import APPROVAL
from ledger.statements.bodies import GroupRow, GroupsCertified
from ledger.statements.deliberation import CandidatesProposed, DeliberationClosed, SeatLeftVacant, VacancyFilled
from ledger.statements.foundation import StageClosed, StageOpened
from ledger.statements.kinds import name_of
from ledger.statements.naming import ApprovalDecided, ApprovalSubmitted, TitlesNamed
from ledger.statements.notices import NoticePublished
from ledger.statements.poll import PollClosed
from ledger.statements.rounds import ResultCertified, RoundClosed, RoundOpened, ScoringClosed
from projections.asking import HASH, ROOT, authors_of, would_refuse
from projections.words import Sentence, Speaker

_ROUNDS = (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND)
_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class StepView:
    """One act that comes next: its kind and subject, who may do it, and what stops it (None: it is possible now)."""

    kind: str
    subject: str
    clause: str
    roles: tuple[str, ...]
    people: tuple[str, ...]
    possible: bool
    blocked_by: Sentence | None


def next_steps(state: Selection, at: int, speaker: Speaker) -> tuple[StepView, ...]:
    """Return the acts that come next, with the decisions' answers at `at` (UTC ms), in the procedure's order."""
    charter = state.charter
    found: list[StepView] = []
    for stage_id in charter.stages:
        stage = charter.stage(stage_id)
        if stage is not None and charter.is_open(stage_id):
            found += (_step(state, subject, body, at, speaker) for subject, body in _of_stage(state, stage, at))
            found += _approving(state, stage, speaker)
            found.append(_step(state, stage_id, StageClosed(stage_id), at, speaker))
    following = next((one.id for one in charter.latest.programme.stages if one.id not in charter.stages), None)
    if following is not None:
        found.append(_step(state, following, StageOpened(following), at, speaker))
    return tuple(found)


def _approving(state: Selection, stage: Stage, speaker: Speaker) -> Iterator[StepView]:
    """Give the decision of the chairman's office: only whether enough have voted, for anything more would tell what."""
    last = state.naming.last
    if stage.kind is not StageKind.APPROVAL or last is None or last.decided is not None:
        return
    matter = state.deliberation.matters[f"{APPROVAL}:{last.id}"]
    kind = name_of(ApprovalDecided)[0]
    refused = too_few(state, matter)
    roles = ACTS[kind].authors
    people = tuple(person for role in roles for person in state.roll.holders(role))
    blocked = speaker.refusal(refused) if refused is not None else None
    yield StepView(kind, last.id, ACTS[kind].clause, roles, people, refused is None, blocked)


def _step(state: Selection, subject: str, body: Any, at: int, speaker: Speaker) -> StepView:
    kind = name_of(type(body))[0]
    people = authors_of(state, body)
    refused: Refusal | None = Refusal("NOT_AUTHORISED", ACTS[kind].clause, {"act": kind, "needed": "-"})
    able = []
    for person in people:
        answer = would_refuse(state, person, body, at)
        if answer is None:
            able.append(person)
        refused = answer if not able else None
    return StepView(
        kind=kind,
        subject=subject,
        clause=ACTS[kind].clause,
        roles=ACTS[kind].authors,
        people=tuple(able) or people,
        possible=bool(able),
        blocked_by=None if refused is None else speaker.refusal(refused),
    )


def _of_stage(state: Selection, stage: Stage, at: int) -> Iterator[tuple[str, Any]]:
    if stage.kind in _ROUNDS:
        yield from _of_rounds(state, stage, at)
    elif stage.kind is StageKind.PUBLIC_VOTE:
        yield from _of_poll(state, stage)
    elif stage.kind in (StageKind.DELIBERATION, StageKind.NOTICE, StageKind.APPROVAL):
        yield from _of_places(state, stage, at)


def _of_rounds(state: Selection, stage: Stage, at: int) -> Iterator[tuple[str, Any]]:
    if stage.kind is StageKind.GROUP_ROUND and state.bodies.table_certified(stage.id) is None:
        table = grouping.table(state, stage)
        if not isinstance(table, SharesImpossible):
            rows = tuple(GroupRow(row.candidates, row.group, row.received, row.seats) for row in table)
            yield stage.id, GroupsCertified(rows, stage.id)
        return
    for group in groups_with_candidates(state, stage):
        session = state.rounds.session(stage.id, group)
        if session.outcome is not None:
            continue
        if stage.scored and session.scoring_closed is None:
            yield session.subject, ScoringClosed(group, stage.id)
            continue
        current = session.current
        if current is not None and current.status is RoundStatus.OPEN:
            held = balance_of(current)
            yield session.subject, RoundClosed(held.issued, held.returned, current.id, held.unreturned, held.void)
            continue
        due = due_round(state, stage, group)
        if not isinstance(due, Refusal):
            round_id = f"asked:{len(state.rounds.by_id)}"
            yield session.subject, RoundOpened(
                due.attempt, due.candidates, at + _HOUR, group, due.list_hash(round_id), due.max_approvals, round_id,
                due.runoff, due.seats, stage.id,
            )  # fmt: skip
            continue
        outcome = session_outcome(state, session)
        if outcome is not None:
            yield session.subject, certification(state, stage, outcome)


def _of_poll(state: Selection, stage: Stage) -> Iterator[tuple[str, Any]]:
    poll = state.polls.of_stage(stage.id)
    if poll is not None and poll.closed is None:
        yield f"poll:{poll.id}", PollClosed(poll.id)
    elif poll is not None and poll.outcome is None and not poll.missing:
        yield f"poll:{poll.id}", certification(state, stage, poll_outcome(state, poll))


def certification(state: Selection, stage: Stage, outcome: Outcome) -> ResultCertified:
    """Return the certification of a derived result as of now, under a root that nobody has to sign."""
    return ResultCertified(
        as_of=state.size,
        projection=outcome.projection,
        rows=len(outcome.rows),
        rows_root=outcome.rows_root,
        rules=state.charter.version_for(stage.id).hash,
        subject=outcome.subject,
        tree_root=ROOT,
        tree_size=state.size,
    )


def _of_places(state: Selection, stage: Stage, at: int) -> Iterator[tuple[str, Any]]:
    for vacancy in vacancies(state)[:1]:
        person, _ = next_up(state, state.size)
        subject = vacancy.vacated_by
        yield subject, VacancyFilled(None, (), subject) if person else SeatLeftVacant("-", subject)
    proposed = to_propose(state)
    if proposed:
        yield "proposal", CandidatesProposed(proposed, list_hash(proposed))
    for matter in state.deliberation.matters.values():
        if matter.closed is None and not matter.id.startswith("approval:"):
            yield matter.id, DeliberationClosed(matter.id, HASH)
    if stage.kind is not StageKind.DELIBERATION or state.notices.by_id:
        yield from _of_notice(state, stage, at)
    if stage.kind is StageKind.APPROVAL:
        yield from _of_approval(state)


def _of_notice(state: Selection, stage: Stage, at: int) -> Iterator[tuple[str, Any]]:
    published = to_publish(state, state.charter.version_for(stage.id).programme, at)
    channels = [one.channels for one in state.charter.latest.programme.stages_of(StageKind.NOTICE)]
    if published and channels:
        notice_id = f"asked:{len(state.notices.by_id)}"
        body = NoticePublished(published, channels[0][:1], HASH, list_hash(published), notice_id, stage.id)
        yield "notice", body


def _of_approval(state: Selection) -> Iterator[tuple[str, Any]]:
    last = state.naming.last
    candidates = to_approve(state)
    denied = last is not None and last.decided is not None and not last.approved
    if last is None or denied or last.candidates != candidates:
        yield "approval", ApprovalSubmitted(candidates, list_hash(candidates), f"asked:{len(state.naming.submissions)}")
    elif last.approved and state.naming.titles is None:
        yield "naming", TitlesNamed(last.candidates, HASH, list_hash(last.candidates))
