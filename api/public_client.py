"""A client of public votes: cast with a one-time code, ask for the receipt again, hand in a channel's signed batches.

What is sent again after no answer came is the same; a code votes once, so that no retry counts twice. A receipt is
believed only if the log's own key signed a checkpoint above its batch, and the batch holds the row of this very code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from api.client import Client, Declined, Receipted
from ledger import canonical, receipt
from ledger.errors import LedgerError, VerificationError
from ledger.poll_receipt import PublicReceipt, batch_of, parse
from ledger.poll_rows import credential_tag

FRAMED = "application/vnd.ballot-ledger.attached"
"""A signed statement with what is attached to it: the length of the envelope in 4 bytes, the envelope, the rest."""


@dataclass(frozen=True, slots=True)
class Voted:
    """A ballot that is in: its receipt, which shows no choice, and whether it was in before."""

    receipt: PublicReceipt
    again: bool


class PublicClient(Client):
    """One service, as voters of a poll and the channels' own systems use it."""

    def poll(self, poll: str) -> dict[str, Any]:
        """Return what everybody may know of a poll, and its challenge. Errors as `Client.form`."""
        return self.read(f"/v1/polls/{poll}")

    def cast(
        self,
        poll: str,
        channel: str,
        code: bytes,
        candidates: Sequence[str],
        challenge: str | None = None,
        at: int | None = None,
    ) -> Voted:
        """Cast the ballot of a code (16 bytes) and verify its receipt; `at` is for a rehearsal's simulated clock.

        With `again` the ballot that counts may be another one than this: what the code voted for is told to nobody.
        Raises `ProblemError` for what is refused, `StoreError` `SERVER_UNREACHABLE`, and `VerificationError`
        `SERVER_ANSWER_INVALID` for a receipt that does not hold.
        """
        body: dict[str, Any] = {"candidates": list(candidates), "channel": channel, "code": code.hex()}
        if challenge is not None:
            body["challenge"] = challenge
        query = {} if at is None else {"at": str(at)}
        told = self._told("POST", f"/v1/polls/{poll}/ballots", json=body, params=query)
        return Voted(self._believed(told, poll, code), told.get("again") is True)

    def receipt_again(self, poll: str, code: bytes, at: int | None = None) -> PublicReceipt:
        """Return the receipt of the ballot of a code once more; errors as `cast`.

        `at` (UTC ms) is on its day where a code votes once a day, by default today.
        """
        query = {} if at is None else {"at": str(at)}
        told = self._told("POST", f"/v1/polls/{poll}/receipts", json={"code": code.hex()}, params=query)
        return self._believed(told, poll, code)

    def _believed(self, told: dict[str, Any], poll: str, code: bytes) -> PublicReceipt:
        try:
            found = parse(canonical.encode(told.get("receipt")))
            batch = batch_of(found)
            if batch.poll != poll or found.row.tag != credential_tag(poll, code):
                raise VerificationError("SERVER_ANSWER_INVALID", where="receipt")
            if self.keys:
                proof = receipt.parse(found.proof)
                self._following(lambda: self.keys.check(proof, found.entry))
        except (LedgerError, TypeError) as error:
            if isinstance(error, LedgerError) and error.code == "LOG_KEY_UNPROVEN":
                raise
            raise VerificationError("SERVER_ANSWER_INVALID", where="receipt") from None
        return found

    def poll_batch(self, poll: str, envelope: bytes, attached: bytes, at: int | None = None) -> Receipted | Declined:
        """Hand in a signed statement with the bytes that it names: rows, openings, a list of rows.

        As `Client.submit` otherwise.
        """
        answer: httpx.Response = self._ask(
            "POST",
            f"/v1/polls/{poll}/batches",
            content=len(envelope).to_bytes(4, "big") + envelope + attached,
            headers={"content-type": FRAMED},
            params={} if at is None else {"at": str(at)},
        )
        return self._answered(envelope, answer)
