"""What moved between two points of the log: ranks, places and titles, and the entries that moved them.

The entries between the two points are folded one by one, and every change is put down to the entry at which it shows.
Results are those of `projections.results`: of a vote that is not over there is nothing to move. Nothing is counted
here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from ledger.selection import Selection
from ledger.state.places import held
from ledger.statements import Act
from ledger.statements.foundation import ActCountersigned
from projections.elsewhere.selection import HeldElsewhere
from projections.history import sentence_of
from projections.results import outcome_of
from projections.words import NOBODY, Names, Sentence, Speaker

ORDER, PLACES, TITLES, OUT = "final-order", "places", "titles", "out"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands in one subject.

    `number` is the rank, the seat or the number among the alternates; None for who has none. `status`: of a result
    `taken`, `left`, `below_minimum`, `removed`; of the final order `nominee`, `alternate`; of the places `holds`,
    `vacated`; of the titles `named`, `revoked`; of those who dropped out the cause.
    """

    number: int | None
    status: str


@dataclass(frozen=True, slots=True)
class Shift:
    """One person in one subject, before and after; None where they were or are not in it at all."""

    subject: str
    person: str
    before: Standing | None
    after: Standing | None


@dataclass(frozen=True, slots=True)
class SeatShift:
    """One place with its holder before and after; None where nobody held or holds it."""

    seat: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """An entry that moved something.

    Attributes:
        index, at: the entry and its time (UTC ms).
        kind: what was done; of an act that needed several signers, what the last of them signed.
        act: the entry of that act, which is `index` itself where nobody else had to sign.
        said: what it says, in both languages.
        shifts, seats: what it moved, by subject and person, and by seat.
    """

    index: int
    at: int
    kind: str
    act: int
    said: Sentence
    shifts: tuple[Shift, ...]
    seats: tuple[SeatShift, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects in which it moved somebody, in order."""
        return tuple(dict.fromkeys(one.subject for one in self.shifts))


@dataclass(frozen=True, slots=True)
class Movement:
    """What differs between the first `start` and the first `end` entries, and the steps that led there.

    A step may move somebody whom a later one moves back; then it is in `steps` alone.
    """

    start: int
    end: int
    shifts: tuple[Shift, ...]
    seats: tuple[SeatShift, ...]
    steps: tuple[Step, ...]


_Subjects: TypeAlias = "Mapping[str, Mapping[str, Standing]]"
_NOBODY: Mapping[str, Standing] = MappingProxyType({})


def movement(acts: Sequence[Act], start: int, end: int, names: Names = NOBODY) -> Movement:
    """Return what moved from the first `start` to the first `end` entries.

    Raises `ValueError` unless `0 <= start <= end <= len(acts)`.
    """
    if not 0 <= start <= end <= len(acts):
        raise ValueError("the points of a movement are out of order")
    state = HeldElsewhere()
    for act in acts[:start]:
        state.apply(act)
    first = before = standings(state)
    moved = []
    for act in acts[start:end]:
        state.apply(act)
        after = standings(state)
        if after != before:
            moved.append((act, tuple(_shifts(before, after)), tuple(_seats(before, after))))
            before = after
    speaker = Speaker.of(state, names)
    steps = tuple(_step(state, acts, act, shifts, seats, speaker) for act, shifts, seats in moved)
    return Movement(start, end, tuple(_shifts(first, before)), tuple(_seats(first, before)), steps)


def standings(state: Selection) -> _Subjects:
    """Return where everybody stands in each subject that may be read: results, final order, places, titles, out."""
    found: dict[str, dict[str, Standing]] = {}
    for session in state.rounds.sessions.values():
        outcome = outcome_of(state, session)
        if outcome is not None:
            rows = outcome.rows
            found[session.subject] = {one["candidate"]: Standing(one["rank"] or None, one["status"]) for one in rows}
    final = state.rounds.final
    if final is not None:
        found[ORDER] = {person: Standing(number, "nominee") for number, person in enumerate(final.nominees, 1)}
        found[ORDER] |= {person: Standing(number, "alternate") for number, person in enumerate(final.alternates, 1)}
        found[PLACES] = {
            one.person: Standing(one.seat, "vacated" if one.person in state.out else "holds")
            for one in held(state)
            if one.person is not None
        }
    titles = state.naming.titles
    if titles is not None:
        revoked = state.naming.revoked
        found[TITLES] = {one: Standing(None, "revoked" if one in revoked else "named") for one in titles.candidates}
    if state.out:
        found[OUT] = {person: Standing(None, out.cause.value) for person, out in state.out.items()}
    return found


def _shifts(before: _Subjects, after: _Subjects) -> Iterator[Shift]:
    """Yield who stands elsewhere, subject by subject, by the place they have, else had."""
    for subject in dict.fromkeys((*before, *after)):
        was, now = before.get(subject, _NOBODY), after.get(subject, _NOBODY)
        changed = [one for one in was.keys() | now.keys() if was.get(one) != now.get(one)]
        for person in sorted(changed, key=lambda one: (_place(now.get(one)), _place(was.get(one)), one)):
            yield Shift(subject, person, was.get(person), now.get(person))


def _place(standing: Standing | None) -> tuple[bool, bool, int]:
    """Return what orders standings: nominees before alternates, by number, whoever has none last."""
    if standing is None or standing.number is None:
        return True, True, 0
    return False, standing.status == "alternate", standing.number


def _seats(before: _Subjects, after: _Subjects) -> Iterator[SeatShift]:
    was, now = _holders(before), _holders(after)
    for seat in sorted(was.keys() | now.keys()):
        if was.get(seat) != now.get(seat):
            yield SeatShift(seat, was.get(seat), now.get(seat))


def _holders(subjects: _Subjects) -> dict[int, str]:
    places = subjects.get(PLACES, _NOBODY)
    return {one.number: person for person, one in places.items() if one.number is not None and one.status == "holds"}


def _step(
    state: Selection,
    acts: Sequence[Act],
    now: Act,
    shifts: tuple[Shift, ...],
    seats: tuple[SeatShift, ...],
    speaker: Speaker,
) -> Step:
    """Return an entry with what it moved; the last signature of an act is told as the act itself."""
    act = acts[now.body.index] if isinstance(now.body, ActCountersigned) else now
    said = sentence_of(state, act, speaker)
    return Step(now.index, now.at, act.statement.type, act.index, said, shifts, seats)
