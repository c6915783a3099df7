"""Ballots, and the rounds that are over: packed, so that a log of a million ballots is folded in little memory.

A round in progress keeps its ballots as values. Once it is over they are packed into some forty bytes each, and a value
is made anew when one is asked for. A ballot about which more is known than its choices (on paper, void, disowned, or
decided about) stays a value, for what is decided later changes it.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass, field
from enum import StrEnum

MOST_CANDIDATES = 255
"""In a longer list a place does not fit into a byte: the ballots of such a round are not packed."""


class Grade(StrEnum):
    """By what a ballot shows for ever how it came: the member's own key, paper transcribed by two clerks, import."""

    SIGNED = "signed"
    PAPER = "paper"
    IMPORTED = "imported"


@dataclass(slots=True)
class Cast:
    """One ballot as an entry of the log, in the round of this id.

    `key` is the member's own key, None on paper; `void`: a paper ballot is 废票.
    `disputed` is the entry by which its member disowned it while that is undecided, `disowned` the same for ever;
    `invalid` the entry of the decision by which it does not count.
    """

    index: int
    member: str
    key: str | None
    round: str
    approve: tuple[str, ...]
    against: tuple[str, ...]
    abstain: tuple[str, ...]
    grade: Grade = Grade.SIGNED
    void: bool = False
    disputed: int | None = None
    disowned: int | None = None
    invalid: int | None = None


class PackedBallots(Mapping[str, Cast]):
    """The ballots of a round that is over, by member, in the order of their entries."""

    __slots__ = ("_candidates", "_choices", "_entries", "_keys", "_members", "_round", "_whole")

    def __init__(self, round_id: str, candidates: tuple[str, ...], casts: Iterable[Cast]) -> None:
        """Pack what can be packed of the ballots on a round's list; one ballot for each member."""
        places = {candidate: place for place, candidate in enumerate(candidates)}
        rows = sorted(casts, key=lambda cast: cast.index)
        packed = [_choices(cast, places) for cast in rows]
        self._round, self._candidates = round_id, candidates
        self._entries = array("q", [cast.index for cast in rows])
        self._members = tuple(cast.member for cast in rows)
        self._keys = tuple(cast.key for cast in rows)
        self._choices = b"".join(one or bytes(len(places) + 2) for one in packed)
        self._whole = {cast.member: cast for cast, one in zip(rows, packed, strict=True) if one is None}

    def __getitem__(self, member: str) -> Cast:
        """Return the ballot of a member."""
        whole = self._whole.get(member)
        return whole if whole is not None else self._cast(self._row(member))

    def __contains__(self, member: object) -> bool:
        """Say whether a member voted."""
        return member in self._members

    def __iter__(self) -> Iterator[str]:
        """Give the members."""
        return iter(self._members)

    def __len__(self) -> int:
        """Count the ballots."""
        return len(self._members)

    def values(self) -> ValuesView[Cast]:
        """Give the ballots."""
        return _Values(self)

    def items(self) -> ItemsView[str, Cast]:
        """Give members and ballots."""
        return _Items(self)

    def casts(self) -> Iterator[Cast]:
        """Give the ballots in order."""
        for row, member in enumerate(self._members):
            yield self._whole.get(member) or self._cast(row)

    @property
    def first(self) -> int | None:
        """The entry of the first ballot, None if there is none."""
        return self._entries[0] if self._entries else None

    def whole(self) -> Iterator[Cast]:
        """Give the ballots that are kept as values."""
        return iter(self._whole.values())

    def entry(self, index: int) -> Cast | None:
        """Return the ballot of an entry, None if it is none of these."""
        row = bisect_left(self._entries, index)
        if row == len(self._entries) or self._entries[row] != index:
            return None
        return self[self._members[row]]

    def keep(self, cast: Cast) -> None:
        """Keep this ballot as a value from here on: something is decided about it."""
        self._whole[cast.member] = cast

    def signed_by(self, key: str, start: int, stop: int) -> Iterator[int]:
        """Give the entries from `start` to before `stop` of the ballots that are signed with a key."""
        return (
            entry for entry, by in zip(self._entries, self._keys, strict=True) if by == key and start <= entry < stop
        )

    def _row(self, member: str) -> int:
        try:
            return self._members.index(member)
        except ValueError:
            raise KeyError(member) from None

    def _cast(self, row: int) -> Cast:
        candidates = self._candidates
        length = len(candidates) + 2
        approved, against, *places = self._choices[row * length : (row + 1) * length]
        named: Sequence[str] = [candidates[place] for place in places]
        return Cast(
            self._entries[row],
            self._members[row],
            self._keys[row],
            self._round,
            tuple(named[:approved]),
            tuple(named[approved : approved + against]),
            tuple(named[approved + against :]),
        )


class _Values(ValuesView[Cast]):
    _mapping: PackedBallots

    def __iter__(self) -> Iterator[Cast]:
        return self._mapping.casts()


class _Items(ItemsView[str, Cast]):
    _mapping: PackedBallots

    def __iter__(self) -> Iterator[tuple[str, Cast]]:
        return ((cast.member, cast) for cast in self._mapping.casts())


@dataclass(slots=True)
class Casts:
    """Every ballot of the log by its entry, also those of rounds that were reopened."""

    _values: dict[int, Cast] = field(default_factory=dict)
    _packed: list[PackedBallots] = field(default_factory=list)

    def add(self, cast: Cast) -> None:
        """Take in a ballot."""
        self._values[cast.index] = cast

    def get(self, index: int) -> Cast | None:
        """Return the ballot of an entry to look at, None if the entry is none."""
        found = self._values.get(index)
        if found is not None:
            return found
        return next((cast for ballots in self._packed if (cast := ballots.entry(index)) is not None), None)

    def held(self, index: int) -> Cast:
        """Return the ballot of an entry to write to; `KeyError` if the entry is none."""
        found = self._values.get(index)
        if found is not None:
            return found
        for ballots in self._packed:
            cast = ballots.entry(index)
            if cast is not None:
                ballots.keep(cast)
                self._values[index] = cast
                return cast
        raise KeyError(index)

    def pack(self, round_id: str, candidates: tuple[str, ...], ballots: Mapping[str, Cast]) -> PackedBallots:
        """Return the ballots of a round that is over, on its list of candidates, packed."""
        packed = PackedBallots(round_id, candidates, ballots.values())
        whole = {cast.index for cast in packed.whole()}
        for cast in ballots.values():
            if cast.index not in whole:
                del self._values[cast.index]
        self._packed.append(packed)
        return packed

    def unpack(self, packed: PackedBallots) -> dict[str, Cast]:
        """Return the ballots of a round as values again."""
        self._packed.remove(packed)
        ballots = dict(packed.items())
        self._values |= {cast.index: cast for cast in ballots.values()}
        return ballots

    def signed_by(self, key: str, start: int, stop: int) -> tuple[int, ...]:
        """Return the entries from `start` to before `stop` of the ballots that are signed with a key, in order."""
        found = {cast.index for cast in self._values.values() if cast.key == key and start <= cast.index < stop}
        for ballots in self._packed:
            found.update(ballots.signed_by(key, start, stop))
        return tuple(sorted(found))

    def grades(self) -> Counter[Grade]:
        """Count the ballots by how they came; what is packed was signed."""
        counts = Counter(cast.grade for cast in self._values.values())
        counts[Grade.SIGNED] += sum(len(ballots) - sum(1 for _ in ballots.whole()) for ballots in self._packed)
        return counts


def _choices(cast: Cast, places: Mapping[str, int]) -> bytes | None:
    """Return what was chosen, as two counts and the candidates' places in the order signed; None if it does not fit."""
    named = (*cast.approve, *cast.against, *cast.abstain)
    if len(places) > MOST_CANDIDATES or len(named) != len(places) or not places.keys() >= {*named}:
        return None
    if (
        cast.grade is not Grade.SIGNED
        or cast.void
        or (cast.disputed, cast.disowned, cast.invalid) != (None, None, None)
    ):
        return None
    return bytes((len(cast.approve), len(cast.against), *map(places.__getitem__, named)))


def first_entry(ballots: Mapping[str, Cast]) -> int | None:
    """Return the entry of a round's first ballot, None if it has none."""
    if isinstance(ballots, PackedBallots):
        return ballots.first
    return min((cast.index for cast in ballots.values()), default=None)
