"""Asking the ledger's own decisions what they would say: may this person do this now, and if not, why?

The statement that is asked about is made up and never signed or stored; decisions do not change the state. So what
blocks a step is said by the rule that blocks it.
"""

from typing import Any

from ledger.decisions.gate import decide, governing_hash
from ledger.procedure.acts import ACTS, ANYONE
from ledger.procedure.reasons import Refusal
from ledger.roll import Person
from ledger.selection import Selection
from ledger.signing import encode_base64
from ledger.state.books import Pending
from ledger.statements import Seen, Statement
from ledger.statements.foundation import ActCountersigned
from ledger.statements.kinds import name_of

HASH = "0" * 64
ROOT = encode_base64(bytes(32))


def asked(state: Selection, person: str, body: Any) -> Statement[Any] | None:
    """Return the statement that a person would sign now, or None for one without a key in force."""
    known = state.roll.people.get(person)
    key = _key_of(state, known)
    if known is None or key is None:
        return None
    name, version = name_of(type(body))
    behalf = ACTS[name].behalf
    return Statement(
        body=body,
        claimed_at=None,
        counter=known.counter + 1,
        key=key,
        nonce="0" * 32,
        on_behalf_of=getattr(body, behalf) if behalf else None,
        person=person,
        programme=state.charter.id,
        rules=governing_hash(state, body),
        seen=Seen(ROOT, ROOT, state.size),
        type=name,
        version=version,
    )


def _key_of(state: Selection, known: Person | None) -> str | None:
    keys = (state.roll.keys[one] for one in known.keys) if known is not None else ()
    return next((one.id for one in keys if one.revoked is None and one.blocked is None), None)


def would_refuse(state: Selection, person: str, body: Any, at: int) -> Refusal | None:
    """Return the refusal that a person would get for `body` at `at` (UTC ms), or None if it would be admitted."""
    statement = asked(state, person, body)
    if statement is None:
        return Refusal("KEY_UNKNOWN", "七(三)", {"key": "-"})
    return decide(state, statement, at)


def authors_of(state: Selection, body: Any) -> tuple[str, ...]:
    """Return who holds a role that may author this kind of act, sorted; nobody where the act's own rule says who."""
    roles = ACTS[name_of(type(body))[0]].authors
    if roles == ANYONE:
        return ()
    return tuple(sorted({person for role in roles for person in state.roll.holders(role)}))


def may_sign(state: Selection, waiting: Pending, at: int) -> tuple[str, ...]:
    """Return who could sign a pending act at `at` (UTC ms), sorted."""
    act = waiting.act
    body = ActCountersigned(act.index, act.leaf.hex())
    roles = waiting.rule.cosigners
    people = sorted({person for role in roles for person in state.roll.holders(role)})
    return tuple(person for person in people if would_refuse(state, person, body, at) is None)
