"""The lists from the final order to the naming, derived: who is to be proposed, published, approved (five(六)-(八))."""

from collections.abc import Sequence
from enum import StrEnum

from ledger import canonical
from ledger.procedure.notice import NoticeStatus, status
from ledger.procedure.programme import Programme, StageKind
from ledger.procedure.steps import steps_before
from ledger.state.books import Books
from ledger.state.clocks import clock_of
from ledger.state.places import standing
from ledger.state.voters import PROPOSAL


class Step(StrEnum):
    """What a person must have behind them."""

    INSPECTED = "inspection.reported"
    AGREED = "deliberation.closed"
    NOTICE_OVER = "notice.elapsed"


def list_hash(candidates: "Sequence[str]") -> str:
    """Return the hash by which an act names a list: SHA-256 of the canonical JSON array of ids, in order."""
    return canonical.digest(list(candidates))


def first_missing(state: Books, programme: Programme, person: str, before: StageKind, at: int) -> Step | None:
    """Return the first step a person lacks before the stage of this kind, in the programme's order, or None."""
    for kind in steps_before(programme, before):
        missing = _agreement(state, person) if kind is StageKind.DELIBERATION else _notice(state, person, at)
        if missing is not None:
            return missing
    return None


def _agreement(state: Books, person: str) -> Step | None:
    if person not in state.deliberation.inspections:
        return Step.INSPECTED
    return None if person in state.deliberation.agreed else Step.AGREED


def _notice(state: Books, person: str, at: int) -> Step | None:
    clock = clock_of(state, person)
    over = clock is not None and status(clock, at) is NoticeStatus.ELAPSED
    return None if over else Step.NOTICE_OVER


def under_deliberation(state: Books, person: str) -> bool:
    """Say whether the leadership group has a proposal of this person before it."""
    proposal = state.deliberation.proposed.get(person)
    matter = state.deliberation.matter(f"{PROPOSAL}:{proposal}") if proposal is not None else None
    return matter is not None and matter.closed is None


def to_propose(state: Books) -> tuple[str, ...]:
    """Clause 五(六): those who hold a place, whom the leadership group has not agreed to and is not deliberating."""
    return tuple(
        one for one in standing(state) if one not in state.deliberation.agreed and not under_deliberation(state, one)
    )


def to_publish(state: Books, programme: Programme, at: int) -> tuple[str, ...]:
    """Clauses 五(六), 五(七): at first all who hold a place together; later those who moved up and are ready for it."""
    everybody = standing(state)
    if not state.notices.by_id:
        return everybody
    return tuple(
        one
        for one in everybody
        if one not in state.notices.of_person and first_missing(state, programme, one, StageKind.NOTICE, at) is None
    )


def to_approve(state: Books) -> tuple[str, ...]:
    """Clause 五(八): all who hold a place, in the order of the seats."""
    return standing(state)
