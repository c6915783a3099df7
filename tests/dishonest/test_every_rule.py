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
from ledger.checkpoint import parse_note
from ledger.cosignature import cosign
from ledger.signing import opens
from ledger.statements.foundation import CharterSealed
from projections.audit import signatures
from projections.audit.export import Trust, verify_export
from projections.audit.report import Report
from projections.audit.verify import verify_log
from projections.bundle import write_export
from projections.disclosure import Audience
from tests.dishonest.forging import DishonestLog
from tests.dishonest.offences import TABLE, Offence, by_itself, offences_of
from tests.dishonest.plays import seed_of
from tests.exports.making import MemorySource
from tests.simulator import LOG_VKEY
from tests.tampering.scene import COSIGNED_AT, POLICY, WITNESS
from tests.test_refusal_codes import HANDED_ON, literal_codes

PLAYS: dict[str, list[str]] = json.loads(TABLE.read_text(encoding="utf-8"))

ELSEWHERE = {
    **dict.fromkeys(
        (
            "ALREADY_INVALIDATED",
            "ALREADY_VOTED_PUBLIC",
            "CREDENTIAL_UNKNOWN",
            "PUBLIC_BALLOT_INVALID",
            "ROWS_INVALID",
            "ROWS_MISSING",
            "TOTALS_NOT_DERIVED",
        ),
        "decided with the rows of a public vote, which stand beside the entries: the audit of the rows finds it "
        "(disputes.test_section_6)",
    ),
    "LOG_KEY_NOT_HELD": "the entry itself is sound: what is missing is the sequencer's own key for the trees after it, "
    "so that it could not sign one, and a checkpoint that another key signed is CHECKPOINT_FORGED (test_at_the_door)",
    "PIN_INVALID": "checked at the door and not by a rule: a log that lets it pass is in test_at_the_door",
}
"""Codes that no play in memory has refused, and why."""

MOST = 10_000
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


def gone_wrong(offence: Offence, seed: str) -> DishonestLog:
    """Let the offence pass, and let the log go on."""
    log = DishonestLog(offence.entries, offence.notes)
    admitted = log.admit(offence.envelope, offence.at)
    assert log.go_on(seed) or type(admitted.body) is CharterSealed
    return log


def names(report: Report, offence: Offence) -> None:
    """Assert that a report names the rule that was broken, its clause, and where."""
    # No play has its evidence on file, which an export is told for; that is no rule that the log broke.
    failures = [one for one in report.failures if one.index >= 0 and one.code != "EVIDENCE_MISSING"]
    first = min((one.index for one in failures), default=None)
    assert first == len(offence.entries), (offence.code, failures[:3])
    assert (offence.code, offence.clause) in {(one.code, one.clause) for one in failures if one.index == first}


@pytest.mark.parametrize("name", PLAYS)
def test_the_rule_that_was_broken_is_named_with_its_clause_and_the_first_bad_index(name: str) -> None:
    offences = offences_of(name)
    for code in PLAYS[name]:
        offence = offences[code]
        assert by_itself(offence), code
        names(verify_log(gone_wrong(offence, seed_of(name)), LOG_VKEY, workers=0), offence)


def verified_offline(name: str, folder: Path, most: int) -> int:
    """Check an export of each log of a play offline, cosigned by a witness; leave out logs of over `most` entries."""
    offences, done = offences_of(name), 0
    for code in PLAYS[name]:
        offence = offences[code]
        if len(offence.entries) > most:
            continue
        log = gone_wrong(offence, seed_of(name))
        size = len(log.entries)
        cosigned = log.note() + cosign(parse_note(log.note()).text, COSIGNED_AT, WITNESS).line()
        source = EverythingSource(tuple(log.entries), log.notes, attested={f"cosigned/{size}": (size, cosigned)})
        write_export(source, folder / code, Audience.AUDITOR, size)
        names(verify_export(folder / code, Trust(key=LOG_VKEY, policy=POLICY), workers=0), offence)
        done += 1
    return done


class EverythingSource(MemorySource):
    """A dishonest log in memory: it gives everything away, whatever its state has become."""

    def shown(self, audience: Audience) -> int:
        return len(self.entries)


def test_the_offline_verifier_names_it_too(tmp_path: Path) -> None:
    assert sum(verified_offline(name, tmp_path / str(n), 30) for n, name in enumerate(PLAYS)) > 30


@pytest.mark.long
def test_the_offline_verifier_names_every_rule(tmp_path: Path) -> None:
    done = sum(verified_offline(name, tmp_path / str(n), MOST) for n, name in enumerate(PLAYS))
    assert done == sum(map(len, PLAYS.values()))
