"""Everybody's way through the rounds: group rank, panel rank, final rank, place (clauses 五(一)–(三), 五(五)–(八)).

A column for each vote that has been counted, and one for what became of the final order. Nothing is counted here and
nothing of an open round is known: the rows are those of `projections.results`.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ledger.outcome import Row
from ledger.procedure.programme import Stage, StageKind
from ledger.selection import Selection
from ledger.state.rounds import Session
from projections.explain_seats import REASONS
from projections.results import outcome_of
from projections.vacancies import HolderView, PlacesView, places
from projections.words import Both, Sentence, Speaker

ROUNDS = (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND)


class Fate(StrEnum):
    """What has become of somebody so far: as nominee or alternate in a place, waiting, out, or left at a cut."""

    NOMINEE = "nominee"
    MOVED_UP = "moved_up"
    WAITING = "waiting"
    OUT = "out"
    LEFT = "left"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody's place in one column.

    Attributes:
        number: the rank, or the seat; None for somebody who has neither any more.
        taken: whether they were taken, or hold a place.
        shared: whether others have the same rank, because nothing had to part them or nothing has yet.
        approve, possible: the approvals, of how many; None in the last column.
        key: what parted them from equals, None where approvals did or nothing has.
        detail: in the last column, how they came there.
        entry: in the last column, the entry that made it so.
    """

    person: str
    number: int | None
    taken: bool
    shared: bool = False
    approve: int | None = None
    possible: int | None = None
    key: str | None = None
    detail: Sentence | None = None
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Those who stand together in a column: a group, those taken, the alternates. `entry` certified it."""

    title: Both
    entry: int | None
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One vote of the whole list, or what became of its outcome; `stage` is empty for the latter."""

    stage: str
    title: Both
    clause: str
    blocks: tuple[Block, ...]

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Everybody in the column, from top to bottom."""
        return tuple(stop for block in self.blocks for stop in block.stops)

    def stop(self, person: str) -> Stop | None:
        """Return somebody's place in this column, or None."""
        return next((stop for stop in self.stops if stop.person == person), None)


@dataclass(frozen=True, slots=True)
class Ways:
    """The columns in order, and everybody shown with what has become of them."""

    columns: tuple[Column, ...]
    fates: "tuple[tuple[str, Fate], ...]"

    def fate(self, person: str) -> Fate:
        """Return what has become of somebody so far."""
        return dict(self.fates).get(person, Fate.OPEN)


def listed(state: Selection) -> tuple[str, ...]:
    """Return everybody on the list of the last round that was counted, in its order: in the end, the shortlist."""
    for stage in reversed(round_stages(state)):
        found = [person for _, row in _ranked(state, stage) for person in [str(row["candidate"])]]
        if found:
            return tuple(found)
    return ()


def round_stages(state: Selection) -> tuple[Stage, ...]:
    """Return the stages in which candidates are voted on, in the programme's order."""
    if state.sealed is None:
        return ()
    charter = state.charter
    stages = (charter.stage(one.id) or one for one in charter.latest.programme.stages)
    return tuple(one for one in stages if one.kind in ROUNDS)


def ways(state: Selection, at: int, people: Collection[str], speaker: Speaker) -> Ways:
    """Return the ways of these people as known in `state`, with notices judged at `at` (UTC ms)."""
    last = {person: number for number, person in enumerate(listed(state))}
    stages = [(one, _blocks(state, one, people, last, speaker)) for one in round_stages(state)]
    columns = [
        Column(stage.id, speaker.stage(stage.id), stage.clause, tuple(blocks)) for stage, blocks in stages if blocks
    ]
    view = places(state, at)
    if view is not None:
        columns.append(_ending(state, view, people, speaker))
    return Ways(tuple(columns), tuple((person, _fate(state, view, person)) for person in sorted(people)))


def _ranked(state: Selection, stage: Stage) -> list[tuple[Session, Row]]:
    """Return the counted rows of a stage, best first; whoever no longer stands comes last."""
    found = []
    for session in state.rounds.sessions.values():
        outcome = outcome_of(state, session) if session.stage == stage.id else None
        found += [(session, row) for row in outcome.rows] if outcome is not None else []
    return sorted(found, key=lambda one: (one[1]["rank"] == 0, one[1]["rank"], one[1]["candidate"]))


def _blocks(
    state: Selection, stage: Stage, people: Collection[str], last: dict[str, int], speaker: Speaker
) -> list[Block]:
    """Return the blocks of a stage: its groups, or in a panel round those taken and those left.

    Equals stand in the order in which the last vote parted them, so that lines cross as little as they can.
    """
    shown = [one for one in _ranked(state, stage) if one[1]["candidate"] in people]
    shown.sort(key=lambda one: (one[1]["rank"] == 0, one[1]["rank"], last.get(one[1]["candidate"], len(last))))
    ranks = Counter((one.subject, row["rank"]) for one, row in _ranked(state, stage))
    titles = {
        stage_group.id: Both(stage_group.name, stage_group.id)
        for stage_group in (stage.groups if stage.kind is StageKind.GROUP_ROUND else ())
    }
    found: dict[str, list[tuple[Session, Row]]] = {one: [] for one in titles}
    for session, row in shown:
        key = session.group if session.group in titles else standing_code(stage, row)
        found.setdefault(str(key), []).append((session, row))
    return [
        Block(
            titles.get(key) or _word(key, speaker),
            _certified(rows),
            tuple(_stop(row, row["rank"] > 0 and ranks[one.subject, row["rank"]] > 1) for one, row in rows),
        )
        for key, rows in found.items()
        if rows
    ]


def _certified(rows: list[tuple[Session, Row]]) -> int | None:
    outcome = rows[0][0].outcome
    return outcome.index if outcome is not None else None


def standing_code(stage: Stage, row: Row) -> str:
    """Return the code of the word for where somebody stands in a vote: taken or left, nominee or alternate."""
    if row["status"] in ("taken", "left") and stage.takes == "nominees":
        return "BLOCK_NOMINEES" if row["taken"] else "BLOCK_ALTERNATES"
    return f"BLOCK_{row['status'].upper()}"


def _word(code: str, speaker: Speaker) -> Both:
    said = speaker.say(REASONS, code)
    return Both(said.zh, said.en)


def _stop(row: Row, shared: bool) -> Stop:
    decided = row["decided_by"]
    parted = decided not in ("approvals", "unresolved", "min_approval", "removed")
    return Stop(
        person=row["candidate"],
        number=row["rank"] or None,
        taken=row["taken"],
        shared=shared,
        approve=row["approve"],
        possible=row["possible"],
        key=decided if parted else None,
    )


def _ending(state: Selection, view: PlacesView, people: Collection[str], speaker: Speaker) -> Column:
    """Return what became of the final order: the places, the alternates still waiting, and those who left."""
    titles = state.naming.titles
    named = set(titles.candidates) - state.naming.revoked.keys() if titles is not None else set()
    held: list[Stop] = []
    waiting: list[Stop] = []
    out: list[Stop] = []
    for place in view.places:
        for holder in place.holders:
            if holder.person is None or holder.person not in people:
                continue
            (out if _gone(state, holder) else held).append(_held(state, place.seat, holder, speaker))
    for one in view.alternates:
        if one.person in people and one.moved_up is None:
            detail = speaker.say(REASONS, "WAY_WAITS", "", order=one.order)
            stop = Stop(one.person, one.order, taken=False, detail=detail)
            (waiting if one.left is None else out).append(
                stop if one.left is None else _left(state, one.person, one.left, speaker)
            )
    out.sort(key=lambda stop: (stop.entry or 0, stop.person))
    code = "BLOCK_NAMED" if named else "BLOCK_PLACES"
    parts = ((code, titles.index if titles else None, held), ("BLOCK_WAITING", None, waiting), ("BLOCK_OUT", None, out))
    blocks = (Block(_word(name, speaker), entry, tuple(stops)) for name, entry, stops in parts if stops)
    clause = next((one.clause for one in state.charter.latest.programme.stages if one.kind is StageKind.APPROVAL), "")
    return Column("", _word("WAY_ENDS", speaker), clause, tuple(blocks))


def _gone(state: Selection, holder: HolderView) -> bool:
    return holder.left is not None or holder.person in state.naming.revoked


def _held(state: Selection, seat: int, holder: HolderView, speaker: Speaker) -> Stop:
    person = holder.person or ""
    if _gone(state, holder):
        return _left(state, person, state.naming.revoked.get(person, holder.left or 0), speaker)
    how = (
        speaker.say(REASONS, "WAY_NOMINEE", "", holder.since)
        if holder.alternate is None
        else speaker.say(REASONS, "WAY_MOVED_UP", "", holder.since, order=holder.alternate)
    )
    return Stop(person, seat, taken=True, detail=how, entry=holder.since)


def _left(state: Selection, person: str, entry: int, speaker: Speaker) -> Stop:
    code = "revoked" if person in state.naming.revoked else state.out[person].cause.value
    return Stop(person, None, taken=False, detail=speaker.say(REASONS, code, "", entry), entry=entry)


def _fate(state: Selection, view: PlacesView | None, person: str) -> Fate:
    if person in state.out or person in state.naming.revoked:
        return Fate.OUT
    for place in view.places if view is not None else ():
        if place.holder == person:
            return Fate.NOMINEE if place.holders[0].person == person else Fate.MOVED_UP
    if view is not None and any(one.person == person for one in view.alternates):
        return Fate.WAITING
    return _so_far(state, person)


def _so_far(state: Selection, person: str) -> Fate:
    """Return the fate of somebody who is not in the final order: left at a cut, or nobody knows yet."""
    for taken, left in _cuts(state):
        if person in left and person not in taken:
            return Fate.LEFT
    return Fate.OPEN


def _cuts(state: Selection) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for session in state.rounds.sessions.values():
        if session.outcome is not None:
            everybody = tuple(str(row["candidate"]) for row in session.outcome.rows)
            yield session.outcome.taken, everybody
