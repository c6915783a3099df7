"""Receipts: the proof that an entry is in the log, as one file (C2SP tlog-proof v1, suffix `.tlog-proof`).

A receipt holds the entry's index, its inclusion proof and the signed checkpoint that first covered it, verbatim. The
format's optional extra line is refused: nothing signs it, and our receipts have none.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from ledger.checkpoint import (
    MAX_SIZE,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    parse_base64,
    parse_decimal,
    parse_note,
)
from ledger.errors import MalformedError, VerificationError
from ledger.merkle import HASH_BYTES, leaf_hash, verify_inclusion

HEADER = b"c2sp.org/tlog-proof@v1\n"
MAX_PROOF_HASHES = 63
"""No tree of fewer than 2^63 leaves has a longer inclusion proof."""
_MAX_HEAD_BYTES = len(HEADER) + 26 + 45 * MAX_PROOF_HASHES


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where an entry stands (`index`, from 0), its inclusion proof (sibling first) and a signed checkpoint above it."""

    index: int
    proof: tuple[bytes, ...]
    checkpoint_note: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.index <= MAX_SIZE:
            raise MalformedError("RECEIPT_MALFORMED", where="index")
        if len(self.proof) > MAX_PROOF_HASHES or any(len(value) != HASH_BYTES for value in self.proof):
            raise MalformedError("RECEIPT_MALFORMED", where="proof")

    def encode(self) -> bytes:
        """Return the bytes of the receipt's file."""
        hashes = b"".join(base64.b64encode(value) + b"\n" for value in self.proof)
        return b"%bindex %d\n%b\n%b" % (HEADER, self.index, hashes, self.checkpoint_note)


def parse(data: bytes) -> Receipt:
    """Read a receipt; nothing is verified yet. Raises `MalformedError` `RECEIPT_MALFORMED` or `NOTE_MALFORMED`."""
    head, separator, note = data.partition(b"\n\n")
    if not separator or not data.startswith(HEADER) or len(head) > _MAX_HEAD_BYTES:
        raise MalformedError("RECEIPT_MALFORMED", where="header")
    try:
        first, *lines = head[len(HEADER) :].decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise MalformedError("RECEIPT_MALFORMED", where="encoding") from None
    index = parse_decimal(first.removeprefix("index ")) if first.startswith("index ") else None
    if index is None:
        raise MalformedError("RECEIPT_MALFORMED", where="index")
    proof = tuple(value for line in lines if (value := parse_base64(line)) is not None)
    if len(proof) != len(lines):
        raise MalformedError("RECEIPT_MALFORMED", where="proof")
    parse_note(note)
    return Receipt(index, proof, note)


def verify(receipt: Receipt, entry: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
    """Verify that the log of one of `keys` holds the bytes `entry` at the receipt's index; return the checkpoint.

    Raises `VerificationError` `RECEIPT_NOT_INCLUDED` if the proof does not hold, and what `open_checkpoint` raises.
    """
    checkpoint = open_checkpoint(receipt.checkpoint_note, keys)
    if not verify_inclusion(receipt.index, checkpoint.size, leaf_hash(entry), receipt.proof, checkpoint.root):
        raise VerificationError("RECEIPT_NOT_INCLUDED", index=receipt.index, size=checkpoint.size)
    return checkpoint
