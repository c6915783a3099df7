"""A short soak for every change; `make soak` runs ten minutes."""

import os

import pytest

from tests.soak.run import Plan, soak

SEED = int(os.environ.get("SOAK_SEED", "2022"))


@pytest.mark.system
@pytest.mark.parametrize(("embedded", "seconds"), [(True, 20), (False, 10)])
def test_nothing_acknowledged_is_lost_whatever_is_killed(embedded: bool, seconds: int) -> None:
    told = soak(Plan(SEED, seconds, embedded, calm=2.5))
    assert told.violations == [], "\n".join(told.lines())
    assert sum(told.kills.values()) > 0
    assert told.counts["acknowledged ballots"] > 0
