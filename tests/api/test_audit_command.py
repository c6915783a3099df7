"""`audit` on a ledger with tables and refused statements: what stands beside the log is checked with it."""

import json
from pathlib import Path

import psycopg
import pytest

from ledger.embedded import EmbeddedPostgres
from ledger.store.schema import TABLES
from tests.api.calling import Answer, call

ORIGIN = "union.example/audited"


@pytest.fixture(scope="module")
def home(reachable: Path) -> Path:
    """A ledger with its tables and one refused statement, its server running."""
    folder = reachable / "ledger"
    assert call("init", "--origin", ORIGIN, "--home", folder, "--endorse", "--rehearsal").code == 0
    closing = json.dumps({"kind": "stage.closed", "body": {"stage": "applications"}})
    signer = folder / "keys" / "organiser.pem"
    refused = call("submit", "-", "--key", signer, "--home", folder, "--json", given=closing)
    assert "refusal" in refused.value, refused.out
    assert call("tables", "rebuild", "--home", folder).code == 0
    return folder


def audit(home: Path) -> Answer:
    """Call `audit` with JSON."""
    return call("audit", "--home", home, "--json")


def failures(answer: Answer, check: str) -> list[tuple[str, str]]:
    """What one check found: code and facts."""
    return [(one["code"], str(one["facts"])) for one in answer.value["failures"] if one["check"] == check]


def as_administrator(home: Path, statement: str) -> None:
    """Change what is stored, every guard off."""
    with (
        EmbeddedPostgres.start(home / "postgres") as server,
        psycopg.connect(server.dsn, autocommit=True) as connection,
    ):
        for what in ("drop", "ddl"):
            connection.execute(f"ALTER EVENT TRIGGER ledger_refuse_{what} DISABLE".encode())
        for table in TABLES:
            connection.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL".encode())
        connection.execute(statement.encode())


def test_attempts_and_tables_are_looked_at(home: Path) -> None:
    answer = audit(home)
    assert answer.code == 0, answer.out
    looked_at = {one["check"]: one["looked_at"] for one in answer.value["checks"]}
    assert (looked_at["3.6 attempts"], looked_at["5.4 tables"]) == (1, answer.value["size"])
    assert answer.value["attempts"]["size"] == 1


def test_an_edited_table_is_found_and_is_no_entry(home: Path) -> None:
    as_administrator(home, "UPDATE ledger_tables.people SET unit = 'another' WHERE true")
    answer = audit(home)
    assert (answer.code, answer.value["first_bad_index"]) == (1, None)
    assert {code for code, _ in failures(answer, "5.4 tables")} == {"PROJECTION_DRIFT"}
    assert call("tables", "rebuild", "--home", home).code == 0
    assert audit(home).code == 0


def test_an_altered_attempt_is_found_with_its_number(home: Path) -> None:
    as_administrator(home, "UPDATE ledger.attempt_entries SET state = set_byte(state, 9, get_byte(state, 9) # 1)")
    answer = audit(home)
    assert answer.code == 1
    assert ("EVENT_ALTERED", "{'attempt': 0}") in failures(answer, "3.6 attempts")
