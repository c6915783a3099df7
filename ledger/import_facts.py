"""What is kept of imported rows: everything of the short tables, of ballots only what they add.

A ballot leaves one bit (its member has voted in this round) and its words in the round's running count; a score its
points. So memory follows the people, the rounds and the candidates, not the ballots. Rows are taken in the order of the
tables; what a row may say is for `import_checks`, what follows from all of them for `imported`.
"""

from dataclasses import dataclass, field

from ledger.import_tables import ELIGIBLE, LOT, NO, TABLES, YES, Cells
from ledger.procedure.programme import Programme, Stage
from ledger.procedure.running_count import RunningCount


@dataclass(frozen=True, slots=True)
class AppliedRow:
    """An application as imported."""

    application: str
    person: str
    occupation: str
    industry: str
    standing: str


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision as imported; `at` is the attested time (UTC ms)."""

    decision: str
    kind: str
    person: str
    stage: str
    at: int


@dataclass(slots=True)
class SessionFacts:
    """A body or group in one stage: its members by place, and who is present (one byte a place)."""

    places: dict[str, int] = field(default_factory=dict)
    present: bytearray = field(default_factory=bytearray)
    checked: bool = False
    """Whether anybody's presence was recorded; where nobody's was, presence is not asked for."""

    def enter(self, member: str) -> None:
        """Enter a member in the roster."""
        self.places[member] = len(self.places)
        self.present.append(0)

    def is_present(self, member: str) -> bool:
        """Say whether a member of the roster is recorded as present."""
        return bool(self.present[self.places[member]])


@dataclass(slots=True)
class RoundFacts:
    """A round as imported: its declared balance (-1: not stated), the count of its ballots, who has voted.

    `listed` are the candidates that the ballots named, if that was recorded. `released` counts the ballots cast before
    their member was recused from a candidate.
    """

    id: str
    stage: Stage
    group: str | None
    runoff: int
    counts: bool
    opened_at: int
    closed_at: int
    issued: int
    returned: int
    void: int
    session: SessionFacts
    voted: bytearray
    listed: dict[str, None] = field(default_factory=dict)
    count: RunningCount = field(default_factory=RunningCount)
    released: dict[str, int] = field(default_factory=dict)
    tie_orders: dict[str, tuple[bool, int]] = field(default_factory=dict)


@dataclass(slots=True)
class ImportFacts:
    """The imported facts of a selection under `programme`, so far."""

    programme: Programme
    period: tuple[int, int] | None = None
    """The first and the last moment (UTC ms) that the clerks attest."""
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TABLES, 0))
    people: set[str] = field(default_factory=set)
    applications: dict[str, AppliedRow] = field(default_factory=dict)
    applicants: set[str] = field(default_factory=set)
    eligible: set[str] = field(default_factory=set)
    grouped: dict[str, dict[str, str]] = field(default_factory=dict)
    draws: dict[str, dict[int, str]] = field(default_factory=dict)
    sessions: dict[tuple[str, str], SessionFacts] = field(default_factory=dict)
    recusals: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    """Stage, member, candidate: since when (UTC ms; 0: from the beginning)."""
    rounds: dict[str, RoundFacts] = field(default_factory=dict)
    counted: dict[tuple[str, str | None, int], RoundFacts] = field(default_factory=dict)
    """The rounds that count by stage, group and number of the run-off."""
    scores: dict[str, dict[tuple[str, str], dict[str, int]]] = field(default_factory=dict)
    """Stage, (member, candidate), criterion: hundredths of a point."""
    totals: dict[str, dict[tuple[str, str], int]] = field(default_factory=dict)
    """Stage, (channel, candidate): votes."""
    polls: dict[str, str] = field(default_factory=dict)
    verifiable: dict[tuple[str, str], bool] = field(default_factory=dict)
    decisions: dict[str, DecisionRow] = field(default_factory=dict)

    def take(self, table: str, cells: Cells) -> None:
        """Take a row that `import_checks` has nothing to say against."""
        _TAKE[table](self, cells)
        self.rows[table] += 1

    def session(self, stage: str, group: str) -> SessionFacts | None:
        """Return the session of a stage and group ("" where it has none), if it has a roster."""
        return self.sessions.get((stage, group))

    def recused_from(self, played: RoundFacts, member: str, cast_at: str) -> tuple[set[str], set[str]]:
        """Return from whom a member is recused for a ballot cast then, and from whom only later on."""
        since = self.recusals.get(played.stage.id, {}).get(member)
        if not since:
            return set(), set()
        later = {one for one, at in since.items() if cast_at and at > int(cast_at)}
        return set(since) - later, later


def _people(facts: ImportFacts, cells: Cells) -> None:
    facts.people.add(cells[0])


def _applications(facts: ImportFacts, cells: Cells) -> None:
    row = AppliedRow(*cells[:5])
    facts.applications[row.application] = row
    facts.applicants.add(row.person)
    if row.standing == ELIGIBLE:
        facts.eligible.add(row.person)


def _groups(facts: ImportFacts, cells: Cells) -> None:
    stage, candidate, group = cells
    facts.grouped.setdefault(stage, {})[candidate] = group


def _draws(facts: ImportFacts, cells: Cells) -> None:
    stage, position, group = cells
    facts.draws.setdefault(stage, {})[int(position)] = group


def _rosters(facts: ImportFacts, cells: Cells) -> None:
    stage, group, member = cells
    facts.sessions.setdefault((stage, group), SessionFacts()).enter(member)


def _recusals(facts: ImportFacts, cells: Cells) -> None:
    stage, member, candidate, declared_at = cells
    of_member = facts.recusals.setdefault(stage, {}).setdefault(member, {})
    of_member[candidate] = int(declared_at or 0)


def _attendance(facts: ImportFacts, cells: Cells) -> None:
    stage, group, member = cells
    session = facts.sessions[stage, group]
    session.present[session.places[member]] = 1
    session.checked = True


def _rounds(facts: ImportFacts, cells: Cells) -> None:
    round_id, stage_id, group, runoff, counts, opened_at, closed_at, *balance = cells
    stage = facts.programme.stage(stage_id)
    session = facts.sessions.get((stage_id, group))
    if stage is None or session is None:
        return
    issued, returned, void = (int(cell) if cell else -1 for cell in balance)
    played = RoundFacts(
        round_id,
        stage,
        group or None,
        int(runoff or 0),
        counts != NO,
        int(opened_at or 0),
        int(closed_at or 0),
        issued,
        returned,
        void,
        session,
        bytearray(len(session.places)),
    )
    facts.rounds[round_id] = played
    if played.counts:
        facts.counted[stage_id, played.group, played.runoff] = played


def _candidates(facts: ImportFacts, cells: Cells) -> None:
    facts.rounds[cells[0]].listed[cells[1]] = None


def _scores(facts: ImportFacts, cells: Cells) -> None:
    stage, member, candidate, item, points = cells
    facts.scores.setdefault(stage, {}).setdefault((member, candidate), {})[item] = int(points)


def _ballots(facts: ImportFacts, cells: Cells) -> None:
    round_id, member, approve, against, abstain, void, cast_at = cells
    played = facts.rounds[round_id]
    played.voted[played.session.places[member]] = 1
    recused, later = facts.recused_from(played, member, cast_at)
    for candidate in later:
        played.released[candidate] = played.released.get(candidate, 0) + 1
    if void:
        played.count.add_void(recused)
    else:
        played.count.add(approve.split(), against.split(), abstain.split(), recused)


def _totals(facts: ImportFacts, cells: Cells) -> None:
    stage, poll, channel, candidate, votes, verifiable = cells
    facts.polls[stage] = poll or stage
    facts.verifiable[stage, channel] = verifiable == YES
    facts.totals.setdefault(stage, {})[channel, candidate] = int(votes)


def _tie_orders(facts: ImportFacts, cells: Cells) -> None:
    round_id, candidate, way, value = cells
    facts.rounds[round_id].tie_orders[candidate] = (way == LOT, int(value))


def _decisions(facts: ImportFacts, cells: Cells) -> None:
    decision, kind, person, stage, at, _ = cells
    facts.decisions[decision] = DecisionRow(decision, kind, person, stage, int(at))


_TAKE = {
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
