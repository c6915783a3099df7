"""What every test may use: a real PostgreSQL, one server per test process and one fresh database per test."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger.embedded import EmbeddedPostgres


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that every account can reach, which pytest's own folders are not."""
    path = _reachable_folder()
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """The administrator's connection string of a server that this test process shares."""
    path = _reachable_folder()
    with EmbeddedPostgres.start(path) as server:
        yield server.dsn
    shutil.rmtree(path)


@pytest.fixture
def database(postgres_dsn: str) -> Iterator[str]:
    """The connection string of a new, empty database, dropped after the test."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_conninfo(postgres_dsn, dbname=name)
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _reachable_folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="ballot-ledger-test-"))
    path.chmod(0o755)
    return path
