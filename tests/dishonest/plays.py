"""The plays in which the other tests have something refused, run once more in memory, so that each can be gone wrong.

A play is a test function of another module, called with its own parameters and fixtures but without a database; or the
forbidden act of a row of the table of clauses; or a random selection of the driver; or one of our own.
"""

import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from types import ModuleType
from typing import Any

from hypothesis import is_hypothesis_test

import tests
from tests.clause_table import ROWS
from tests.clauses.prefixes import history
from tests.clauses.row import Row
from tests.dishonest import own
from tests.model.driver import run
from tests.plays import history_at
from tests.simulator import resume

PACKAGES = ("decisions", "disputes", "attacks")
MODULES = ("imports.test_log", "log.test_log_keys")
ROW, OWN, MODEL = "clauses", "own", "model"
SEEDS = range(20)
"""The random selections that the tests of every change play."""

Play = Callable[[], None]


def every_play() -> Iterator[str]:
    """Give the names of all plays."""
    for package in PACKAGES:
        path = importlib.import_module(f"tests.{package}").__path__
        for found in pkgutil.iter_modules(path):
            yield from _plays_of(f"{package}.{found.name}")
    for name in MODULES:
        yield from _plays_of(name)
    for number, _ in enumerate(ROWS):
        yield f"{ROW}:{number}"
    for name in own.PLAYS:
        yield f"{OWN}:{name}"
    for seed in SEEDS:
        yield f"{MODEL}:{seed}"


def _plays_of(module: str) -> Iterator[str]:
    made = importlib.import_module(f"{tests.__name__}.{module}")
    for name, function in inspect.getmembers(made, inspect.isfunction):
        if name.startswith("test_") and function.__module__ == made.__name__ and _playable(made, function):
            yield f"{module}:{name}"


def play(name: str) -> None:
    """Run one play to its end; whatever it asserts must hold, as it does in its own module."""
    place, what = name.split(":")
    if place == ROW:
        _play_row(ROWS[int(what)])
    elif place == OWN:
        own.PLAYS[what]()
    elif place == MODEL:
        run(int(what))
    else:
        _play_test(place, what)


def seed_of(name: str) -> str:
    """Return the seed from which the keys of everybody in a play follow."""
    place, what = name.split(":")
    return f"model-{what}" if place == MODEL else "test"


def _play_test(place: str, what: str) -> None:
    module = importlib.import_module(f"{tests.__name__}.{place}")
    function = getattr(module, what)
    for values in _parameters(function):
        with ExitStack() as stack:
            needed = [one for one in inspect.signature(function).parameters if one not in values]
            function(**values, **{one: _fixture(module, one, stack) for one in needed})


def _play_row(row: Row) -> None:
    world = resume(history(row.prefix))
    if row.after:
        row.admitted(world)
    forbidden = row.refused(world)
    world.refused(forbidden.alias, forbidden.body, **forbidden.header)


def _parameters(function: Any) -> Iterator[dict[str, Any]]:
    """Every set of values that a test is parametrised with."""
    marks = [mark.args for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
    columns = [[dict(_named(names, value)) for value in values] for names, values, *_ in marks]
    for row in itertools.product(*columns):
        yield {name: value for one in row for name, value in one.items()}


def _named(names: Any, value: Any) -> Iterator[tuple[str, Any]]:
    several = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
    return zip(several, (value,) if len(several) == 1 else value, strict=True)


BUILT_IN: Mapping[str, Callable[[], Any]] = {
    "world_at": lambda: lambda point: resume(history_at(point)),
}
"""What plays get instead of a fixture that would put them on a database."""


def _playable(module: ModuleType, function: Any) -> bool:
    """Whether everything that a test needs can be had without a database, and it plays one history and not many."""
    if is_hypothesis_test(function):
        return False
    given = {name for mark in getattr(function, "pytestmark", ()) for name in _names_of(mark)}
    needed = [one for one in inspect.signature(function).parameters if one not in given]
    return all(one in BUILT_IN or _own_fixture(module, one) is not None for one in needed)


def _names_of(mark: Any) -> list[str]:
    if mark.name != "parametrize":
        return []
    names = mark.args[0]
    return [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)


def _own_fixture(module: ModuleType, name: str) -> Any:
    """Return the function behind a module's own fixture, if it can be had."""
    made = getattr(getattr(module, name, None), "__wrapped__", None)
    if made is None:
        return None
    return made if all(_own_fixture(module, one) is not None for one in inspect.signature(made).parameters) else None


def _fixture(module: ModuleType, name: str, stack: ExitStack) -> Any:
    if name in BUILT_IN:
        return BUILT_IN[name]()
    made = _own_fixture(module, name)
    values = {one: _fixture(module, one, stack) for one in inspect.signature(made).parameters}
    if inspect.isgeneratorfunction(made):
        return stack.enter_context(contextmanager(partial(made, **values))())
    return made(**values)
