"""Where a dispute begins: a point of the small play, played on in memory."""

import pytest

from tests.plays import WorldAt, history_at
from tests.simulator import resume


@pytest.fixture
def world_at() -> WorldAt:
    """Go on from a point of the small play."""
    return lambda point: resume(history_at(point))
