"""Reading a ledger: the published entries up to a position or time, and the state that follows from them.

Nothing above the pin is shown: an entry counts as published when the pin covers it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Protocol

from api.as_of import judged_at, known_at, runs
from api.cli.people import Cast, find_person, read_cast
from api.cli.terminal import Terminal, terminal
from ledger import pin
from ledger.errors import StoreError
from ledger.opening import Home, open_store, read_home
from ledger.selection import Selection
from ledger.sequencer import system_clock
from ledger.statements import Act, decode_own_entry
from ledger.store.store import Store
from projections.elsewhere.acts import Held, Source, as_held
from projections.words import Names, Speaker


class Said(Protocol):
    """Something said in both languages."""

    @property
    def zh(self) -> str:
        """In Chinese."""

    @property
    def en(self) -> str:
        """In English."""


LONG = 2_000
"""From so many entries on, reading shows its progress."""


@dataclass(slots=True)
class View:
    """A ledger as known after its first `size` entries; `published` is the number of entries that the pin covers.

    `acts` and `state` may go on after the entries with the rows of an import, `rows` then says where each of those acts
    is from. `known_at` is the time of the last entry, `seen_at` the instant (UTC ms) at which deadlines and notices are
    judged.
    """

    terminal: Terminal
    home: Home
    store: Store
    published: int
    acts: tuple[Act, ...]
    state: Selection
    cast: Cast
    seen_at: int
    size: int
    known_at: int | None
    rows: Mapping[int, Source]

    @property
    def offset_minutes(self) -> int:
        """The programme's offset from UTC in minutes."""
        sealed = self.state.sealed
        return sealed.latest.programme.utc_offset_minutes if sealed else 0

    def person(self, asked: str) -> str:
        """Return the person id that was asked for; see `find_person`."""
        return find_person(asked, self._known(), self.cast)

    def _known(self) -> set[str]:
        return set(self.state.roll.people) | set(self.state.applications.by_person)

    def label(self, person: str) -> str:
        """Return how a person is shown: a short id, with the invented name in a rehearsal."""
        return self.cast.label(person)

    @property
    def names(self) -> Names:
        """How everybody known is shown in sentences."""
        return {person: self.cast.label(person) for person in self._known()}

    @property
    def speaker(self) -> Speaker:
        """Who says things about this selection."""
        return Speaker.of(self.state, self.names)

    def say(self, said: Said) -> str:
        """Return a sentence in the language of this command."""
        return said.en if self.terminal.language == "en" else said.zh

    def told(self, person: str, said: Said) -> str:
        """Return a sentence with who signed in front, unless it begins with them."""
        label, sentence = self.label(person), self.say(said)
        return sentence if sentence.startswith(label) else f"{label}：{sentence}"

    def time(self, at: int) -> str:
        """Return an instant (UTC ms) as civil time at the programme's offset, to the minute."""
        return civil(at, self.offset_minutes)

    def give(self, value: dict[str, Any]) -> None:
        """Give the JSON answer with what it is known from."""
        people = {"people": {one: self.cast.names[one] for one in _ids(value) if one in self.cast.names}}
        known = {"as_of": {"at": self.known_at, "entries": self.size, "published": self.published}}
        rows = {"imported_rows": list(runs(self.rows))}
        self.terminal.give(known | (people if self.cast.names else {}) | (rows if self.rows else {}) | value)

    def heading(self, title: str) -> str:
        """Return a title with the position it was derived at."""
        when = self.time(self.known_at) if self.known_at is not None else "-"
        told = self.terminal.word("heading", title=title, size=self.size, time=when)
        return f"{told}\n{self.terminal.word('imported-rows', first=min(self.rows))}" if self.rows else told


def civil(at: int, offset_minutes: int) -> str:
    """Return an instant (UTC ms) as civil time at an offset, to the minute."""
    zone = timezone(timedelta(minutes=offset_minutes))
    return datetime.fromtimestamp(at // 1000, zone).strftime("%Y-%m-%d %H:%M")


def _ids(value: Any) -> Iterator[str]:
    """Give every string within a JSON value, in which ids of people may stand."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _ids(member)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _ids(item)


def published_size(home: Home, store: Store) -> int:
    """Return how many entries may be shown. Raises `StoreError` `ROLLBACK_DETECTED` if the store has lost some."""
    pinned, size = pin.read(home.pin), store.size()
    if pinned is not None and pinned.size > size:
        raise StoreError("ROLLBACK_DETECTED", pinned=pinned.size, size=size)
    return pinned.size if pinned else 0


def read_acts(made: Terminal, store: Store, size: int) -> tuple[Act, ...]:
    """Return the acts of the first `size` entries."""
    acts: list[Act] = []
    with made.progress("reading", size if size >= LONG else 0) as advance:
        for _, entry in store.read_entries(0, size):
            acts.append(decode_own_entry(entry))
            if len(acts) % 500 == 0:
                advance(len(acts))
    return tuple(acts)


@contextmanager
def opened(made: Terminal, home: Path, at: str | None = None, *, rows: bool = False) -> Iterator[View]:
    """Open a ledger for reading, within a command that has its terminal; with the `rows` of an import as acts."""
    found = read_home(home)
    with open_store(found) as store:
        published = published_size(found, store)
        everything = read_acts(made, store, published)
        if everything:
            made.origin, made.rehearsal = everything[0].body.origin, everything[0].body.rehearsal
        acts = everything[: known_at(everything, at)]
        state = Selection()
        for act in acts:
            state.apply(act)
        held = as_held(state, acts) if rows else Held(state, acts)
        last = acts[-1].at if acts else None
        seen_at = judged_at(state, at, system_clock())
        cast = read_cast(found.folder)
        yield View(made, found, store, published, held.acts, held.state, cast, seen_at, len(acts), last, held.sources)


@contextmanager
def viewing(home: Path, lang: str | None, as_json: bool, at: str | None = None, *, rows: bool = True) -> Iterator[View]:
    """Open a ledger for a reading command; an imported selection is read as if it had been played here."""
    with terminal(lang, as_json) as made, opened(made, home, at, rows=rows) as view:
        yield view
