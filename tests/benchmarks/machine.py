"""Clocks, cores and the server that a benchmark runs on."""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger.embedded import EmbeddedPostgres
from ledger.store import install
from tests.sequenced import SCHEMA, SERVICE, Site


def timed(work: Callable[[], object], entries: int) -> float:
    """Return how long `work` takes for each of its entries, in microseconds."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / entries * 1e6


@contextmanager
def server() -> Iterator[EmbeddedPostgres]:
    """Run an embedded server in a folder of its own, on a disk that flushes."""
    folder = Path(tempfile.mkdtemp(prefix="ballot-ledger-bench-"))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres.start(folder / "postgres") as running:
            yield running
    finally:
        shutil.rmtree(folder)


def new_database(postgres: EmbeddedPostgres) -> str:
    """Return the administrator's connection string of a new database."""
    name = f"bench_{secrets.token_hex(4)}"
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return make_conninfo(postgres.dsn, dbname=name)


def new_site(postgres: EmbeddedPostgres) -> Site:
    """Install an empty log; its pin is on the server's disk."""
    dsn = new_database(postgres)
    missing = install(dsn, SCHEMA, SERVICE)
    if missing:
        raise LookupError(f"guards are missing: {missing}")
    return Site(dsn, make_conninfo(dsn, user=SERVICE), postgres.folder.parent / "pin")


@contextmanager
def on_one_core(dsn: str) -> Iterator[None]:
    """Keep all threads of this process on one core meanwhile, and the server's processes off it if there is another."""
    cores = os.sched_getaffinity(0)
    last = max(cores)
    others = cores - {last} or cores
    _set_cores(_threads(), {last})
    _set_cores(_backends(dsn), others)
    try:
        yield
    finally:
        _set_cores(_threads(), cores)
        _set_cores(_backends(dsn), cores)


def _set_cores(tasks: list[int], cores: set[int]) -> None:
    for task in tasks:
        # A thread or a backend may have ended; another account's server is where its system puts it.
        with suppress(ProcessLookupError, PermissionError):
            os.sched_setaffinity(task, cores)


def _threads() -> list[int]:
    return [int(task) for task in os.listdir("/proc/self/task")]


def _backends(dsn: str) -> list[int]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return [row[0] for row in connection.execute("SELECT pid FROM pg_stat_activity").fetchall()]
