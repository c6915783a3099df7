"""Replay: the state after any entry, rebuilt from the entries alone by the same folds that decide live."""

from collections.abc import Iterable, Iterator

from ledger.collector import collector_at_rest
from ledger.selection import Selection
from ledger.statements import Act, decode_own_entry


def acts(entries: Iterable[bytes]) -> Iterator[Act]:
    """Give the acts of entries that the tree vouches for."""
    return (decode_own_entry(entry) for entry in entries)


def replay(entries: Iterable[bytes], size: int | None = None, until: int | None = None) -> Selection:
    """Return the state after `size` entries, or at the time `until` (UTC ms, inclusive); by default after all."""
    state = Selection()
    with collector_at_rest():
        for act in acts(entries):
            if (size is not None and act.index >= size) or (until is not None and act.at > until):
                break
            state.apply(act)
    return state
