"""One worker: serves the application on the socket it inherits, and hands statements on to the sequencer.

Run as `python -m api.http.worker FOLDER SOCKET PARENT` by the process that sequences. It ends with its parent: the
kernel is asked for a signal at the parent's death, and the parent is looked at once more after that.
"""

import ctypes
import os
import signal
import socket
import sys
from pathlib import Path

from api.http import logs
from api.http.ballot_socket import BallotSocket
from api.http.server import ballots_path, serve_app, socket_path
from api.http.settings import Settings
from api.http.socket_door import SocketDoor
from ledger.opening import open_store, read_home

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Serve until told to end."""
    folder, number, parent = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise SystemExit("the sequencer ended before its worker began")
    home, settings = read_home(folder), Settings(home=folder)
    logs.configure(settings.log_level)
    with open_store(home) as store, socket.socket(fileno=number) as listening:
        path, ballots = socket_path(home), BallotSocket(ballots_path(home))
        serve_app(home, store, lambda reader: SocketDoor(path, check=reader.checking()), settings, listening, ballots)


if __name__ == "__main__":
    main(sys.argv[1:])
