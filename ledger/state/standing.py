"""Who no longer stands, from which entry on and why. Earlier ballots stay; the name leaves the lists."""

from dataclasses import replace

from ledger.procedure.vacancies import DropOut
from ledger.state.books import Books, Out


def drop_out(state: Books, person: str, cause: DropOut, index: int) -> None:
    """Take a person out of the selection; the first cause stands, and a later one is kept beside it."""
    open_stages = [stage for stage in state.charter.stages if state.charter.is_open(stage)]
    gone = Out(cause, index, open_stages[-1] if open_stages else None)
    before = state.out.get(person)
    state.out[person] = gone if before is None else replace(before, also=(*before.also, gone))


def restore(state: Books, person: str) -> None:
    """Undo the cause for which a person is out; they come back unless a later one keeps them out."""
    later = state.out.pop(person).also
    if later:
        state.out[person] = replace(later[0], also=later[1:])
