"""Who no longer stands, from which entry on and why. Earlier ballots stay; the name leaves the lists."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ledger.procedure.vacancies import DropOut

if TYPE_CHECKING:
    from ledger.selection import Selection


@dataclass(frozen=True, slots=True)
class Out:
    """A person dropped out by entry `index`, for this cause, while the stage `stage` was open (or none).

    `also` holds what would have taken them out later, in the order of the entries.
    """

    cause: DropOut
    index: int
    stage: str | None
    also: "tuple[Out, ...]" = ()

    @property
    def causes(self) -> tuple[DropOut, ...]:
        """Every cause, the one that stands first."""
        return (self.cause, *(one.cause for one in self.also))


def drop_out(state: "Selection", person: str, cause: DropOut, index: int) -> None:
    """Take a person out of the selection; the first cause stands, and a later one is kept beside it."""
    open_stages = [stage for stage in state.charter.stages if state.charter.is_open(stage)]
    gone = Out(cause, index, open_stages[-1] if open_stages else None)
    before = state.out.get(person)
    state.out[person] = gone if before is None else replace(before, also=(*before.also, gone))


def restore(state: "Selection", person: str) -> None:
    """Undo the cause for which a person is out; they come back unless a later one keeps them out."""
    later = state.out.pop(person).also
    if later:
        state.out[person] = replace(later[0], also=later[1:])
