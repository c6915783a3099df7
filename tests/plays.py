"""Points of a small play that tests go on from: twelve applicants in six occupations, everybody with a key."""

from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import (
    Plan,
    default_plan,
    play_applications,
    play_enrolment,
    play_filing,
    play_screening,
)
from api.rehearsal.steps_bodies import play_groups, play_members, play_rosters
from ledger.procedure.programme_value import programme_from_value
from ledger.procedure.reasons import Refusal
from ledger.programmes import load_shipped
from ledger.selection import Selection
from ledger.state.finding_book import Finding
from ledger.statements import decode_own_entry
from ledger.statements.foundation import StageOpened
from tests.simulator import History, entries_of, freeze, new_world, resume

PROGRAMME = programme_from_value(load_shipped("zhuyuan-2022"))
PLAN: Plan = default_plan(PROGRAMME, 12, late=0, keyed_late=0, ineligible=0, units=6)

WorldAt = Callable[[str], World]


@lru_cache
def history_at(point: str) -> History:
    """Return the play up to a point, in memory."""
    before, play = POINTS[point]
    world = resume(history_at(before)) if before else new_world()
    play(world)
    return freeze(world)


def _enrolled(world: World) -> None:
    play_enrolment(world, PLAN)
    play_members(world, ("experts", "industry"))


def _window(world: World) -> None:
    world.must("organiser", StageOpened("applications"))


def _filed(world: World) -> None:
    for one in PLAN.applicants:
        play_filing(world, one)


def _received(world: World) -> None:
    play_applications(world, PLAN)


def _screening(world: World) -> None:
    world.must("organiser", StageOpened("screening"))


def _screened(world: World) -> None:
    play_screening(world, PLAN)


def _experts(world: World) -> None:
    play_rosters(world, "experts")
    world.must("organiser", StageOpened("experts"))


def _grouped(world: World) -> None:
    play_groups(world, "experts")


POINTS: dict[str, tuple[str | None, Callable[[World], None]]] = {
    "enrolled": (None, _enrolled),
    "window": ("enrolled", _window),
    "filed": ("window", _filed),
    "received": ("enrolled", _received),
    "screening": ("received", _screening),
    "screened": ("received", _screened),
    "experts": ("screened", _experts),
    "grouped": ("experts", _grouped),
}
"""Each point, the one before it, and how to get from there to here."""


def findings(state: Selection, code: str) -> list[Finding]:
    """Return the findings of a code, in the order they arose."""
    return [one for one in state.findings.by_id.values() if one.code == code]


def flagged(world: World, code: str, severity: str, *entries: int) -> Finding:
    """Assert that the last finding of a code has this severity and these entries, live and on replay; return it."""
    found = findings(world.state, code)
    assert found, code
    assert (found[-1].severity, found[-1].entries) == (severity, entries)
    again = findings(replayed(world), code)
    assert [asdict(one) for one in again] == [asdict(one) for one in found]
    return found[-1]


def replayed(world: World) -> Selection:
    """Fold the entries of a play once more, from the first."""
    state = Selection()
    for entry in entries_of(world):
        state.apply(decode_own_entry(entry))
    return state


def refused(world: World, alias: str, body: object, code: str, clause: str) -> Refusal:
    """Assert that a statement is refused with this code and clause, and that nothing changed; return the refusal."""
    size = world.state.size
    answer = world.refused(alias, body)
    assert (answer.code, answer.clause) == (code, clause)
    assert world.state.size == size
    return answer
