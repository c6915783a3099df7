"""Named ballots (记名投票), on screen and on paper, and what becomes of one that its member disowns (五, 七(三)).

`_cast` is asked for every ballot: it looks things up and never counts, so that its cost does not grow with a round.
"""

from ledger.decisions.registry import Asked, CosignDecisions, Decisions
from ledger.decisions.scrutiny import conflict_of
from ledger.decisions.sessions import stage_asked
from ledger.procedure.acts import (
    CHANNEL,
    DISCIPLINE,
    INTAKE,
    ORGANISER,
    REGISTRAR,
    SCRUTINEER,
    TELLER,
)
from ledger.procedure.ballots import first_problem
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.books import Pending
from ledger.state.casts import Cast
from ledger.state.rounds import Round, RoundStatus
from ledger.statements.rounds import (
    BallotCast,
    BallotDisputed,
    BallotInvalidated,
    BallotReinstated,
    PaperBallotEntered,
)

DISPUTE_CLAUSE = "七(三)"
_NOBODY: set[str] = set()
_STAFF = (ORGANISER, REGISTRAR, INTAKE, SCRUTINEER, TELLER, DISCIPLINE, CHANNEL)


def _cast(state: Selection, asked: Asked) -> Refusal | None:
    """Clauses 五(一)–(五): one ballot by the member's own key, on this round's list, while the round is open."""
    body: BallotCast = asked.body
    played = state.rounds.by_id.get(body.round)
    if played is None:
        return refuse("WRONG_CONTEXT", stage_asked(asked).clause, expected="-", given=body.round)
    return _admissible(state, asked, played, asked.person, asked.at) or _content(state, asked, played, asked.person)


def _paper(state: Selection, asked: Asked) -> Refusal | None:
    """Dispute D08: a teller enters the paper ballot of a member who is there; an over-vote must be void (废票)."""
    body: PaperBallotEntered = asked.body
    clause = stage_asked(asked).clause
    played = state.rounds.by_id.get(body.round)
    if played is None:
        return refuse("WRONG_CONTEXT", clause, expected="-", given=body.round)
    attested = asked.at if asked.statement.claimed_at is None else asked.statement.claimed_at
    if attested < played.opened_at:
        return refuse("STAGE_NOT_OPEN", clause, stage=played.stage)
    if attested > asked.at:
        return refuse("ARRIVAL_IN_FUTURE", clause, arrived=attested, at=asked.at)
    refused = conflict_of(state, played, asked.person) or _admissible(state, asked, played, body.member, attested)
    if refused is not None:
        return refused
    waits = played.waiting.get(body.member)
    if waits is not None and not asked.final:
        return refuse("ALREADY_PENDING", clause, index=waits)
    return None if body.void is not None else _content(state, asked, played, body.member)


def _admissible(state: Selection, asked: Asked, played: Round, member: str, at: int) -> Refusal | None:
    """May this member's ballot enter this round, whatever it says? `at` is when it was given (UTC ms)."""
    if played.status is not RoundStatus.OPEN or at >= played.closes_at:
        return refuse("ROUND_CLOSED", stage_asked(asked).clause, round=played.id)
    if asked.body.list_hash != played.list_hash:
        clause = stage_asked(asked).clause
        return refuse("WRONG_CONTEXT", clause, expected=played.list_hash, given=asked.body.list_hash)
    first = played.ballots.get(member)
    if first is not None:
        return refuse("ALREADY_VOTED", stage_asked(asked).clause, first=first.index)
    session = played.session
    roster = state.bodies.roster(session.stage, session.group)
    if roster is None or member not in roster.seated:
        code = "NOT_BALLOT_OWNER" if state.roll.has_role(member, _STAFF) else "NOT_ON_ROSTER"
        return refuse(code, stage_asked(asked).clause, person=member, stage=session.stage)
    if member not in session.present:
        return refuse("NOT_PRESENT", stage_asked(asked).clause, person=member)
    if member not in state.bodies.declared(session.stage, session.group):
        return refuse("NO_DECLARATION", stage_asked(asked).clause, person=member)
    return None


def _content(state: Selection, asked: Asked, played: Round, member: str) -> Refusal | None:
    body: BallotCast | PaperBallotEntered = asked.body
    recusals = state.bodies.recused(played.session.stage, played.session.group)
    recused_from = {candidate for candidate, members in recusals.items() if member in members} if recusals else _NOBODY
    problem = first_problem(
        body.approve, body.against, body.abstain, played.standing, recused_from, played.max_approvals
    )
    if problem is None:
        return None
    clause = stage_asked(asked).clause
    if problem.candidate is None:
        return refuse(problem.fault.value, clause, approvals=problem.approvals, most=played.max_approvals)
    return refuse(problem.fault.value, clause, candidate=problem.candidate)


def _paper_cosigned(state: Selection, asked: Asked, waiting: Pending) -> Refusal | None:
    """Dispute D18: the scrutineer of a paper ballot is no member of the body and no relative of a candidate."""
    return conflict_of(state, state.rounds.by_id[waiting.act.body.round], asked.person)


def _dispute(state: Selection, asked: Asked) -> Refusal | None:
    """Dispute D09: a member, and nobody else, disowns the own ballot, once; it stays and waits for a decision."""
    body: BallotDisputed = asked.body
    cast = state.rounds.cast.get(body.index)
    if cast is None:
        return refuse("UNKNOWN_BALLOT", DISPUTE_CLAUSE, index=body.index)
    if cast.member != asked.person:
        return refuse("NOT_BALLOT_OWNER", DISPUTE_CLAUSE, person=asked.person)
    if cast.disowned is not None:
        return refuse("ALREADY_DISPUTED", DISPUTE_CLAUSE, index=cast.disowned)
    return None


def _invalidate(state: Selection, asked: Asked) -> Refusal | None:
    """Disputes D09, H02: only a ballot that its member disowned, or whose key is suspect, can be invalidated."""
    body: BallotInvalidated = asked.body
    cast = state.rounds.cast.get(body.index)
    if cast is None:
        return refuse("UNKNOWN_BALLOT", DISPUTE_CLAUSE, index=body.index)
    if cast.invalid is not None:
        return refuse("BALLOT_INVALID", DISPUTE_CLAUSE, index=cast.invalid)
    if cast.disputed is None and not _suspect(state, cast):
        return refuse("BALLOT_NOT_DISPUTED", DISPUTE_CLAUSE, index=body.index)
    return None


def _reinstate(state: Selection, asked: Asked) -> Refusal | None:
    """Dispute D09: a dispute is rejected, or an invalidation reversed."""
    body: BallotReinstated = asked.body
    cast = state.rounds.cast.get(body.index)
    if cast is None:
        return refuse("UNKNOWN_BALLOT", DISPUTE_CLAUSE, index=body.index)
    if cast.disputed is None and cast.invalid is None:
        return refuse("BALLOT_NOT_DISPUTED", DISPUTE_CLAUSE, index=body.index)
    return None


def _suspect(state: Selection, cast: Cast) -> bool:
    return any(finding.facts.get("ballot") == cast.index for finding in state.findings.open_of("KEY_SUSPECT"))


DECISIONS: Decisions = {
    BallotCast: _cast,
    PaperBallotEntered: _paper,
    BallotDisputed: _dispute,
    BallotInvalidated: _invalidate,
    BallotReinstated: _reinstate,
}
COSIGN: CosignDecisions = {PaperBallotEntered: _paper_cosigned}
