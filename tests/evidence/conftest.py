"""The stores of evidence, each by the name of its kind, with a log beside them that says what is erased."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.rehearsal.driver import World
from ledger.evidence import EvidenceFolder, EvidenceStore
from ledger.evidence_content import Limits
from ledger.evidence_database import EvidenceDatabase
from ledger.evidence_schema import install_evidence
from ledger.statements.naming import EvidenceAttached, EvidenceErased
from ledger.store import Store
from tests.finalists import at_final
from tests.sequenced import SCHEMA, SERVICE, Site, played_on
from tests.simulator import freeze

KINDS = ("folder", "database")


@dataclass
class Kept:
    """A store, the log beside it, and what tampers with both."""

    kind: str
    store: EvidenceStore
    world: World
    site: Site
    folder: Path

    def attach(self, content: bytes, evidence_class: str = "personal", media_type: str = "text/plain") -> str:
        """Put content on file and say so in the log."""
        digest = self.store.put(content, evidence_class, media_type)
        body = EvidenceAttached("matter-1", digest, evidence_class, media_type, len(content))  # type: ignore[arg-type]
        self.world.must("registrar", body)
        return digest

    def erased_on_record(self, digest: str) -> int:
        """Let the log say that evidence is erased; returns the entry."""
        return self.world.must("registrar", EvidenceErased(digest, "本人申请删除")).index

    def files(self) -> bytes:
        """Everything in the folder of the store."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())


@contextmanager
def kept(kind: str, site: Site, folder: Path, limits: Limits) -> Iterator[Kept]:
    """Open a store of one kind beside a log in which everybody is enrolled."""
    with ExitStack() as stack:
        world = stack.enter_context(played_on(site, freeze(at_final())))
        install_evidence(site.admin_dsn, SCHEMA, SERVICE)
        opened = stack.enter_context(Store.open(site.service_dsn, SCHEMA))
        store: EvidenceStore = EvidenceFolder(folder, limits.most_bytes, limits.media_types)
        if kind == "database":
            store = EvidenceDatabase(opened.another_connection, SCHEMA, folder, limits)
        yield Kept(kind, store, world, site, folder)


@pytest.fixture(params=KINDS)
def on_file(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Iterator[Kept]:
    """A store of each kind, which takes at most 3 MB."""
    with kept(request.param, site, tmp_path / "evidence", Limits(3_000_000)) as made:
        yield made


@pytest.fixture
def in_database(site: Site, tmp_path: Path) -> Iterator[Kept]:
    """A store in the database."""
    with kept("database", site, tmp_path / "keys", Limits(3_000_000)) as made:
        yield made


@pytest.fixture
def again(site: Site) -> Callable[[], None]:
    """Install once more."""
    return lambda: install_evidence(site.admin_dsn, SCHEMA, SERVICE)


@pytest.fixture(scope="module")
def reachable() -> Iterator[Path]:
    """An empty folder for all tests of a module, which the embedded server's account can reach."""
    path = Path(tempfile.mkdtemp(prefix="ballot-ledger-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
