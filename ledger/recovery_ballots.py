"""The ballots of a public vote when a log is brought back: without what they used up, everybody could vote again.

What is attached comes back verbatim where a source has it, after it was held against what the entry signs. Of a batch
the rows alone are enough to know who voted; that the votes are gone is then for the audit to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from ledger.attached import keys_of
from ledger.errors import MalformedError, StoreError
from ledger.poll_rows import hash_block, hash_heads, once, parse_block, shown_heads
from ledger.selection import Selection
from ledger.statements import Act
from ledger.statements.poll_ballots import PollBatch, PollTotalsOpened, VotesInvalidated

Read = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Beside:
    """What comes back beside an entry: what is attached to it, and the one-time keys that it used up."""

    data: bytes | None = None
    keys: tuple[bytes, ...] = ()


def beside(state: Selection, act: Act, attached: Mapping[int, list[Read]]) -> Beside:
    """Return what comes back beside an entry; `state` is that of the log to which it belongs.

    Raises `StoreError` `RECOVERY_INCOMPLETE` for a batch of which nobody can tell any more who voted.
    """
    body, found = act.body, (read() for read in attached.get(act.index, ()))
    if isinstance(body, PollTotalsOpened | VotesInvalidated):
        digest = body.openings if isinstance(body, PollTotalsOpened) else body.rows
        return Beside(next((data for data in found if sha256(data).hexdigest() == digest), None))
    if not isinstance(body, PollBatch):
        return Beside()
    made = [one for data in found if (one := _batch(state, body, data)) is not None]
    if not made:
        raise StoreError("RECOVERY_INCOMPLETE", by=act.statement.type, promised=act.index + 1, reached=act.index)
    return max(made, key=lambda one: one.data is not None)


def _batch(state: Selection, body: PollBatch, data: bytes) -> Beside | None:
    """Return what a block, or the rows alone, give of a batch; None if they are not its own, or do not tell enough."""
    programme = state.charter.version_for(state.polls.by_id[body.poll].stage).programme
    only_once = once(programme)
    try:
        hashed = hash_heads(shown_heads(data))
    except MalformedError:
        return None
    if hashed.fault is not None or (len(hashed.tags), hashed.root.hex()) != (body.count, body.root):
        return None
    try:
        block = parse_block(data)
    except MalformedError:
        block = None
    if block is not None and hash_block(block).fault is None:
        return Beside(data, tuple(keys_of(block, programme.utc_offset_minutes, only_once=only_once)))
    # Under once a day the minute is needed, which rows alone do not show.
    return Beside(None, hashed.tags) if only_once else None
