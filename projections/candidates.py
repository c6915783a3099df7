"""Who stands where: for every stage who entered, was taken, was left or is out and why (clauses four, five).

Lists are derived by `ledger.lists`; here they are shown with those who are no longer on them, and each group with its
seats and how the seats came about (reading `group_seats`).
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from ledger import grouping
from ledger.lists import entering
from ledger.procedure.groups import Group, GroupShare, ShareReason, group_shares
from ledger.procedure.programme import Stage, StageKind
from ledger.selection import Selection
from ledger.state.application_book import Application
from ledger.state.places import standing

INELIGIBLE, REFUSED, LATE, WITHDRAWN = "ineligible", "refused", "late", "withdrawn"
_ROUNDS = (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND)


@dataclass(frozen=True, slots=True)
class OutView:
    """Somebody who is no longer on a list: the cause and the entry from which on."""

    person: str
    cause: str
    index: int


@dataclass(frozen=True, slots=True)
class GroupView:
    """One group of a stage.

    Attributes:
        candidates: those in it when the table was certified, else now; `received` the applications it stands for.
        seats: how many it may put forward; None before there is a table. `certified` the entry that certified it.
        exact: its plain share of the stage total; `bounded` once at-least-one and at-most-its-size hold for all.
        reasons: what moved the number away from its plain share, or decided the further seat.
    """

    group: str
    name: str
    candidates: tuple[str, ...]
    received: int
    seats: int | None
    certified: int | None
    exact: Fraction | None
    bounded: Fraction | None
    reasons: tuple[ShareReason, ...]


@dataclass(frozen=True, slots=True)
class StageView:
    """The list of one stage. `entered` includes those who dropped out since, who are in `out` with cause and entry.

    `taken` is what the stage put forward, in order, once that is certified (or, of screening, decided); `left` those it
    did not take, in order; `undecided` those of whom it is not known yet.
    """

    stage: str
    kind: StageKind
    title: str
    clause: str
    opened: int | None
    closed: int | None
    total: int | None
    entered: tuple[str, ...]
    taken: tuple[str, ...]
    left: tuple[str, ...]
    undecided: tuple[str, ...]
    out: tuple[OutView, ...]
    groups: tuple[GroupView, ...]


@dataclass(frozen=True, slots=True)
class _Split:
    """How the people of a stage part; `out` as far as the stage itself says so."""

    entered: tuple[str, ...]
    taken: tuple[str, ...]
    left: tuple[str, ...] = ()
    out: tuple[OutView, ...] = ()


def stage_lists(state: Selection) -> tuple[StageView, ...]:
    """Return the lists of all stages, in the programme's order."""
    return tuple(_view(state, stage) for stage in _stages(state))


def stage_list(state: Selection, stage_id: str) -> StageView | None:
    """Return the list of one stage, or None."""
    return next((_view(state, stage) for stage in _stages(state) if stage.id == stage_id), None)


def _stages(state: Selection) -> tuple[Stage, ...]:
    if state.sealed is None:
        return ()
    charter = state.charter
    return tuple(charter.stage(stage.id) or stage for stage in charter.latest.programme.stages)


def _view(state: Selection, stage: Stage) -> StageView:
    progress = state.charter.stages.get(stage.id)
    split = _split(state, stage)
    out = {one.person: one for one in split.out}
    for person in split.entered:
        gone = state.out.get(person)
        if gone is not None and person not in out:
            out[person] = OutView(person, gone.cause.value, gone.index)
    decided = {*split.taken, *split.left, *out}
    return StageView(
        stage=stage.id,
        kind=stage.kind,
        title=stage.title,
        clause=stage.clause,
        opened=progress.opened if progress else None,
        closed=progress.closed if progress else None,
        total=_total(state, stage),
        entered=split.entered,
        taken=split.taken,
        left=split.left,
        undecided=tuple(one for one in split.entered if one not in decided),
        out=tuple(sorted(out.values(), key=lambda one: (one.index, one.person))),
        groups=tuple(_groups(state, stage)),
    )


def _total(state: Selection, stage: Stage) -> int | None:
    return state.charter.version_for(stage.id).programme.seats if stage.takes == "nominees" else stage.total


def _split(state: Selection, stage: Stage) -> _Split:
    if stage.kind is StageKind.APPLICATIONS:
        return _applications(state)
    if stage.kind is StageKind.SCREENING:
        return _screening(state)
    entered = entered_ever(state, stage)
    if stage.kind in _ROUNDS:
        outcomes = state.rounds.outcomes(stage.id)
        taken = tuple(person for outcome in outcomes for person in outcome.taken)
        left = tuple(person for outcome in outcomes for person in outcome.left)
        return _Split(entered, taken, left)
    if stage.kind is StageKind.PUBLIC_VOTE:
        poll = state.polls.of_stage(stage.id)
        listed = poll.candidates if poll else entered
        return _Split(tuple(sorted({*entered, *listed})), listed if poll and poll.closed is not None else ())
    return _after_final(state, stage, entered)


def _after_final(state: Selection, stage: Stage, entered: tuple[str, ...]) -> _Split:
    final = state.rounds.final
    if final is None:
        return _Split(entered, ())
    holding = standing(state)
    waiting = tuple(one for one in final.alternates if one not in holding and one not in state.out)
    listed = (*final.nominees, *final.alternates)
    if stage.kind is StageKind.DELIBERATION:
        return _Split(listed, tuple(one for one in holding if one in state.deliberation.agreed), waiting)
    if stage.kind is StageKind.NOTICE:
        return _Split(listed, tuple(one for one in holding if one in state.notices.of_person), waiting)
    titles = state.naming.titles
    return _Split(listed, titles.candidates if titles else (), waiting)


def entered_ever(state: Selection, stage: Stage) -> tuple[str, ...]:
    """Return who entered a stage, those who dropped out since included, sorted by person id."""
    everybody = set(entering(replace(state, out={}), stage))
    if not any(earlier.kind in _ROUNDS for earlier in state.charter.version_for(stage.id).programme.before(stage.id)):
        everybody |= set(_found_eligible(state))
    return tuple(sorted(everybody))


def _applications(state: Selection) -> _Split:
    out = []
    for person, own in state.applications.by_person.items():
        if state.applications.of_person(person) is None:
            last = state.applications.by_id[own[-1]]
            out.append(_gone(person, last))
    received = tuple(sorted({one.person for one in state.applications.received()} - {one.person for one in out}))
    return _Split(tuple(sorted(state.applications.by_person)), received, out=tuple(out))


def _gone(person: str, application: Application) -> OutView:
    if application.refused is not None:
        return OutView(person, LATE if application.late else REFUSED, application.refused)
    if application.withdrawn is not None:
        return OutView(person, WITHDRAWN, application.withdrawn)
    return OutView(person, LATE, application.index)


def _screening(state: Selection) -> _Split:
    out = []
    received = {one.person for one in state.applications.received()}
    for person in received:
        application = state.applications.of_person(person)
        if application is None:
            out.append(_gone(person, state.applications.by_id[state.applications.by_person[person][-1]]))
        elif application.decision is not None and not application.decision.eligible:
            out.append(OutView(person, INELIGIBLE, application.decision.index))
    return _Split(tuple(sorted(received)), _found_eligible(state), out=tuple(out))


def _found_eligible(state: Selection) -> tuple[str, ...]:
    """Return everybody whom screening let pass, those who dropped out since included."""
    found = {
        one.person for one in state.applications.by_id.values() if one.decision is not None and one.decision.eligible
    }
    return tuple(sorted(found))


def _groups(state: Selection, stage: Stage) -> "list[GroupView]":
    if stage.kind is not StageKind.GROUP_ROUND:
        return []
    table = state.bodies.tables.get(stage.id)
    where = table.groups if table else grouping.groups_of(state, stage)
    received = grouping.received_by_group(state, stage)
    shares = shares_of(state, stage)
    found = []
    for group in stage.groups:
        share = shares.get(group.id)
        people = tuple(sorted(one for one, own in where.items() if own == group.id))
        seats = table.seats.get(group.id, 0) if table else (share.seats if share else None)
        found.append(
            GroupView(
                group=group.id,
                name=group.name,
                candidates=people,
                received=received[group.id],
                seats=seats,
                certified=table.index if table else None,
                exact=share.exact if share else None,
                bounded=share.bounded if share else None,
                reasons=share.reasons if share else (),
            )
        )
    return found


def shares_of(state: Selection, stage: Stage) -> dict[str, GroupShare]:
    """Reading `group_seats`: return how each group's seats follow, by group; empty where there can be no table.

    Where the table is certified, its groups count with the size they had then.
    """
    table = state.bodies.tables.get(stage.id)
    where = table.groups if table else grouping.groups_of(state, stage)
    received = grouping.received_by_group(state, stage)
    sizes = {group.id: sum(own == group.id for own in where.values()) for group in stage.groups}
    filled = [Group(one, received[one], size) for one, size in sizes.items() if size and received[one]]
    drawn = state.bodies.drawn(grouping.SHARES, grouping.subject(stage.id)) or ()
    shares = group_shares(filled, stage.total or 0, drawn) if filled else ()
    return {share.group: share for share in shares} if isinstance(shares, tuple) else {}
