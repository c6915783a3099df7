"""A selection that was played on the ledger, as the tables of an import: brought in again it gives the same results.

What is here are the facts that somebody signed; results have no table. A round still open is left out, and with it
whoever voted what. The time of an act is the time at which the ledger sequenced it.
"""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from ledger import grouping
from ledger.import_tables import DECISION, ELIGIBLE, LOT, NO, PLACE_FILLED, YES, Cells, Line, Source
from ledger.selection import Selection
from ledger.state.application_book import Application
from ledger.state.rounds import Round, RoundStatus, Session
from ledger.statements import Act
from projections.secrecy import poll_readable, round_readable

Rows = Iterator[Cells]


def tables_of(state: Selection, acts: Sequence[Act]) -> Source:
    """Return the tables of a state and the acts it was folded from, entry 0 first; rows are numbered from 2."""
    return {name: _numbered(make, state, acts) for name, make in _MADE.items()}


def _numbered(
    make: Callable[[Selection, Sequence[Act]], Rows], state: Selection, acts: Sequence[Act]
) -> Callable[[], Iterator[Line]]:
    return lambda: (Line(number, cells) for number, cells in enumerate(make(state, acts), start=2))


def _people(state: Selection, acts: Sequence[Act]) -> Rows:
    known = {person.id: (person.unit, person.id_tag or "") for person in state.roll.people.values()}
    for one in state.applications.by_id.values():
        known.setdefault(one.person, (one.unit, one.id_tag))
    for person, (unit, tag) in sorted(known.items()):
        yield (person, unit, tag)


def _applications(state: Selection, acts: Sequence[Act]) -> Rows:
    counting = set(_eligible(state).values())
    received = {one.application for one in state.applications.received()}
    for one in state.applications.by_id.values():
        standing = ELIGIBLE if one.application in counting else _refused(one, received)
        # A paper filing that came in time saves a late electronic one, whose own time would then mislead.
        at = "" if standing == ELIGIBLE and one.paper is not None else str(one.at)
        yield (one.application, one.person, one.occupation, one.industry, standing, at)


def _refused(one: Application, received: AbstractSet[str]) -> str:
    if one.late:
        return "late"
    return "ineligible" if one.application in received else "duplicate"


def _eligible(state: Selection) -> dict[str, str]:
    """Whoever was found eligible, whatever became of them later, with the application that counted."""
    passed = [one for one in state.applications.by_id.values() if one.decision is not None and one.decision.eligible]
    first = {one.person: one.application for one in reversed(passed)}
    return first | {one.person: one.application for one in passed if state.applications.counts(one)}


def _groups(state: Selection, acts: Sequence[Act]) -> Rows:
    eligible = _eligible(state)
    for stage in state.bodies.regroupings:
        for candidate, group in sorted(state.bodies.regrouped(stage).items()):
            if candidate in eligible:
                yield (stage, candidate, group)


def _draws(state: Selection, acts: Sequence[Act]) -> Rows:
    for stage in state.charter.latest.programme.stages:
        drawn = state.bodies.drawn(grouping.SHARES, grouping.subject(stage.id)) or ()
        for position, group in enumerate(drawn, start=1):
            yield (stage.id, str(position), group)


def _sessions(state: Selection) -> Iterator[tuple[Session, list[Round]]]:
    """The sessions with a round that is over, each with its rounds in order."""
    for session in state.rounds.sessions.values():
        over = [one for one in session.rounds if _over(one)]
        if over:
            yield session, over


def _over(played: Round) -> bool:
    ended = played.status is RoundStatus.CLOSED or played.superseded is not None
    return ended and round_readable(played)


def _members(state: Selection, session: Session, over: list[Round]) -> dict[str, None]:
    """Who sits, and whoever voted before being replaced."""
    roster = state.bodies.roster(session.stage, session.group)
    voted = (member for played in over for member in played.ballots)
    return dict.fromkeys((*(roster.members if roster else ()), *voted))


def _rosters(state: Selection, acts: Sequence[Act]) -> Rows:
    for session, over in _sessions(state):
        for member in _members(state, session, over):
            yield (session.stage, session.group or "", member)


def _recusals(state: Selection, acts: Sequence[Act]) -> Rows:
    first: dict[tuple[str, str, str], int] = {}
    for session, over in _sessions(state):
        members = _members(state, session, over)
        for candidate, recused in state.bodies.recused(session.stage, session.group).items():
            for member, entry in recused.items():
                if member in members:
                    key = (session.stage, member, candidate)
                    first[key] = min(first.get(key, entry), entry)
    for (stage, member, candidate), entry in first.items():
        yield (stage, member, candidate, str(acts[entry].at))


def _attendance(state: Selection, acts: Sequence[Act]) -> Rows:
    for session, over in _sessions(state):
        members = _members(state, session, over)
        voted = {member for played in over for member in played.ballots}
        for member in members:
            if member in session.attended or member in session.present or member in voted:
                yield (session.stage, session.group or "", member)


def _rounds(state: Selection, acts: Sequence[Act]) -> Rows:
    for session, over in _sessions(state):
        numbers = {played.id: number for number, played in enumerate(one for one in over if one.superseded is None)}
        for played in over:
            void = sum(cast.void or cast.invalid is not None for cast in played.ballots.values())
            yield (
                played.id,
                session.stage,
                session.group or "",
                str(numbers.get(played.id, played.runoff)),
                YES if played.superseded is None else NO,
                str(acts[played.opened].at),
                str(_closed_at(played, acts)),
                str(len(played.issued | played.ballots.keys())),
                str(len(played.ballots)),
                str(void),
            )


def _closed_at(played: Round, acts: Sequence[Act]) -> int:
    """When a round was over: after its last ballot, also where both were sequenced in one millisecond."""
    ends = [entry for entry in (played.closing, played.closed, played.superseded) if entry is not None]
    last = max((acts[cast.index].at for cast in played.ballots.values()), default=acts[played.opened].at)
    return max(acts[ends[0]].at if ends else 0, last + 1)


def _candidates(state: Selection, acts: Sequence[Act]) -> Rows:
    for _, over in _sessions(state):
        for played in over:
            for candidate in sorted(played.standing):
                yield (played.id, candidate)


def _scores(state: Selection, acts: Sequence[Act]) -> Rows:
    for session, _ in _sessions(state):
        for (member, candidate), entry in session.sheets.items():
            for item, points in entry.sheet.points:
                yield (session.stage, member, candidate, item, str(points))


def _ballots(state: Selection, acts: Sequence[Act]) -> Rows:
    for _, over in _sessions(state):
        for played in over:
            for cast in sorted(played.ballots.values(), key=lambda one: one.index):
                void = "void" if cast.void else "invalid" if cast.invalid is not None else ""
                words = (" ".join(one) for one in (cast.approve, cast.against, cast.abstain))
                yield (played.id, cast.member, *words, void, str(acts[cast.index].at))


def _totals(state: Selection, acts: Sequence[Act]) -> Rows:
    for poll in state.polls.by_id.values():
        for channel, counted in sorted(poll.totals.items()) if poll_readable(poll) else ():
            verifiable = YES if state.polls.channels[channel].verifiable else NO
            for candidate, votes in sorted(counted.totals.items()):
                yield (poll.stage, poll.id, channel, candidate, str(votes), verifiable)


def _tie_orders(state: Selection, acts: Sequence[Act]) -> Rows:
    for session, _ in _sessions(state):
        for settled in session.resolutions:
            for candidate, value in settled.values:
                yield (settled.round, candidate, LOT if settled.by_lot else DECISION, str(value))


def _decisions(state: Selection, acts: Sequence[Act]) -> Rows:
    eligible = _eligible(state)
    for person, out in sorted(state.out.items(), key=lambda item: item[1].index):
        if person in eligible:
            stage = _first_without(state, person, out.index)
            yield (f"out-{out.index}-{person}"[:96], out.cause.value, person, stage, str(acts[out.index].at), "")
    for filling in state.deliberation.places.fillings:
        yield (f"filled-{filling.at}", PLACE_FILLED, filling.vacated_by, "", str(acts[filling.at].at), "")


def _first_without(state: Selection, person: str, index: int) -> str:
    """The first stage whose result was certified after somebody left, or is not yet; "" where there is none."""
    for stage in state.charter.latest.programme.stages:
        own = [one for one in state.rounds.sessions.values() if one.stage == stage.id]
        mine = [one for one in own if one.outcome is None or one.outcome.row(person) is not None] or own
        if any(one.outcome is None or one.outcome.index > index for one in mine):
            return stage.id
    return ""


_MADE: dict[str, Callable[[Selection, Sequence[Act]], Rows]] = {
    "people": _people,
    "applications": _applications,
    "groups": _groups,
    "draws": _draws,
    "rosters": _rosters,
    "recusals": _recusals,
    "attendance": _attendance,
    "rounds": _rounds,
    "candidates": _candidates,
    "scores": _scores,
    "ballots": _ballots,
    "totals": _totals,
    "tie_orders": _tie_orders,
    "decisions": _decisions,
}
