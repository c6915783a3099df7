"""Who no longer stands, from which entry on and why. Earlier ballots stay; the name leaves the lists."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.procedure.vacancies import DropOut

if TYPE_CHECKING:
    from ledger.selection import Selection


@dataclass(frozen=True, slots=True)
class Out:
    """A person dropped out by entry `index`, for this cause, while the stage `stage` was open (or none)."""

    cause: DropOut
    index: int
    stage: str | None


def drop_out(state: "Selection", person: str, cause: DropOut, index: int) -> None:
    """Take a person out of the selection; the first cause stands."""
    open_stages = [stage for stage in state.charter.stages if state.charter.is_open(stage)]
    state.out.setdefault(person, Out(cause, index, open_stages[-1] if open_stages else None))
