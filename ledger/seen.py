"""The pin in every statement: is the checkpoint that the signer saw one that this log issued?

Any checkpoint the log ever signed will do, however old. One whose signature does not hold is `PIN_INVALID`. One that
the log's own key did sign, but that is not in this log's history, proves that the history was forked or rolled back:
`ForkError`, and nothing is sequenced any more. The log's own key is the one in force at that size: a key that was
retired, perhaps because it was stolen, cannot stop the log by what it signs later.
"""

from collections import OrderedDict
from collections.abc import Callable

from ledger.checkpoint import Checkpoint, Note, Signature, VerifierKey, verify_note
from ledger.errors import MalformedError, VerificationError
from ledger.signing import strict_b64decode
from ledger.statements import Seen

_REMEMBERED = 65_536


class ForkError(VerificationError):
    """A checkpoint with the log's signature contradicts the log; `seen` is the transferable evidence."""

    def __init__(self, seen: Seen, size: int) -> None:
        """Name both sizes."""
        super().__init__("ROLLBACK_DETECTED" if seen.size > size else "SPLIT_VIEW", seen=seen.size, size=size)
        self.seen = seen


def checkpoint_of(seen: Seen, origin: str, key: VerifierKey) -> Checkpoint:
    """Return the checkpoint that a statement pins, its signature checked. Raises `VerificationError` `PIN_INVALID`."""
    try:
        root, signature = strict_b64decode(seen.root, "root"), strict_b64decode(seen.signature, "signature")
        checkpoint = Checkpoint(origin, seen.size, root)
        verify_note(Note(checkpoint.text(), (Signature(origin, signature[:4], signature[4:]),)), (key,))
    except (ValueError, MalformedError, VerificationError):
        raise VerificationError("PIN_INVALID", size=seen.size) from None
    return checkpoint


class SeenBook:
    """The pins already found good, so that signature and root are checked per checkpoint and not per statement."""

    def __init__(self, origin: str, key_at: Callable[[int], VerifierKey], root_at: Callable[[int], bytes]) -> None:
        """`key_at(size)` gives the key that signs checkpoints of a size, `root_at(size)` the log's own root at it."""
        self._origin, self._key_at, self._root_at = origin, key_at, root_at
        self._good: OrderedDict[str, Seen] = OrderedDict()

    def check(self, seen: Seen | None, size: int) -> None:
        """Check a pin against the log of `size` entries. Raises `VerificationError` `PIN_INVALID` or `ForkError`."""
        if seen is None:
            raise VerificationError("PIN_INVALID", size=0)
        known = self._good.get(seen.signature)
        if known is not None and known.root == seen.root and known.size == seen.size:
            return
        checkpoint = checkpoint_of(seen, self._origin, self._key_at(seen.size))
        if seen.size > size or self._root_at(seen.size) != checkpoint.root:
            raise ForkError(seen, size)
        self.trust(seen)

    def trust(self, seen: Seen) -> None:
        """Remember a pin that is known to be good."""
        self._good[seen.signature] = seen
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)
