"""Which key of the log signs checkpoints of which size: the founding key, then each that a rotation brought in.

Whoever verifies is given one founding key from outside and derives every later one from the entries. A rotation that
takes effect by entry i is signed for twice: by the sponsors in the log, and by the old key, which signs the checkpoint
of size i + 1 that covers it. Larger checkpoints are signed by the new key alone; what a retired key says of them
counts for nothing. The name of every key is the log's origin, and receipts under an earlier key stay good for ever.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from ledger.checkpoint import Checkpoint, VerifierKey, open_checkpoint, parse_checkpoint, parse_note
from ledger.errors import MalformedError
from ledger.signing import strict_b64decode, verify_ed25519

ROTATION = b"ballot-ledger log key rotation v1\n"


def possession(old: VerifierKey, new: VerifierKey) -> bytes:
    """Return the bytes that a new log key signs, so that nobody brings in a key that they do not hold."""
    return ROTATION + f"{new.name}\n{old.encode()}\n{new.encode()}\n".encode()


def possessed(old: VerifierKey, new: VerifierKey, proof: str) -> bool:
    """Say whether `proof` (base64) is the new key's signature over `possession`."""
    try:
        return verify_ed25519(new.public, possession(old, new), strict_b64decode(proof, "possession"))
    except MalformedError:
        return False


@dataclass(frozen=True, slots=True)
class Term:
    """One key and the smallest checkpoint that it signs; the founding key's is 0."""

    since: int
    key: VerifierKey


@dataclass(frozen=True)
class LogKeys:
    """The keys of one log, oldest first.

    Raises `MalformedError` `LOG_KEYS_INVALID` unless the first signs from size 0 on, the others follow one another,
    all have one name and none comes twice.
    """

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        starts = [term.since for term in self.terms]
        names = {term.key.name for term in self.terms}
        publics = {term.key.public for term in self.terms}
        ascending = all(one < later for one, later in pairwise(starts))
        if starts[:1] != [0] or not ascending or len(names) != 1 or len(publics) != len(starts):
            raise MalformedError("LOG_KEYS_INVALID", keys=len(starts))

    @classmethod
    def of(cls, key: VerifierKey) -> "LogKeys":
        """Return the keys of a log whose key was never rotated."""
        return cls((Term(0, key),))

    @cached_property
    def _starts(self) -> list[int]:
        return [term.since for term in self.terms]

    @property
    def founding(self) -> VerifierKey:
        """The key that the charter names."""
        return self.terms[0].key

    @property
    def newest(self) -> VerifierKey:
        """The key that signs now."""
        return self.terms[-1].key

    @property
    def name(self) -> str:
        """The name of every key: the log's origin."""
        return self.terms[0].key.name

    def __iter__(self) -> Iterator[VerifierKey]:
        """Give the keys, oldest first."""
        return (term.key for term in self.terms)

    def at(self, size: int) -> VerifierKey:
        """Return the key that signs checkpoints of this size."""
        return self.terms[bisect_right(self._starts, max(size, 0)) - 1].key

    def rotated(self, index: int, key: VerifierKey) -> "LogKeys":
        """Return the keys after a rotation that takes effect by entry `index`; raises `LOG_KEYS_INVALID`."""
        return LogKeys((*self.terms, Term(index + 2, key)))

    def open(self, note: bytes) -> Checkpoint:
        """Verify a signed checkpoint by the key in force at its size; errors as `open_checkpoint`.

        The size is read before it is verified, only to choose the one key that may have signed it.
        """
        size = parse_checkpoint(parse_note(note).text).size
        return open_checkpoint(note, (self.at(size),))
