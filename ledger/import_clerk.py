"""A clerk's hand on a sequencer: bodies become signed statements, handed in together and answered in order."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ledger.decisions.gate import governing_hash
from ledger.procedure.reasons import Refusal
from ledger.selection import Selection
from ledger.sequencer import Refused, Sequencer
from ledger.signing import SigningKey, key_id
from ledger.statements import Act, Statement, sign
from ledger.statements.kinds import name_of


class SequencerClerk:
    """A clerk of `importing.run` who signs with a key at hand; `at` (UTC ms) is for a rehearsal's simulated clock."""

    def __init__(
        self, sequencer: Sequencer, person: str, key: SigningKey, *, at: Callable[[], int | None] = lambda: None
    ) -> None:
        """Take the key of a person who is on the roll."""
        self._sequencer, self._person, self._key, self._at = sequencer, person, key, at

    @property
    def person(self) -> str:
        """The clerk's person id."""
        return self._person

    @property
    def state(self) -> Selection:
        """The sequencer's state."""
        return self._sequencer.state

    def submit_all(self, bodies: Sequence[Any]) -> Sequence[Act | Refusal]:
        """Sign, hand in, and wait for every answer; raises the `LedgerError` that stopped one."""
        answers = self._sequencer.submit_all(list(self._signed(bodies)), self._at())
        results = [answer.result() for answer in answers]
        return [one.refusal if isinstance(one, Refused) else one.act for one in results]

    def _signed(self, bodies: Sequence[Any]) -> Iterator[bytes]:
        state, seen = self.state, self._sequencer.seen()
        known = state.roll.people.get(self._person)
        counter = known.counter if known is not None else -1
        for number, body in enumerate(bodies, start=1):
            name, version = name_of(type(body))
            statement = Statement(
                body=body,
                claimed_at=None,
                counter=counter + number,
                key=key_id(self._key.public),
                nonce=secrets.token_hex(16),
                on_behalf_of=None,
                person=self._person,
                programme=state.charter.id,
                rules=governing_hash(state, body),
                seen=seen,
                type=name,
                version=version,
            )
            yield sign(statement, self._key)
