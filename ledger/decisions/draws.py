"""Draws anyone can repeat: announced with pool and committers, committed by all, then revealed (clause five).

One completed draw on a subject is final. One that a committer left incomplete may be announced again, and is shown to
the auditors: whoever withholds a seed chooses between two orders.
"""

from ledger import grouping
from ledger.decisions.registry import Asked, Decisions
from ledger.procedure import draws
from ledger.procedure.programme import Stage
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.body_book import Draw
from ledger.statements.bodies import DrawAnnounced, SeedCommitted, SeedRevealed

CLAUSE = "五"
COMMITTERS_LEAST = 2


def _announce(state: Selection, asked: Asked) -> Refusal | None:
    body: DrawAnnounced = asked.body
    if body.draw in state.bodies.draws:
        return refuse("DRAW_EXISTS", CLAUSE, draw=body.draw)
    if state.bodies.drawn(body.purpose, body.subject) is not None:
        return refuse("ALREADY_DRAWN", CLAUSE, subject=body.subject, purpose=body.purpose)
    return _committers(state, body) or _pool(state, body)


def _committers(state: Selection, body: DrawAnnounced) -> Refusal | None:
    """At least two different known people, so that one honest party suffices."""
    different = len(set(body.committers))
    if different < COMMITTERS_LEAST or different != len(body.committers):
        return refuse("TOO_FEW_COMMITTERS", CLAUSE, committers=different, least=COMMITTERS_LEAST)
    return _unknown(state, body.committers)


def _unknown(state: Selection, people: tuple[str, ...]) -> Refusal | None:
    for person in people:
        if person not in state.roll.people:
            return refuse("UNKNOWN_PERSON", CLAUSE, person=person)
    return None


def _pool(state: Selection, body: DrawAnnounced) -> Refusal | None:
    """What is drawn: nobody twice; the groups of the stage for equal remainders, people for the rest."""
    if not body.pool or len(set(body.pool)) != len(body.pool):
        return refuse("DRAW_POOL_INVALID", CLAUSE, draw=body.draw)
    if body.purpose == "lot":
        return _unknown(state, body.pool)
    stage = _stage(state, body.subject)
    if stage is None:
        return refuse("UNKNOWN_SUBJECT", CLAUSE, subject=body.subject)
    if body.purpose != grouping.SHARES:
        return _unknown(state, body.pool)
    if set(body.pool) != {group.id for group in stage.groups}:
        return refuse("DRAW_POOL_INVALID", stage.clause, draw=body.draw)
    return None


def _stage(state: Selection, subject: str) -> Stage | None:
    """Return the stage that a subject names, itself or by one of its groups."""
    for known in state.charter.latest.programme.stages:
        stage = state.charter.stage(known.id) or known
        names = [grouping.subject(stage.id), *(grouping.subject(stage.id, group.id) for group in stage.groups)]
        if subject in names:
            return stage
    return None


def _party(state: Selection, asked: Asked, draw_id: str) -> Draw | Refusal:
    draw = state.bodies.draws.get(draw_id)
    if draw is None:
        return refuse("UNKNOWN_DRAW", CLAUSE, draw=draw_id)
    if asked.person not in draw.committers:
        return refuse("NOT_AUTHORISED", CLAUSE, act=asked.statement.type, needed="committer")
    return draw


def _commit(state: Selection, asked: Asked) -> Refusal | None:
    body: SeedCommitted = asked.body
    draw = _party(state, asked, body.draw)
    if isinstance(draw, Refusal):
        return draw
    if asked.person in draw.commitments:
        return refuse("ALREADY_COMMITTED", CLAUSE, draw=body.draw)
    return None


def _reveal(state: Selection, asked: Asked) -> Refusal | None:
    """A seed is shown once all have committed, and is the one committed to."""
    body: SeedRevealed = asked.body
    draw = _party(state, asked, body.draw)
    if isinstance(draw, Refusal):
        return draw
    missing = len(draw.committers) - len(draw.commitments)
    if missing:
        return refuse("REVEAL_TOO_EARLY", CLAUSE, draw=body.draw, missing=missing)
    if asked.person in draw.seeds:
        return refuse("ALREADY_REVEALED", CLAUSE, draw=body.draw)
    committed = bytes.fromhex(draw.commitments[asked.person])
    if not draws.matches(committed, bytes.fromhex(body.seed), asked.person):
        return refuse("REVEAL_MISMATCH", CLAUSE, draw=body.draw)
    return None


DECISIONS: Decisions = {DrawAnnounced: _announce, SeedCommitted: _commit, SeedRevealed: _reveal}
