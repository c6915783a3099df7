"""A folder for the rehearsal, which the embedded server's account can reach."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def reachable() -> Iterator[Path]:
    """An empty folder for all tests of a module."""
    path = Path(tempfile.mkdtemp(prefix="ballot-ledger-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
