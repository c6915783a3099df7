"""Selections of random acts, played whole, to be exported and imported again."""

from functools import cache

from ledger.procedure.programme import StageKind
from ledger.selection import Selection
from tests.model.driver import PHASES
from tests.model.phase_applications import applications, people, programme_of, screening
from tests.model.phase_between import between
from tests.model.phase_rounds import Exhausted
from tests.model.play import Play


@cache
def played(seed: int) -> Selection:
    """Return the state of a selection after its approval, or as far as it came."""
    play = Play(seed)
    plan = people(play)
    applications(play, plan)
    screening(play, plan)
    try:
        for stage in programme_of(play).stages:
            if stage.kind in PHASES and stage.kind is not StageKind.AFTERMATH:
                between(play)
                PHASES[stage.kind](play, stage)
    except Exhausted:
        return play.world.state
    return play.world.state
