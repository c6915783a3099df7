"""The contents page names functions that exist, every clause that an act rests on, and every module of rules."""

import importlib
import pkgutil

from ledger import procedure
from ledger.procedure.acts import ACTS

VALUES_ONLY = {"acts", "programme", "programme_checks", "programme_shape", "reasons"}


def test_every_function_on_the_contents_page_exists() -> None:
    for clause in procedure.CONTENTS:
        for name in clause.functions:
            module, function = name.split(".")
            assert callable(getattr(importlib.import_module(f"ledger.procedure.{module}"), function)), name


def test_every_clause_that_an_act_rests_on_is_on_the_page() -> None:
    numbers = {clause.number for clause in procedure.CONTENTS}
    for name, rule in ACTS.items():
        assert rule.clause.rstrip("0123456789") in numbers, name


def test_every_module_of_rules_is_reached_from_the_page() -> None:
    reached = {name.split(".")[0] for clause in procedure.CONTENTS for name in clause.functions}
    modules = {module.name for module in pkgutil.iter_modules(procedure.__path__)}
    assert modules - VALUES_ONLY == reached
