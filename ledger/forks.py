"""Evidence of a fork, as a file that anyone can check with the log's public key.

Two checkpoints that the log's own keys signed and that cannot both be of one log: the one that a member's statement
pins (`seen`), and the newest that the log had published (`own`) with the proof of which root its tree had at the size
of the other. Where the pinned tree is the larger one there is nothing to prove between them; the two signatures show
that the log has lost what it once promised.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger import canonical
from ledger.checkpoint import Checkpoint, Note, Signature, parse_base64
from ledger.errors import LedgerError, MalformedError, VerificationError
from ledger.log_keys import LogKeys
from ledger.merkle import GetNode, consistency_proof, root_at, verify_consistency
from ledger.signing import strict_b64decode
from ledger.statements import Seen

FORMAT = "ballot-ledger-fork@1"
MAX_BYTES = 1_000_000
_MEMBERS = {"format", "own", "own_root", "proof", "seen", "statement"}


@dataclass(frozen=True, slots=True)
class Fork:
    """What evidence shows: `SPLIT_VIEW` or `ROLLBACK_DETECTED`, the pinned checkpoint and the log's own."""

    code: str
    seen: Checkpoint
    own: Checkpoint


def note_of(seen: Seen, origin: str) -> bytes:
    """Return the checkpoint that a statement pins as the signed note it was."""
    root, signature = strict_b64decode(seen.root, "root"), strict_b64decode(seen.signature, "signature")
    text = Checkpoint(origin, seen.size, root).text()
    return Note(text, (Signature(origin, signature[:4], signature[4:]),)).encode()


def evidence(seen: bytes, own: bytes, own_root: bytes, proof: Sequence[bytes], statement: str) -> bytes:
    """Return the bytes of an evidence file.

    `own_root` is the root of the log's own tree at the size of `seen`, `proof` its consistency with `own`; both empty
    where `seen` is the larger tree. `statement` is the identity of the statement that pinned it.
    """
    value: dict[str, Any] = {
        "format": FORMAT,
        "own": _lines(own),
        "own_root": base64.b64encode(own_root).decode(),
        "proof": [base64.b64encode(value).decode() for value in proof],
        "seen": _lines(seen),
        "statement": statement,
    }
    return canonical.encode(value) + b"\n"


class OwnTree(NamedTuple):
    """The log as the sequencer has it: its origin, published size and newest checkpoint, and the nodes of its tree."""

    origin: str
    size: int
    note: bytes
    node: GetNode


def contradicting(seen: Seen, own: OwnTree, statement: str) -> bytes:
    """Return the evidence that a pinned checkpoint is not of this log; `statement` is what pinned it."""
    own_root = b""
    proof: tuple[bytes, ...] = ()
    if seen.size <= own.size:
        own_root = root_at(seen.size, own.node)
        proof = consistency_proof(seen.size, own.size, own.node)
    return evidence(note_of(seen, own.origin), own.note, own_root, proof, statement)


def seen_in(data: bytes) -> Checkpoint:
    """Return the pinned checkpoint of an evidence file, nothing verified; raises `MalformedError`."""
    lines: list[str] = _parse(data)["seen"]
    root = parse_base64(lines[2]) if len(lines) > 3 else None
    if root is None or not lines[1].isdecimal() or len(lines[1]) > 18:
        raise MalformedError("FORK_MALFORMED", where="seen")
    return Checkpoint(lines[0], int(lines[1]), root)


def verify_fork(data: bytes, keys: LogKeys) -> Fork:
    """Check an evidence file with the log's keys, as known from outside and derived from its entries.

    Raises `MalformedError` `FORK_MALFORMED` for what is no such file, `VerificationError` `FORK_NOT_PROVEN` where a
    signature does not hold, or where both checkpoints may well be of one log.
    """
    value = _parse(data)
    try:
        seen, own = keys.open(_note(value["seen"])), keys.open(_note(value["own"]))
    except LedgerError as error:
        raise VerificationError("FORK_NOT_PROVEN", reason=error.code) from None
    if seen.size > own.size:
        return Fork("ROLLBACK_DETECTED", seen, own)
    own_root = parse_base64(str(value["own_root"])) or b""
    proof = [parse_base64(str(one)) or b"" for one in value["proof"]]
    if own_root == seen.root:
        raise VerificationError("FORK_NOT_PROVEN", reason="roots agree")
    if not verify_consistency(seen.size, own.size, own_root, own.root, proof):
        raise VerificationError("FORK_NOT_PROVEN", reason="consistency proof")
    return Fork("SPLIT_VIEW", seen, own)


def _lines(note: bytes) -> list[str]:
    return note.decode().removesuffix("\n").split("\n")


def _note(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _parse(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise MalformedError("FORK_MALFORMED", where="size")
    try:
        value = canonical.decode(data.removesuffix(b"\n"))
    except MalformedError:
        raise MalformedError("FORK_MALFORMED", where="form") from None
    if type(value) is not dict or value.keys() != _MEMBERS or value["format"] != FORMAT:
        raise MalformedError("FORK_MALFORMED", where="members")
    for name in ("own", "proof", "seen"):
        texts = value[name]
        if type(texts) is not list or len(texts) > 100 or not all(type(text) is str for text in texts):
            raise MalformedError("FORK_MALFORMED", where=name)
    return value
