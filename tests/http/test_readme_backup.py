"""The README's backup and restore, run as it stands: accepted whole, refused where older than the pin, recovered."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import make_conninfo

from ledger.embedded import EmbeddedPostgres
from ledger.opening import SERVICE_ROLE
from tests.api.calling import call
from tests.api.conftest import reachable
from tests.attestation.test_readme import section

__all__ = ["reachable"]


def blocks() -> list[str]:
    """The commands of the section: backing up, restoring, recovering."""
    return re.findall(r"^```bash\n(.*?)^```$", section("### Backup and restore"), re.MULTILINE | re.DOTALL)


def as_administrator(dsn: str, query: LiteralString) -> Any:
    """The first column of the first row, if there is any."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone() if cursor.description else None


def test_a_backup_is_made_restored_refused_when_old_and_recovered(reachable: Path) -> None:
    backing_up, restoring, recovering = blocks()
    home = reachable / "home"
    assert call("demo", "--folder", home).code == 0
    (reachable / "keys").mkdir()
    for name, source in (("discipline", "discipline"), ("sponsor", "sponsor-union")):
        shutil.copy(home / "keys" / f"{source}.pem", reachable / "keys" / f"{name}.pem")
    with EmbeddedPostgres.start(home / "postgres") as server:
        as_administrator(server.dsn, "CREATE DATABASE restored")
        (programs,) = as_administrator(server.dsn, "SELECT setting FROM pg_config WHERE name = 'BINDIR'")
        new = make_conninfo(server.dsn, dbname="restored")
        env = os.environ | {
            "ADMIN": server.dsn,
            "NEW": new,
            "NEW_SERVICE": make_conninfo(new, user=SERVICE_ROLE),
            "DATABASE_URL": make_conninfo(server.dsn, user=SERVICE_ROLE),
            "BALLOT_LEDGER_HOME": str(home),
            "BALLOT_LEDGER_PASSPHRASE": "rehearsal",
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

        def run(commands: str, fails: bool = False) -> str:
            done = subprocess.run(
                ["/bin/bash", "-eu", "-c", commands],
                cwd=reachable, env=env, capture_output=True, text=True, timeout=600, check=False,
            )  # fmt: skip
            assert (done.returncode != 0) == fails, done.stdout + done.stderr
            return done.stdout + done.stderr

        run(backing_up)
        later = "ballot-ledger submit seen.json --key home/keys/organiser.pem --json"
        body = {"code": "OTHER", "entries": [1], "severity": "info", "reason": "看过 · looked at"}
        (reachable / "seen.json").write_text(json.dumps({"kind": "finding.raised", "body": body}))
        run(later)
        run("ballot-ledger export newest.zip --audience auditor")
        run(restoring)
        env |= {"BALLOT_LEDGER_HOME": "restored", "DATABASE_URL": env["NEW_SERVICE"]}
        run("cp home/pin home/attempts.pin restored/")
        assert "ROLLBACK_DETECTED" in run(later, fails=True)
        commands = recovering.replace('"$ENTRY"', "3034")
        assert "3036" in run(commands)
        last = call("entries", "--home", reachable / "restored", "--json", DATABASE_URL=env["NEW_SERVICE"])
        assert [one["kind"] for one in last.value["entries"]][-3:] == [
            "finding.raised", "log.recovered", "act.countersigned",
        ]  # fmt: skip
