"""`tables` on a new ledger with the embedded server, which sets up what the tables need by itself."""

from pathlib import Path

import pytest

from projections.inspecting import questions, sql_of
from tests.api.calling import call


@pytest.fixture(scope="module")
def home(reachable: Path) -> Path:
    """A ledger whose charter is sealed and endorsed."""
    folder = reachable / "tables"
    assert call("init", "--origin", "union.example/t", "--rehearsal", "--endorse", "--home", folder).code == 0
    return folder


def test_tables_are_built_followed_checked_and_asked(home: Path) -> None:
    early = call("tables", "check", "--home", home, "--json")
    assert (early.code, early.value["error"]["code"]) == (2, "TABLES_MISSING")
    before = call("tables", "status", "--home", home, "--json")
    assert (before.code, before.value["size"], before.value["released"]) == (1, 0, 6)
    built = call("tables", "rebuild", "--home", home, "--lang", "en")
    assert built.code == 0
    assert "Tables ledger_tables rebuilt, as of 6 entries" in built.out
    assert "REHEARSAL" in built.out
    followed = call("tables", "follow", "--once", "--home", home, "--lang", "en")
    assert (followed.code, "are current" in followed.out) == (0, True)
    status = call("tables", "status", "--home", home, "--json")
    assert (status.code, status.value["tables"]["entries"]["rows"]) == (0, 6)
    agreed = call("tables", "check", "--home", home, "--lang", "en")
    assert (agreed.code, status.value["content_hash"] in agreed.out) == (0, True)
    answer = call("tables", "query", "several_bodies", "--home", home, "--json")
    assert (answer.code, answer.value["as_of"], answer.value["rows"]) == (0, 6, [])


def test_questions_are_listed_and_shown(home: Path) -> None:
    listed = call("tables", "query", "--home", home)
    assert listed.code == 0
    assert all(one in listed.out for one in questions())
    shown = call("tables", "query", "recount", "--sql", "--home", home, "--json")
    assert shown.value["sql"] == sql_of("recount")
    unknown = call("tables", "query", "everything", "--home", home, "--json")
    assert (unknown.code, unknown.value["error"]["code"]) == (2, "QUERY_UNKNOWN")
