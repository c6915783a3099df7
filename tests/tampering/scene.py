"""A log that somebody tampers with: its database, its folder, and what an inspector may take away from both.

It is played once; every case works on a copy of the database and of the folder.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from ledger.checkpoint import Checkpoint, parse_note, sign_checkpoint
from ledger.cosignature import Ed25519Cosigner, cosign
from ledger.errors import LedgerError
from ledger.evidence import EvidenceFolder
from ledger.logstore import Witnessed
from ledger.merkle import Frontier, leaf_hash
from ledger.opening import Home, create_home, open_sequencer
from ledger.pin import PinFile
from ledger.signing import SigningKey
from ledger.statements import decode_entry, encode_entry
from ledger.statements.naming import EvidenceAttached
from ledger.witness_policy import parse_policy
from projections.audit.export import Trust, verify_export
from projections.audit.report import Report
from tests.sequenced import SCHEMA, Site
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, History, freeze, new_world
from tests.tampering.taking import take

WITNESS = Ed25519Cosigner("witness.example/w", SigningKey.from_seed(bytes(31) + b"w"))
POLICY = parse_policy(f"log {LOG_VKEY.encode()}\nwitness w {WITNESS.key.encode()}\nquorum w\n")
COSIGNED_AT = 1_767_000_000
MINUTES, OTHER_MINUTES = b"minutes of the meeting", b"minutes of another one"
SALT = bytes(range(32))
STARTED = "started"


def play() -> History:
    """Return a short play: a charter and its endorsements, three people enrolled, minutes put on file."""
    world = new_world()
    world.enrol("甲")
    for content in (MINUTES, OTHER_MINUTES):
        digest = sha256(SALT + content).hexdigest()
        world.must("organiser", EvidenceAttached("minutes", digest, "deciding", "text/plain", len(content)))
    world.enrol("乙")
    world.enrol("丙")
    return freeze(world)


PLAYED = play()
SIZE = len(PLAYED.rows)


def cosigned(note: bytes) -> bytes:
    """Return a checkpoint with the witness's line."""
    return note + cosign(parse_note(note).text, COSIGNED_AT, WITNESS).line()


def furnish(site: Site, history: History = PLAYED) -> Home:
    """Put a play into an empty log, and everything that belongs to it into the folder of its pin."""
    home = create_home(site.pin_path.parent, ORIGIN, SCHEMA, LOG_KEY)
    site.preload(history)
    size = len(history.rows)
    set_pin(home, size, tree_of(history.entries).root())
    evidence = EvidenceFolder(home.evidence)
    for content in (MINUTES, OTHER_MINUTES):
        evidence.put(content, "deciding", "text/plain", SALT)
    folder = home.attest / "cosigned"
    folder.mkdir(parents=True)
    for seen in (size - 5, size):
        (folder / str(seen)).write_bytes(cosigned(history.notes[seen]))
    return home


def tree_of(entries: Sequence[bytes]) -> Frontier:
    """Return the tree over some entries."""
    frontier = Frontier()
    for entry in entries:
        frontier.append(leaf_hash(entry))
    return frontier


def set_pin(home: Home, size: int, root: bytes) -> None:
    """Write a pin anew, as whoever may write there can."""
    home.pin.unlink(missing_ok=True)
    pin = PinFile(home.pin)
    pin.advance(size, root)
    pin.close()


@dataclass(frozen=True)
class Scene:
    """One copy of the log: `site` is its database, `home` its folder."""

    site: Site
    home: Home

    def start(self, witnessed: Sequence[Witnessed] = ()) -> str:
        """Start the service; return `started`, or the code of what keeps it from starting."""
        try:
            with self.site.store() as store, open_sequencer(self.home, store, witnessed=witnessed):
                return STARTED
        except LedgerError as error:
            return error.code

    def audit(self) -> Report:
        """Audit what is stored."""
        return self.site.audit()

    def take(self, target: Path) -> Path:
        """Take an export by force, without the checks of our own exporter."""
        take(self.site.admin_dsn, self.home, target)
        return target

    def verify(self, target: Path, witnesses: bool = True) -> Report:
        """Take an export and check it offline, with what is trusted from outside."""
        trust = Trust(key=LOG_VKEY, policy=POLICY if witnesses else None)
        return verify_export(self.take(target), trust, workers=0)

    def rewrite(self, entries: Sequence[bytes], pin: bool = True) -> None:
        """Put another log in place of the one there: every hash made anew, every checkpoint signed with the log's key.

        The pin too, which is a file of the same machine, unless that is kept elsewhere.
        """
        rows, nodes, notes = [], [], []
        frontier = Frontier()
        for entry in entries:
            act = decode_entry(entry)
            rows.append((act.index + 1, entry, act.statement.type, act.signed.id))
            nodes.append(b"".join(value for _, _, value in frontier.append(act.leaf)))
            notes.append(sign_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root()), LOG_KEY))
        sizes = list(range(1, len(rows) + 1))
        self.site.tamper(*(f"DELETE FROM {{0}}.{table}" for table in ("entries", "nodes", "checkpoints")))
        columns = [list(column) for column in zip(*rows, strict=True)]
        self._insert("entries (position, state, topic, statement_id)", "bigint[], bytea[], text[], bytea[]", *columns)
        self._insert("nodes", "bigint[], bytea[]", sizes, nodes)
        self._insert("checkpoints", "bigint[], bytea[]", sizes, notes)
        if pin:
            set_pin(self.home, frontier.size, frontier.root())

    def _insert(self, table: str, types: str, *columns: Sequence[object]) -> None:
        arrays = ", ".join(f"%s::{kind}" for kind in types.split(", "))
        self.site.tamper(f"INSERT INTO {{0}}.{table} SELECT * FROM unnest({arrays})", values=columns)


def what_witnesses_hold() -> tuple[Witnessed, ...]:
    """Return the newest tree that the witness cosigned."""
    return (Witnessed("w", SIZE, tree_of(PLAYED.entries).root()),)


def copied(home: Home, folder: Path) -> Home:
    """Return a copy of a ledger's folder."""
    shutil.copytree(home.folder, folder)
    return replace(home, folder=folder)


def named(report: Report) -> tuple[int | None, set[str]]:
    """Return the first bad index of entries, and the codes that name it."""
    first = min((one.index for one in report.failures if one.index >= 0), default=None)
    return first, {one.code for one in report.failures if one.index == first}


def renumbered(entries: Sequence[bytes]) -> Iterator[bytes]:
    """Give the same statements with the index of the place where they now stand."""
    for place, entry in enumerate(entries):
        act = decode_entry(entry)
        yield encode_entry(place, act.at, act.signed.envelope)
