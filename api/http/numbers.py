"""Where several processes put their numbers together: a folder of one run of the service, below `run/metrics`.

The metrics library looks at the environment when it is imported, so that this module does not import it: the command
calls `share` first. What a run before left is removed once it is certain that it is over.
"""

import os
import shutil
from pathlib import Path

from ledger.errors import StoreError
from ledger.opening import Home

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


def share(home: Home) -> Path:
    """Let this process and its workers put their numbers together; return where.

    Raises `StoreError` `HOME_UNUSABLE`.
    """
    folder = home.folder / "run" / "metrics" / str(os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise StoreError("HOME_UNUSABLE", path=str(folder), reason=str(error.strerror)) from None
    os.environ[MULTIPROCESS] = str(folder)
    return folder


def remove_earlier(home: Home) -> None:
    """Remove the numbers of runs that are over: to be called by whoever holds the log's lock."""
    for path in (home.folder / "run" / "metrics").glob("*"):
        if path != Path(os.environ.get(MULTIPROCESS, "")):
            shutil.rmtree(path, ignore_errors=True)
