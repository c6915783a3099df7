"""Opening, closing and finding the stages of a play."""

from api.rehearsal.driver import World
from ledger.procedure.programme import Programme, Stage, StageKind
from ledger.statements.foundation import StageClosed, StageOpened


def programme_of(world: World) -> Programme:
    """Return the programme as its newest version states it."""
    return world.state.charter.latest.programme


def stage_of(world: World, kind: StageKind) -> Stage:
    """Return the programme's first stage of a kind; raises `LookupError` if it has none."""
    found = programme_of(world).stages_of(kind)
    if not found:
        raise LookupError(kind)
    return found[0]


def enter(world: World, kind: StageKind) -> Stage:
    """Open the stage of a kind unless it is open."""
    stage = stage_of(world, kind)
    if not world.state.charter.is_open(stage.id):
        world.must("organiser", StageOpened(stage.id))
    return stage


def leave(world: World, kind: StageKind) -> None:
    """Close the stage of a kind."""
    world.must("organiser", StageClosed(stage_of(world, kind).id))


def open_stage(world: World) -> Stage:
    """Return the open stage from deliberation to approval; raises `LookupError` if none is open."""
    stage = world.state.charter.open_stage((StageKind.DELIBERATION, StageKind.NOTICE, StageKind.APPROVAL))
    if stage is None:
        raise LookupError("no stage from deliberation to approval is open")
    return stage
