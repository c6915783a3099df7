"""Where several processes put their numbers together: a folder of one run of the service, in memory if there is some.

The metrics library looks at the environment when it is imported, so that this module does not import it: the command
calls `share` first. Its files are mapped into memory, and to write to a mapped file on a full disk ends a process: that
is why they are on no disk on Linux. What a run before left is removed once it is certain that it is over.
"""

import os
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

from ledger.errors import StoreError
from ledger.opening import Home

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
MEMORY = Path("/dev/shm")


def share(home: Home) -> Path:
    """Let this process and its workers put their numbers together; return where.

    Raises `StoreError` `HOME_UNUSABLE`.
    """
    base = _base(home)
    try:
        base.mkdir(mode=0o700, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=prefix(home), dir=base))
    except OSError as error:
        raise StoreError("HOME_UNUSABLE", path=str(base), reason=str(error.strerror)) from None
    os.environ[MULTIPROCESS] = str(folder)
    return folder


def remove_earlier(home: Home) -> None:
    """Remove the numbers of runs that are over: to be called by whoever holds the log's lock."""
    for path in _base(home).glob(f"{prefix(home)}*"):
        if path != Path(os.environ.get(MULTIPROCESS, "")):
            shutil.rmtree(path, ignore_errors=True)


def remove_own() -> None:
    """Remove the numbers of this run, which is over."""
    folder = os.environ.pop(MULTIPROCESS, None)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def prefix(home: Home) -> str:
    """Return how the names of the folders of this ledger begin."""
    return f"ballot-ledger-numbers-{sha256(os.fsencode(home.folder.resolve())).hexdigest()[:16]}-"


def _base(home: Home) -> Path:
    return MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else home.folder / "run"
