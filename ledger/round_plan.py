"""Which round is due, and with what list and numbers: nothing of it is for whoever opens the round to choose.

Clauses five(一)–(三), five(五); readings `max_approvals`, `shortlist_rounding`, `shortlist_short`, `tie_…` and
`runoff_exhausted`. First the vote of the whole list; once closed, a run-off among those tied at the cut (or, of the
nominees' round, among tied alternates); after the last run-off allowed, the leaders' named votes or a lot.
"""

from dataclasses import dataclass

from ledger.derivation import derive
from ledger.derived import Derivation
from ledger.lists import candidates_of, in_declared_order
from ledger.procedure.ballots import list_hash
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.reasons import Refusal, refuse
from ledger.procedure.shortlist import shortlist_of, shortlist_places
from ledger.state.books import Books
from ledger.state.rounds import Round, RoundStatus, Session


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """What the next round of a session must be: its candidates in declared order and its numbers."""

    stage: str
    group: str | None
    runoff: int
    attempt: int
    candidates: tuple[str, ...]
    seats: int
    max_approvals: int

    def list_hash(self, round_id: str) -> str:
        """Return the hash of the frozen list under the id that the round is opened with."""
        return list_hash(round_id, self.stage, self.group, self.candidates, self.seats, self.max_approvals)


@dataclass(frozen=True, slots=True)
class Tie:
    """A tie that no further run-off may settle: the last round held on it, who is tied, for how many places.

    `at_cut`: who is taken hangs on it; otherwise only the order of alternates does.
    """

    round: str
    candidates: tuple[str, ...]
    places: int
    at_cut: bool


def due_round(state: Books, stage: Stage, group: str | None) -> RoundPlan | Refusal:
    """Return the round that is to be opened next, or why there is none."""
    session = state.rounds.session(stage.id, group)
    if session.outcome is not None:
        return refuse("RESULT_CERTIFIED", stage.clause, subject=session.subject, index=session.outcome.index)
    current = session.current
    if current is not None and current.status is not RoundStatus.CLOSED:
        return refuse("ROUND_NOT_CLOSED", stage.clause, round=current.id)
    derived = derive(state, session)
    if derived is None:
        return _whole_list(state, stage, session)
    if derived.due is None:
        return refuse("NO_ROUND_DUE", stage.clause, subject=session.subject)
    if derived.exhausted:
        return refuse("TIE_UNRESOLVED", stage.clause, subject=session.subject)
    listed = in_declared_order(state, session.subject, derived.due.candidates)
    number = len(session.runoffs) + 1
    return _plan(session, number, listed, derived.due.places)


def seats_of(state: Books, stage: Stage, group: str | None, candidates: int) -> int:
    """Return the seats of the vote of the whole list: the group's, the shortlist's size or the places to be filled."""
    programme = state.charter.version_for(stage.id).programme
    if stage.kind is StageKind.GROUP_ROUND:
        return min(state.bodies.seats(stage.id, group) or 0, candidates)
    if stage.takes == "shortlist":
        return shortlist_places(shortlist_of(programme, stage).size, candidates).places
    return min(programme.seats, candidates)


def exhausted_tie(state: Books, session: Session) -> Tie | None:
    """Reading `runoff_exhausted`: return the tie that the leaders or a lot must settle now, if there is one."""
    if session.outcome is not None:
        return None
    derived = derive(state, session)
    if derived is None or derived.due is None or not derived.exhausted:
        return None
    return Tie(_last_on(session, derived).id, derived.due.candidates, derived.due.places, derived.due.at_cut)


def _last_on(session: Session, derived: Derivation) -> Round:
    tied = frozenset(derived.due.candidates) if derived.due else frozenset()
    return next((one for one in reversed(session.runoffs) if tied <= one.standing), derived.played)


def _whole_list(state: Books, stage: Stage, session: Session) -> RoundPlan | Refusal:
    candidates = candidates_of(state, stage, session.group)
    if not candidates:
        return refuse("NO_CANDIDATES", stage.clause, subject=session.subject)
    seats = seats_of(state, stage, session.group, len(candidates))
    return _plan(session, 0, in_declared_order(state, session.subject, candidates), seats)


def _plan(session: Session, runoff: int, candidates: tuple[str, ...], seats: int) -> RoundPlan:
    attempt = 1 + sum(one.runoff == runoff for one in session.rounds)
    return RoundPlan(session.stage, session.group, runoff, attempt, candidates, seats, seats)
