"""Margins: the fewest ballots whose removal, or change, alters who is taken; whose single ballot was decisive.

Clauses five(一)–(三), five(五); DISPUTES section 10, question 4. Of every certified vote, for the vote as a whole, to
unseat each of those taken, and to seat each of those left. Held fixed: who was present and so the quorum, scores,
public votes, run-offs and lots, who stands. A changed ballot approves of whomever it likes within the limits of the
round; a void one stays void. Where only a run-off that nobody held could say who is taken, the seat is *opened*, not
changed. Up to twenty ballots every set of them is counted; beyond that the answer is a pair of bounds, which may meet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.selection import Selection
from ledger.state.rounds import Round
from ledger.statements import Act
from projections.contests import Certified, certified, contest_of, runoff_contests, sessions_of
from projections.margin_search import Decisive, Margins, Touch, decisive, search
from projections.suppositions import Contest

HELD_FIXED = ("PRESENCE_AND_QUORUM", "SCORES", "PUBLIC_VOTES", "RUNOFFS_AND_LOTS", "WHO_STANDS")


@dataclass(frozen=True, slots=True)
class SeatMargins:
    """What it takes to unseat one who is taken, or to seat one who is left."""

    candidate: str
    rank: int
    taken: bool
    removal: Margins
    change: Margins


@dataclass(frozen=True, slots=True)
class RoundMargins:
    """The margins of one vote: of the whole list (`runoff` 0), or of a run-off on which it hung who is taken."""

    round: str
    runoff: int
    seats: int
    ballots: int
    removal: Margins
    change: Margins
    candidates: tuple[SeatMargins, ...]
    decisive: tuple[Decisive, ...]


@dataclass(frozen=True, slots=True)
class SessionMargins:
    """The margins of one certified result, always hypothetical."""

    subject: str
    certified: int
    rounds: tuple[RoundMargins, ...]
    held_fixed: tuple[str, ...] = HELD_FIXED
    hypothetical: bool = True


def margins(state: Selection, acts: Sequence[Act], stage: str, group: str | None = None) -> tuple[SessionMargins, ...]:
    """Return the margins of a stage's certified results, or of one group's; `acts` are those that `state` has."""
    return tuple(_session(one) for one in certified(state, acts, sessions_of(state, stage, group)))


def _session(one: Certified) -> SessionMargins:
    ranks = {row["candidate"]: row["rank"] for row in one.outcome.rows}
    votes = [(one.derived.played, contest_of(one)), *runoff_contests(one)]
    rounds = tuple(_round(played, contest, ranks) for played, contest in votes if contest.cut.tied_at_cut is None)
    return SessionMargins(one.session.subject, one.index, rounds)


def _round(played: Round, contest: Contest, ranks: Mapping[str, int]) -> RoundMargins:
    found = search(contest)
    candidates = tuple(
        SeatMargins(one, ranks[one], one in found.taken, found.of(one, Touch.REMOVAL), found.of(one, Touch.CHANGE))
        for one in sorted(contest.candidates, key=lambda one: (ranks[one], one))
    )
    return RoundMargins(
        round=played.id,
        runoff=played.runoff,
        seats=contest.seats,
        ballots=len(contest.votes),
        removal=found.whole(Touch.REMOVAL),
        change=found.whole(Touch.CHANGE),
        candidates=candidates,
        decisive=decisive(contest, found.taken),
    )
