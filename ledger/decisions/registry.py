"""The shapes of a decision and what it is asked."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from ledger.procedure.programme import Programme, Stage, StageKind
from ledger.procedure.reasons import Refusal
from ledger.selection import Selection
from ledger.state.books import Pending
from ledger.statements import Statement


class Asked(NamedTuple):
    """What a decision is asked: the statement, the time it would be sequenced (UTC ms), and the stage it belongs to.

    `programme` is the version that governs the stage. `final` is true when a pending act is judged again at its last
    signature.
    """

    statement: Statement[Any]
    at: int
    programme: Programme
    stage: Stage | None
    final: bool = False

    @property
    def body(self) -> Any:
        """The statement's body."""
        return self.statement.body

    @property
    def person(self) -> str:
        """Who signed."""
        return self.statement.person


Decision: TypeAlias = Callable[[Selection, Asked], Refusal | None]
Decisions: TypeAlias = dict[type[Any], Decision]
CosignDecision: TypeAlias = Callable[[Selection, Asked, Pending], Refusal | None]
"""cosign(state, asked, pending): may `asked.person` sign the pending act?"""
CosignDecisions: TypeAlias = dict[type[Any], CosignDecision]
StageGates: TypeAlias = dict[StageKind, Callable[[Selection, Asked, Stage], Refusal | None]]
"""gate(state, asked, stage) of a stage kind: may it begin (or end)?"""
