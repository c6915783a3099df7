"""What must be done before a stage of each kind may begin, and before it may end: gathered from the families."""

from ledger.decisions import applications, bodies, deliberation, naming, notices, polls, rounds, screening
from ledger.decisions.registry import Asked, StageGates
from ledger.procedure.programme import Stage
from ledger.procedure.reasons import Refusal
from ledger.selection import Selection

_FAMILIES = (applications, screening, bodies, rounds, polls, deliberation, notices, naming)

_OPEN: StageGates = {}
_CLOSE: StageGates = {}
for _family in _FAMILIES:
    _OPEN |= getattr(_family, "OPEN", {})
    _CLOSE |= getattr(_family, "CLOSE", {})


def may_open(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Refuse while something that must come before the stage is missing."""
    gate = _OPEN.get(stage.kind)
    return gate(state, asked, stage) if gate else None


def may_close(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Refuse while something that the stage must decide is undecided."""
    gate = _CLOSE.get(stage.kind)
    return gate(state, asked, stage) if gate else None
