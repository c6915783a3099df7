"""Where a dispute begins: a point of a play, which goes on through a real sequencer on a real PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from api.rehearsal.driver import World
from tests.plays import WorldAt, history_at
from tests.sequenced import Site, played_on
from tests.simulator import History, go_on, handing_out


@pytest.fixture(autouse=True)
def sequenced(request: pytest.FixtureRequest, new_site: Callable[[], Site]) -> Iterator[None]:
    """Every play that a dispute goes on with is put into a database of its own and goes on through its sequencer.

    A test that takes the fixture `world_from` does that itself, from histories it makes in memory.
    """
    if "world_from" in request.fixturenames:
        yield
        return
    with ExitStack() as stack:

        def play(history: History) -> World:
            return stack.enter_context(played_on(new_site(), history))

        with handing_out(play):
            yield


@pytest.fixture
def world_at() -> WorldAt:
    """Go on from a point of the small play."""
    return lambda point: go_on(history_at(point))
