"""The body of an add-checkpoint request (C2SP tlog-witness): written by the log's client, read by the witness.

    "old " size LF   (base64 of a hash LF){0..63}   LF   the signed checkpoint

The checkpoint is read here without being believed: whether its root can be is for the witness to say, because a log
that signed an impossible one has left evidence.
"""

import base64
from dataclasses import dataclass

from ledger.checkpoint import MAX_NOTE_BYTES, Note, is_name, parse_base64, parse_decimal, parse_note
from ledger.errors import MalformedError
from ledger.merkle import HASH_BYTES

MAX_PROOF_HASHES = 63
MAX_BODY_BYTES = 64 + 45 * MAX_PROOF_HASHES + MAX_NOTE_BYTES
SIZE_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Request:
    """What was sent: the size the witness is thought to know, the proof from there, and the checkpoint as claimed."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    origin: str
    size: int
    root: bytes


def encode(old: int, proof: tuple[bytes, ...], note: bytes) -> bytes:
    """Return the body of a request."""
    hashes = b"".join(base64.b64encode(value) + b"\n" for value in proof)
    return b"old %d\n%b\n%b" % (old, hashes, note)


def parse(body: bytes) -> Request:
    """Read the body of a request. Raises `MalformedError` `WITNESS_REQUEST_MALFORMED`, also for old > size."""
    if len(body) > MAX_BODY_BYTES:
        raise _malformed("size")
    head, separator, tail = body.partition(b"\n\n")
    try:
        first, *hashes = head.decode("ascii").split("\n")
        note = parse_note(tail)
    except UnicodeDecodeError:
        raise _malformed("encoding") from None
    except MalformedError as error:
        raise _malformed(str(error.facts.get("where", "note"))) from None
    old = parse_decimal(first.removeprefix("old ")) if separator and first.startswith("old ") else None
    if old is None:
        raise _malformed("old size")
    proof = tuple(value for line in hashes if (value := parse_base64(line)) is not None and len(value) == HASH_BYTES)
    if len(proof) != len(hashes) or len(proof) > MAX_PROOF_HASHES:
        raise _malformed("proof")
    origin, size, root = _head(note.text)
    if old > size:
        raise _malformed("old size above the checkpoint's")
    return Request(old, proof, note, origin, size, root)


def _head(text: bytes) -> tuple[str, int, bytes]:
    """Read the three lines of a checkpoint; extension lines are refused, as everywhere here."""
    lines = text.decode().split("\n")
    if len(lines) != 4 or lines[3] or not is_name(lines[0]):
        raise _malformed("checkpoint")
    size, root = parse_decimal(lines[1]), parse_base64(lines[2])
    if size is None or root is None or len(root) != HASH_BYTES:
        raise _malformed("checkpoint")
    return lines[0], size, root


def _malformed(where: str) -> MalformedError:
    return MalformedError("WITNESS_REQUEST_MALFORMED", where=where)
