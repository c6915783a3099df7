"""How far the witnesses are: what each cosigned last, how many entries it lags, and which size meets the quorum.

Read from what was collected, the policy and the pin alone; neither the database nor a witness is asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from api.witness.collected import Alarm, Collected
from ledger.cosignature import Cosigned, NoteOpener, open_cosigned
from ledger.errors import LedgerError
from ledger.pin import Pin
from ledger.witness_policy import Policy, Witness

MOST_LOOKED_AT = 2_000
"""Of so many cosigned checkpoints, the newest, a status takes account."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One witness: the newest size it cosigned and when (POSIX seconds), None if never; how the last attempt ended."""

    name: str
    size: int | None = None
    time: int | None = None
    tried: int | None = None
    outcome: str | None = None

    def lag(self, published: int) -> int:
        """Return how many published entries this witness has not cosigned yet."""
        return max(0, published - (self.size or 0))


@dataclass(frozen=True, slots=True)
class Status:
    """All witnesses of a ledger; `quorum` is the largest size that the policy accepts, None where none is."""

    published: int
    witnesses: tuple[Standing, ...]
    quorum: int | None
    alarms: tuple[Alarm, ...] = field(default=())


def status_of(policy: Policy, key: NoteOpener, origin: str, kept: Collected, pin: Pin | None) -> Status:
    """Return the standing of every witness of the policy. Notes that do not verify count as if they were not there."""
    found: dict[str, Standing] = {}
    quorum: int | None = 0 if policy.quorum is None else None
    for cosigned in _cosigned(policy, key, origin, kept):
        size = cosigned.checkpoint.size
        for witness in policy.witnesses.values():
            time_s = next((one.time for one in cosigned.by if one.key == witness.key), None)
            if time_s is not None and witness.name not in found:
                found[witness.name] = _standing(witness, kept, size, time_s)
        if quorum is None and policy.accepts(cosigned):
            quorum = size
        if quorum is not None and len(found) == len(policy.witnesses):
            break
    standings = (found.get(one.name) or _standing(one, kept, None, None) for one in policy.witnesses.values())
    return Status(pin.size if pin else 0, tuple(standings), quorum, tuple(_alarms(kept)))


def _cosigned(policy: Policy, key: NoteOpener, origin: str, kept: Collected) -> Iterator[Cosigned]:
    """Give the collected notes that verify, largest first."""
    for size in kept.sizes()[:MOST_LOOKED_AT]:
        try:
            cosigned = open_cosigned(kept.note(size) or b"", key, policy.keys)
        except LedgerError:
            continue
        if (cosigned.checkpoint.origin, cosigned.checkpoint.size) == (origin, size):
            yield cosigned


def _standing(witness: Witness, kept: Collected, size: int | None, time_s: int | None) -> Standing:
    tried = kept.last_try(witness.name)
    return Standing(witness.name, size, time_s, *(tried or (None, None)))


def _alarms(kept: Collected) -> list[Alarm]:
    return sorted(kept.alarms(), key=lambda alarm: (alarm.at, alarm.witness))
