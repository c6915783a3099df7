"""Named ballots (记名投票), round by round: who voted what, how it came, and by which entry (五(一)–(三), 五(五)).

Only once a round is closed, or was opened early by entry. Of any other round, to anybody, there is nothing but how
many of how many have voted (dispute D14).
"""

from dataclasses import dataclass

from ledger.derivation import lines_of
from ledger.procedure.counting import Tally
from ledger.selection import Selection
from ledger.state.casts import Cast, Grade
from ledger.state.rounds import Round, RoundStatus
from projections.secrecy import round_readable

_RUNNING = (RoundStatus.OPEN, RoundStatus.CLOSING)


@dataclass(frozen=True, slots=True)
class BallotView:
    """One member's ballot by its entry; candidates on none of the lists are `blank`.

    `grade` shows for ever how it came. `void`: a paper ballot that does not count; `disputed`, `invalid`: the entries
    by which the member disowned it, or by which it was decided not to count.
    """

    member: str
    index: int
    grade: Grade
    approve: tuple[str, ...]
    against: tuple[str, ...]
    abstain: tuple[str, ...]
    blank: tuple[str, ...]
    void: bool
    disputed: int | None
    invalid: int | None


@dataclass(frozen=True, slots=True)
class RoundView:
    """One round: its frozen list and numbers, its ballots once they may be read, its lines once it is over.

    `voted` of `issued`: members who voted, of those handed a ballot. `waiting`: paper ballots that lack a second
    signature. `superseded`: the entry that reopened it; its ballots are kept and count no more.
    """

    round: str
    stage: str
    group: str | None
    runoff: int
    attempt: int
    status: RoundStatus
    opened: int
    closes_at: int
    closing: int | None
    closed: int | None
    opened_early: int | None
    superseded: int | None
    candidates: tuple[str, ...]
    seats: int
    max_approvals: int
    list_hash: str
    voted: int
    issued: int
    waiting: int
    readable: bool
    ballots: tuple[BallotView, ...]
    lines: tuple[Tally, ...]


def rounds(state: Selection) -> tuple[RoundView, ...]:
    """Return all rounds in the order in which they were opened."""
    return tuple(_round(state, played) for played in sorted(state.rounds.by_id.values(), key=lambda one: one.opened))


def round_of(state: Selection, round_id: str) -> RoundView | None:
    """Return one round, or None."""
    played = state.rounds.by_id.get(round_id)
    return None if played is None else _round(state, played)


def rounds_of(state: Selection, stage: str, group: str | None) -> tuple[RoundView, ...]:
    """Return the rounds of a stage or group, in the order in which they were opened."""
    return tuple(_round(state, played) for played in state.rounds.session(stage, group).rounds)


def _round(state: Selection, played: Round) -> RoundView:
    may_read = round_readable(played)
    return RoundView(
        round=played.id,
        stage=played.stage,
        group=played.group,
        runoff=played.runoff,
        attempt=played.attempt,
        status=played.status,
        opened=played.opened,
        closes_at=played.closes_at,
        closing=played.closing,
        closed=played.closed,
        opened_early=played.opened_early,
        superseded=played.superseded,
        candidates=played.candidates,
        seats=played.seats,
        max_approvals=played.max_approvals,
        list_hash=played.list_hash,
        voted=len(played.ballots),
        issued=len(played.issued | played.ballots.keys()),
        waiting=len(played.waiting),
        readable=may_read,
        ballots=tuple(_ballot(played, one) for one in _in_order(played)) if may_read else (),
        lines=lines_of(state, played) if may_read and played.status not in _RUNNING else (),
    )


def _in_order(played: Round) -> tuple[Cast, ...]:
    return tuple(sorted(played.ballots.values(), key=lambda one: one.index))


def _ballot(played: Round, cast: Cast) -> BallotView:
    mentioned = {*cast.approve, *cast.against, *cast.abstain}
    return BallotView(
        member=cast.member,
        index=cast.index,
        grade=cast.grade,
        approve=cast.approve,
        against=cast.against,
        abstain=cast.abstain,
        blank=tuple(one for one in played.candidates if one not in mentioned),
        void=cast.void,
        disputed=cast.disputed,
        invalid=cast.invalid,
    )
