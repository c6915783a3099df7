"""The log's keys as a public export shows them: the charter's, and rotations that founders of two sponsors signed.

The rotation and its countersignature are public entries; who belongs to which sponsor is known here from the charter
alone. A rotation signed by anybody who came later cannot be followed, and later checkpoints then do not hold.
"""

from collections.abc import Mapping

from ledger.checkpoint import parse_vkey
from ledger.errors import MalformedError
from ledger.log_keys import LogKeys
from ledger.statements import Act
from ledger.statements.foundation import ActCountersigned, ActDeclined, CharterSealed
from ledger.statements.log import LogKeyRotated


class PublicKeys:
    """The keys after the entries taken so far; None before the charter."""

    def __init__(self) -> None:
        """Begin before entry 0."""
        self.keys: LogKeys | None = None
        self._pending: dict[int, Act] = {}

    def take(self, act: Act, publics: Mapping[str, bytes]) -> None:
        """Take the next public entry; `publics` are the keys that public entries brought in."""
        body = act.body
        try:
            if type(body) is CharterSealed and self.keys is None:
                self.keys = LogKeys.of(parse_vkey(body.log_key))
            elif act.statement.key not in publics:
                return
            elif type(body) is LogKeyRotated:
                self._pending[act.index] = act
            elif type(body) is ActDeclined:
                self._pending.pop(body.index, None)
            elif type(body) is ActCountersigned:
                self._countersigned(act)
        except MalformedError:
            return

    def _countersigned(self, act: Act) -> None:
        waiting = self._pending.get(act.body.index)
        if waiting is not None and waiting.person != act.person and self.keys is not None:
            del self._pending[act.body.index]
            self.keys = self.keys.rotated(act.index, parse_vkey(waiting.body.log_key))
