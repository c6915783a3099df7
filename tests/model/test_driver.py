"""Ledger and naive model play the same random selections and agree about everything that is derived.

Twenty on every change, a hundred on `make test-long`; and a rule that is bent a little is noticed.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ledger import derivation, grouping
from ledger.procedure.groups import group_shares
from ledger.procedure.notice import notice_clock
from ledger.procedure.ranking import public_votes_key
from ledger.procedure.vacancies import next_alternate
from ledger.state import clocks, places
from tests.model.driver import Run, run
from tests.refusals import DRIVER


def runs(seeds: range) -> list[Run]:
    """Play these seeds; a failure names its seed."""
    played = []
    for seed in seeds:
        try:
            played.append(run(seed))
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
    return played


def hit(played: list[Run]) -> set[str]:
    """The codes of all refusals on the way."""
    return {code for one in played for code in one.refusals}


def test_twenty_random_selections_agree_with_the_naive_model() -> None:
    played = runs(range(20))
    assert sum(one.named > 0 for one in played) >= 12
    assert sum(one.named_after_vacancy for one in played) >= 4
    assert sum(one.sustained for one in played) >= 2
    assert DRIVER - hit(played) == set()


@pytest.mark.long
def test_a_hundred_random_selections_agree_with_the_naive_model() -> None:
    played = runs(range(100, 200))
    assert sum(one.named > 0 for one in played) >= 60
    assert sum(one.named_after_vacancy for one in played) >= 20
    assert sum(one.sustained for one in played) >= 10


def test_the_same_seed_plays_the_same() -> None:
    assert run(1) == run(1)


def _other_order(alternates: Any, *rest: Any) -> Any:
    return next_alternate(tuple(reversed(alternates)), *rest)


def _one_day_more(at: int, offset: int, days: int, calendar: Any) -> Any:
    return notice_clock(at, offset, days + 1, calendar)


def _fewer_votes_first(totals: Any, source: str = "") -> Any:
    return public_votes_key({one: -votes for one, votes in totals.items()}, source)


def _one_application_more(groups: Any, total: int, drawn: Any = ()) -> Any:
    first, *others = groups
    return group_shares([replace(first, received=first.received + 3), *others], total, drawn)


@pytest.mark.parametrize(
    ("place", "name", "bent"),
    [
        (places, "next_alternate", _other_order),
        (clocks, "notice_clock", _one_day_more),
        (derivation, "public_votes_key", _fewer_votes_first),
        (grouping, "group_shares", _one_application_more),
    ],
)
def test_a_bent_rule_is_noticed(
    monkeypatch: pytest.MonkeyPatch, place: Any, name: str, bent: Callable[..., Any]
) -> None:
    monkeypatch.setattr(place, name, bent)
    with pytest.raises(AssertionError):
        runs(range(12))
