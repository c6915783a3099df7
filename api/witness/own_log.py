"""The ledger's own log as its witness client sees it: what is published, by which keys, and what witnesses know."""

from collections.abc import Iterable

from api.witness.client import START_SECONDS, LastSeen, ask_newest
from api.witness.collected import Collected
from ledger import proving
from ledger.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from ledger.cosignature import NoteOpener, open_cosigned
from ledger.errors import LedgerError
from ledger.opening import Home, founding_key
from ledger.store.store import Store
from ledger.witness_policy import Policy


class AnyOf:
    """Opens checkpoints signed by any of a log's keys, where the entries that say since when are not read."""

    def __init__(self, keys: Iterable[VerifierKey]) -> None:
        """Accept each of `keys`."""
        self.keys = tuple(dict.fromkeys(keys))

    def open(self, note: bytes) -> Checkpoint:
        """Verify a signed checkpoint; errors as `open_checkpoint`."""
        return open_checkpoint(note, self.keys)


def log_keys(home: Home, policy: Policy) -> AnyOf:
    """Return the keys of the ledger's log: the founding one, and those that the policy lists for its origin."""
    listed = [log.key for log in policy.logs if log.key.name == home.origin]
    return AnyOf([founding_key(home), *listed])


class StoredPublished:
    """An open store as a `PublishedLog`: nothing above the pin."""

    def __init__(self, store: Store) -> None:
        """Read from `store`, which was opened with its pin."""
        self._store = store

    def newest(self) -> bytes | None:
        """Return the newest published checkpoint, None for an empty log."""
        found = proving.released_checkpoint(self._store)
        return found.note if found else None

    def root(self, size: int) -> bytes:
        """Return the root of the tree of `size` leaves."""
        return proving.root(self._store, size)

    def proof(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the consistency proof between two sizes."""
        return proving.consistency(self._store, old, new)


def last_seen(
    policy: Policy, key: NoteOpener, origin: str, kept: Collected, seconds: float = START_SECONDS
) -> tuple[LastSeen, ...]:
    """Return the newest trees that witnesses cosigned: as they answer now, and as they were collected before.

    What was collected counts even where its witness is silent: a database that was put back does not put back the
    cosigned notes beside it. Nothing is raised for witnesses that do not answer.
    """
    return (*ask_newest(policy, key, origin, seconds), *_collected(policy, key, origin, kept))


def _collected(policy: Policy, key: NoteOpener, origin: str, kept: Collected) -> Iterable[LastSeen]:
    """Give the largest collected note that verifies, once for each witness on it."""
    for size in kept.sizes():
        note = kept.note(size)
        try:
            cosigned = open_cosigned(note or b"", key, policy.keys)
        except LedgerError:
            continue
        if cosigned.by and cosigned.checkpoint.origin == origin:
            names = sorted(policy.cosigners(cosigned))
            return [LastSeen(name, cosigned.checkpoint, note or b"") for name in names]
    return []
