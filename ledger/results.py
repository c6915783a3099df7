"""The rows of a result, derived; what a certification signs.

Clauses five(一)–(三) and five(五) for the sessions of the bodies, five(四) for the totals of the public vote. A
certification signs the Merkle root of these rows; anything but the derivation is refused (`RESULT_NOT_DERIVED`).
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ledger.derivation import derive
from ledger.derived import Derivation
from ledger.outcome import POLL_BALLOTS, POLL_TOTALS, RANKING, Outcome, Row
from ledger.procedure.counting import Tally
from ledger.procedure.ranking import DecidedBy, Place
from ledger.state.books import Books
from ledger.state.poll_book import Counted, Poll
from ledger.state.rounds import Session


def session_outcome(state: Books, session: Session) -> Outcome | None:
    """Return the result of a session as it stands; None before its vote is closed. A tie may still be due."""
    derived = derive(state, session)
    return outcome_from(session, derived) if derived is not None else None


def outcome_from(session: Session, derived: Derivation) -> Outcome:
    """Return the result that a derivation gives, row by row."""
    offset = len(derived.ranking.places)
    everybody = {place.candidate: place.rank for place in derived.everybody.places}
    rows = [_row(derived, place, 0, everybody) for place in derived.ranking.places]
    rows += [_row(derived, place, offset, everybody) for place in derived.below.places]
    rows += [_removed_row(derived, candidate, everybody) for candidate in derived.removed]
    return Outcome(session.subject, RANKING, tuple(rows), derived.cut.taken, derived.cut.left)


def poll_outcome(state: Books, poll: Poll) -> Outcome:
    """Clause five(四): the totals of a poll, per channel apart; only verifiable ones may order equals."""
    deciding = state.polls.sums(poll)
    rows = [
        {
            "candidate": candidate,
            "channels": [
                {
                    "channel": channel,
                    "verifiable": state.polls.channels[channel].verifiable,
                    "votes": counted.totals[candidate],
                }
                for channel, counted in sorted(poll.totals.items())
            ],
            "deciding_votes": deciding[candidate],
            "votes": sum(counted.totals[candidate] for counted in poll.totals.values()),
        }
        for candidate in sorted(poll.candidates)
    ]
    if not any(counted.raw is not None for counted in poll.totals.values()):
        return Outcome(f"poll:{poll.id}", POLL_TOTALS, tuple(rows))
    raw = [row | {"raw_votes": sum(_raw(one, str(row["candidate"])) for one in poll.totals.values())} for row in rows]
    return Outcome(f"poll:{poll.id}", POLL_BALLOTS, tuple(raw))


def _raw(counted: Counted, candidate: str) -> int:
    return (counted.totals if counted.raw is None else counted.raw)[candidate]


def _row(derived: Derivation, place: Place, offset: int, everybody: Mapping[str, int]) -> Row:
    line = derived.lines[place.candidate]
    taken = place.candidate in derived.cut.taken
    below = bool(offset) or place.candidate in derived.below.candidates
    waiting = derived.cut.left.index(place.candidate) + 1 if place.candidate in derived.cut.left else 0
    return _line(derived, line) | {
        "decided_by": "min_approval" if below else place.decided_by.value,
        "keys": [
            {
                "ahead_of": list(used.ahead_of),
                "behind": list(used.behind),
                "name": used.name.value,
                "source": used.source,
                "value": None if used.value is None else _fraction(used.value),
            }
            for used in place.keys_used
            if used.value is not None or used.name in (DecidedBy.MEAN_SCORE, DecidedBy.PUBLIC_VOTES)
        ],
        "measure": _fraction(place.measure),
        "next_after_taken": waiting,
        "rank": place.rank + offset,
        "rank_with_removed": everybody.get(place.candidate, 0),
        "separated_from": list(place.against),
        "status": "taken" if taken else "below_minimum" if below else "left",
        "taken": taken,
        "tied_with": list(place.tied_with),
    }


def _removed_row(derived: Derivation, candidate: str, everybody: Mapping[str, int]) -> Row:
    return _line(derived, derived.lines[candidate]) | {
        "decided_by": "removed",
        "keys": [],
        "measure": "0/1",
        "next_after_taken": 0,
        "rank": 0,
        "rank_with_removed": everybody.get(candidate, 0),
        "separated_from": [],
        "status": "removed",
        "taken": False,
        "tied_with": [],
    }


def _line(derived: Derivation, line: Tally) -> dict[str, Any]:
    return {
        "abstain": line.abstain,
        "against": line.against,
        "approve": line.approve,
        "candidate": line.candidate,
        "possible": line.possible,
        "recused": line.recused,
        "returned": line.returned,
        "round": derived.played.id,
        "void": line.void,
    }


def _fraction(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"
