"""Which group a candidate belongs to and how many each group may put forward, derived (五(一), 五(二)).

Groups follow from the occupation or industry applied with and the programme's `covers`, except where a candidate was
moved by decision. A group's weight is the applications received that year, not the candidates who are left.
"""

from dataclasses import dataclass

from ledger.lists import entering
from ledger.procedure.groups import Group, SharesImpossible, group_shares
from ledger.procedure.programme import Stage
from ledger.state.application_book import Application
from ledger.state.books import Books

SHARES = "shares"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the derived table: a group, its candidates sorted, applications received and seats."""

    group: str
    candidates: tuple[str, ...]
    received: int
    seats: int


def subject(stage: str, group: str | None = None) -> str:
    """Return the subject of a stage, or of one of its groups, as draws and results name it."""
    return f"stage:{stage}" + (f":{group}" if group else "")


def covering(stage: Stage, application: Application) -> str | None:
    """Return the group whose occupations (or industries) include the application's, or None."""
    value = application.occupation if stage.group_by == "occupation" else application.industry
    return next((group.id for group in stage.groups if value in group.covers), None)


def groups_of(state: Books, stage: Stage) -> dict[str, str | None]:
    """Return the group of every candidate who enters a stage; None for one whom no group covers."""
    moved = state.bodies.regrouped(stage.id)
    found: dict[str, str | None] = {}
    for person in entering(state, stage):
        application = state.applications.of_person(person)
        found[person] = moved.get(person) or (covering(stage, application) if application else None)
    return found


def candidates_for(state: Books, stage: Stage, group: str | None) -> tuple[str, ...]:
    """Return those who enter a stage, in one of its groups where it has groups and one is given."""
    if not stage.groups or group is None:
        return entering(state, stage)
    return tuple(person for person, own in groups_of(state, stage).items() if own == group)


def received_by_group(state: Books, stage: Stage) -> dict[str, int]:
    """Return how many of the year's applications belong to each group."""
    moved = state.bodies.regrouped(stage.id)
    counts = {group.id: 0 for group in stage.groups}
    for application in state.applications.received():
        group = moved.get(application.person) or covering(stage, application)
        if group is not None:
            counts[group] += 1
    return counts


def table(state: Books, stage: Stage) -> tuple[Row, ...] | SharesImpossible:
    """Reading `group_seats`: the table of a stage in the programme's order, or why there is none.

    A group without candidates gets no seats and takes no part in the shares.
    """
    groups = groups_of(state, stage)
    received = received_by_group(state, stage)
    members = {
        group.id: tuple(sorted(person for person, own in groups.items() if own == group.id)) for group in stage.groups
    }
    filled = [Group(one, received[one], len(people)) for one, people in members.items() if people]
    drawn = state.bodies.drawn(SHARES, subject(stage.id)) or ()
    shares = group_shares(filled, stage.total or 0, drawn) if filled else ()
    if isinstance(shares, SharesImpossible):
        return shares
    seats = {share.group: share.seats for share in shares}
    return tuple(Row(one, people, received[one], seats.get(one, 0)) for one, people in members.items())
