"""A clerk's hand on a running ledger: signs the statements of an import with the own key, hands them in in order."""

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ledger.decisions.gate import governing_hash
from ledger.errors import StoreError
from ledger.importing import Description, DryRun
from ledger.procedure.reasons import Refusal
from ledger.selection import Selection
from ledger.sequencer import Refused, Sequencer
from ledger.signing import SigningKey, key_id
from ledger.statements import Act, Statement, sign
from ledger.statements.imports import SourceFile
from ledger.statements.kinds import name_of

_PIECE = 1 << 20


class SequencedClerk:
    """Signs with one enrolled key; `at` is the simulated time of a rehearsal (UTC ms), None the ledger's own clock."""

    def __init__(self, sequencer: Sequencer, key: SigningKey, at: int | None = None) -> None:
        """Raise `StoreError` `KEY_NOT_ENROLLED` for a key that is nobody's."""
        self._sequencer, self._key, self._at = sequencer, key, at
        self._id = key_id(key.public)
        if self._id not in sequencer.state.roll.keys:
            raise StoreError("KEY_NOT_ENROLLED", key=self._id)
        self._person = sequencer.state.roll.keys[self._id].person

    @property
    def person(self) -> str:
        """The clerk's person id."""
        return self._person

    @property
    def state(self) -> Selection:
        """The ledger's state after the last answer."""
        return self._sequencer.state

    def submit_all(self, bodies: Sequence[Any]) -> Sequence[Act | Refusal]:
        """Sign all bodies with consecutive counters, hand them in at once, and wait for every answer."""
        known = self.state.roll.people.get(self._person)
        first = max(known.counter + 1, 1) if known else 1
        envelopes = [self._signed(body, counter) for counter, body in enumerate(bodies, start=first)]
        answers = [answer.result() for answer in self._sequencer.submit_all(envelopes, self._at)]
        return [one.refusal if isinstance(one, Refused) else one.act for one in answers]

    def _signed(self, body: Any, counter: int) -> bytes:
        name, version = name_of(type(body))
        return sign(
            Statement(
                body=body,
                claimed_at=None,
                counter=counter,
                key=self._id,
                nonce=secrets.token_hex(16),
                on_behalf_of=None,
                person=self._person,
                programme=self.state.charter.id,
                rules=governing_hash(self.state, body),
                seen=self._sequencer.seen(),
                type=name,
                version=version,
            ),
            self._key,
        )


def described(paths: Sequence[Path], dry: DryRun, source: str, period: tuple[int, int] | None = None) -> Description:
    """Describe an import by its files: the same files are the same import, so that one cut short is taken up again.

    `period` (UTC ms) is attested by the clerks; by default from the first to the last time that any row states.
    """
    files = tuple(_file(path) for path in sorted(paths))
    first, last = period or dry.span or (0, 0)
    identity = hashlib.sha256("".join(file.digest for file in files).encode()).hexdigest()
    return Description(f"import-{identity[:24]}", source, files, first, last)


def _file(path: Path) -> SourceFile:
    digest, length = hashlib.sha256(), 0
    with path.open("rb") as opened:
        while piece := opened.read(_PIECE):
            digest.update(piece)
            length += len(piece)
    return SourceFile(digest.hexdigest(), length, path.name)
