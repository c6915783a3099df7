"""Charter, endorsements, programme versions, calendar, suspension, and how far each stage has come."""

from datetime import date

from ledger.procedure.programme_value import programme_from_value
from ledger.procedure.workdays import RecordedYear
from ledger.programmes import programme_hash
from ledger.roll import Key, Person
from ledger.signing import key_id, strict_b64decode
from ledger.state.books import Books
from ledger.state.charter_book import Charter, StageProgress, Version
from ledger.state.matters import Folds
from ledger.statements import Act
from ledger.statements.foundation import (
    CalendarRecorded,
    CharterEndorsed,
    CharterSealed,
    DeadlineExtended,
    ProgrammeAmended,
    SelectionResumed,
    SelectionSuspended,
    StageClosed,
    StageOpened,
)


def recorded_year(body: CalendarRecorded) -> RecordedYear:
    """Return the year that a calendar statement records; raises `ValueError` for impossible exceptions."""
    off, on = (frozenset(date.fromisoformat(day) for day in days) for days in (body.off, body.on))
    return RecordedYear(body.year, off, on)


def seal(state: Books, act: Act) -> None:
    """Take entry 0: the charter."""
    body: CharterSealed = act.body
    version = Version(programme_from_value(body.programme), body.programme, body.programme_hash, act.index)
    state.sealed = Charter(
        id=act.signed.id.hex(),
        leaf=act.leaf,
        origin=body.origin,
        log_key=body.log_key,
        rehearsal=body.rehearsal,
        versions=[version],
        offices={founder.person: founder.office for founder in body.founders},
    )
    state.sealed.count_endorsements()
    state.log.found(body.log_key)
    for founder in body.founders:
        public = strict_b64decode(founder.public_key, "public_key")
        state.roll.add_person(Person(founder.person, founder.office, None, None))
        state.roll.people[founder.person].roles.setdefault(founder.role, act.index)
        if key_id(public) not in state.roll.keys:
            state.roll.add_key(Key(key_id(public), public, founder.person, act.index))


def _endorsed(state: Books, act: Act, now: Act) -> None:
    state.charter.endorsed.setdefault(state.charter.offices[act.person], act.index)
    state.charter.count_endorsements()


def _amended(state: Books, act: Act, now: Act) -> None:
    body: ProgrammeAmended = act.body
    programme = programme_from_value(body.programme)
    state.charter.versions.append(Version(programme, body.programme, programme_hash(body.programme), now.index))
    state.charter.count_endorsements()
    state.findings.add("RULES_CHANGED", "warn", act.index, act.index, now.index, changes=len(body.difference))


def _calendar(state: Books, act: Act, now: Act) -> None:
    body: CalendarRecorded = act.body
    state.charter.calendar = state.charter.calendar.with_year(recorded_year(body))


def _extended(state: Books, act: Act, now: Act) -> None:
    state.charter.extensions[act.body.stage] = (act.body.closes_at, now.index)


def _suspended(state: Books, act: Act, now: Act) -> None:
    state.charter.suspended = now.index


def _resumed(state: Books, act: Act, now: Act) -> None:
    state.charter.suspended = None


def _stage_opened(state: Books, act: Act, now: Act) -> None:
    version = state.charter.latest
    stage = version.programme.stage(act.body.stage)
    state.charter.stages[act.body.stage] = StageProgress(version, stage, act.index, act.at)


def _stage_closed(state: Books, act: Act, now: Act) -> None:
    state.charter.stages[act.body.stage].closed = act.index


FOLDS: Folds = {
    CharterEndorsed: _endorsed,
    ProgrammeAmended: _amended,
    CalendarRecorded: _calendar,
    DeadlineExtended: _extended,
    SelectionSuspended: _suspended,
    SelectionResumed: _resumed,
    StageOpened: _stage_opened,
    StageClosed: _stage_closed,
}
