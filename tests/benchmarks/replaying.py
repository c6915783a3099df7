"""What replay costs: the audit against bare signature checks, folds against the stock library, decisions on top."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from api.cli.stored_log import StoredLog
from ledger.checkpoint import Checkpoint, parse_checkpoint, parse_note
from ledger.collector import collector_at_rest
from ledger.decisions.gate import decide
from ledger.pin import Pin
from ledger.selection import Selection
from ledger.signing import pae, strict_b64decode
from ledger.statements import Act, Seen, decode_own_entry
from ledger.store import Store
from projections.audit.verify import Audit, Row, verify_log
from tests.benchmarks.machine import timed
from tests.benchmarks.sequencing import check_bare
from tests.benchmarks.stock import Ballots, read_stock
from tests.simulator import LOG_VKEY

WORKERS = 2


class Beginning:
    """The first entries of a stored log as an audit's source, with the checkpoints and the pin they had."""

    def __init__(self, store: Store, least: int) -> None:
        """Take the entries up to the first checkpoint of at least this size."""
        self._log = StoredLog(store, None)
        self._notes = list(self._log.checkpoints())
        self.size = next(size for size, _ in self._notes if size >= least)

    def rows(self) -> Iterator[Row]:
        """Give the rows in stored order."""
        return islice(self._log.rows(), self.size)

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Give the checkpoints up to this size."""
        return ((size, note) for size, note in self._notes if size <= self.size)

    def pin(self) -> Pin:
        """Return the pin as it was at this size."""
        checkpoint = parse_checkpoint(parse_note(dict(self._notes)[self.size]).text)
        return Pin(checkpoint.size, checkpoint.root)


def signatures_of(source: Beginning, audit: Audit) -> list[tuple[bytes, bytes]]:
    """Return every signature that the audit checks: of statements, of checkpoints, and of the checkpoints they pin."""
    acts = [decode_own_entry(row.entry) for row in source.rows()]
    found = []
    for act in acts:
        signed = act.signed
        key = audit.state.roll.keys[signed.statement.key]
        found.append((signed.signature + pae(signed.payload_type, signed.payload), key.public))
    log = LOG_VKEY.public
    for note in (parse_note(note) for _, note in source.checkpoints()):
        found.append((note.signatures[0].value + note.text, log))
    for seen in {act.statement.seen for act in acts} - {None}:
        found.append((_signature_of(seen), log))
    return found


def _signature_of(seen: Seen | None) -> bytes:
    if seen is None:
        return b""
    text = Checkpoint(LOG_VKEY.name, seen.size, strict_b64decode(seen.root, "root")).text()
    return strict_b64decode(seen.signature, "signature")[4:] + text


def audits(source: Beginning, repeat: int) -> tuple[list[float], list[float], int]:
    """Return the cost per entry in µs of bare checks by as many workers and of the audit; and how many signatures."""
    audit = Audit(source, LOG_VKEY, WORKERS)
    audit.run()
    messages = signatures_of(source, audit)
    del audit
    bare: list[float] = []
    ours: list[float] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = [messages[start::WORKERS] for start in range(WORKERS)]
        for _ in range(repeat):
            bare.append(timed(lambda: list(pool.map(check_bare, parts)), source.size))
            ours.append(timed(partial(audit_log, source), source.size))
    return bare, ours, len(messages)


def audit_log(source: Beginning, workers: int = WORKERS) -> None:
    """Audit the beginning of a log; raises `LookupError` unless it is clean."""
    report = verify_log(source, LOG_VKEY, workers)
    if not report.clean:
        raise LookupError(str((report.failures[:1], report.not_checked)))


@dataclass
class Windows:
    """Costs per entry in µs by windows: folding, deciding again, and the library reading two kinds of event."""

    fold: list[float] = field(default_factory=list)
    redecide: list[float] = field(default_factory=list)
    stock: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)


def windows(store: Store, stock: Ballots, plain: Ballots, stored: int, start: int, size: int) -> Windows:
    """Go through the log from entry `start` on in windows of `size` entries, folding one and deciding the next again.

    `stored` is how many events each of the library's logs has; their windows are read in turn.
    """
    found, state, end = Windows(), Selection(), store.size()
    with collector_at_rest():
        fold(state, store, 0, start)
        for number, first in enumerate(range(start, end - 2 * size + 1, 2 * size)):
            begin = 1 + number * size % (stored - size + 1)
            middle, stop = first + size, first + 2 * size
            found.stock.append(timed(partial(read_stock, stock, begin, begin + size), size))
            found.fold.append(timed(partial(fold, state, store, first, middle), size))
            found.redecide.append(timed(partial(redecide, state, store, middle, stop), size))
            found.plain.append(timed(partial(read_stock, plain, begin, begin + size), size))
    return found


def fold(state: Selection, store: Store, start: int, stop: int) -> None:
    """Read entries and fold them."""
    for _, entry in store.read_entries(start, stop):
        state.apply(decode_own_entry(entry))


def redecide(state: Selection, store: Store, start: int, stop: int) -> None:
    """Read entries, decide each and fold it; raises `LookupError` for one that is refused."""
    for _, entry in store.read_entries(start, stop):
        act = decode_own_entry(entry)
        refusal = decide(state, act.statement, act.at)
        if refusal is not None:
            raise LookupError(str(refusal))
        state.apply(act)


def ballots_of(store: Store, start: int, count: int) -> list[Act]:
    """Return the first `count` ballots among the entries from `start` on."""
    acts = (decode_own_entry(entry) for _, entry in store.read_entries(start))
    return list(islice((act for act in acts if act.statement.type == "ballot.cast"), count))
