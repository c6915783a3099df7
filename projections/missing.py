"""What is still missing in the open stage, one line each: by clause, by person, by deadline.

Where a decision names only the first thing that stops a step, this lists all of them, with the rules' own functions.
Of an open vote it says how many have voted, never who or what.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.derivation import derive
from ledger.lists import candidates_of, groups_with_candidates
from ledger.nominees import Step, first_missing, to_propose
from ledger.procedure import formalities
from ledger.procedure.deliberating import voters_needed
from ledger.procedure.notice import NoticeStatus
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.scores import missing_sheets
from ledger.selection import Selection
from ledger.state.application_window import applications_stage, closes_at, programme_of
from ledger.state.places import next_up, standing, vacancies
from ledger.state.rounds import Round, RoundStatus, Session
from ledger.state.screening import eligibility
from ledger.state.voters import deciding, members
from projections.notices import person_notice
from projections.objections import objection_step
from projections.words import Sentence, Speaker

STATUS = "status"
_ROUNDS = (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND)
_PLACES = (StageKind.DELIBERATION, StageKind.NOTICE, StageKind.APPROVAL)


@dataclass(frozen=True, slots=True)
class MissingView:
    """One thing missing: what it is about, who has to act (person ids or functions), until when (UTC ms)."""

    subject: str
    who: tuple[str, ...]
    until: int | None
    said: Sentence


def missing(state: Selection, at: int, speaker: Speaker) -> tuple[MissingView, ...]:
    """Return everything missing at `at` (UTC ms) in the stages that are open, in the procedure's order."""
    if not state.charter.in_force:
        return tuple(_unendorsed(state, speaker))
    found: list[MissingView] = []
    for stage_id in state.charter.stages:
        stage = state.charter.stage(stage_id)
        if stage is not None and state.charter.is_open(stage_id):
            found += _of_stage(state, stage, at, speaker)
    return tuple(found)


def _unendorsed(state: Selection, speaker: Speaker) -> Iterator[MissingView]:
    for sponsor in state.charter.latest.programme.sponsors:
        if sponsor not in state.charter.endorsed:
            people = tuple(person for person, office in state.charter.offices.items() if office == sponsor)
            yield MissingView(sponsor, people, None, speaker.say(STATUS, "ENDORSEMENT_MISSING", "一", office=sponsor))


def _of_stage(state: Selection, stage: Stage, at: int, speaker: Speaker) -> Iterator[MissingView]:
    if stage.kind is StageKind.APPLICATIONS:
        until = closes_at(state)
        if at < until:
            said = speaker.say(STATUS, "WINDOW_RUNNING", stage.clause, until=until)
            yield MissingView(stage.id, ("applicant",), until, said)
    elif stage.kind is StageKind.SCREENING:
        yield from _screening(state, stage, speaker)
    elif stage.kind in _ROUNDS:
        yield from _rounds(state, stage, speaker)
    elif stage.kind is StageKind.PUBLIC_VOTE:
        yield from _poll(state, stage, at, speaker)
    elif stage.kind in _PLACES:
        yield from _places(state, stage, at, speaker)
        yield from _objections(state, speaker)
        if stage.kind is StageKind.APPROVAL:
            yield from _before_approval(state, speaker)


def _screening(state: Selection, stage: Stage, speaker: Speaker) -> Iterator[MissingView]:
    programme = programme_of(state, applications_stage(state))
    for application in state.applications.received():
        if not application.standing or application.decision is not None:
            continue
        person = application.person
        for lack in formalities.lacking(programme, application.dossier):
            said = speaker.refusal_code(lack.code, lack.clause, what=lack.what, application=application.application)
            yield MissingView(application.application, (person,), None, said)
        open_ones = eligibility(state, application).unanswered
        said = speaker.say(
            STATUS, "APPLICATION_UNDECIDED", stage.clause, application.index,
            candidate=person, application=application.application, criteria=len(open_ones),
        )  # fmt: skip
        yield MissingView(application.application, ("organiser",), None, said)


def _rounds(state: Selection, stage: Stage, speaker: Speaker) -> Iterator[MissingView]:
    if stage.kind is StageKind.GROUP_ROUND and state.bodies.table_certified(stage.id) is None:
        yield MissingView(stage.id, ("organiser",), None, speaker.say(STATUS, "TABLE_MISSING", stage.clause))
        return
    for group in groups_with_candidates(state, stage):
        session = state.rounds.session(stage.id, group)
        if session.outcome is None:
            yield from _session(state, stage, session, speaker)


def _session(state: Selection, stage: Stage, session: Session, speaker: Speaker) -> Iterator[MissingView]:
    roster = state.bodies.roster(stage.id, session.group)
    subject = session.subject
    if roster is None:
        said = speaker.say(STATUS, "ROSTER_MISSING", stage.clause, subject=subject)
        yield MissingView(subject, ("organiser",), None, said)
        return
    current = session.current
    if current is None:
        yield from _before_ballot(state, stage, session, roster.members, speaker)
    elif current.status in (RoundStatus.OPEN, RoundStatus.CLOSING):
        yield _voting(current, stage, speaker)
    elif current.status is RoundStatus.CLOSED:
        yield _after_vote(state, stage, session, current, speaker)


def _after_vote(state: Selection, stage: Stage, session: Session, current: Round, speaker: Speaker) -> MissingView:
    """Say what a closed vote still needs: a run-off, the leaders or a lot on a tie, or the certification."""
    derived = derive(state, session)
    due = derived.due if derived is not None else None
    subject, closed = session.subject, current.closed or current.opened
    if derived is None or due is None:
        said = speaker.say(STATUS, "RESULT_NOT_CERTIFIED", stage.clause, closed, subject=subject)
    else:
        code = "TIE_EXHAUSTED" if derived.exhausted else "RUNOFF_DUE"
        said = speaker.say(STATUS, code, stage.clause, closed, subject=subject, tied=due.candidates, places=due.places)
    return MissingView(subject, ("organiser",), None, said)


def _before_ballot(
    state: Selection, stage: Stage, session: Session, everybody: tuple[str, ...], speaker: Speaker
) -> Iterator[MissingView]:
    declared = state.bodies.declared(stage.id, session.group)
    silent = tuple(one for one in everybody if one not in declared)
    if silent:
        said = speaker.say(STATUS, "DECLARATIONS_MISSING", stage.clause, subject=session.subject, people=silent)
        yield MissingView(session.subject, silent, None, said)
    away = tuple(one for one in everybody if one not in session.present)
    if away:
        said = speaker.say(
            STATUS, "MEMBERS_AWAY", stage.clause,
            subject=session.subject, present=len(everybody) - len(away), members=len(everybody), people=away,
        )  # fmt: skip
        yield MissingView(session.subject, away, None, said)
    if stage.scored and session.scoring_closed is None:
        yield from _sheets(state, stage, session, frozenset(everybody) & session.attended.keys(), speaker)
    if not session.discussions:
        said = speaker.say(STATUS, "DISCUSSION_MISSING", stage.clause, subject=session.subject)
        yield MissingView(session.subject, ("organiser",), None, said)


def _sheets(
    state: Selection, stage: Stage, session: Session, attended: frozenset[str], speaker: Speaker
) -> Iterator[MissingView]:
    recusals = {one: frozenset(who) for one, who in state.bodies.recused(stage.id, session.group).items()}
    people = frozenset(candidates_of(state, stage, session.group))
    owed = missing_sheets(attended, people, (entry.sheet for entry in session.sheets.values()), recusals)
    for member in sorted({one for one, _ in owed}):
        sheets = sum(one == member for one, _ in owed)
        said = speaker.say(STATUS, "SHEETS_MISSING", stage.clause, member=member, sheets=sheets)
        yield MissingView(session.subject, (member,), None, said)


def _voting(current: Round, stage: Stage, speaker: Speaker) -> MissingView:
    said = speaker.say(
        STATUS, "VOTING", stage.clause, current.opened,
        round=current.id, voted=len(current.ballots), issued=len(current.issued | current.ballots.keys()),
        waiting=len(current.waiting), until=current.closes_at,
    )  # fmt: skip
    return MissingView(current.id, (), current.closes_at, said)


def _poll(state: Selection, stage: Stage, at: int, speaker: Speaker) -> Iterator[MissingView]:
    poll = state.polls.of_stage(stage.id)
    if poll is None:
        yield MissingView(stage.id, ("organiser",), None, speaker.say(STATUS, "POLL_NOT_OPENED", stage.clause))
    elif at < poll.closes_at:
        said = speaker.say(STATUS, "POLL_RUNNING", stage.clause, poll.opened, until=poll.closes_at)
        yield MissingView(poll.id, ("channel",), poll.closes_at, said)
    else:
        for channel in poll.missing:
            operator = state.polls.channels[channel].operator
            said = speaker.say(STATUS, "TOTALS_MISSING", stage.clause, poll.opened, channel=channel)
            yield MissingView(poll.id, (operator,), None, said)


def _places(state: Selection, stage: Stage, at: int, speaker: Speaker) -> Iterator[MissingView]:
    clause = stage.clause
    for vacancy in vacancies(state):
        person, _ = next_up(state, state.size)
        out = state.out[vacancy.vacated_by]
        said = speaker.say(STATUS, "PLACE_VACANT", clause, out.index, person=vacancy.vacated_by, next=person)
        yield MissingView(vacancy.vacated_by, ("organiser",), None, said)
    for person in standing(state):
        step = first_missing(state, state.charter.version_for(stage.id).programme, person, StageKind.APPROVAL, at)
        if step is Step.INSPECTED:
            said = speaker.say(STATUS, "INSPECTION_MISSING", clause, candidate=person)
            yield MissingView(person, state.roll.holders("inspector"), None, said)
        elif step is Step.AGREED:
            code = "PROPOSAL_MISSING" if person in to_propose(state) else "DELIBERATION_MISSING"
            who = ("organiser",) if person in to_propose(state) else ("leader",)
            yield MissingView(person, who, None, speaker.say(STATUS, code, clause, candidate=person))
        elif step is Step.NOTICE_OVER:
            yield _notice(state, person, at, clause, speaker)
    yield from _votes(state, speaker)


def _notice(state: Selection, person: str, at: int, clause: str, speaker: Speaker) -> MissingView:
    view = person_notice(state, person, at)
    if view is None or view.status is NoticeStatus.NOT_BEGUN:
        return MissingView(
            person, ("organiser",), None, speaker.say(STATUS, "NOTICE_MISSING", clause, candidate=person)
        )
    said = speaker.say(
        STATUS, "NOTICE_RUNNING", clause, view.index,
        candidate=person, last_day=view.last_day.isoformat(), left=view.days_left, until=view.ends_at,
    )  # fmt: skip
    return MissingView(person, (), view.ends_at, said)


def _votes(state: Selection, speaker: Speaker) -> Iterator[MissingView]:
    for matter in state.deliberation.matters.values():
        if matter.closed is not None:
            continue
        role, least = deciding(state, matter.id)
        everybody, _ = members(state, matter.id, "")
        said = speaker.say(
            STATUS, "NAMED_VOTE", "五(六)", matter.opened,
            matter=matter.id, voted=len(matter.votes), members=everybody, needed=voters_needed(least, everybody),
        )  # fmt: skip
        yield MissingView(matter.id, (role,), None, said)


def _objections(state: Selection, speaker: Speaker) -> Iterator[MissingView]:
    for one in state.notices.objections.open(state.out):
        code, who, until = objection_step(state, one)
        said = speaker.say(STATUS, code, "五(七)", one.index, number=one.number, objection=one.id, until=until)
        yield MissingView(one.id, who, until, said)


def _before_approval(state: Selection, speaker: Speaker) -> Iterator[MissingView]:
    for person in standing(state):
        for criterion in state.applications.recheck_missing(person):
            said = speaker.say(
                STATUS, "RECHECK_MISSING", "四", candidate=person, criterion=speaker.criterion(criterion)
            )
            yield MissingView(person, ("organiser", "sponsor"), None, said)
        for criterion in state.applications.challenges_open(person):
            said = speaker.say(STATUS, "CHALLENGE_OPEN", "四", candidate=person, criterion=speaker.criterion(criterion))
            yield MissingView(person, ("organiser",), None, said)
