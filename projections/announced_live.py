"""What an announced result is held against when the selection was played on the ledger: its closed sessions."""

from collections import Counter

from ledger.derivation import derive, recusals_of, rules_of
from ledger.selection import Selection
from ledger.state.rounds import Round, Session
from projections.announced import Basis
from projections.announced_places import Places
from projections.announced_rows import held_of, list_stages
from projections.announced_session import Extra, Held
from projections.results import outcome_of
from projections.secrecy import poll_readable, round_readable
from projections.vacancies import places as places_now


def basis_of_state(state: Selection, at: int) -> Basis:
    """Return what is derived as of a state whose programme is sealed; `at` (UTC ms) judges notices."""
    votes = {
        poll.stage: {channel: dict(counted.totals) for channel, counted in poll.totals.items()}
        for poll in state.polls.by_id.values()
        if poll_readable(poll)
    }
    sessions = (_held(state, one, votes) for one in state.rounds.sessions.values())
    final, found = state.rounds.final, places_now(state, at)
    places = None
    if final is not None and found is not None:
        places = Places(final.nominees, final.alternates, tuple(one.holder for one in found.places))
    left = {person: one.cause.value for person, one in state.out.items()}
    stages = list_stages(state.charter.latest.programme)
    return Basis(tuple(one for one in sessions if one is not None), votes, places, left, stages)


def _held(state: Selection, session: Session, votes: dict[str, dict[str, dict[str, int]]]) -> Held | None:
    derived, outcome = derive(state, session), outcome_of(state, session)
    if derived is None or outcome is None:
        return None
    programme, stage = rules_of(state, session.stage)
    extras = _extras(state, session, derived.played)
    return held_of(programme, stage, session.group, outcome.rows, derived, extras, votes)


def _extras(state: Selection, session: Session, main: Round) -> dict[Extra, Counter[str]]:
    """The words of ballots that do not count: void, decided invalid, of a member recused, or of an attempt before."""
    found: dict[Extra, Counter[str]] = {kind: Counter() for kind in Extra}
    recusals = recusals_of(state, main)
    for cast in main.ballots.values():
        if cast.void or cast.invalid is not None:
            over = len(cast.approve) > main.max_approvals
            found[Extra.OVERVOTE if over else Extra.VOID].update(cast.approve)
        else:
            found[Extra.RECUSED].update(one for one in cast.approve if cast.member in recusals.get(one, ()))
    for old in session.rounds:
        if old.superseded is not None and not old.runoff and round_readable(old):
            found[Extra.SUPERSEDED].update(one for cast in old.ballots.values() for one in cast.approve)
    return found
