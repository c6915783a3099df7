"""The log's own keys, and the losses it was brought back from."""

from ledger.checkpoint import parse_vkey
from ledger.state.books import Books
from ledger.state.log_book import Recovery
from ledger.state.matters import Folds
from ledger.statements import Act
from ledger.statements.log import LogKeyRotated, LogRecovered


def _rotated(state: Books, act: Act, now: Act) -> None:
    body: LogKeyRotated = act.body
    state.log.known_keys = state.log.keys.rotated(now.index, parse_vkey(body.log_key))


def _recovered(state: Books, act: Act, now: Act) -> None:
    body: LogRecovered = act.body
    state.log.recoveries.append(Recovery(act.index, body.size, body.recovered_to))
    facts = {"size": body.size, "recovered_to": body.recovered_to}
    state.findings.add("LOG_RECOVERED", "warn", act.index, act.index, now.index, **facts)


FOLDS: Folds = {LogKeyRotated: _rotated, LogRecovered: _recovered}
