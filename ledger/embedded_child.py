"""Becomes one PostgreSQL program that never outlives the ledger.

Run as a script in a fresh interpreter, because nothing may happen between fork and exec in a process with threads.
Its arguments are PARENT (a process id) UID GID PROGRAM ARGUMENT…
The order matters: a change of user clears the parent-death signal, so the signal is asked for after root is given up;
and a parent may die before it is asked for, so the parent is looked at once more after that.
Only the standard library is imported; nothing of this project.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Give up root where a user is named (`UID` is not -1), bind the process to its parent's life, and exec."""
    parent, uid, gid = (int(argument) for argument in arguments[:3])
    if uid != -1:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGINT) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise SystemExit("the ledger ended before its server began")
    os.execv(arguments[3], arguments[3:])


if __name__ == "__main__":
    main(sys.argv[1:])
