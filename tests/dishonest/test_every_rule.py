"""A log that signs, hashes and publishes everything correctly and breaks one rule: the audit names it, for every rule.

Each refusal of the registry is taken from a play in which an honest log refuses it. A dishonest log admits that very
statement and goes on, and the audit of the whole log must name the refusal's code and clause, and the statement's index
as the first bad one.
"""

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import ledger
from ledger.signing import opens
from ledger.statements.foundation import CharterSealed
from projections.audit import signatures
from projections.audit.report import Report
from projections.audit.verify import verify_log
from tests.dishonest.forging import DishonestLog
from tests.dishonest.offences import TABLE, Offence, by_itself, offences_of
from tests.dishonest.plays import seed_of
from tests.simulator import LOG_VKEY
from tests.test_refusal_codes import HANDED_ON, literal_codes

PLAYS: dict[str, list[str]] = json.loads(TABLE.read_text(encoding="utf-8"))

ELSEWHERE = {
    "LOG_KEY_NOT_HELD": "the entry itself is sound: what is missing is the sequencer's own key for the trees after it, "
    "so that it could not sign one, and a checkpoint that another key signed is CHECKPOINT_FORGED (test_at_the_door)",
    "PIN_INVALID": "checked at the door and not by a rule: a log that lets it pass is in test_at_the_door",
}
"""Codes that no play in memory has refused, and why."""

_IMPORT_CALLS = ("refuse", "Fault", "_fault", "CellFault", "RowProblem")
_OPENS = cache(opens)


@pytest.fixture(autouse=True)
def check_each_signature_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plays have most of their entries in common."""
    monkeypatch.setattr(signatures, "opens", _OPENS)


def registry() -> set[str]:
    """Every code that a decision can give."""
    return literal_codes().union(*HANDED_ON.values()) | set(import_codes())


def import_codes() -> Iterator[str]:
    """The codes that a row, a chunk or the end of an import can be refused for."""
    for file in Path(ledger.__file__ or "").parent.rglob("import*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _IMPORT_CALLS:
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    yield str(code.value)


def test_every_refusal_is_broken_once_or_cannot_stand_in_a_log() -> None:
    broken = [code for codes in PLAYS.values() for code in codes]
    hint = "run python -m tests.dishonest"
    assert len(broken) == len(set(broken))
    assert sorted(registry() - set(broken) - ELSEWHERE.keys()) == [], hint
    assert sorted(set(broken) - registry()) == [], hint
    assert set(broken).isdisjoint(ELSEWHERE)


def audited(offence: Offence, seed: str) -> Report:
    """Let the offence pass, let the log go on, and audit it."""
    log = DishonestLog(offence.entries, offence.notes)
    admitted = log.admit(offence.envelope, offence.at)
    assert log.go_on(seed) or type(admitted.body) is CharterSealed
    return verify_log(log, LOG_VKEY, workers=0)


@pytest.mark.parametrize("name", PLAYS)
def test_the_rule_that_was_broken_is_named_with_its_clause_and_the_first_bad_index(name: str) -> None:
    offences = offences_of(name)
    for code in PLAYS[name]:
        offence = offences[code]
        assert by_itself(offence), code
        report = audited(offence, seed_of(name))
        first = report.first_bad_index
        assert first == len(offence.entries), (code, report.failures[:3])
        assert (code, offence.clause) in {(one.code, one.clause) for one in report.failures if one.index == first}
