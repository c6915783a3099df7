"""Planned votes: every wish that ballots can fulfil is fulfilled, and the default order has a clear cut."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.rehearsal.votes import ballots_for, clear_votes

MEMBERS = tuple(f"m{number}" for number in range(9))


@given(st.integers(1, 20), st.data())
def test_the_default_votes_have_a_clear_cut(candidates: int, data: st.DataObject) -> None:
    most = data.draw(st.integers(1, candidates))
    members = data.draw(st.integers(3, len(MEMBERS)))
    order = [f"c{number:02d}" for number in range(candidates)]

    votes = clear_votes(order, members, most)

    listed = [votes[one] for one in order]
    assert listed == sorted(listed, reverse=True)
    assert most == candidates or listed[most - 1] > listed[most]
    counted = Counter(one for names in ballots_for(votes, MEMBERS[:members], most, {}).values() for one in names)
    assert {one: counted[one] for one in order} == votes


@given(st.lists(st.integers(0, 6), min_size=1, max_size=8))
def test_a_wish_comes_true_without_the_recused(wanted: list[int]) -> None:
    votes = {f"c{number}": approvals for number, approvals in enumerate(wanted)}
    recused = {"c0": {"m0", "m1", "m2"}}

    ballots = ballots_for(votes, MEMBERS, len(wanted), recused)

    assert Counter(one for names in ballots.values() for one in names) == Counter(votes)
    assert all("c0" not in ballots[member] for member in recused["c0"])


def test_a_wish_that_no_ballots_fulfil() -> None:
    with pytest.raises(ValueError, match="c0 cannot get 10"):
        ballots_for({"c0": 10}, MEMBERS, 1, {})
    with pytest.raises(ValueError, match="c1 cannot get 5"):
        ballots_for({"c0": 5, "c1": 5}, MEMBERS, 1, {})
