"""Who decides a matter by name, and who must keep out of it (five(六) to five(八))."""

from ledger.procedure.programme import Programme, StageKind
from ledger.procedure.steps import only_stage
from ledger.state.books import Books

APPROVAL, OBJECTION, PROPOSAL, TIE = "approval", "objection", "proposal", "tie"


def governing(state: Books, kind: StageKind) -> Programme:
    """Return the version of the programme that governs its stage of this kind."""
    stage = only_stage(state.charter.latest.programme, kind)
    return state.charter.version_for(stage.id if stage else None).programme


def kind_of(matter_id: str) -> str:
    """Return what a matter is about: proposal, objection, approval or tie."""
    return matter_id.partition(":")[0]


def deciding(state: Books, matter_id: str) -> tuple[str, int]:
    """Return the role whose holders decide a matter, and how many of them must vote at least."""
    approval = kind_of(matter_id) == APPROVAL
    kind = StageKind.APPROVAL if approval else StageKind.DELIBERATION
    programme = governing(state, kind)
    stage = only_stage(programme, kind)
    body = programme.body(stage.body) if stage and stage.body else None
    role = body.role if body else ("chair_office" if approval else "leader")
    least = body.least_members if approval and body else programme.leaders_least
    return role, least


def same_unit(state: Books, person: str, candidate: str) -> bool:
    """Say whether two are the same person or belong to one unit."""
    if person == candidate:
        return True
    unit = state.roll.unit(person)
    return unit is not None and unit in units_of(state, candidate)


def units_of(state: Books, candidate: str) -> tuple[str, ...]:
    """Return the units a candidate belongs to: as enrolled, and as applied with."""
    application = state.applications.of_person(candidate)
    known = (state.roll.unit(candidate), application.unit if application else None)
    return tuple(unit for unit in known if unit is not None)


def kept_out(state: Books, matter_id: str, person: str, subject: str) -> bool:
    """Say whether a member may not decide on this subject: an objection against themselves or their unit."""
    return kind_of(matter_id) == OBJECTION and same_unit(state, person, subject)


def voted_from(state: Books, matter_id: str, person: str) -> str | None:
    """Return who has voted from a member's seat: the member, or whoever they succeeded since; None if nobody has."""
    role, _ = deciding(state, matter_id)
    matter = state.deliberation.matter(matter_id)
    passed: set[str] = set()
    holder: str | None = person
    while holder is not None and holder not in passed:
        if matter is not None and holder in matter.votes:
            return holder
        passed.add(holder)
        before = state.roll.predecessors.get((role, holder))
        holder = None if before is None or state.roll.has_role(before, (role,)) else before
    return None


def members(state: Books, matter_id: str, subject: str) -> tuple[int, int]:
    """Return how many members the deciding group has, and how many of them are kept out of this subject.

    Whoever has voted is a member of this vote to its end: voices never outlast their seats.
    """
    role, _ = deciding(state, matter_id)
    matter = state.deliberation.matter(matter_id)
    seats = {voted_from(state, matter_id, one) or one for one in state.roll.holders(role)}
    everybody = sorted(seats | (matter.votes.keys() if matter is not None else set()))
    return len(everybody), sum(kept_out(state, matter_id, person, subject) for person in everybody)
