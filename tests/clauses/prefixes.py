"""Where rows begin: histories by name, each played once."""

from collections.abc import Callable
from functools import cache

from api.rehearsal.driver import World, founders
from api.rehearsal.steps_bodies import play_declarations, play_groups
from api.rehearsal.steps_deliberation import play_deciders, play_deliberation_stage, play_inspection
from api.rehearsal.steps_naming import naming, next_year, play_approval, play_naming
from api.rehearsal.steps_polls import open_poll
from api.rehearsal.steps_rounds import members, open_round, play_sitting
from api.rehearsal.steps_stages import enter
from ledger.procedure.programme import StageKind
from ledger.programmes import load_shipped, programme_hash
from ledger.statements.foundation import CharterSealed, StageOpened
from ledger.statements.rounds import AttendanceRecorded
from tests import finalists, plays, public_ballots, voting
from tests.simulator import LOG_VKEY, ORIGIN, START, History, MemoryLedger, freeze, new_world, resume

GROUP = "metalworking"


@cache
def history(prefix: str) -> History:
    """Return the history of a name: one below, or a point of `tests.plays`."""
    if prefix in plays.POINTS:
        return plays.history_at(prefix)
    if prefix.startswith("before:"):
        return voting.history_before(prefix.partition(":")[2])
    return freeze(PREFIXES[prefix]())


def _sealed() -> World:
    world = World(MemoryLedger(), "clauses", START)
    programme = load_shipped("zhuyuan-2022")
    body = CharterSealed(
        founders(world, programme), LOG_VKEY.encode(), ORIGIN, programme, programme_hash(programme), rehearsal=True
    )
    world.must("organiser", body, seen=None)
    return world


def _staffed() -> World:
    """Everybody who decides, watches or receives has a key; no stage has begun."""
    world = new_world()
    play_deciders(world)
    world.enrol("scrutineer-1", "scrutineer", unit="unit-scrutineer-1")
    return world


def _undeclared() -> World:
    """A programme that declares no reading of ties between alternates."""
    value = load_shipped("zhuyuan-2022")
    readings = [one for one in value["readings"] if one["id"] != "deadline"]
    world = new_world({**value, "readings": readings})
    return world


def _rosterless(stage: str) -> World:
    return resume(voting.history_before(stage))


def _sitting(stage: str) -> World:
    """The stage is open, everybody came, discussion is over."""
    world = _rosterless(stage)
    world.must("organiser", StageOpened(stage))
    play_sitting(world, stage, None)
    return world


def _voting(stage: str) -> World:
    world = _sitting(stage)
    open_round(world, stage, None)
    return world


def _opened(stage: str) -> World:
    world = _rosterless(stage)
    world.must("organiser", StageOpened(stage))
    return world


def _polling() -> World:
    world = _rosterless("public")
    world.must("organiser", StageOpened("public"))
    open_poll(world, "public")
    return world


def _grouped() -> World:
    world = _opened("experts")
    play_groups(world, "experts")
    return world


def _scoring() -> World:
    """The metalworkers' experts have come and declared; nothing is scored."""
    world = _grouped()
    play_declarations(world, "experts", GROUP)
    for alias in members(world, "experts", GROUP):
        world.must(alias, AttendanceRecorded(GROUP, "experts"))
    return world


def _scored() -> World:
    """And discussion is over."""
    world = _grouped()
    play_sitting(world, "experts", GROUP)
    return world


def _polling_by_ballots() -> World:
    """The channel committed to its credentials, a rule is declared, the poll is open."""
    world = _rosterless("public")
    public_ballots.opened(world)
    return world


def _deliberating() -> World:
    world = finalists.at_final()
    enter(world, StageKind.DELIBERATION)
    return world


def _inspected() -> World:
    world = _deliberating()
    play_inspection(world)
    return world


def _agreed() -> World:
    """Agreed to by the leaders; the stage of notice is open and nothing published."""
    world = finalists.at_final()
    play_deliberation_stage(world)
    enter(world, StageKind.NOTICE)
    return world


def _approved() -> World:
    world = finalists.at_approval()
    play_approval(world)
    return world


def _named() -> World:
    """Named, and not yet conferred."""
    world = _approved()
    world.must("organiser", naming(world))
    return world


def _aftermath() -> World:
    world = _approved()
    play_naming(world)
    enter(world, StageKind.AFTERMATH)
    return world


def _year_after() -> World:
    world = _aftermath()
    next_year(world)
    return world


PREFIXES: dict[str, Callable[[], World]] = {
    "sealed": _sealed,
    "founded": new_world,
    "staffed": _staffed,
    "undeclared": _undeclared,
    "experts opened": lambda: _opened("experts"),
    "experts grouped": _grouped,
    "experts scoring": _scoring,
    "experts scored": _scored,
    "industry opened": lambda: _opened("industry"),
    "shortlist opened": lambda: _opened("shortlist"),
    "shortlist sitting": lambda: _sitting("shortlist"),
    "shortlist voting": lambda: _voting("shortlist"),
    "final sitting": lambda: _sitting("final"),
    "final voting": lambda: _voting("final"),
    "polling": _polling,
    "polling by ballots": _polling_by_ballots,
    "deliberating": _deliberating,
    "inspected": _inspected,
    "agreed": _agreed,
    "published": finalists.at_notice,
    "approving": finalists.at_approval,
    "approved": _approved,
    "named": _named,
    "aftermath": _aftermath,
    "year after": _year_after,
}
