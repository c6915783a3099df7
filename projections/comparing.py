"""Comparing two looks at one log: the same tree, one a prefix of the other, a rollback, or a split view (dispute H11).

A look is a signed checkpoint and, where tiles are at hand, the tree below it. A prefix is proved by RFC 6962's
consistency proof made of the larger tree's tiles, which need not be believed: the proof must give both signed roots.
If it gives the larger signed root and another one for the smaller size, the log signed two histories. That is evidence
for anybody who knows the log's key: two notes and the proof between them, as one file.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ledger.checkpoint import (
    MAX_NOTE_BYTES,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    parse_base64,
    parse_decimal,
)
from ledger.errors import LedgerError, MalformedError, VerificationError
from ledger.merkle import GetNode, consistency_proof, root_at, verify_consistency

EVIDENCE_HEADER = b"ballot-ledger-split-view@1\n"
_MOST_HEAD_BYTES = 10_000


class Relation(StrEnum):
    """How a later look stands to an earlier one."""

    SAME = "same"
    PREFIX = "prefix"
    ROLLBACK = "rollback"
    SPLIT_VIEW = "split_view"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Look:
    """A verified checkpoint as somebody was shown it; `get_node` gives nodes of its tree where tiles are at hand."""

    label: str
    note: bytes
    checkpoint: Checkpoint
    get_node: GetNode | None = None

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.checkpoint.size


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing two looks.

    `proof` is the consistency proof from the smaller to the larger tree; `root_then` the root that the larger tree had
    at the smaller size, where the two contradict each other.
    """

    relation: Relation
    earlier: Look
    later: Look
    proof: tuple[bytes, ...] | None = None
    root_then: bytes | None = None

    @property
    def looks(self) -> tuple[Look, Look]:
        """Both looks, the smaller first."""
        return (self.earlier, self.later) if self.earlier.size <= self.later.size else (self.later, self.earlier)


def look_at(label: str, note: bytes, keys: Iterable[VerifierKey], get_node: GetNode | None = None) -> Look:
    """Verify a note as a checkpoint of the log of one of `keys`; errors as `open_checkpoint`."""
    return Look(label, note, open_checkpoint(note, keys), get_node)


def compare(earlier: Look, later: Look) -> Comparison:
    """Say how the later look stands to the earlier one.

    A later look that is smaller is a rollback, whether or not what is left is the same. Raises `VerificationError`
    `COMPARE_OTHER_LOG` for looks at two logs.
    """
    one, other = earlier.checkpoint, later.checkpoint
    if one.origin != other.origin:
        raise VerificationError("COMPARE_OTHER_LOG", first=one.origin, second=other.origin)
    if one.size == other.size:
        relation = Relation.SAME if one.root == other.root else Relation.SPLIT_VIEW
        return Comparison(relation, earlier, later, () if relation is Relation.SAME else None)
    back = other.size < one.size
    small, large = (later, earlier) if back else (earlier, later)
    proof, root_then = _connect(small.size, large)
    if root_then is not None and root_then != small.checkpoint.root:
        return Comparison(Relation.SPLIT_VIEW, earlier, later, proof, root_then)
    relation = Relation.ROLLBACK if back else Relation.PREFIX if root_then is not None else Relation.UNPROVEN
    return Comparison(relation, earlier, later, proof if root_then is not None else None)


def _connect(size: int, large: Look) -> tuple[tuple[bytes, ...], bytes | None]:
    """Return the proof from `size` to a larger tree and its root then; None where its tiles are missing or wrong."""
    if large.get_node is None:
        return (), None
    try:
        root_then = root_at(size, large.get_node)
        proof = consistency_proof(size, large.size, large.get_node)
    except LedgerError:
        return (), None
    if not verify_consistency(size, large.size, root_then, large.checkpoint.root, proof):
        return (), None
    return proof, root_then


def worst(comparisons: Iterable[Comparison]) -> Relation:
    """Return the gravest relation: split view, rollback, unproven, prefix, same."""
    found = {one.relation for one in comparisons}
    order = (Relation.SPLIT_VIEW, Relation.ROLLBACK, Relation.UNPROVEN, Relation.PREFIX)
    return next((relation for relation in order if relation in found), Relation.SAME)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def evidence_of(split: Comparison) -> bytes:
    """Return the file that shows a split view to anybody who has the log's verifier key.

    Lines up to an empty one: the format, the lengths of the two notes in bytes, and where the sizes differ the root
    that the larger tree had at the smaller size (`then`) and the consistency proof from there (`path`). Then both
    notes, verbatim, the smaller first. Raises `ValueError` for any other comparison.
    """
    if split.relation is not Relation.SPLIT_VIEW:
        raise ValueError(split.relation)
    small, large = split.looks
    lines = [f"notes {len(small.note)} {len(large.note)}"]
    if split.root_then is not None:
        lines += [f"then {_text(split.root_then)}", *(f"path {_text(value)}" for value in split.proof or ())]
    return EVIDENCE_HEADER + "".join(f"{line}\n" for line in (*lines, "")).encode() + small.note + large.note


def open_evidence(data: bytes, keys: Iterable[VerifierKey]) -> Comparison:
    """Check a file that `evidence_of` wrote: both notes are the log's own, and contradict each other.

    Raises `MalformedError` `SPLIT_VIEW_MALFORMED`, `VerificationError` `SPLIT_VIEW_UNPROVEN`, and what
    `open_checkpoint` raises.
    """
    lines, first, second = _split(data)
    known = tuple(keys)
    small, large = look_at("1", first, known), look_at("2", second, known)
    values = [parse_base64(line[5:]) for line in lines]
    hashes = [value for value in values if value is not None]
    names = [line[:5] for line in lines]
    if len(hashes) != len(values) or names != ["then ", *["path "] * (len(names) - 1)][: len(names)]:
        raise MalformedError("SPLIT_VIEW_MALFORMED", where="proof")
    root_then, proof = (hashes[0], tuple(hashes[1:])) if hashes else (None, None)
    found = Comparison(Relation.SPLIT_VIEW, small, large, proof, root_then)
    if not _contradict(found) or evidence_of(found) != data:
        raise VerificationError("SPLIT_VIEW_UNPROVEN", first=small.size, second=large.size)
    return found


def _contradict(found: Comparison) -> bool:
    one, other = found.earlier.checkpoint, found.later.checkpoint
    if one.origin != other.origin:
        return False
    if found.root_then is None or found.proof is None:
        return one.size == other.size and one.root != other.root
    connected = verify_consistency(one.size, other.size, found.root_then, other.root, found.proof)
    return one.size < other.size and connected and found.root_then != one.root


def _split(data: bytes) -> tuple[list[str], bytes, bytes]:
    """Take an evidence file apart: the lines of its proof, and the two notes."""
    head, separator, notes = data.partition(b"\n\n")
    if not separator or not data.startswith(EVIDENCE_HEADER) or len(head) > _MOST_HEAD_BYTES:
        raise MalformedError("SPLIT_VIEW_MALFORMED", where="header")
    if len(notes) > 2 * MAX_NOTE_BYTES or not head.isascii():
        raise MalformedError("SPLIT_VIEW_MALFORMED", where="notes")
    stated, *lines = head[len(EVIDENCE_HEADER) :].decode().split("\n")
    words = stated.removeprefix("notes ").split(" ")
    first, second = (parse_decimal(word) for word in (words if len(words) == 2 else ("-", "-")))
    if first is None or second is None or first + second != len(notes):
        raise MalformedError("SPLIT_VIEW_MALFORMED", where="notes")
    return lines, notes[:first], notes[first:]
