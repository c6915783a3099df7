"""A ledger that loses entries: its folder, its database, what was answered before, and what was kept elsewhere."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from api.rehearsal.driver import World
from ledger.logstore import Witnessed
from ledger.opening import Home, create_home, forks_on_file, founding_key, open_sequencer, opened_pin
from ledger.receipt import Receipt
from ledger.recovery import Recovered, Sources, recover
from ledger.sequencer import Sequenced, Sequencer
from projections.bundle import write_export
from projections.disclosure import Audience
from tests.exports.making import MemorySource
from tests.sequenced import SCHEMA, Site
from tests.simulator import LOG_KEY, ORIGIN, History, resume


@dataclass
class Lossy:
    """A ledger at a site with a folder of its own, and the receipts it gave."""

    site: Site
    folder: Path
    history: History
    world: World = field(init=False)
    home: Home = field(init=False)
    given: dict[int, tuple[Receipt, bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = resume(self.history)
        self.home = create_home(self.folder, ORIGIN, SCHEMA, LOG_KEY)
        self.site.preload(self.history)
        with opened_pin(self.home.pin) as pin, self.site.store() as store:
            recover(store, founding_key(self.home), pin, Sources(notes=list(self.history.notes.values())))

    @contextmanager
    def running(self, witnessed: tuple[Witnessed, ...] = ()) -> Iterator[Sequencer]:
        """Open the ledger as every command does."""
        with ExitStack() as stack:
            store = stack.enter_context(self.site.store())
            yield stack.enter_context(open_sequencer(self.home, store, lambda: self.world.now, witnessed))

    def grow(self, *batches: int) -> None:
        """Enrol people, in batches of so many, each signed with sight of the newest checkpoint; keep every receipt."""
        with self.running() as sequencer:
            for count in batches:
                seen = sequencer.seen()
                aliases = [f"人{self.world.nonces + n}" for n in range(count)]
                envelopes = [
                    self.world.envelope("registrar", self.world.enrolment(alias), seen=seen) for alias in aliases
                ]
                self.world.now += 1000
                for future in sequencer.submit_all(envelopes, self.world.now):
                    answer = future.result()
                    assert isinstance(answer, Sequenced)
                    self.given[answer.act.index] = answer.receipt, answer.act.entry

    def promise(self, name: str = "inspection") -> Witnessed:
        """Return the newest tree as a witness remembers it."""
        with self.site.store() as store, opened_pin(self.home.pin) as pin:
            assert pin.newest is not None
            assert pin.newest.size == store.size()
            return Witnessed(name, pin.newest.size, pin.newest.root)

    def restore_backup(self, size: int) -> None:
        """Put the database back to how it was at a size, as an old backup would."""
        tables = ("entries WHERE position", "nodes WHERE position", "checkpoints WHERE size")
        self.site.tamper(*(f"DELETE FROM {{}}.{table} > {size}" for table in tables))

    def kept_by_members(self) -> Sources:
        """What members hold: their receipts, each with its entry."""
        sources = Sources()
        for index, (receipt, entry) in self.given.items():
            sources.entry(index, entry)
            sources.notes.append(receipt.checkpoint_note)
            sources.digests.append(sha256(receipt.encode()).hexdigest())
        return sources

    def exported(self, target: Path) -> Path:
        """Write an auditor's export of the ledger as it stands."""
        with self.site.store() as store:
            entries = tuple(entry for _, entry in store.read_entries())
            notes = {one.size: one.note for one in store.checkpoints()}
        write_export(MemorySource(entries, notes), target, Audience.AUDITOR)
        return target

    def recover(self, sources: Sources, *witnessed: Witnessed) -> Recovered:
        """Bring back what the sources hold."""
        with self.site.store() as store, opened_pin(self.home.pin) as pin:
            promised = (*witnessed, *forks_on_file(self.home))
            return recover(store, founding_key(self.home), pin, sources, promised)
