"""Which steps a person must have passed before the next one: clauses 五(六) to 五(八), in the programme's own order.

One programme deliberates first and publishes what was agreed, another publishes first and deliberates what stood. A
person who moves up later goes the same way, whatever stage is open by then (reading `moved_up_checks`).
"""

from ledger.procedure.programme import Programme, Stage, StageKind

_PERSONAL = (StageKind.DELIBERATION, StageKind.NOTICE)


def only_stage(programme: Programme, kind: StageKind) -> Stage | None:
    """Return the programme's first stage of a kind; deliberation, notice and approval come at most once."""
    return next(iter(programme.stages_of(kind)), None)


def steps_before(programme: Programme, kind: StageKind) -> tuple[StageKind, ...]:
    """Return which of deliberation and notice come before the stage of this kind, in the programme's order."""
    stage = only_stage(programme, kind)
    if stage is None:
        return ()
    return tuple(earlier.kind for earlier in programme.before(stage.id) if earlier.kind in _PERSONAL)
