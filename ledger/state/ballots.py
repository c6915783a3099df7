"""Rounds and ballots: opening, casting, closing, reopening, and what becomes of a disowned ballot (five, seven(三))."""

from sys import intern

from ledger.derivation import present_voters
from ledger.procedure.closing import may_close_early
from ledger.state.books import Books
from ledger.state.casts import Cast, Grade
from ledger.state.matters import Folds
from ledger.state.rounds import Round, RoundStatus
from ledger.statements import Act
from ledger.statements.rounds import (
    BallotCast,
    BallotDisputed,
    BallotInvalidated,
    BallotReinstated,
    BallotsOpenedEarly,
    CloseConsented,
    PaperBallotEntered,
    RoundClosed,
    RoundOpened,
    RoundReopened,
)


def _opened(state: Books, act: Act, now: Act) -> None:
    body: RoundOpened = act.body
    session = state.rounds.begun(body.stage, body.group)
    roster = state.bodies.roster(body.stage, body.group)
    opened = Round(
        id=body.round,
        session=session,
        runoff=body.runoff,
        attempt=body.attempt,
        candidates=body.candidates,
        standing=frozenset(body.candidates),
        seats=body.seats,
        max_approvals=body.max_approvals,
        list_hash=body.list_hash,
        closes_at=body.closes_at,
        opened=now.index,
        opened_at=now.at,
        issued={member for member in session.present if roster is not None and member in roster.seated},
    )
    session.rounds.append(opened)
    session.changed = now.index
    state.rounds.by_id[body.round] = opened


def _cast(state: Books, act: Act, now: Act) -> None:
    statement = act.statement
    body: BallotCast = statement.body
    rounds = state.rounds
    played = rounds.by_id[body.round]
    member, key = intern(statement.person), intern(statement.key)
    rounds.put(Cast(act.index, member, key, played.id, body.approve, body.against, body.abstain))


def _paper_waits(state: Books, act: Act, now: Act) -> None:
    state.rounds.by_id[act.body.round].waiting[act.body.member] = act.index


def _paper_lapsed(state: Books, act: Act, now: Act) -> None:
    state.rounds.by_id[act.body.round].waiting.pop(act.body.member, None)


def _paper_entered(state: Books, act: Act, now: Act) -> None:
    body: PaperBallotEntered = act.body
    played = state.rounds.by_id[body.round]
    played.waiting.pop(body.member, None)
    cast = Cast(
        act.index,
        body.member,
        None,
        played.id,
        body.approve,
        body.against,
        body.abstain,
        Grade.PAPER,
        void=body.void is not None,
    )
    state.rounds.put(cast)
    state.findings.add("PAPER_BALLOT", "info", act.index, act.index, now.index, member=body.member, round=body.round)


def _consented(state: Books, act: Act, now: Act) -> None:
    state.rounds.by_id[act.body.round].consents[act.person] = now.index


def _closing(state: Books, act: Act, now: Act) -> None:
    played = state.rounds.by_id[act.body.round]
    agreed = may_close_early(present_voters(state, played), played.ballots.keys(), played.consents.keys())
    if act.at < played.closes_at and not agreed:
        state.findings.add("EARLY_CLOSE", "breach", act.index, played.opened, act.index, round=played.id)
    played.status, played.closing = RoundStatus.CLOSING, act.index


def _close_declined(state: Books, act: Act, now: Act) -> None:
    played = state.rounds.by_id[act.body.round]
    if played.status is RoundStatus.CLOSING:
        played.status = RoundStatus.DECLINED


def _closed(state: Books, act: Act, now: Act) -> None:
    played = state.rounds.by_id[act.body.round]
    if played.status is RoundStatus.CLOSING:
        played.status = RoundStatus.CLOSED
        played.closed = played.session.changed = now.index
        state.rounds.over(played)


def _reopened(state: Books, act: Act, now: Act) -> None:
    session = state.rounds.by_id[act.body.round].session
    first = session.rounds.index(state.rounds.by_id[act.body.round])
    for played in session.rounds[first:]:
        if played.superseded is None:
            played.status, played.superseded = RoundStatus.REOPENED, now.index
            state.rounds.over(played)
    gone = {played.id for played in session.rounds[first:]}
    session.resolutions = [one for one in session.resolutions if one.round not in gone]
    session.reopenings.append(act.index)
    session.changed = now.index
    if len(session.reopenings) > 1:
        times = len(session.reopenings)
        entries = (*session.reopenings, now.index)
        state.findings.add("REPEATED_VOTE", "breach", act.index, *entries, subject=session.subject, times=times)


def _opened_early(state: Books, act: Act, now: Act) -> None:
    played = state.rounds.by_id[act.body.round]
    played.opened_early = now.index
    state.findings.add("BALLOTS_OPENED_EARLY", "warn", act.index, act.index, now.index, round=played.id)


def _disputed(state: Books, act: Act, now: Act) -> None:
    cast = state.rounds.cast.held(act.body.index)
    cast.disputed = cast.disowned = act.index
    entries = cast.index, act.index
    state.findings.add("BALLOT_DISPUTED", "breach", act.index, *entries, ballot=cast.index, member=cast.member)


def _decide(state: Books, cast: Cast, at: int, *, counts_otherwise: bool) -> None:
    """Close what was open about a ballot: the decision is what the finding waited for."""
    if cast.disputed is not None:
        for finding in state.findings.open_of("BALLOT_DISPUTED"):
            if finding.facts.get("ballot") == cast.index:
                finding.closed = at
    cast.disputed = None
    played = state.rounds.by_id[cast.round]
    session = played.session
    session.changed = at
    if counts_otherwise and session.outcome is not None and played.superseded is None:
        entries = cast.index, session.outcome.index, at
        state.findings.add("DECIDED_AFTER_RESULT", "breach", at, *entries, ballot=cast.index, subject=session.subject)


def _invalidated(state: Books, act: Act, now: Act) -> None:
    cast = state.rounds.cast.held(act.body.index)
    counted = cast.invalid is None
    cast.invalid = now.index
    _decide(state, cast, now.index, counts_otherwise=counted)


def _reinstated(state: Books, act: Act, now: Act) -> None:
    cast = state.rounds.cast.held(act.body.index)
    counted = cast.invalid is None
    cast.invalid = None
    _decide(state, cast, now.index, counts_otherwise=not counted)


FOLDS: Folds = {
    RoundOpened: _opened,
    BallotCast: _cast,
    PaperBallotEntered: _paper_entered,
    CloseConsented: _consented,
    RoundClosed: _closed,
    RoundReopened: _reopened,
    BallotsOpenedEarly: _opened_early,
    BallotDisputed: _disputed,
    BallotInvalidated: _invalidated,
    BallotReinstated: _reinstated,
}
PENDING: Folds = {PaperBallotEntered: _paper_waits, RoundClosed: _closing}
DECLINED: Folds = {PaperBallotEntered: _paper_lapsed, RoundClosed: _close_declined}
