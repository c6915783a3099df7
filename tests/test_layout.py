"""What import contracts cannot say: the rules need only the standard library, and no modules import each other."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

PROCEDURE = Path(__file__).parents[1] / "ledger" / "procedure"


def imported(file: Path) -> Iterator[str]:
    """Every module that a file names in an import, wherever it stands in the file."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module if node.module and not node.level else "a relative import"


def test_the_rules_import_only_the_standard_library_and_themselves() -> None:
    files = sorted(PROCEDURE.rglob("*.py"))
    assert len(files) > 5
    strangers = {
        (file.name, name)
        for file in files
        for name in imported(file)
        if name.partition(".")[0] not in sys.stdlib_module_names and not f"{name}.".startswith("ledger.procedure.")
    }
    assert strangers == set()


def test_no_two_modules_import_each_other_by_whatever_way_round() -> None:
    graph = grimp.build_graph("ledger", "projections", "api", cache_dir=None)
    imported_by = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imported_by) > 400
    order = tuple(TopologicalSorter(imported_by).static_order())
    assert order.index("ledger.state.books") < order.index("ledger.selection") < order.index("ledger.sequencer")
