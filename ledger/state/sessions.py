"""Attendance and discussion: what they do to a session."""

from ledger.state.books import Books
from ledger.state.matters import ExtraSigners, Folds
from ledger.state.rounds import Discussion, Presence, RoundStatus, Session
from ledger.statements import Act
from ledger.statements.rounds import AttendanceLeft, AttendanceRecorded, AttendanceWitnessed, DiscussionRecorded


def _arrive(session: Session, member: str, index: int, witnessed: bool) -> None:
    session.present[member] = Presence(index, witnessed)
    session.attended.setdefault(member, index)
    current = session.current
    if current is not None and current.status is RoundStatus.OPEN:
        current.issued.add(member)


def _attended(state: Books, act: Act, now: Act) -> None:
    body: AttendanceRecorded = act.body
    _arrive(state.rounds.begun(body.stage, body.group), act.person, now.index, witnessed=False)


def _witnessed(state: Books, act: Act, now: Act) -> None:
    body: AttendanceWitnessed = act.body
    _arrive(state.rounds.begun(body.stage, body.group), body.member, now.index, witnessed=True)
    state.findings.add("PRESENCE_BY_PROXY", "warn", act.index, act.index, now.index, member=body.member)


def _left(state: Books, act: Act, now: Act) -> None:
    body: AttendanceLeft = act.body
    state.rounds.begun(body.stage, body.group).present.pop(body.member or act.person, None)


def _discussed(state: Books, act: Act, now: Act) -> None:
    body: DiscussionRecorded = act.body
    held = Discussion(now.index, body.attendees, frozenset(body.considered), body.minutes)
    state.rounds.begun(body.stage, body.group).discussions.append(held)


def _witnesses(state: Books, act: Act) -> int:
    """Whoever is said by another to have left needs the witnesses that a presence entered by staff needs."""
    return 0 if act.body.member in (None, act.person) else 2


FOLDS: Folds = {
    AttendanceRecorded: _attended,
    AttendanceWitnessed: _witnessed,
    AttendanceLeft: _left,
    DiscussionRecorded: _discussed,
}
EXTRA_SIGNERS: "dict[type[object], ExtraSigners]" = {AttendanceLeft: _witnesses}
