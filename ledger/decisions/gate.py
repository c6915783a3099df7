"""The gate that every statement passes: context, key, rules, role, stage, its family's decision, then the counter."""

from typing import Any

from ledger.decisions import (
    aftermath,
    applications,
    ballots,
    bodies,
    certification,
    closing,
    deliberation,
    findings,
    foundation,
    imports,
    log,
    naming,
    notices,
    objections,
    people,
    poll_ballots,
    polls,
    rounds,
    screening,
    sessions,
    vacancies,
)
from ledger.decisions.registry import Asked, CosignDecisions, Decisions
from ledger.procedure.acts import ACTS, ALL_SPONSORS, ANYONE, ActRule
from ledger.procedure.programme import Stage
from ledger.procedure.reasons import Refusal, refuse
from ledger.roll import SEALED_PREFIX
from ledger.selection import Selection
from ledger.state.charter_book import Charter
from ledger.statements import Statement
from ledger.statements.foundation import ActCountersigned, ActDeclined, CharterEndorsed, CharterSealed
from ledger.statements.kinds import all_kinds, name_of
from ledger.statements.notices import ObjectionReceived, ObjectionWithdrawn

_FAMILIES = (
    foundation, people, applications, screening, bodies, sessions, rounds, ballots, closing, polls, poll_ballots,
    deliberation,    vacancies, notices, objections, naming, aftermath, findings, certification, imports, log,
)  # fmt: skip

DECISIONS: Decisions = {}
COSIGN: CosignDecisions = {}
for _family in _FAMILIES:
    DECISIONS |= _family.DECISIONS
    COSIGN |= getattr(_family, "COSIGN", {})

_ONE_TIME = (ObjectionReceived, ObjectionWithdrawn)
_OF_A_STAGE = frozenset(body for body in all_kinds().values() if "stage" in body.__dataclass_fields__)
_OF_A_ROUND = frozenset(body for body in all_kinds().values() if "round" in body.__dataclass_fields__)


def decide(state: Selection, statement: Statement[Any], at: int) -> Refusal | None:
    """Decide whether `statement`, sequenced at `at` (UTC ms), may become the next entry.

    Signature and pin are checked before.
    """
    if type(statement.body) is CharterSealed:
        return foundation.decide_charter(state, statement, at)
    if state.sealed is None:
        return refuse("CHARTER_MISSING", "一")
    return (
        _standing(state, statement)
        or imports.barred(state, statement)
        or _admission(state, statement, at)
        or _counter(state, statement)
    )


def _standing(state: Selection, statement: Statement[Any]) -> Refusal | None:
    """Is it of this programme, by a key that is the person's own and in force?"""
    charter = state.charter
    if statement.programme != charter.id:
        return refuse("WRONG_CONTEXT", "七(三)", expected=charter.id, given=statement.programme or "-")
    if statement.person.startswith(SEALED_PREFIX):
        if type(statement.body) not in _ONE_TIME:
            return refuse("NOT_AUTHORISED", "五(七)", act=statement.type)
        return _in_force(state, statement)
    key = state.roll.keys.get(statement.key)
    if key is None:
        # Somebody who objects by their own key instead of a one-time key is not named in the answer either.
        shown = "-" if type(statement.body) in _ONE_TIME else statement.key
        return refuse("KEY_UNKNOWN", "七(三)", key=shown)
    if key.person != statement.person:
        return refuse("KEY_NOT_OWNERS", "七(三)", key=statement.key, person=statement.person)
    stopped = key.revoked if key.revoked is not None else key.blocked
    if stopped is not None:
        return refuse("KEY_REVOKED", "七(三)", key=statement.key, since=stopped)
    return _in_force(state, statement)


def _in_force(state: Selection, statement: Statement[Any]) -> Refusal | None:
    charter = state.charter
    if not charter.in_force and type(statement.body) is not CharterEndorsed:
        endorsed, sponsors = len(charter.endorsed), len(charter.latest.programme.sponsors)
        return refuse("CHARTER_NOT_ENDORSED", "一", endorsed=endorsed, sponsors=sponsors)
    return None


def _admission(state: Selection, statement: Statement[Any], at: int) -> Refusal | None:
    rule = ACTS[statement.type]
    charter = state.charter
    stage_id = stage_of(state, statement.body)
    stage = charter.stage(stage_id) if stage_id else charter.open_stage(rule.during)
    if stage_id and stage is None:
        return refuse("UNKNOWN_STAGE", rule.clause, stage=stage_id)
    version = charter.version_for(stage.id if stage else None)
    asked = Asked(statement, at, version.programme, stage)
    if statement.rules != version.hash:
        return refuse("RULES_HASH_MISMATCH", rule.clause, expected=version.hash, given=statement.rules or "-")
    return (
        _rest(state, rule)
        or _impersonation(statement, rule)
        or _authority(state, statement, rule)
        or _stage(state, rule, stage, stage_id)
        or _family_decision(state, asked)
    )


def governing_hash(state: Selection, body: Any) -> str:
    """Return the hash of the programme version that governs a body, which its statement must bear as `rules`."""
    stage_id = stage_of(state, body)
    stage = None if stage_id else state.charter.open_stage(ACTS[name_of(type(body))[0]].during)
    return state.charter.version_for(stage_id or (stage.id if stage else None)).hash


def stage_of(state: Selection, body: Any) -> str | None:
    """Return the id of the stage that a body names, directly or by its round."""
    kind = type(body)
    if kind in _OF_A_STAGE and body.stage is not None:
        stage: str = body.stage
        return stage
    known = state.rounds.by_id.get(body.round) if kind in _OF_A_ROUND else None
    return known.session.stage if known else None


def _rest(state: Selection, rule: ActRule) -> Refusal | None:
    if state.charter.suspended is not None and not rule.suspended:
        return refuse("SELECTION_SUSPENDED", "七(三)", since=state.charter.suspended)
    return None


def _impersonation(statement: Statement[Any], rule: ActRule) -> Refusal | None:
    behalf = statement.on_behalf_of
    expected = getattr(statement.body, rule.behalf) if rule.behalf else None
    if behalf != expected:
        return refuse(rule.behalf_code, rule.clause, given=behalf or "-", expected=expected or "-")
    return None


def _authority(state: Selection, statement: Statement[Any], rule: ActRule) -> Refusal | None:
    if rule.authors == ANYONE or state.roll.has_role(statement.person, rule.authors):
        return None
    return refuse("NOT_AUTHORISED", rule.clause, act=statement.type, needed="/".join(rule.authors))


def _stage(state: Selection, rule: ActRule, stage: Stage | None, stage_id: str | None) -> Refusal | None:
    if not rule.during:
        return None
    charter = state.charter
    if stage is None:
        kinds = [item for item in charter.latest.programme.stages if item.kind in rule.during]
        closed = [item.id for item in kinds if charter.is_closed(item.id)]
        code = "STAGE_CLOSED" if closed and len(closed) == len(kinds) else "STAGE_NOT_OPEN"
        return refuse(code, rule.clause, stage=closed[-1] if code == "STAGE_CLOSED" else "/".join(rule.during))
    if stage.kind not in rule.during:
        return refuse("WRONG_STAGE", stage.clause, stage=stage.id, kind=stage.kind.value)
    return stage_open(charter, stage)


def stage_open(charter: Charter, stage: Stage) -> Refusal | None:
    """Refuse unless this stage has begun and not ended."""
    if charter.is_closed(stage.id):
        return refuse("STAGE_CLOSED", stage.clause, stage=stage.id)
    if not charter.is_open(stage.id):
        return refuse("STAGE_NOT_OPEN", stage.clause, stage=stage.id)
    return None


def _family_decision(state: Selection, asked: Asked) -> Refusal | None:
    if type(asked.body) is ActCountersigned:
        return _countersign(state, asked)
    if type(asked.body) is ActDeclined:
        return _may_sign(state, asked)
    return DECISIONS[type(asked.body)](state, asked)


def _may_sign(state: Selection, asked: Asked) -> Refusal | None:
    """May this person agree to, or refuse, the pending act that is named?"""
    body: ActCountersigned | ActDeclined = asked.body
    waiting = state.pending.get(body.index)
    if waiting is None:
        return refuse("NOT_PENDING", "七(三)", index=body.index)
    if waiting.act.leaf.hex() != body.leaf:
        return refuse("LEAF_MISMATCH", "七(三)", index=body.index)
    own = COSIGN.get(type(waiting.act.body))
    refused = own(state, asked, waiting) if own else None
    if refused is not None:
        return refused
    if asked.person in waiting.signers:
        return refuse("SECOND_SIGNER_NEEDED", waiting.rule.clause, index=body.index)
    if not state.roll.has_role(asked.person, waiting.rule.cosigners):
        needed = "/".join(waiting.rule.cosigners)
        return refuse("NOT_AUTHORISED", waiting.rule.clause, act=waiting.act.statement.type, needed=needed)
    if waiting.rule.needs == ALL_SPONSORS and state.charter.offices.get(asked.person) in waiting.offices:
        return refuse("SECOND_SIGNER_NEEDED", waiting.rule.clause, index=body.index)
    return None


def _countersign(state: Selection, asked: Asked) -> Refusal | None:
    refused = _may_sign(state, asked)
    if refused is not None:
        return refused
    waiting = state.pending[asked.body.index]
    if state.charter.suspended is not None and not waiting.rule.suspended:
        # While the selection rests, what may not be said anew does not take effect either.
        return refuse("SELECTION_SUSPENDED", "七(三)", since=state.charter.suspended)
    if not waiting.rule.recheck or waiting.needs > 1:
        return None
    original = waiting.act.statement
    stage_id = stage_of(state, original.body)
    stage = state.charter.stage(stage_id) if stage_id else state.charter.open_stage(waiting.rule.during)
    programme = state.charter.version_for(stage.id if stage else None).programme
    again = Asked(original, asked.at, programme, stage, final=True)
    return _stage(state, waiting.rule, stage, stage_id) or DECISIONS[type(original.body)](state, again)


def _counter(state: Selection, statement: Statement[Any]) -> Refusal | None:
    known = state.roll.people.get(statement.person)
    if known is not None and statement.counter <= known.counter:
        return refuse("IDEMPOTENCY_CONFLICT", "七(三)", counter=statement.counter, last=known.counter)
    return None
