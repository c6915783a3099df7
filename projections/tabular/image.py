"""What the tables must hold, kept as hashes of their parts while the log is folded.

An entry is folded once; of what it may have changed only the marked parts are derived again, and only those whose hash
differs are handed out to be written. The contents of a table are named by a hash that does not depend on how the
entries were batched: of the entries' lines in order, and else the sum of the hashes of its parts.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import TypeAlias

from ledger.selection import Selection
from ledger.statements import Act
from projections.tabular import rows_after, rows_lists, rows_votes
from projections.tabular.entry_lines import entry_line
from projections.tabular.marks import ALL, UNTOLD, Mark, Matter, before, marks
from projections.tabular.model import Line

ENTRIES = "entries"
_MODULUS = 2**256

Subjects: TypeAlias = "Callable[[Selection], Iterable[str]]"
Rows: TypeAlias = "Callable[[Selection, str], Iterable[Line]]"
Parts: TypeAlias = "Callable[[Selection], Iterable[tuple[str, Line]]]"


@dataclass(frozen=True, slots=True)
class Keyed:
    """How a long table is derived: all its parts, and the rows of one."""

    matter: Matter
    subjects: Subjects
    rows: Rows


@dataclass(frozen=True, slots=True)
class Whole:
    """How a short table is derived: all its rows, each with its part; None: from the acts that were kept for it."""

    matter: Matter
    parts: "Parts | None"


_SOURCES: MappingProxyType[str, Keyed | Whole] = MappingProxyType(
    {
        "people": Keyed(Matter.PEOPLE, rows_lists.person_ids, rows_lists.people),
        "applications": Keyed(Matter.APPLICATIONS, rows_lists.applicant_ids, rows_lists.applications),
        "stages": Keyed(Matter.STAGES, rows_lists.stage_ids, rows_lists.stages),
        "candidates": Keyed(Matter.STAGES, rows_lists.stage_ids, rows_lists.candidates),
        "groups": Keyed(Matter.STAGES, rows_lists.stage_ids, rows_lists.groups),
        "rosters": Keyed(Matter.STAGES, rows_lists.stage_ids, rows_lists.rosters),
        "recusals": Keyed(Matter.STAGES, rows_lists.stage_ids, rows_lists.recusals),
        "rounds": Keyed(Matter.ROUNDS, rows_votes.round_ids, rows_votes.rounds),
        "ballots": Keyed(Matter.ROUNDS, rows_votes.round_ids, rows_votes.ballots),
        "results": Keyed(Matter.SESSIONS, rows_votes.subjects, rows_votes.results),
        "poll_channels": Keyed(Matter.POLLS, rows_votes.poll_ids, rows_votes.poll_channels),
        "poll_totals": Keyed(Matter.POLLS, rows_votes.poll_ids, rows_votes.poll_totals),
        "places": Whole(Matter.PLACES, rows_after.places),
        "alternates": Whole(Matter.PLACES, rows_after.alternates),
        "vacancies": Whole(Matter.PLACES, rows_after.vacancies),
        "notices": Whole(Matter.NOTICES, rows_after.notices),
        "objections": Whole(Matter.OBJECTIONS, rows_after.objections),
        "named_votes": Whole(Matter.NAMED_VOTES, rows_after.named_votes),
        "voices": Whole(Matter.NAMED_VOTES, rows_after.voices),
        "voice_counts": Whole(Matter.NAMED_VOTES, rows_after.voice_counts),
        "named": Whole(Matter.NAMED, rows_after.named),
        "findings": Keyed(Matter.FINDINGS, rows_after.finding_ids, rows_after.findings),
        "off_path": Whole(Matter.OFF_PATH, None),
    }
)
TABLE_NAMES = (ENTRIES, *_SOURCES)


@dataclass(frozen=True, slots=True)
class Change:
    """The rows that a part of a table must hold from now on; none, if it is empty. `fresh`: it held none before."""

    part: str
    lines: tuple[Line, ...]
    fresh: bool


@dataclass(slots=True)
class Content:
    """How many rows a table must hold, and their hash."""

    rows: int = 0
    digest: int = 0

    @property
    def hash(self) -> str:
        """The hash in hexadecimal."""
        return f"{self.digest:064x}"


class Image:
    """The fold of a log, and what the tables must hold of it."""

    def __init__(self) -> None:
        """Begin before the first entry."""
        self.state = Selection()
        self.contents = {name: Content() for name in TABLE_NAMES}
        self._entries: list[Line] = []
        self._chain = sha256()
        self._parts: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in TABLE_NAMES}
        self._marked: set[Mark] = set()
        self._told: dict[int, Act] = {}
        self._open: set[str] = set()

    def take(self, act: Act, *, marking: bool = True) -> None:
        """Fold one entry; without `marking` it is for `everything` to derive all parts afterwards."""
        state, body = self.state, act.signed.statement.body
        known = before(state, act) if marking else None
        found = len(state.findings.by_id)
        state.apply(act)
        self._entries.append(entry_line(state, act))
        if type(body) not in UNTOLD or len(state.findings.by_id) != found:
            self._told[act.index] = act
        if known is not None:
            self._marked.update(marks(state, act, known))

    def entry_lines(self) -> bytes:
        """Return the lines of the entries taken since this was last asked."""
        taken = b"".join(self._entries)
        content = self.contents[ENTRIES]
        self._chain.update(taken)
        content.rows += len(self._entries)
        content.digest = int.from_bytes(self._chain.digest())
        self._entries.clear()
        return taken

    def everything(self) -> Iterator[tuple[str, Change]]:
        """Derive all parts of all tables but the entries, table by table; give each that differs."""
        self._marked = {(matter, ALL) for matter in Matter}
        return self.changes()

    def changes(self) -> Iterator[tuple[str, Change]]:
        """Derive the marked parts, table by table; give each that differs from what the tables hold."""
        wanted: dict[Matter, set[str]] = {}
        for matter, subject in (*self._marked, *self._closed_findings()):
            wanted.setdefault(matter, set()).add(subject)
        self._marked.clear()
        for name, source in _SOURCES.items():
            subjects = wanted.get(source.matter)
            if subjects:
                given = self._keyed(source, subjects) if isinstance(source, Keyed) else self._whole(name, source.parts)
                for part, lines in given:
                    change = self._compare(name, part, lines)
                    if change is not None:
                        yield name, change

    def _closed_findings(self) -> list[Mark]:
        """A finding may be closed by many kinds of act: the few that were open are looked at each time."""
        by_id = self.state.findings.by_id
        closed = [one for one in self._open if by_id[one].closed is not None]
        self._open.difference_update(closed)
        self._open.update(subject for matter, subject in self._marked if matter is Matter.FINDINGS and subject in by_id)
        if (Matter.FINDINGS, ALL) in self._marked:
            self._open = {one.id for one in by_id.values() if one.closed is None}
        return [(Matter.FINDINGS, one) for one in closed] + [(Matter.OFF_PATH, ALL)] * bool(closed)

    def _keyed(self, source: Keyed, subjects: set[str]) -> Iterator[tuple[str, tuple[Line, ...]]]:
        chosen = source.subjects(self.state) if ALL in subjects else sorted(subjects)
        return ((one, tuple(source.rows(self.state, one))) for one in chosen)

    def _whole(self, name: str, parts: "Parts | None") -> Iterator[tuple[str, tuple[Line, ...]]]:
        found: dict[str, list[Line]] = {part: [] for part in self._parts[name]}
        rows = parts(self.state) if parts else rows_after.off_path(self.state, self._told.values())
        for part, line in rows:
            found.setdefault(part, []).append(line)
        return ((part, tuple(lines)) for part, lines in found.items())

    def _compare(self, table: str, part: str, lines: tuple[Line, ...]) -> Change | None:
        """Note what a part holds from now on; None if it held the same."""
        held = self._parts[table]
        rows, digest = held.get(part, (0, 0))
        name = f"{table}\0{part}\0".encode()
        now = int.from_bytes(sha256(name + b"".join(lines)).digest()) if lines else 0
        if now == digest:
            return None
        content = self.contents[table]
        content.rows += len(lines) - rows
        content.digest = (content.digest + now - digest) % _MODULUS
        held[part] = len(lines), now
        return Change(part, lines, fresh=not rows)

    def content_hash(self) -> str:
        """Return the hash over the contents of all tables."""
        told = "".join(f"{name} {one.rows} {one.hash}\n" for name, one in sorted(self.contents.items()))
        return sha256(told.encode()).hexdigest()
