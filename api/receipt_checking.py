"""Is what a receipt proves still in the log that the service shows now (dispute F10)?

A receipt is the log's signature on a tree that holds the entry, given after commit: there is no delay in which it may
not be there yet. So a newer tree by the same keys that does not go on from the receipt's is the operator's fault, and
the two signatures prove it to anybody who knows the log's key. A tree that is smaller than the receipt's is looked at
once more after a while, since a cache may have answered. The evidence is a file that `fork` checks offline.
"""

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from api.client import Client, ProblemError
from ledger import poll_receipt
from ledger.checkpoint import Checkpoint
from ledger.errors import VerificationError
from ledger.forks import evidence
from ledger.merkle import verify_consistency
from ledger.receipt import parse
from ledger.statements import decode_entry

CODE = "RECEIPT_NOT_INCLUDED"


class Standing(StrEnum):
    """How a receipt stands to the log as it is shown now."""

    INCLUDED = "included"
    NOT_INCLUDED = "not_included"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Held:
    """A receipt that holds by itself: the entry, its statement's identity, and the tree that the log signed with it."""

    index: int
    entry: bytes
    statement: str
    note: bytes
    signed: Checkpoint


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it: the receipt, the newest tree (None in an empty log), and where they contradict, the evidence."""

    standing: Standing
    held: Held
    newest: Checkpoint | None
    evidence: bytes | None = None

    def finding(self) -> dict[str, Any]:
        """Return the statement by which the fault is put on record, to be signed by whoever found it."""
        size = self.newest.size if self.newest is not None else 0
        reason = (
            f"回执所证第 {self.held.index} 条（声明 {self.held.statement}）不在现今账本中："
            f"回执检查点 {self.held.signed.size} 条，现检查点 {size} 条"
        )
        body = {"code": CODE, "entries": [min(self.held.index, max(size - 1, 0))], "reason": reason}
        return {"body": body | {"severity": "breach"}, "kind": "finding.raised"}


def held(client: Client, receipt: bytes, entry: bytes | None) -> Held:
    """Verify a receipt by itself: a `.tlog-proof` with its entry, or a public voter's, which holds its entry.

    Raises `VerificationError` `RECEIPT_NOT_INCLUDED` or what a signature's check raises; `MalformedError`.
    """
    proof = receipt
    if entry is None:
        public = poll_receipt.parse(receipt)
        proof, entry = public.proof, public.entry
        poll_receipt.verify(public, client.keys.given)
    found = parse(proof)
    signed = client.checked(found, entry)
    return Held(found.index, entry, decode_entry(entry).signed.id.hex(), found.checkpoint_note, signed)


def check(client: Client, receipt: bytes, entry: bytes | None = None, wait: float = 0) -> Checked:
    """Hold a receipt against the log that the service shows now; errors as `held`, and `ProblemError`, `StoreError`.

    `wait` are the seconds after which a tree that is too small is asked for once more.
    """
    known = held(client, receipt, entry)
    note = client.checkpoint()
    if (_size(client, note) < known.signed.size) and wait:
        client.rest(wait)
        note = client.checkpoint()
    if note is None:
        return Checked(Standing.NOT_INCLUDED, known, None)
    newest = client.keys.open(note)
    if newest.size < known.signed.size:
        return Checked(Standing.NOT_INCLUDED, known, newest, evidence(known.note, note, b"", (), known.statement))
    return _compared(client, known, note, newest)


def _size(client: Client, note: bytes | None) -> int:
    return 0 if note is None else client.keys.open(note).size


def _compared(client: Client, known: Held, note: bytes, newest: Checkpoint) -> Checked:
    """Hold two trees against each other by the proof that the service gives, which need not be believed."""
    try:
        told = client.read("/v1/proofs/consistency", old=str(known.signed.size), new=str(newest.size))["consistency"]
        path = [base64.b64decode(one, validate=True) for one in told["path"]]
        before = bytes.fromhex(told["old_root"])
    except (ProblemError, VerificationError, KeyError, TypeError, ValueError, binascii.Error):
        return Checked(Standing.UNPROVEN, known, newest)
    if verify_consistency(known.signed.size, newest.size, known.signed.root, newest.root, path):
        return Checked(Standing.INCLUDED, known, newest)
    if before != known.signed.root and verify_consistency(known.signed.size, newest.size, before, newest.root, path):
        proof = evidence(known.note, note, before, path, known.statement)
        return Checked(Standing.NOT_INCLUDED, known, newest, proof)
    return Checked(Standing.UNPROVEN, known, newest)
