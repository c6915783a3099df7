"""The scene of every case: a copy of one log, its database and its folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from ledger.opening import Home
from tests.conftest import _create_database, _drop_database
from tests.sequenced import SERVICE, Site
from tests.tampering.scene import Scene, copied, furnish


@pytest.fixture(scope="session")
def original(postgres_dsn: str, installed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Home]]:
    """The name of a database that holds the log, and the log's folder; nobody is connected to it."""
    name = _create_database(postgres_dsn, installed)
    dsn = make_conninfo(postgres_dsn, dbname=name)
    folder = tmp_path_factory.mktemp("ledger") / "home"
    yield name, furnish(Site(dsn, make_conninfo(dsn, user=SERVICE), folder / "pin"))
    _drop_database(postgres_dsn, name)


@pytest.fixture
def new_scene(postgres_dsn: str, original: tuple[str, Home], tmp_path: Path) -> Iterator[Callable[[], Scene]]:
    """Make copies of the log."""
    names: list[str] = []

    def make() -> Scene:
        names.append(_create_database(postgres_dsn, original[0]))
        home = copied(original[1], tmp_path / f"home-{len(names)}")
        dsn = make_conninfo(postgres_dsn, dbname=names[-1])
        return Scene(Site(dsn, make_conninfo(dsn, user=SERVICE), home.pin), home)

    yield make
    for name in names:
        _drop_database(postgres_dsn, name)


@pytest.fixture
def scene(new_scene: Callable[[], Scene]) -> Scene:
    """A copy of the log."""
    return new_scene()
