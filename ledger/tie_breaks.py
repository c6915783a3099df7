"""A tie that run-offs did not settle: by the leaders' named votes or by a lot, reading `runoff_exhausted`.

The leaders vote on the matter `tie:<round>`, where the round is the last one held on the tie; the lot is a draw of
purpose `lot` for that round, its seeds committed beforehand. Either gives an order; nobody states one. Where the
leaders are equally divided, only reopening the last round helps.
"""

from ledger.round_plan import Tie, exhausted_tie
from ledger.state.books import Books
from ledger.state.rounds import Resolution, Session

LOT = "lot"


def settle(state: Books, session: Session, at: int) -> Resolution | None:
    """Return how the open tie of a session comes out; None while there is none, or nothing that settles it yet."""
    tie = exhausted_tie(state, session)
    if tie is None:
        return None
    programme = state.charter.version_for(session.stage).programme
    if programme.reading("runoff_exhausted") == LOT:
        return _by_lot(state, tie, at)
    return _by_votes(state, tie, at)


def _by_votes(state: Books, tie: Tie, at: int) -> Resolution | None:
    matter = state.deliberation.matter(f"tie:{tie.round}")
    if matter is None or matter.closed is None or not set(tie.candidates) <= set(matter.subjects):
        return None
    values = {candidate: matter.tally(candidate).agree for candidate in tie.candidates}
    order = tuple(sorted(values, key=lambda candidate: (-values[candidate], candidate)))
    votes = [values[candidate] for candidate in order]
    divided = votes[tie.places - 1] == votes[tie.places] if tie.at_cut else votes[0] == votes[-1]
    return None if divided else Resolution(tie.round, False, tuple(sorted(values.items())), order, at)


def _by_lot(state: Books, tie: Tie, at: int) -> Resolution | None:
    order = tuple(one for one in state.bodies.drawn(LOT, tie.round) or () if one in tie.candidates)
    if len(order) != len(tie.candidates):
        return None
    values = tuple(sorted((candidate, len(order) - place) for place, candidate in enumerate(order)))
    return Resolution(tie.round, True, values, order, at)
