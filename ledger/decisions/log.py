"""The log's own matters: another key for it, and that lost entries were brought back (seven(三))."""

from typing import Any

from ledger.checkpoint import parse_vkey
from ledger.decisions.prerequisites import unreasoned
from ledger.decisions.registry import Asked, CosignDecisions, Decisions
from ledger.errors import MalformedError
from ledger.log_keys import possessed
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.signing import weakness
from ledger.state.books import Pending
from ledger.statements.log import LogKeyRotated, LogRecovered

CLAUSE = "七(三)"


def _rotate(state: Selection, asked: Asked) -> Refusal | None:
    """The log's next key is strong, new to the log and to its people, bears the log's name and signed for itself."""
    body: LogKeyRotated = asked.body
    keys = state.log.keys
    try:
        new = parse_vkey(body.log_key)
    except MalformedError:
        return refuse("LOG_KEY_INVALID", CLAUSE, where="log_key")
    if new.name != keys.name:
        return refuse("LOG_KEY_INVALID", CLAUSE, where="origin")
    if weakness(new.public):
        return refuse("LOG_KEY_INVALID", CLAUSE, where="weak key")
    if new in keys or new.public in state.roll.publics:
        return refuse("LOG_KEY_KNOWN", CLAUSE, key=new.key_id.hex())
    if not possessed(keys.newest, new, body.possession):
        return refuse("LOG_KEY_INVALID", CLAUSE, where="possession")
    return _alone(state, asked) or unreasoned(body.reason, CLAUSE, new.key_id.hex())


def _alone(state: Selection, asked: Asked) -> Refusal | None:
    """One rotation or recovery is agreed to at a time."""
    kind: type[Any] = type(asked.body)
    for waiting in state.pending.values():
        if type(waiting.act.body) is kind and not asked.final:
            return refuse("ALREADY_PENDING", CLAUSE, index=waiting.act.index)
    return None


def _recover(state: Selection, asked: Asked) -> Refusal | None:
    """A recovery ends above what was left and within what is there, names its sources, and says why."""
    body: LogRecovered = asked.body
    if not body.size < body.recovered_to <= state.size:
        return refuse("RECOVERY_IMPOSSIBLE", CLAUSE, size=body.size, recovered_to=body.recovered_to, entries=state.size)
    if not body.sources:
        return refuse("PREREQUISITE_MISSING", CLAUSE, step="sources", subject=str(body.recovered_to))
    return _alone(state, asked) or unreasoned(body.reason, CLAUSE, str(body.recovered_to))


def _another_sponsor(state: Selection, asked: Asked, waiting: Pending) -> Refusal | None:
    """Two people of one sponsor are one sponsor."""
    if state.charter.offices.get(asked.person) in waiting.offices:
        return refuse("SECOND_SIGNER_NEEDED", CLAUSE, index=waiting.act.index)
    return None


DECISIONS: Decisions = {LogKeyRotated: _rotate, LogRecovered: _recover}
COSIGN: CosignDecisions = {LogKeyRotated: _another_sponsor}
