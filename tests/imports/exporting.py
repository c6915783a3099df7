"""The facts of a selection that was played here, as the tables of an import: entries stand for attested times."""

from collections.abc import Iterable, Iterator
from functools import partial

from ledger.import_tables import TABLES, Cells, Line, Source
from ledger.procedure.programme import Stage, StageKind
from ledger.selection import Selection
from ledger.state.places import held
from ledger.state.rounds import Round, RoundStatus, Session

VOTED = (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND)


def source_of(tables: dict[str, list[Cells]]) -> Source:
    """Return tables as a reader gives them."""

    def lines(name: str) -> Iterable[Line]:
        return (Line(number, cells) for number, cells in enumerate(tables[name], start=2))

    return {name: partial(lines, name) for name in tables}


def tables_of(state: Selection) -> dict[str, list[Cells]]:
    """Return every table of what was played."""
    programme = state.charter.latest.programme
    stages = [state.charter.stage(stage.id) or stage for stage in programme.stages if stage.kind in VOTED]
    sessions = [one for one in state.rounds.sessions.values() if one.outcome is not None]
    found: dict[str, Iterable[Cells]] = {
        "applications": _applications(state),
        "groups": _groups(state, stages),
        "draws": _draws(state, stages),
        "rosters": _rosters(state, sessions),
        "recusals": _recusals(state, sessions),
        "attendance": _attendance(sessions),
        "rounds": _rounds(sessions),
        "candidates": ((one.id, person) for one in _counted(sessions) for person in one.candidates),
        "scores": _scores(sessions),
        "ballots": _ballots(sessions),
        "totals": _totals(state),
        "tie_orders": _tie_orders(sessions),
        "decisions": _decisions(state, stages),
    }
    return {name: list(found.get(name, ())) for name in TABLES}


def _time(entry: int | None) -> str:
    return "" if entry is None else str(entry + 1)


def _applications(state: Selection) -> Iterator[Cells]:
    received = {one.application for one in state.applications.received()}
    counting = set(_eligible(state).values())
    for one in state.applications.by_id.values():
        standing = "duplicate"
        if one.application in counting:
            standing = "eligible"
        elif one.application in received:
            standing = "ineligible"
        yield one.application, one.person, one.occupation, one.industry, standing, _time(one.index)


def _eligible(state: Selection) -> dict[str, str]:
    """Whoever was found eligible, whatever became of them later, with the application that counted."""
    passed = [one for one in state.applications.by_id.values() if one.decision is not None and one.decision.eligible]
    found = {one.person: one.application for one in reversed(passed)}
    return found | {one.person: one.application for one in passed if state.applications.counts(one)}


def _groups(state: Selection, stages: list[Stage]) -> Iterator[Cells]:
    eligible = _eligible(state)
    for stage in stages:
        for person, group in state.bodies.regrouped(stage.id).items():
            if person in eligible:
                yield stage.id, person, group


def _draws(state: Selection, stages: list[Stage]) -> Iterator[Cells]:
    for stage in stages:
        for place, group in enumerate(state.bodies.drawn("shares", f"stage:{stage.id}") or (), start=1):
            yield stage.id, str(place), group


def _rosters(state: Selection, sessions: list[Session]) -> Iterator[Cells]:
    for session in sessions:
        roster = state.bodies.roster(session.stage, session.group)
        for member in roster.members if roster else ():
            yield session.stage, session.group or "", member


def _recusals(state: Selection, sessions: list[Session]) -> Iterator[Cells]:
    seen = set()
    for session in sessions:
        roster = state.bodies.roster(session.stage, session.group)
        for candidate, members in state.bodies.recused(session.stage, session.group).items():
            for member, entry in members.items():
                key = (session.stage, member, candidate)
                if roster and member in roster.seated and key not in seen:
                    seen.add(key)
                    yield *key, _time(entry)


def _attendance(sessions: list[Session]) -> Iterator[Cells]:
    for session in sessions:
        voted = {member for one in _counted([session]) for member in one.ballots}
        for member in sorted(voted):
            yield session.stage, session.group or "", member


def _counted(sessions: list[Session]) -> Iterator[Round]:
    for session in sessions:
        yield from (one for one in session.rounds if one.superseded is None and one.status is RoundStatus.CLOSED)


def _rounds(sessions: list[Session]) -> Iterator[Cells]:
    for session in sessions:
        for number, one in enumerate(_counted([session])):
            void = sum(cast.void or cast.invalid is not None for cast in one.ballots.values())
            balance = str(len(one.issued)), str(len(one.ballots)), str(void)
            times = _time(one.opened), _time(one.closed)
            yield one.id, one.stage, one.group or "", str(number), "", *times, *balance


def _scores(sessions: list[Session]) -> Iterator[Cells]:
    for session in sessions:
        for entry in session.sheets.values():
            for item, points in entry.sheet.points:
                yield session.stage, entry.sheet.member, entry.sheet.candidate, item, str(points)


def _ballots(sessions: list[Session]) -> Iterator[Cells]:
    for one in _counted(sessions):
        for cast in one.ballots.values():
            words = " ".join(cast.approve), " ".join(cast.against), " ".join(cast.abstain)
            void = "废票" if cast.void or cast.invalid is not None else ""
            yield one.id, cast.member, *words, void, _time(cast.index)


def _totals(state: Selection) -> Iterator[Cells]:
    for poll in state.polls.by_id.values():
        for channel, counted in poll.totals.items():
            verifiable = "yes" if state.polls.channels[channel].verifiable else "no"
            for candidate, votes in counted.totals.items():
                yield poll.stage, poll.id, channel, candidate, str(votes), verifiable


def _tie_orders(sessions: list[Session]) -> Iterator[Cells]:
    for session in sessions:
        for settled in session.resolutions:
            for candidate, value in settled.values:
                yield settled.round, candidate, "lot" if settled.by_lot else "decision", str(value)


def _decisions(state: Selection, stages: list[Stage]) -> Iterator[Cells]:
    eligible = _eligible(state)
    for person, out in state.out.items():
        if person in eligible:
            stage = _first_without(state, stages, person, out.index)
            yield f"out-{person}", out.cause.value, person, stage, _time(out.index), ""
    for filling in state.deliberation.places.fillings:
        yield f"filled-{filling.vacated_by}", "place_filled", filling.vacated_by, "", _time(filling.at), ""


def _first_without(state: Selection, stages: list[Stage], person: str, index: int) -> str:
    for stage in stages:
        sessions = [one for one in state.rounds.sessions.values() if one.stage == stage.id and one.outcome is not None]
        mine = [one for one in sessions if one.outcome is not None and one.outcome.row(person) is not None] or sessions
        if any(one.outcome is not None and one.outcome.index > index for one in mine):
            return stage.id
    return ""


def holders_of(state: Selection) -> tuple[str | None, ...]:
    """Return who holds each place, in the order of the seats."""
    return tuple(one.person for one in held(state))
