"""An announced result against a selection that was played on the ledger."""

from dataclasses import replace
from typing import Any

from ledger.selection import Selection
from projections.announced import compare
from projections.announced_live import basis_of_state
from projections.announced_session import Announced
from tests.finalists import at_approval


def announced_as_derived(state: Selection) -> tuple[Announced, ...]:
    """Every certified result, the public totals and the places, as they follow from the entries."""
    rows: list[tuple[Any, ...]] = [
        (session.stage, session.group, row["candidate"], row["rank"] or None, row["approve"], None, row["taken"])
        for session in state.rounds.sessions.values()
        if session.outcome is not None
        for row in session.outcome.rows
    ]
    rows += [
        (poll.stage, None, candidate, None, None, sum(one.totals[candidate] for one in poll.totals.values()), False)
        for poll in state.polls.by_id.values()
        for candidate in poll.candidates
    ]
    rows += [("notice", None, one, None, None, None, True) for one in holders(state)]
    return tuple(Announced(number, *row) for number, row in enumerate(rows, start=2))


def holders(state: Selection) -> list[str]:
    places = basis_of_state(state, state.at).places
    assert places is not None
    return [one for one in places.holders if one is not None]


def test_what_follows_from_the_entries_differs_in_nothing() -> None:
    state = at_approval().state
    announced = announced_as_derived(state)
    assert len(announced) > 40
    assert compare(announced, basis_of_state(state, state.at)) == ()


def test_somebody_else_in_a_place_and_a_changed_sum_are_found() -> None:
    state = at_approval().state
    final = state.rounds.final
    assert final is not None
    announced = list(announced_as_derived(state))
    basis = basis_of_state(state, state.at)
    waiting = [one for one in final.alternates if one not in holders(state) and one not in state.out]
    (first,) = [
        number for number, row in enumerate(announced) if row.stage == "notice" and row.candidate == holders(state)[0]
    ]
    announced[first] = replace(announced[first], candidate=waiting[-1])
    (top,) = [n for n, row in enumerate(announced) if (row.stage, row.candidate) == ("final", final.nominees[0])]
    announced[top] = replace(announced[top], approve=(announced[top].approve or 0) + 1)
    found = {(one.what.value, one.candidate): one.cause for one in compare(announced, basis)}
    assert found["approve", final.nominees[0]] == "ANNOUNCED_SUM_WRONG"
    assert found["place", holders(state)[0]] in ("ANNOUNCED_NOMINEE_MISSING", "ANNOUNCED_ALTERNATE_SKIPPED")
    assert found["place", waiting[-1]] in ("ANNOUNCED_MOVED_UP_EARLY", "ANNOUNCED_ALTERNATE_SKIPPED")
    assert len(found) == 3
