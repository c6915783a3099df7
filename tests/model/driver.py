"""Whole selections of random acts, from the charter to the year after, compared with the naive model as they go."""

from collections.abc import Callable
from dataclasses import dataclass

from ledger.procedure.programme import Stage, StageKind
from tests.model.phase_applications import applications, people, programme_of, screening
from tests.model.phase_between import between
from tests.model.phase_naming import aftermath, approval, deliberation, notices
from tests.model.phase_rounds import Exhausted, public_vote, vote_stage
from tests.model.play import Play


@dataclass(frozen=True)
class Run:
    """What one run came to."""

    seed: int
    entries: int
    refusals: dict[str, int]
    named: int
    named_after_vacancy: bool
    sustained: bool


PHASES: dict[StageKind, Callable[[Play, Stage], None]] = {
    StageKind.GROUP_ROUND: vote_stage,
    StageKind.PANEL_ROUND: vote_stage,
    StageKind.PUBLIC_VOTE: public_vote,
    StageKind.DELIBERATION: deliberation,
    StageKind.NOTICE: notices,
    StageKind.APPROVAL: approval,
    StageKind.AFTERMATH: aftermath,
}


def run(seed: int) -> Run:
    """Play one selection; raises `AssertionError` where ledger and model disagree."""
    return played(Play(seed))


def played(play: Play) -> Run:
    """Play a selection that has just been founded, to its end."""
    plan = people(play)
    applications(play, plan)
    screening(play, plan)
    try:
        for stage in programme_of(play).stages:
            if stage.kind in PHASES:
                between(play)
                PHASES[stage.kind](play, stage)
                if stage.kind is StageKind.APPROVAL and not play.model.named:
                    break
    except Exhausted:
        assert not play.model.standing()
    model = play.model
    return Run(
        play.seed,
        len(play.ledger.entries),
        dict(play.refusals),
        len(model.named),
        any(one in model.alternates for one in model.named),
        any(any(one.rulings.values()) for one in model.objections.values()),
    )
