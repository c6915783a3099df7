"""The public notice: clause five(七)."""

from ledger.decisions.prerequisites import not_begun, not_derived, places_vacant, steps_missing, unreasoned
from ledger.decisions.registry import Asked, CosignDecisions, Decisions, StageGates
from ledger.nominees import to_publish
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.reasons import Refusal, refuse
from ledger.procedure.steps import only_stage
from ledger.procedure.workdays import CalendarUnknown
from ledger.selection import Selection
from ledger.state.clocks import clock_of, record_of, start_clock
from ledger.state.places import standing
from ledger.statements.notices import NoticeChanged, NoticeObserved, NoticePublished

CLAUSE = "五(七)"


def _publish(state: Selection, asked: Asked) -> Refusal | None:
    """Clauses 五(六), 五(七): first everybody together, no place vacant; later who moved up, for their own days."""
    body: NoticePublished = asked.body
    if body.notice in state.notices.by_id:
        return refuse("DUPLICATE_ID", CLAUSE, id=body.notice)
    early = not_begun(state, asked, StageKind.NOTICE)
    stage = only_stage(asked.programme, StageKind.NOTICE)
    if early is not None or stage is None:
        return early
    strange = [one for one in body.channels if one not in stage.channels]
    if strange or not body.channels or len(set(body.channels)) != len(body.channels):
        return refuse("CHANNEL_NOT_DECLARED", stage.clause, channel=strange[0] if strange else "-")
    return _ready(state, asked, stage) or _countable(state, asked)


def _ready(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    body: NoticePublished = asked.body
    first = not state.notices.by_id
    derived = to_publish(state, asked.programme, asked.at)
    refused = places_vacant(state, stage.clause) if first else None
    if refused is not None:
        return refused
    # A list that names somebody who is not ready says so rather than "not derived".
    named = derived if first else tuple(one for one in body.candidates if one in standing(state))
    refused = steps_missing(state, asked, named, StageKind.NOTICE, stage.clause)
    if refused is not None:
        return refused
    if not derived:
        return refuse("NOTHING_TO_PUBLISH", stage.clause)
    return not_derived(body.candidates, body.list_hash, derived, stage.clause)


def _countable(state: Selection, asked: Asked) -> Refusal | None:
    """The end of a notice is never guessed: every year it runs into must be recorded."""
    try:
        start_clock(state, asked.at)
    except CalendarUnknown as unknown:
        return refuse("CALENDAR_UNKNOWN", CLAUSE, year=unknown.year)
    return None


def _change(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 五(七): any change restarts the clock, save the name that was corrected on the record meanwhile."""
    body: NoticeChanged = asked.body
    notice = state.notices.by_id.get(body.notice)
    if notice is None:
        return refuse("UNKNOWN_NOTICE", CLAUSE, notice=body.notice)
    if state.naming.titles is not None:
        return refuse("ALREADY_NAMED", CLAUSE, index=state.naming.titles.index)
    if not body.material and all(record_of(state, one) == record for one, record in notice.records.items()):
        return refuse("CHANGE_IS_MATERIAL", CLAUSE, notice=body.notice)
    return unreasoned(body.reason, CLAUSE, body.notice) or (_countable(state, asked) if body.material else None)


def _observe(state: Selection, asked: Asked) -> Refusal | None:
    """Dispute G02: a look at a notice is at one of its own channels, after it was published and before now."""
    body: NoticeObserved = asked.body
    notice = state.notices.by_id.get(body.notice)
    if notice is None:
        return refuse("UNKNOWN_NOTICE", CLAUSE, notice=body.notice)
    if body.channel not in notice.channels:
        return refuse("CHANNEL_NOT_DECLARED", CLAUSE, channel=body.channel)
    if not notice.published_at <= body.observed_at <= asked.at:
        facts = {"observed_at": body.observed_at, "published_at": notice.published_at}
        return refuse("OBSERVATION_TIME_INVALID", CLAUSE, **facts)
    return None


def _may_open(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Clause 五(七): there is somebody to publish once the final order is fixed."""
    if state.rounds.final is None:
        return refuse("PREREQUISITE_MISSING", stage.clause, step="result.certified", subject=stage.id)
    return None


def _may_close(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Clause 五(七): the clock of everybody who holds a place has run to its end, and no place is vacant."""
    refused = places_vacant(state, stage.clause)
    if refused is not None:
        return refused
    for person in standing(state):
        clock = clock_of(state, person)
        if clock is None or asked.at < clock.ends_at:
            return refuse("NOTICE_NOT_ELAPSED", stage.clause, person=person, ends_at=clock.ends_at if clock else 0)
    return None


DECISIONS: Decisions = {NoticePublished: _publish, NoticeChanged: _change, NoticeObserved: _observe}
COSIGN: CosignDecisions = {}
OPEN: StageGates = {StageKind.NOTICE: _may_open}
CLOSE: StageGates = {StageKind.NOTICE: _may_close}
