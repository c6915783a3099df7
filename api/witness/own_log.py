"""The ledger's own log as its witness client sees it: what is published, by which keys, and what witnesses know."""

import base64
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from api.witness.client import START_SECONDS, ask_newest
from api.witness.collected import Collected, read_policy
from api.witness.collecting import Outcome
from ledger import proving
from ledger.checkpoint import Checkpoint, VerifierKey, open_checkpoint, parse_checkpoint, parse_note
from ledger.collector import collector_at_rest
from ledger.cosignature import NoteOpener, open_cosigned
from ledger.errors import LedgerError, StoreError
from ledger.keyfile import read_key
from ledger.log_keys import LogKeys
from ledger.logstore import Witnessed, keys_of
from ledger.opening import Home, founding_key
from ledger.seen import ForkError
from ledger.selection import Selection
from ledger.sequencer import Sequencer
from ledger.statements import Seen, decode_own_entry
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
    """Return the keys of the ledger's log: the founding one, those that rotations brought in, and the policy's."""
    listed = [log.key for log in policy.logs if log.key.name == home.origin]
    return AnyOf([founding_key(home), *_rotated(home), *listed])


def keys_in_force(home: Home, policy: Policy, store: Store) -> NoteOpener:
    """Return the keys of the ledger's log, each for the sizes that it signs, as the stored entries say.

    The entries are read only where there may have been a rotation: where more than the founding key is known.
    """
    known, founding = log_keys(home, policy), founding_key(home)
    if known.keys == (founding,):
        return LogKeys.of(founding)
    state = Selection()
    with collector_at_rest():
        for index, entry in store.read_entries():
            try:
                state.apply(decode_own_entry(entry))
            except Exception as error:
                # No entry that was admitted fails here; whatever the alteration broke, its place is what matters.
                raise StoreError("EVENT_ALTERED", index=index, reason=type(error).__name__) from error
    return keys_of(state, founding)


def _rotated(home: Home) -> Iterator[VerifierKey]:
    for path in sorted(home.folder.glob("log-*.key")):
        # Whoever only collects may not be allowed to read private keys; the policy can list the public ones.
        with suppress(StoreError):
            yield VerifierKey(home.origin, read_key(path, None).public)


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


def witnessed(home: Home) -> tuple[Witnessed, ...]:
    """Return what a start of the sequencer must keep: what the ledger's witnesses answer now, and what they signed.

    Nothing without a policy, and nobody is waited for longer than `START_SECONDS`. What was collected before counts
    too where a witness answers or the pin is there: a database that was put back does not put back the notes beside it.
    Without either, old notes alone must not vouch for a log. Raises `PolicyError`.
    """
    policy = read_policy(home.folder)
    if policy is None:
        return ()
    key, kept = log_keys(home, policy), Collected(home.folder)
    answered = newest_of(policy, home.origin, key)
    return (*answered, *_on_file(policy, key, home.origin, kept)) if answered or home.pin.exists() else ()


def newest_of(policy: Policy, origin: str, key: NoteOpener, seconds: float = START_SECONDS) -> tuple[Witnessed, ...]:
    """Return the newest tree of a log that each witness cosigned, of those that answer in time."""
    return tuple(_witnessed(one.name, one.checkpoint) for one in ask_newest(policy, key, origin, seconds))


def _witnessed(name: str, checkpoint: Checkpoint) -> Witnessed:
    return Witnessed(name, checkpoint.size, checkpoint.root)


def _on_file(policy: Policy, key: NoteOpener, origin: str, kept: Collected) -> Iterator[Witnessed]:
    """Give the largest collected note that verifies, and every alarm that shows the log's own signature."""
    for size in kept.sizes():
        try:
            cosigned = open_cosigned(kept.note(size) or b"", key, policy.keys)
        except LedgerError:
            continue
        if cosigned.by and cosigned.checkpoint.origin == origin:
            yield from (_witnessed(name, cosigned.checkpoint) for name in sorted(policy.cosigners(cosigned)))
            break
    for alarm in kept.alarms():
        if alarm.theirs is not None:
            with suppress(LedgerError):
                yield _witnessed(alarm.witness, key.open(alarm.theirs))


def halting(sequencer: Sequencer) -> Callable[[Outcome], None]:
    """Return what a collector beside a running sequencer is given: a proven alarm stops the sequencing.

    A claim without the log's signature is kept and shown, but stops nothing: a witness alone cannot halt a log.
    """

    def halt(outcome: Outcome) -> None:
        alarm = outcome.alarm
        if alarm is None or alarm.theirs is None:
            return
        note = parse_note(alarm.theirs)
        checkpoint = parse_checkpoint(note.text)
        line = next(line for line in note.signatures if line.name == checkpoint.origin)
        root, signature = base64.b64encode(checkpoint.root), base64.b64encode(line.key_id + line.value)
        sequencer.halt(ForkError(Seen(root.decode(), signature.decode(), checkpoint.size), alarm.size))

    return halt
