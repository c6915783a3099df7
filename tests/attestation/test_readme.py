"""What the README says about trust is what the program does: its commands run, and it names what it cannot prove."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from ledger.embedded import EmbeddedPostgres
from ledger.opening import SERVICE_ROLE
from projections.audit.catalogue import Check, Group, group_title, summary
from tests.api.calling import Answer, call
from tests.api.conftest import reachable

__all__ = ["reachable"]
README = Path(__file__).parents[2] / "README.md"
Run = Callable[..., Answer]


def section(title: str) -> str:
    """The text below a heading, up to the next of its rank or a higher one."""
    text = README.read_text("utf-8")
    mark = title.split(" ", maxsplit=1)[0]
    following = re.compile(rf"^#{{2,{len(mark)}}} ", re.MULTILINE)
    rest = text.partition(f"\n{title}\n")[2]
    assert rest, title
    found = following.search(rest)
    return rest[: found.start()] if found else rest


@pytest.fixture(scope="module")
def home(reachable: Path) -> Path:
    """The folder of a demonstration."""
    folder = reachable / "trusted"
    assert call("demo", "--folder", folder).code == 0
    return folder


@pytest.fixture(scope="module")
def run(home: Path) -> Iterator[Run]:
    """Run a command with the demonstration's folder as the ledger."""
    with EmbeddedPostgres.start(home / "postgres") as running:
        there = {"BALLOT_LEDGER_HOME": str(home), "DATABASE_URL": make_conninfo(running.dsn, user=SERVICE_ROLE)}
        yield lambda *arguments, **more: call(*arguments, **there | more)


def test_an_inspector_verifies_in_three_commands(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = re.findall(
        r"^    ballot-ledger (.+)$", section("### An inspector verifies in three commands"), re.MULTILINE
    )
    assert len(lines) == 3
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "seen"))
    assert run("receipt", 2000, "--out", tmp_path / "kept.tlog-proof").code == 0
    key = (home / "log.vkey").read_text().strip()
    for number, line in enumerate(lines):
        words = shlex.split(line.replace("$LOG_KEY", key))
        elsewhere = {"BALLOT_LEDGER_HOME": str(tmp_path / "none"), "DATABASE_URL": ""} if number else {}
        answer = run(*words, **elsewhere)
        assert answer.code == 0, (line, answer.out, answer.err)


def test_every_group_of_checks_stands_in_the_table() -> None:
    rows = re.findall(r"^\| (\d) (\w+) \|", section("### What the checks prove"), re.MULTILINE)
    assert rows == [(group.value, group_title(group, "en")) for group in Group]
    numbers = {check.number for check in Check}
    assert set(re.findall(r"\b\d\.\d\b", section("### Who must collude"))) <= numbers


def test_the_table_of_numbered_checks_is_current() -> None:
    assert f"\n{summary('en')}\n" in section("### What the checks prove")
    assert summary("zh").count("\n") == len(Check) + 1


def test_what_cannot_be_proven_is_named() -> None:
    text = section("### What nothing here proves")
    for words in ("database administrator", "refuse to take a statement", "invented members", "out of scope"):
        assert words in text
