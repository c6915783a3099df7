"""A public voter's receipt: the row of their ballot, its path in the batch, and the batch's own proof in the log.

It shows that this row is in the log and that the ballot counts among the rows of the batch. It shows no choice, to
nobody: the row holds a commitment whose salt no receipt bears, so a vote that was bought cannot be proven. For the same
reason it does not prove that the choice was recorded as it was cast.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ledger import canonical, receipt
from ledger.checkpoint import Checkpoint, VerifierKey
from ledger.errors import MalformedError, VerificationError
from ledger.merkle import leaf_hash, node_hash, verify_inclusion
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
        """Return the canonical JSON of the receipt's file.

        No value of it needs an escape, and most of it all voters of a batch share.
        """
        row, path = self.row, ",".join([f'"{one.hex()}"' for one in self.path])
        return (
            f'{{"commitment":"{row.commitment.hex()}","entry":"{_base64(self.entry)}","kind":"{_KIND}",'
            f'"path":[{path}],"proof":"{_base64(self.proof)}","serial":{row.serial},'
            f'"tag":"{row.tag.hex()}"}}'
        ).encode()


@lru_cache(maxsize=64)
def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Paths:
    """The tree over the rows of a batch, from which each voter gets their path."""

    def __init__(self, block: Block) -> None:
        """Hash the rows."""
        self._rows = list(block.rows())
        self._serials = {row.tag: row.serial for row in self._rows}
        level = block.leaves()
        self._levels: list[list[bytes]] = []
        while len(level) > 1:
            self._levels.append(level)
            above = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
            level = above + level[len(level) & ~1 :]
        self.root = level[0]

    def receipt(self, tag: bytes, entry: bytes, proof: bytes) -> PublicReceipt | None:
        """Return the receipt of a tag's row; None if the batch has no such row."""
        serial = self._serials.get(tag)
        if serial is None:
            return None
        path, place = [], serial
        for level in self._levels:
            # The last of an odd number has no sibling here, and stands on the next level as it is.
            path += level[place ^ 1 : (place ^ 1) + 1]
            place >>= 1
        return PublicReceipt(self._rows[serial], tuple(path), entry, proof)


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
