"""Imported rows as acts, in the order of the programme's stages; folded as they are made: some follow from others.

What the rows do not say is not made up: an application has no way in, a ballot no key, a round that was voted again the
list that its ballots name. The results are derived anew from these acts by the code that counts a played selection; the
tests hold them against what the import itself derived.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger import grouping
from ledger.import_facts import DecisionRow, ImportFacts, RoundFacts
from ledger.import_tables import ELIGIBLE, NO, Cells
from ledger.imported import ImportedSession
from ledger.imported_lists import CAUSES, Lists
from ledger.imported_result import ImportedResult
from ledger.procedure.programme import Stage, StageKind
from ledger.results import poll_outcome
from ledger.selection import Selection
from ledger.state.import_book import Import
from ledger.statements import Act, Signed, Statement
from ledger.statements.bodies import GroupRow, GroupsCertified, RecusalMade, RosterSet
from ledger.statements.deliberation import SeatLeftVacant, VacancyFilled
from ledger.statements.foundation import StageClosed, StageOpened
from ledger.statements.imports import ImportChunk
from ledger.statements.kinds import registered_name
from ledger.statements.poll import Total, TotalsImported
from ledger.statements.rounds import (
    BallotCast,
    PaperBallotEntered,
    Points,
    ResultCertified,
    RoundOpened,
    ScoreGiven,
    ScoringClosed,
)
from projections.elsewhere import facts as said
from projections.elsewhere.selection import HeldElsewhere

_ROUNDS = (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND)


class Source(NamedTuple):
    """Where an act comes from: the entry of the chunk, the table, and the row's number in it, from 1."""

    entry: int
    table: str
    row: int


class Row(NamedTuple):
    """The cells of a row, and where it stands."""

    cells: Cells
    source: Source


@dataclass(frozen=True, slots=True)
class Held:
    """A selection held elsewhere: its state, all acts (entries first, then rows), and where each row's act is from."""

    state: Selection
    acts: tuple[Act, ...]
    sources: Mapping[int, Source] = field(default_factory=dict)


def as_held(state: Selection, acts: Sequence[Act]) -> Held:
    """Return the selection that a log holds: played here, or the one that was imported and completed.

    `acts` are those that `state` was folded from. Without a completed import both come back as they are.
    """
    done = state.imports.completed
    if done is None or done.result is None:
        return Held(state, tuple(acts))
    return _Playing(done, done.result, acts).held()


def _rows_of(done: Import, acts: Sequence[Act]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for index in done.chunks:
        body: ImportChunk = acts[index].body
        rows = found.setdefault(body.table, [])
        rows += (
            Row(cells, Source(index, body.table, number)) for number, cells in enumerate(body.rows, start=len(rows) + 1)
        )
    return found


class _Playing:
    """One import on its way through the stages."""

    def __init__(self, done: Import, result: ImportedResult, acts: Sequence[Act]) -> None:
        self._done, self._result = done, result
        self._facts: ImportFacts = done.facts
        self._lists = Lists(done.facts)
        self._rows = _rows_of(done, acts)
        self._acts: list[Act] = list(acts)
        self._sources: dict[int, Source] = {}
        self._last, self._at = Source(done.begun, "", 0), self._facts.period[0] if self._facts.period else done.begun_at
        self._out: set[str] = set()
        self._recused: set[tuple[str, str, str]] = set()
        self._state = HeldElsewhere()
        for act in acts:
            self._state.apply(act)

    def held(self) -> Held:
        """Play everything."""
        self._people()
        for stage in self._facts.programme.stages:
            self._stage(stage)
        self._places()
        return Held(self._state, tuple(self._acts), self._sources)

    def _do(self, body: Any, *, by: str = "", at: int = 0, row: Row | None = None) -> int:
        """Make an act and fold it; without a row it is shown by the last one before it."""
        name, version = registered_name(type(body)) or (said.KINDS[type(body)], 1)
        person = by or self._done.clerk
        statement = Statement(body, None, 0, "", "", None, person, None, None, None, name, version)
        act = Act(len(self._acts), at or self._at, b"", Signed(b"", "", b"", b"", statement))
        self._at = act.at
        self._last = row.source if row is not None else self._last
        self._sources[act.index] = self._last
        self._state.apply(act)
        self._acts.append(act)
        return act.index

    def _table(self, name: str) -> list[Row]:
        return self._rows.get(name, [])

    def _people(self) -> None:
        for row in self._table("people"):
            self._do(said.Known(*row.cells[:3]), row=row)

    def _stage(self, stage: Stage) -> None:
        plays: dict[StageKind, Callable[[Stage], None]] = {
            StageKind.APPLICATIONS: self._applications,
            StageKind.SCREENING: self._screening,
            StageKind.GROUP_ROUND: self._rounds,
            StageKind.PANEL_ROUND: self._rounds,
            StageKind.PUBLIC_VOTE: self._poll,
        }
        play = plays.get(stage.kind)
        held = stage.kind not in _ROUNDS or any(one.stage == stage.id for one in self._result.sessions)
        if play is not None and held and (stage.kind is not StageKind.PUBLIC_VOTE or stage.id in self._facts.totals):
            self._do(StageOpened(stage.id))
            play(stage)
            self._do(StageClosed(stage.id))

    def _by_standing(self) -> list[Row]:
        # The application that counts is the first of its person.
        return sorted(self._table("applications"), key=lambda row: (row.cells[4] != ELIGIBLE, row.cells[0]))

    def _applications(self, stage: Stage) -> None:
        units = {row.cells[0]: row.cells[1] for row in self._table("people")}
        for row in self._by_standing():
            application, person, occupation, industry, standing, filed_at = row.cells
            at = int(filed_at or 0)
            body = said.Applied(application, person, units.get(person, ""), occupation, industry, standing, at)
            self._do(body, at=at, row=row)

    def _screening(self, stage: Stage) -> None:
        for row in self._by_standing():
            if row.cells[4] in (ELIGIBLE, "ineligible"):
                self._do(said.Screened(row.cells[0], row.cells[4] == ELIGIBLE), row=row)

    def _poll(self, stage: Stage) -> None:
        totals = self._facts.totals[stage.id]
        channels = sorted({channel for channel, _ in totals})
        candidates = tuple(sorted({candidate for _, candidate in totals}))
        rows = [row for row in self._table("totals") if row.cells[0] == stage.id]
        poll = self._facts.polls[stage.id]
        verifiable = {channel: self._facts.verifiable[stage.id, channel] for channel in channels}
        self._do(said.Polled(poll, stage.id, candidates, verifiable), row=rows[0])
        for channel in channels:
            given = tuple(Total(one, votes) for (where, one), votes in sorted(totals.items()) if where == channel)
            row = next(row for row in rows if row.cells[2] == channel)
            self._do(TotalsImported(channel, "", poll, self._done.source, given), row=row)
        outcome = poll_outcome(self._state, self._state.polls.by_id[poll])
        self._certify(f"poll:{poll}", outcome.projection, len(outcome.rows), outcome.rows_root)

    def _certify(self, subject: str, projection: str, rows: int, root: str) -> None:
        as_of = len(self._acts)
        self._do(ResultCertified(as_of, projection, rows, root, "", subject, "", as_of))

    def _rounds(self, stage: Stage) -> None:
        sessions = [one for one in self._result.sessions if one.stage == stage.id]
        if stage.kind is StageKind.GROUP_ROUND:
            self._groups(stage)
        for one in sessions:
            self._sitting(stage, one)
        self._leave(self._lists.gone(stage))
        for one in sessions:
            self._certify(one.subject, one.outcome.projection, len(one.outcome.rows), one.outcome.rows_root)

    def _groups(self, stage: Stage) -> None:
        self._leave(self._lists.gone_before(stage, 0))
        for row in self._table("groups"):
            if row.cells[0] == stage.id:
                self._do(said.Grouped(*row.cells), row=row)
        drawn = self._facts.draws.get(stage.id, {})
        if drawn:
            self._do(said.Drawn(stage.id, tuple(drawn[position] for position in sorted(drawn))))
        table = grouping.table(self._state, stage)
        if isinstance(table, tuple):
            groups = tuple(GroupRow(one.candidates, one.group, one.received, one.seats) for one in table)
            self._do(GroupsCertified(groups, stage.id))

    def _sitting(self, stage: Stage, session: ImportedSession) -> None:
        """One body or group: who sits and is present, the sheets, the rounds, the ties settled last."""
        group = session.group
        of_body = [row for row in self._table("rosters") if row.cells[:2] == (stage.id, group or "")]
        members = tuple(row.cells[2] for row in of_body)
        self._do(RosterSet(None, group, members, (), None, stage.id), row=of_body[0])
        seated = self._facts.sessions[stage.id, group or ""]
        for row in of_body:
            if not seated.checked or seated.is_present(row.cells[2]):
                self._do(said.WasPresent(stage.id, group, row.cells[2]), row=row)
        counted = [self._facts.rounds[one] for one in session.rounds]
        self._recuse(stage, group, members, counted)
        self._sheets(stage, session, frozenset(members))
        again = (one for one in self._facts.rounds.values() if not one.counts and one.stage.id == stage.id)
        for one in again:
            if one.group == group:
                self._round(
                    session, one, tuple(sorted(one.listed or one.count.mentioned)), session.derived.played.seats
                )
        for one in counted:
            bounds = self._result.bounds[one.id]
            self._round(session, one, tuple(sorted(bounds.listed)), bounds.most)
        for one in counted:
            if one.tie_orders:
                values = tuple(sorted((candidate, value) for candidate, (_, value) in one.tie_orders.items()))
                by_lot = any(lot for lot, _ in one.tie_orders.values())
                row = next(row for row in self._table("tie_orders") if row.cells[0] == one.id)
                self._do(said.Settled(one.id, by_lot, values), row=row)
        self._recuse(stage, group, members, (), everything=True)

    def _recuse(
        self,
        stage: Stage,
        group: str | None,
        members: Iterable[str],
        counted: Sequence[RoundFacts],
        *,
        everything: bool = False,
    ) -> None:
        """Recusals of those who sit; of those who voted only `everything` that is left, when their ballots are in."""
        voting = {row.cells[1] for one in counted for row in self._ballots(one)}
        for row in self._table("recusals"):
            _, member, candidate, at = row.cells
            if row.cells[0] == stage.id and member in members and (everything or member not in voting):
                self._stand_back(stage, group, member, candidate, int(at or 0), row)

    def _stand_back(self, stage: Stage, group: str | None, member: str, candidate: str, at: int, row: Row) -> None:
        key = (f"{stage.id}:{group}", member, candidate)
        if key not in self._recused:
            self._recused.add(key)
            self._do(RecusalMade(candidate, group, "-", stage.id), by=member, at=at, row=row)

    def _ballots(self, played: RoundFacts) -> list[Row]:
        return [row for row in self._table("ballots") if row.cells[0] == played.id]

    def _sheets(self, stage: Stage, session: ImportedSession, members: frozenset[str]) -> None:
        listed = session.derived.lines.keys()
        sheets = self._facts.scores.get(stage.id, {})
        first = {
            (row.cells[1], row.cells[2]): row for row in reversed(self._table("scores")) if row.cells[0] == stage.id
        }
        given = False
        for (member, candidate), points in sheets.items():
            if member in members and candidate in listed:
                given = True
                on_sheet = tuple(Points(hundredths, item) for item, hundredths in sorted(points.items()))
                body = ScoreGiven(candidate, "", session.group, on_sheet, stage.id)
                self._do(body, by=member, row=first[member, candidate])
        if given:
            self._do(ScoringClosed(session.group, stage.id))

    def _round(self, session: ImportedSession, played: RoundFacts, listed: tuple[str, ...], most: int) -> None:
        """One round: who left before it, its list, every ballot after the recusals that bind it, its end."""
        stage, group = played.stage, session.group
        self._leave(self._lists.gone_before(stage, played.opened_at))
        row = next(row for row in self._table("rounds") if row.cells[0] == played.id)
        attempt = 1 + sum(one.runoff == played.runoff for one in self._state.rounds.session(stage.id, group).rounds)
        digest = session.derived.played.list_hash
        opened = RoundOpened(
            attempt, listed, played.closed_at, group, digest, most, played.id, played.runoff, most, stage.id
        )
        self._do(opened, at=played.opened_at, row=row)
        recusals: dict[str, list[Row]] = {}
        for one in self._table("recusals"):
            if one.cells[0] == stage.id:
                recusals.setdefault(one.cells[1], []).append(one)
        for one in self._ballots(played):
            self._ballot(stage, group, digest, one, recusals.get(one.cells[1], ()))
        self._do(said.Ended(played.id, row.cells[4] != NO), at=played.closed_at, row=row)

    def _ballot(self, stage: Stage, group: str | None, digest: str, row: Row, recusals: Iterable[Row]) -> None:
        round_id, member, approve, against, abstain, void, cast_at = row.cells
        at = int(cast_at or 0)
        for one in recusals:
            since = int(one.cells[3] or 0)
            if not (at and since > at):
                self._stand_back(stage, group, member, one.cells[2], since, one)
        named = tuple(abstain.split()), tuple(against.split()), tuple(approve.split())
        if void:
            self._do(PaperBallotEntered(*named, digest, member, round_id, "", void), at=at, row=row)
        else:
            self._do(BallotCast(*named, digest, round_id), by=member, at=at, row=row)

    def _leave(self, gone: Iterable[str]) -> None:
        left = self._lists.left()
        for person in sorted(set(gone) - self._out, key=lambda one: (left[one].at, left[one].decision)):
            self._drop(left[person])

    def _drop(self, row: DecisionRow) -> None:
        self._out.add(row.person)
        at = next(one for one in self._table("decisions") if one.cells[0] == row.decision)
        self._do(said.Left(row.person, row.kind), at=row.at, row=at)

    def _places(self) -> None:
        """After the final order: who left, and each place as it was filled (five(六), five(七))."""
        if self._state.rounds.final is None:
            return
        rows = sorted(self._facts.decisions.values(), key=lambda row: (row.at, row.decision))
        fillings = {one.at: one for one in self._result.fillings}
        left = self._lists.left()
        for place, row in enumerate(rows):
            if row.kind in CAUSES and left[row.person] is row and row.person not in self._out:
                self._drop(row)
            filling = fillings.get(place)
            if filling is not None and filling.filled_by is not None:
                self._do(VacancyFilled(filling.filled_by, (), filling.vacated_by), at=row.at)
            elif filling is not None:
                self._do(SeatLeftVacant("-", filling.vacated_by), at=row.at)
