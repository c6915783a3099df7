"""A public voter's receipt: the row of their ballot, its path in the batch, and the batch's own proof in the log.

It shows that this row is in the log and that the ballot counts among the rows of the batch. It shows no choice, to
nobody: the row holds a commitment whose salt no receipt bears, so a vote that was bought cannot be proven. For the same
reason it does not prove that the choice was recorded as it was cast.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledger import canonical, receipt
from ledger.checkpoint import Checkpoint, VerifierKey
from ledger.errors import MalformedError, VerificationError
from ledger.merkle import Address, Frontier, inclusion_proof, leaf_hash, verify_inclusion
from ledger.poll_rows import Block, Row
from ledger.receipt import MAX_PROOF_HASHES
from ledger.statements import decode_entry
from ledger.statements.poll_ballots import PollBatch

_KIND = "ballot-ledger.public-receipt.v1"


@dataclass(frozen=True, slots=True)
class PublicReceipt:
    """The row, its path in the batch (sibling first), the batch's entry, and that entry's `.tlog-proof`."""

    row: Row
    path: tuple[bytes, ...]
    entry: bytes
    proof: bytes

    def encode(self) -> bytes:
        """Return the canonical JSON of the receipt's file."""
        return canonical.encode(
            {
                "commitment": self.row.commitment.hex(),
                "entry": base64.b64encode(self.entry).decode(),
                "kind": _KIND,
                "path": [one.hex() for one in self.path],
                "proof": base64.b64encode(self.proof).decode(),
                "serial": self.row.serial,
                "tag": self.row.tag.hex(),
            }
        )


class Paths:
    """The tree over the rows of a batch, from which each voter gets their path."""

    def __init__(self, block: Block) -> None:
        """Hash the rows."""
        self._rows = list(block.rows())
        self._nodes: dict[Address, bytes] = {}
        frontier = Frontier()
        for leaf in block.leaves():
            for level, index, value in frontier.append(leaf):
                self._nodes[level, index] = value
        self.root = frontier.root()
        self._serials = {row.tag: row.serial for row in self._rows}

    def receipt(self, tag: bytes, entry: bytes, proof: bytes) -> PublicReceipt | None:
        """Return the receipt of a tag's row; None if the batch has no such row."""
        serial = self._serials.get(tag)
        if serial is None:
            return None
        path = inclusion_proof(serial, len(self._rows), lambda level, index: self._nodes[level, index])
        return PublicReceipt(self._rows[serial], path, entry, proof)


def parse(data: bytes) -> PublicReceipt:
    """Read a receipt; nothing is verified yet. Raises `MalformedError` `NOT_CANONICAL` or `RECEIPT_MALFORMED`."""
    value = canonical.decode(data)
    try:
        found = PublicReceipt(
            Row(_serial(value["serial"]), bytes.fromhex(value["tag"]), bytes.fromhex(value["commitment"])),
            tuple(bytes.fromhex(one) for one in value["path"]),
            base64.b64decode(value["entry"], validate=True),
            base64.b64decode(value["proof"], validate=True),
        )
    except (TypeError, ValueError, KeyError):
        raise MalformedError("RECEIPT_MALFORMED", where="members") from None
    if len(found.path) > MAX_PROOF_HASHES or found.encode() != data:
        raise MalformedError("RECEIPT_MALFORMED", where="spelling")
    return found


def _serial(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**32:
        raise ValueError
    return value


def verify(given: PublicReceipt, keys: Iterable[VerifierKey]) -> tuple[PollBatch, Checkpoint]:
    """Verify that the log of one of `keys` holds the batch, and the batch the row; return both.

    Raises `VerificationError` `RECEIPT_NOT_INCLUDED` if a path does not hold, `MalformedError` if the entry is no batch
    of public ballots, and what `ledger.receipt.verify` raises.
    """
    checkpoint = receipt.verify(receipt.parse(given.proof), given.entry, keys)
    return batch_of(given), checkpoint


def batch_of(given: PublicReceipt) -> PollBatch:
    """Return the batch that holds the row, whether the log holds the batch or not; raises as `verify`."""
    act = decode_entry(given.entry)
    body = act.body
    if not isinstance(body, PollBatch):
        raise MalformedError("RECEIPT_MALFORMED", where="entry")
    leaf, root = leaf_hash(given.row.encode()), bytes.fromhex(body.root)
    if not verify_inclusion(given.row.serial, body.count, leaf, given.path, root):
        raise VerificationError("RECEIPT_NOT_INCLUDED", index=act.index)
    return body
