"""What a row of an import may say, given the rows before it: the procedure's own rules, row by row.

A check looks things up and never counts, so that its cost does not grow with a table. What can only be told of all rows
together (that a ballot keeps to a list and a number that follow from earlier rounds) is held in `imported`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from ledger.import_facts import ImportFacts, RoundFacts, SessionFacts
from ledger.import_tables import ELIGIBLE, LOT, NO, TABLES, YES, Cells, CellType, row_faults
from ledger.procedure.ballots import first_problem
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.scores import ScoreFault, sheet_problems

ROW_CLAUSE = "七(三)"
ROUND_KINDS = (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row cannot come in: code, clause, table, its number in the file (0: no one row), column, facts."""

    code: str
    clause: str
    table: str
    row: int
    column: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


class Fault(NamedTuple):
    """A problem before it is known where the row stands."""

    code: str
    clause: str
    column: str
    facts: dict[str, str | int]


Faults: TypeAlias = Iterator[Fault]


def row_problems(facts: ImportFacts, table: str, number: int, cells: Cells) -> tuple[RowProblem, ...]:
    """Return everything that is wrong with a row, given the rows taken before it; empty: it may be taken."""
    wrong = row_faults(TABLES[table], cells)
    if wrong:
        return tuple(RowProblem(one.code, ROW_CLAUSE, table, number, one.column, one.facts) for one in wrong)
    found = (*_times(facts, table, cells), *_CHECKS[table](facts, cells))
    return tuple(RowProblem(one.code, one.clause, table, number, one.column, one.facts) for one in found)


def claims(table: str, cells: Cells, place: int) -> Iterator[tuple[tuple[str, ...], str | int]]:
    """Return what a row lays claim to: two rows must not claim the same with different values.

    Rows that come in together are held against one another by this; `place` is the row's among them.
    """
    yield ("key", *(cells[at] for at in TABLES[table].key_places)), place
    match table:
        case "applications" if cells[4] == ELIGIBLE:
            yield ("eligible", cells[1]), place
        case "rounds" if cells[4] != NO:
            yield ("counted", cells[1], cells[2], cells[3] or "0"), place
        case "draws":
            yield ("drawn", cells[0], cells[2]), place
        case "totals":
            yield ("poll", cells[0]), cells[1] or cells[0]
            yield ("verifiable", cells[0], cells[2]), cells[5]
        case "tie_orders":
            yield ("way", cells[0]), cells[2]


_INSTANTS = {
    name: [(place, one.name) for place, one in enumerate(table.logged) if one.type is CellType.INSTANT]
    for name, table in TABLES.items()
}


def _times(facts: ImportFacts, table: str, cells: Cells) -> Faults:
    """Whatever time a row states lies in the period that the clerks attest."""
    if facts.period is None:
        return
    first, last = facts.period
    for place, column in _INSTANTS[table]:
        if cells[place] and not first <= int(cells[place]) <= last:
            yield _fault("IMPORT_TIME_OUTSIDE", ROW_CLAUSE, column, given=int(cells[place]))


def _fault(code: str, clause: str, column: str, **facts: str | int) -> Fault:
    return Fault(code, clause, column, facts)


def _again(table: str, cells: Cells) -> Fault:
    spec = TABLES[table]
    key = " ".join(cells[place] for place in spec.key_places)
    return _fault("IMPORT_ROW_TWICE", ROW_CLAUSE, spec.key[-1], key=key[:200])


def _stage(facts: ImportFacts, stage_id: str, kinds: tuple[StageKind, ...]) -> Stage | Fault:
    stage = facts.programme.stage(stage_id)
    if stage is None:
        return _fault("UNKNOWN_STAGE", ROW_CLAUSE, "stage", stage=stage_id)
    if stage.kind not in kinds:
        return _fault("WRONG_STAGE", stage.clause, "stage", stage=stage_id, kind=stage.kind.value)
    return stage


def _grouped(facts: ImportFacts, stage_id: str, group: str, *, kinds: tuple[StageKind, ...] = ROUND_KINDS) -> Faults:
    """The stage is a round's, and the group is one of its groups, or none where it has none."""
    stage = _stage(facts, stage_id, kinds)
    if isinstance(stage, Fault):
        yield stage
    elif group not in ({one.id for one in stage.groups} or {""}):
        yield _fault("UNKNOWN_GROUP", stage.clause, "group", group=group or "-")


def _people(facts: ImportFacts, cells: Cells) -> Faults:
    if cells[0] in facts.people:
        yield _again("people", cells)


def _person(facts: ImportFacts, column: str, person: str) -> Faults:
    """Whoever is named is listed, if people are listed at all."""
    if facts.people and person not in facts.people:
        yield _fault("UNKNOWN_PERSON", ROW_CLAUSE, column, person=person)


def _applications(facts: ImportFacts, cells: Cells) -> Faults:
    application, person, _, _, standing, filed_at = cells
    if application in facts.applications:
        yield _again("applications", cells)
    yield from _person(facts, "person", person)
    if standing == ELIGIBLE and person in facts.eligible:
        yield _fault("DUPLICATE_APPLICANT", "六(二)", "person", person=person)
    (window,) = facts.programme.stages_of(StageKind.APPLICATIONS)
    if standing == ELIGIBLE and filed_at and window.closes_at is not None and int(filed_at) >= window.closes_at:
        yield _fault("DEADLINE_PASSED", window.clause, "filed_at", deadline=window.closes_at)


def _groups(facts: ImportFacts, cells: Cells) -> Faults:
    stage, candidate, group = cells
    yield from _grouped(facts, stage, group, kinds=(StageKind.GROUP_ROUND,))
    if candidate in facts.grouped.get(stage, {}):
        yield _again("groups", cells)
    yield from _candidate(facts, "candidate", candidate)


def _candidate(facts: ImportFacts, column: str, candidate: str) -> Faults:
    if candidate not in facts.eligible:
        yield _fault("UNKNOWN_CANDIDATE", ROW_CLAUSE, column, candidate=candidate)


def _draws(facts: ImportFacts, cells: Cells) -> Faults:
    stage, position, group = cells
    yield from _grouped(facts, stage, group, kinds=(StageKind.GROUP_ROUND,))
    drawn = facts.draws.get(stage, {})
    if int(position) in drawn or group in drawn.values():
        yield _again("draws", cells)


def _rosters(facts: ImportFacts, cells: Cells) -> Faults:
    stage, group, member = cells
    yield from _grouped(facts, stage, group)
    session = facts.session(stage, group)
    if session is not None and member in session.places:
        yield _again("rosters", cells)
    yield from _person(facts, "member", member)
    if member in facts.applicants:
        yield _fault("ROLE_CONFLICT", ROW_CLAUSE, "member", person=member, role="applicant", held="member")


def _recusals(facts: ImportFacts, cells: Cells) -> Faults:
    stage, member, candidate, _ = cells
    found = _stage(facts, stage, ROUND_KINDS)
    if isinstance(found, Fault):
        yield found
        return
    if candidate in facts.recusals.get(stage, {}).get(member, {}):
        yield _again("recusals", cells)
    groups = [one.id for one in found.groups] or [""]
    if not any(member in session.places for one in groups if (session := facts.session(stage, one)) is not None):
        yield _fault("NOT_ON_ROSTER", found.clause, "member", person=member, stage=stage)
    yield from _candidate(facts, "candidate", candidate)


def _attendance(facts: ImportFacts, cells: Cells) -> Faults:
    stage, group, member = cells
    session = facts.session(stage, group)
    if session is None or member not in session.places:
        yield _fault("NOT_ON_ROSTER", _clause(facts, stage), "member", person=member, stage=stage)
    elif session.is_present(member):
        yield _again("attendance", cells)


def _clause(facts: ImportFacts, stage_id: str) -> str:
    stage = facts.programme.stage(stage_id)
    return stage.clause if stage else ROW_CLAUSE


def _rounds(facts: ImportFacts, cells: Cells) -> Faults:
    round_id, stage_id, group, runoff, counts, opened_at, closed_at, issued, returned, void = cells
    faults = list(_grouped(facts, stage_id, group))
    yield from faults
    if round_id in facts.rounds:
        yield _again("rounds", cells)
    clause = _clause(facts, stage_id)
    if not faults and facts.session(stage_id, group) is None:
        yield _fault("ROSTER_MISSING", clause, "stage", stage=stage_id, group=group or "-")
    if opened_at and closed_at and int(closed_at) <= int(opened_at):
        yield _fault("CLOSING_TIME_PAST", clause, "closed_at", closes_at=int(closed_at))
    if returned and (int(void or 0) > int(returned) or (issued and int(returned) > int(issued))):
        yield _fault("BALANCE_MISMATCH", clause, "returned", where="returned", expected=int(issued or void))
    same = (stage_id, group or None, int(runoff or 0))
    if counts != NO and same in facts.counted:
        yield _fault("IMPORT_ROUND_TWICE", clause, "runoff", stage=stage_id, runoff=same[2])


def _candidates(facts: ImportFacts, cells: Cells) -> Faults:
    round_id, candidate = cells
    played = facts.rounds.get(round_id)
    if played is None:
        yield _fault("UNKNOWN_ROUND", ROW_CLAUSE, "round", round=round_id)
    elif candidate in played.listed:
        yield _again("candidates", cells)
    yield from _candidate(facts, "candidate", candidate)


def _scores(facts: ImportFacts, cells: Cells) -> Faults:
    stage_id, member, candidate, item, points = cells
    stage = _stage(facts, stage_id, (StageKind.GROUP_ROUND,))
    if isinstance(stage, Fault):
        yield stage
        return
    if item in facts.scores.get(stage_id, {}).get((member, candidate), {}):
        yield _again("scores", cells)
    highest = {one.id: one.most_hundredths for one in stage.score_items}
    for problem in sheet_problems(highest, ((item, int(points)),)):
        if problem.fault is not ScoreFault.MISSING:
            column = "points" if problem.fault is ScoreFault.OUT_OF_RANGE else "item"
            yield _fault("SCORE_INVALID", stage.clause, column, where=problem.fault.value, item=item)
    if not any(member in session.places for session in _sessions(facts, stage)):
        yield _fault("NOT_ON_ROSTER", stage.clause, "member", person=member, stage=stage_id)
    # A sheet states no time: only a recusal from the beginning surely came before it.
    if facts.recusals.get(stage_id, {}).get(member, {}).get(candidate) == 0:
        yield _fault("RECUSED", stage.clause, "candidate", candidate=candidate)
    yield from _candidate(facts, "candidate", candidate)


def _sessions(facts: ImportFacts, stage: Stage) -> Iterator[SessionFacts]:
    found = (facts.session(stage.id, one.id) for one in stage.groups)
    return (session for session in found if session is not None)


def _ballots(facts: ImportFacts, cells: Cells) -> Faults:
    """Clauses 五(一)–(五): one ballot of a member who was there, on people who can stand, while the round was open."""
    round_id, member, _, _, _, void, cast_at = cells
    played = facts.rounds.get(round_id)
    if played is None:
        yield _fault("UNKNOWN_ROUND", ROW_CLAUSE, "round", round=round_id)
        return
    clause = played.stage.clause
    place = played.session.places.get(member)
    if place is None:
        yield _fault("NOT_ON_ROSTER", clause, "member", person=member, stage=played.stage.id)
        return
    if played.session.checked and not played.session.present[place]:
        yield _fault("NOT_PRESENT", clause, "member", person=member)
    if played.voted[place]:
        yield _fault("ALREADY_VOTED", clause, "member", person=member, round=round_id)
    if cast_at and (int(cast_at) < played.opened_at or 0 < played.closed_at <= int(cast_at)):
        yield _fault("ROUND_CLOSED", clause, "cast_at", round=round_id)
    if not void:
        yield from _choices(facts, played, cells)


def _choices(facts: ImportFacts, played: RoundFacts, cells: Cells) -> Faults:
    approve, against, abstain = (cell.split() for cell in cells[2:5])
    recused, _ = facts.recused_from(played, cells[1], cells[6])
    # How many may be approved of follows from earlier rounds; it is held against the count once all rows are in.
    problem = first_problem(approve, against, abstain, facts.eligible, recused, len(approve))
    if problem is not None:
        named = problem.candidate or "-"
        yield _fault(problem.fault.value, played.stage.clause, _column_of(named, approve, against), candidate=named)


def _column_of(candidate: str, approve: list[str], against: list[str]) -> str:
    return "approve" if candidate in approve else "against" if candidate in against else "abstain"


def _totals(facts: ImportFacts, cells: Cells) -> Faults:
    stage_id, poll, channel, candidate, _, verifiable = cells
    stage = _stage(facts, stage_id, (StageKind.PUBLIC_VOTE,))
    if isinstance(stage, Fault):
        yield stage
        return
    known = facts.totals.get(stage_id, {})
    if (channel, candidate) in known:
        yield _again("totals", cells)
    if facts.polls.get(stage_id, poll or stage_id) != (poll or stage_id):
        yield _fault("IMPORT_ROW_CONTRADICTS", stage.clause, "poll", id=facts.polls[stage_id])
    if facts.verifiable.get((stage_id, channel), verifiable == YES) != (verifiable == YES):
        yield _fault("IMPORT_ROW_CONTRADICTS", stage.clause, "verifiable", id=channel)
    yield from _candidate(facts, "candidate", candidate)


def _tie_orders(facts: ImportFacts, cells: Cells) -> Faults:
    round_id, candidate, way, _ = cells
    played = facts.rounds.get(round_id)
    if played is None:
        yield _fault("UNKNOWN_ROUND", ROW_CLAUSE, "round", round=round_id)
        return
    if candidate in played.tie_orders:
        yield _again("tie_orders", cells)
    if any(by_lot != (way == LOT) for by_lot, _ in played.tie_orders.values()):
        yield _fault("IMPORT_ROW_CONTRADICTS", played.stage.clause, "way", id=round_id)
    yield from _candidate(facts, "candidate", candidate)


def _decisions(facts: ImportFacts, cells: Cells) -> Faults:
    decision, _, person, stage_id, *_ = cells
    if decision in facts.decisions:
        yield _again("decisions", cells)
    if stage_id and facts.programme.stage(stage_id) is None:
        yield _fault("UNKNOWN_STAGE", ROW_CLAUSE, "stage", stage=stage_id)
    if person not in facts.applicants:
        yield _fault("NOT_AN_APPLICANT", ROW_CLAUSE, "person", person=person)


_CHECKS: Mapping[str, Callable[[ImportFacts, Cells], Faults]] = {
    "people": _people,
    "applications": _applications,
    "groups": _groups,
    "draws": _draws,
    "rosters": _rosters,
    "recusals": _recusals,
    "attendance": _attendance,
    "rounds": _rounds,
    "candidates": _candidates,
    "scores": _scores,
    "ballots": _ballots,
    "totals": _totals,
    "tie_orders": _tie_orders,
    "decisions": _decisions,
}
