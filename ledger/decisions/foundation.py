"""Charter, endorsement, calendar, amendment, extension, suspension, stages."""

from typing import Any

from ledger.decisions.registry import Asked, CosignDecisions, Decisions
from ledger.decisions.stage_gates import may_close, may_open
from ledger.errors import MalformedError
from ledger.procedure import workdays
from ledger.procedure.acts import DISCIPLINE, FUNCTIONS, ORGANISER, REGISTRAR, SPONSOR
from ledger.procedure.programme import Programme
from ledger.procedure.programme_value import difference, problems, programme_from_value, stages_touched
from ledger.procedure.readings import undeclared
from ledger.procedure.reasons import Refusal, refuse
from ledger.procedure.separation import conflict
from ledger.programmes import programme_hash
from ledger.selection import Selection
from ledger.signing import strict_b64decode, weakness
from ledger.state.charter import recorded_year
from ledger.statements import Statement
from ledger.statements.foundation import (
    CalendarRecorded,
    CharterEndorsed,
    CharterSealed,
    DeadlineExtended,
    Founder,
    NameCorrected,
    ProgrammeAmended,
    SelectionResumed,
    SelectionSuspended,
    StageClosed,
    StageOpened,
)


def decide_charter(state: Selection, statement: Statement[Any], at: int) -> Refusal | None:
    """Clause one: the charter comes first and once, states a sound programme, and founds the offices it names."""
    body: CharterSealed = statement.body
    if state.sealed is not None:
        return refuse("CHARTER_EXISTS", "一", charter=state.charter.id)
    if statement.programme is not None or statement.rules is not None or statement.seen is not None:
        return refuse("CHARTER_INVALID", "一", where="programme, rules, seen")
    found = problems(body.programme)
    if found:
        return refuse("PROGRAMME_INVALID", "一", problems=len(found), first=found[0].path)
    if body.programme_hash != programme_hash(body.programme):
        return refuse("RULES_HASH_MISMATCH", "一", expected=programme_hash(body.programme), given=body.programme_hash)
    author = [founder for founder in body.founders if founder.person == statement.person]
    if not any(founder.role == ORGANISER for founder in author):
        return refuse("NOT_AUTHORISED", "一", act=statement.type, needed=ORGANISER)
    return _founders(body, programme_from_value(body.programme))


def _founders(body: CharterSealed, programme: Programme) -> Refusal | None:
    roles: dict[str, list[str]] = {}
    persons: dict[str, str] = {}
    offices: dict[str, str] = {}
    for founder in body.founders:
        refused = _founder_key(founder, persons) or _founder_office(founder, programme, offices)
        if refused is not None:
            return refused
        held = roles.setdefault(founder.person, [])
        clash = conflict(programme, tuple(held), founder.role)
        if clash:
            return refuse("ROLE_CONFLICT", "一", role=founder.role, held=clash)
        held.append(founder.role)
    founded = {founder.role for founder in body.founders}
    missing = [role for role in (ORGANISER, REGISTRAR, DISCIPLINE) if role not in founded]
    endorsing = {founder.office for founder in body.founders if founder.role == SPONSOR}
    missing += [office for office in programme.sponsors if office not in endorsing]
    if missing:
        return refuse("FOUNDER_MISSING", "一", missing=", ".join(missing))
    return None


def _founder_key(founder: Founder, persons: dict[str, str]) -> Refusal | None:
    try:
        weak = weakness(strict_b64decode(founder.public_key, "public_key"))
    except MalformedError:
        weak = "encoding"
    if weak:
        return refuse("KEY_WEAK", "一", person=founder.person, weakness=weak)
    if founder.role not in FUNCTIONS:
        return refuse("UNKNOWN_ROLE", "一", role=founder.role)
    if persons.setdefault(founder.public_key, founder.person) != founder.person:
        return refuse("DUPLICATE_KEY", "一", person=founder.person)
    return None


def _founder_office(founder: Founder, programme: Programme, offices: dict[str, str]) -> Refusal | None:
    if founder.role == SPONSOR and founder.office not in programme.sponsors:
        return refuse("UNKNOWN_OFFICE", "一", office=founder.office)
    if offices.setdefault(founder.person, founder.office) != founder.office:
        return refuse("PERSON_MISMATCH", "一", person=founder.person)
    return None


def _endorse(state: Selection, asked: Asked) -> Refusal | None:
    """Clause one: each sponsor endorses this very charter, once."""
    body: CharterEndorsed = asked.body
    office = state.charter.offices.get(asked.person)
    if body.leaf != state.charter.leaf.hex():
        return refuse("LEAF_MISMATCH", "一", index=0)
    if office in state.charter.endorsed:
        return refuse("ALREADY_ENDORSED", "一", office=office or "-")
    return None


def _calendar(state: Selection, asked: Asked) -> Refusal | None:
    """Clause five(七): the calendar of a year is recorded; a change may lengthen a running notice, never shorten it."""
    body: CalendarRecorded = asked.body
    try:
        recorded = recorded_year(body)
    except ValueError:
        return refuse("CALENDAR_INVALID", "五(七)", year=body.year)
    changed = state.charter.calendar.with_year(recorded)
    if workdays.shortens(state.charter.calendar, changed, state.notices.running(asked.at)):
        return refuse("CALENDAR_SHORTENS", "五(七)", year=body.year)
    return None


def _amend(state: Selection, asked: Asked) -> Refusal | None:
    """An amendment is sound, shows its derived difference, keeps the sponsors, and touches no stage that has begun."""
    body: ProgrammeAmended = asked.body
    found = problems(body.programme)
    if found:
        return refuse("PROGRAMME_INVALID", "五", problems=len(found), first=found[0].path)
    old = state.charter.latest.value
    if programme_from_value(body.programme).sponsors != state.charter.latest.programme.sponsors:
        return refuse("SPONSORS_FROZEN", "一")
    derived = difference(old, body.programme)
    if not derived:
        return refuse("AMENDMENT_EMPTY", "五")
    if tuple((item.path, item.before, item.after) for item in body.difference) != derived:
        return refuse("DIFFERENCE_NOT_DERIVED", "五", changes=len(derived))
    begun = [stage for stage in stages_touched(old, body.programme) if stage in state.charter.stages]
    if begun:
        return refuse("RULES_FROZEN", "五", stage=begun[0])
    return None


def _extend(state: Selection, asked: Asked) -> Refusal | None:
    """An extension is general, later than the old deadline, and in force before that deadline ends."""
    body: DeadlineExtended = asked.body
    if body.only_for is not None:
        return refuse("SCOPE_NOT_GENERAL", "七(四)1", person=body.only_for)
    old = state.charter.closes_at(asked.stage) if asked.stage else None
    if old is None or asked.at >= old:
        return refuse("DEADLINE_PASSED", "七(四)1", deadline=old or 0, at=asked.at)
    if body.closes_at <= old:
        return refuse("DEADLINE_SHORTENED", "七(四)1", deadline=old, given=body.closes_at)
    return None


def _suspend(state: Selection, asked: Asked) -> Refusal | None:
    return None


def _resume(state: Selection, asked: Asked) -> Refusal | None:
    return None if state.charter.suspended is not None else refuse("NOT_SUSPENDED", "七(三)")


def _correct_name(state: Selection, asked: Asked) -> Refusal | None:
    """A misspelt name is corrected on the record it stands on; the person stays the same."""
    body: NameCorrected = asked.body
    record = state.applications.record_of(body.member)
    if record is None:
        known = state.roll.people.get(body.member)
        record = known.record if known else None
    if record is None:
        return refuse("UNKNOWN_PERSON", "七(二)", person=body.member)
    return None if record == body.before else refuse("RECORD_MISMATCH", "七(二)", person=body.member)


def _open_stage(state: Selection, asked: Asked) -> Refusal | None:
    """Clause five: stages begin in the programme's order, with every reading they need declared."""
    body: StageOpened = asked.body
    stage = asked.stage
    if stage is None:
        return refuse("UNKNOWN_STAGE", "五", stage=body.stage)
    if stage.id in state.charter.stages:
        return refuse("STAGE_ALREADY_BEGUN", stage.clause, stage=stage.id)
    missing = undeclared(asked.programme, stage)
    if missing:
        return refuse("RULE_UNDECLARED", stage.clause, stage=stage.id, readings=", ".join(missing))
    before = asked.programme.before(stage.id)
    if before and not state.charter.is_closed(before[-1].id):
        return refuse("STAGE_ORDER", stage.clause, stage=stage.id, before=before[-1].id)
    return may_open(state, asked, stage)


def _close_stage(state: Selection, asked: Asked) -> Refusal | None:
    body: StageClosed = asked.body
    stage = asked.stage
    if stage is None or stage.id not in state.charter.stages:
        return refuse("STAGE_NOT_OPEN", "五", stage=body.stage)
    if state.charter.is_closed(stage.id):
        return refuse("STAGE_CLOSED", stage.clause, stage=stage.id)
    return may_close(state, asked, stage)


DECISIONS: Decisions = {
    CharterEndorsed: _endorse,
    CalendarRecorded: _calendar,
    ProgrammeAmended: _amend,
    DeadlineExtended: _extend,
    SelectionSuspended: _suspend,
    SelectionResumed: _resume,
    NameCorrected: _correct_name,
    StageOpened: _open_stage,
    StageClosed: _close_stage,
}
COSIGN: CosignDecisions = {}
