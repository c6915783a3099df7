"""What may be read yet: nobody reads choices, points or voices before the vote they belong to is over (dispute D14).

Every view asks here first. Until then a view knows only how many of how many have voted.
"""

from ledger.selection import Selection
from ledger.state.deliberation_book import Matter
from ledger.state.poll_book import Poll
from ledger.state.rounds import Round
from ledger.statements import Act
from ledger.statements.deliberation import DeliberationVoted
from ledger.statements.poll import TotalsImported
from ledger.statements.rounds import BallotCast, PaperBallotEntered, ScoreGiven, ScoreRevised

SEALED_FIELDS = frozenset({"approve", "against", "abstain", "void", "points", "evaluation", "voices", "totals"})
"""The members of a body that say what was voted or scored."""


def round_readable(played: Round) -> bool:
    """Say whether a round's choices may be read: it is closed, or was opened early by entry.

    A round whose close was refused never closes; it can be read once a round voted after it has closed.
    """
    if played.closed is not None or played.opened_early is not None:
        return True
    later = played.session.rounds[played.session.rounds.index(played) + 1 :]
    return played.superseded is not None and any(one.closed is not None for one in later)


def matter_readable(matter: Matter) -> bool:
    """Say whether the voices of a named vote may be read: it has ended."""
    return matter.closed is not None


def poll_readable(poll: Poll) -> bool:
    """Say whether the totals of a public vote may be read: it has ended."""
    return poll.closed is not None


def readable(state: Selection, act: Act) -> bool:
    """Say whether the sealed members of an act may be read yet; true of every act that has none."""
    body = act.body
    match body:
        case BallotCast() | PaperBallotEntered():
            played = state.rounds.by_id.get(body.round)
            return played is not None and round_readable(played)
        case ScoreGiven() | ScoreRevised():
            return state.rounds.session(body.stage, body.group).scoring_closed is not None
        case DeliberationVoted():
            return _voices_readable(state, act)
        case TotalsImported():
            poll = state.polls.by_id.get(body.poll)
            return poll is not None and poll_readable(poll)
        case _:
            return True


def _voices_readable(state: Selection, act: Act) -> bool:
    matter = state.deliberation.matter(act.body.matter)
    if matter is None:
        return False
    if any(vote.index == act.index for earlier in matter.earlier for vote in earlier.values()):
        return True
    return matter_readable(matter)
