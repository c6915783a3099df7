"""Every refusal that the source can produce is produced: by the random driver or by a table test that is named.

The codes are read from the source, those that stand there as literals and those that enums and tables hand on.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import ledger
from ledger.procedure.acts import ACTS
from ledger.procedure.ballots import BallotFault
from ledger.procedure.closing import QuorumFault
from tests.clause_table import ROWS
from tests.refusals import BY_TEST, DRIVER

CLAUSES = {row.code for row in ROWS}
TABLES = {code: (module, test) for module, tests in BY_TEST.items() for test, codes in tests.items() for code in codes}
LACKS = {
    "NO_APPLICANT_CONSENT",
    "REVIEW_MISSING",
    "RECOMMENDATION_MISSING",
    "MATERIAL_MISSING",
    "PAPER_MISSING",
}
HANDED_ON = {
    ("admission.py", "error.code"): {"PIN_INVALID"},
    ("attached.py", "code"): {"ALREADY_VOTED_PUBLIC", "CREDENTIAL_UNKNOWN"},
    ("ballots.py", "problem.fault.value"): {fault.value for fault in BallotFault},
    ("ballots.py", "code"): {"NOT_BALLOT_OWNER", "NOT_ON_ROSTER"},
    ("closing.py", "short.fault.value"): {fault.value for fault in QuorumFault},
    ("gate.py", "rule.behalf_code"): {rule.behalf_code for rule in ACTS.values()},
    ("gate.py", "code"): {"STAGE_CLOSED", "STAGE_NOT_OPEN"},
    ("rounds.py", "short.fault.value"): {fault.value for fault in QuorumFault},
    ("screening.py", "lack.code"): LACKS,
    ("sessions.py", "short.fault.value"): {fault.value for fault in QuorumFault},
    ("reasons.py", "code"): set(),
}
"""Where the source refuses with a code that is no literal, and which codes that can be."""


def _calls(*names: str) -> Iterator[tuple[Path, ast.expr]]:
    """The first argument of every call of one of these functions."""
    for file in sorted(Path(ledger.__file__ or "").parent.rglob("*.py")):
        if file.name.startswith("import"):
            continue  # what an import is refused for is held to the tables of its own tests
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
                yield file, node.args[0]


def literal_codes() -> set[str]:
    """The codes that stand in the source as literals."""
    return {str(code.value) for _, code in _calls("refuse", "Refusal") if isinstance(code, ast.Constant)}


def test_codes_that_are_handed_on_come_from_where_we_know() -> None:
    places = {(file.name, ast.unparse(code)) for file, code in _calls("refuse", "Refusal") if not _literal(code)}
    assert places == HANDED_ON.keys()
    assert {str(code.value) for _, code in _calls("Lack") if isinstance(code, ast.Constant)} == LACKS


def _literal(code: ast.expr) -> bool:
    return isinstance(code, ast.Constant)


def test_every_code_is_hit_by_the_driver_or_by_a_table() -> None:
    codes = literal_codes().union(*HANDED_ON.values())
    assert len(codes) > 240
    assert sorted(codes - DRIVER - TABLES.keys()) == []
    assert sorted((DRIVER | TABLES.keys()) - codes) == []
    assert DRIVER.isdisjoint(TABLES)


@pytest.mark.parametrize("code", sorted(TABLES))
def test_the_named_test_is_there_and_asserts_the_code(code: str) -> None:
    module_name, name = TABLES[code]
    module = importlib.import_module(f"tests.{module_name}")
    function = getattr(module, name)
    assert callable(function)
    assert f'"{code}"' in inspect.getsource(function) + _tables_of(inspect.getsource(module)) or code in CLAUSES


def _tables_of(source: str) -> str:
    """What stands at the top of a module outside its functions: the tables its tests run through."""
    return "\n".join(
        ast.get_source_segment(source, node) or ""
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
    )
