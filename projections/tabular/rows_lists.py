"""Rows about people and lists: the roll, applications, stages, candidates, groups, rosters, recusals."""

from collections.abc import Iterator

from ledger.selection import Selection
from ledger.state.application_book import Application
from ledger.state.body_book import Roster
from projections.candidates import OutView, StageView, stage_list
from projections.tabular.model import Line, line, moment


def person_ids(state: Selection) -> Iterator[str]:
    """Give everybody on the roll."""
    yield from state.roll.people


def people(state: Selection, person: str) -> Iterator[Line]:
    """Give the row of one person."""
    known = state.roll.people.get(person)
    if known is not None:
        keys = (state.roll.keys[one] for one in known.keys)
        in_force = sum(key.revoked is None and key.blocked is None for key in keys)
        yield line((person, known.unit, tuple(sorted(known.roles)), in_force))


def applicant_ids(state: Selection) -> Iterator[str]:
    """Give everybody for whom an application was filed."""
    yield from state.applications.by_person


def applications(state: Selection, person: str) -> Iterator[Line]:
    """Give the rows of one person's applications, in the order of filing."""
    for one in state.applications.by_person.get(person, ()):
        yield line(_application(state, state.applications.by_id[one]))


def _application(state: Selection, one: Application) -> tuple[str | int | bool | tuple[int, ...] | None, ...]:
    decision = one.decision
    return (
        one.application,
        one.person,
        one.unit,
        one.occupation,
        one.industry,
        one.way,
        one.index,
        moment(one.at),
        one.late,
        state.applications.counts(one),
        one.consented,
        one.reviewed,
        one.paper,
        one.refused,
        one.withdrawn,
        None if decision is None else decision.eligible,
        None if decision is None else decision.index,
        tuple(one.appeals),
    )


def stage_ids(state: Selection) -> Iterator[str]:
    """Give the stages of the programme, in its order."""
    if state.sealed is not None:
        yield from (stage.id for stage in state.charter.latest.programme.stages)


def stages(state: Selection, stage_id: str) -> Iterator[Line]:
    """Give the row of one stage."""
    listed = state.charter.latest.programme.stages
    place = next(turn for turn, stage in enumerate(listed, start=1) if stage.id == stage_id)
    stage = state.charter.stage(stage_id) or listed[place - 1]
    progress = state.charter.stages.get(stage_id)
    total = state.charter.version_for(stage_id).programme.seats if stage.takes == "nominees" else stage.total
    opened, closed = (progress.opened, progress.closed) if progress else (None, None)
    deadline = moment(state.charter.closes_at(stage))
    kind = stage.kind.value
    yield line((stage_id, place, kind, stage.title, stage.clause, stage.takes, total, opened, closed, deadline))


def candidates(state: Selection, stage_id: str) -> Iterator[Line]:
    """Give the rows of everybody who entered one stage."""
    view = stage_list(state, stage_id)
    if view is None:
        return
    places = {person: turn for people in (view.taken, view.left) for turn, person in enumerate(people, start=1)}
    gone = {one.person: one for one in view.out}
    for person in sorted({*view.entered, *view.taken, *view.left, *gone}):
        out = gone.get(person)
        cause, by = (out.cause, out.index) if out else (None, None)
        yield line((stage_id, person, _standing(view, person, out), places.get(person), cause, by))


def _standing(view: StageView, person: str, out: OutView | None) -> str:
    if out is not None:
        return "out"
    return "taken" if person in view.taken else "left" if person in view.left else "undecided"


def groups(state: Selection, stage_id: str) -> Iterator[Line]:
    """Give the rows of one stage's groups."""
    view = stage_list(state, stage_id)
    for one in view.groups if view else ():
        share = None if one.exact is None else f"{one.exact.numerator}/{one.exact.denominator}"
        row = (stage_id, one.group, one.name, len(one.candidates), one.received, one.seats, share, one.certified)
        yield line(row)


def rosters(state: Selection, stage_id: str) -> Iterator[Line]:
    """Give the rows of everybody who sits, sat or is in reserve for one stage."""
    for (stage, group), roster in state.bodies.rosters.items():
        if stage == stage_id:
            declared = state.bodies.declared(stage, group)
            for person, standing, place in _seated(roster):
                yield line((stage, group or "", person, standing, place, roster.index, declared.get(person)))


def _seated(roster: Roster) -> Iterator[tuple[str, str, int | None]]:
    yield from ((person, "member", turn) for turn, person in enumerate(roster.members, start=1))
    yield from ((person, "reserve", turn) for turn, person in enumerate(roster.reserves, start=1))
    here = {*roster.members, *roster.reserves}
    yield from ((person, "replaced", None) for person in dict.fromkeys(roster.ever) if person not in here)


def recusals(state: Selection, stage_id: str) -> Iterator[Line]:
    """Give the rows of one stage's recusals."""
    for (stage, group), recused in state.bodies.recusals.items():
        if stage == stage_id:
            for candidate, standing_back in recused.items():
                yield from (line((stage, group or "", candidate, one, at)) for one, at in standing_back.items())
