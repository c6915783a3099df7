"""What is known of inspections, proposals, named votes and vacancies (five(六))."""

from dataclasses import dataclass, field

from ledger.procedure.vacancies import Filling
from ledger.statements.deliberation import Voice


@dataclass(slots=True)
class Places:
    """What became of each vacancy, in the order of the entries."""

    fillings: list[Filling] = field(default_factory=list)

    @property
    def moved_up(self) -> dict[str, int]:
        """Who moved up, with the entry that filled the place."""
        return {one.filled_by: one.at for one in self.fillings if one.filled_by is not None}


@dataclass(frozen=True, slots=True)
class Inspection:
    """An inspector's report on a person, by its entry."""

    index: int
    passed: bool
    inspector: str


@dataclass(frozen=True, slots=True)
class NamedVote:
    """One member's vote on a matter: the entry, and a voice on each subject."""

    index: int
    voices: tuple[Voice, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """The voices on one subject."""

    agree: int
    against: int


@dataclass(slots=True)
class Matter:
    """A named vote: its subjects, each member's vote, and once closed its minutes and outcome.

    `carried` holds the subjects that the vote went for: agreed to, sustained or approved. `earlier` keeps the votes
    given before discipline blocked the decision.
    """

    id: str
    subjects: tuple[str, ...]
    opened: int
    votes: dict[str, NamedVote] = field(default_factory=dict)
    closed: int | None = None
    minutes: str | None = None
    carried: tuple[str, ...] = ()
    earlier: list[dict[str, NamedVote]] = field(default_factory=list)

    def tally(self, subject: str) -> Tally:
        """Count the voices on a subject."""
        voices = [voice.agree for vote in self.votes.values() for voice in vote.voices if voice.subject == subject]
        return Tally(sum(voices), len(voices) - sum(voices))

    def reopen(self) -> None:
        """Vote anew; what was voted before is kept."""
        self.earlier.append(self.votes)
        self.votes, self.closed, self.minutes, self.carried = {}, None, None, ()


@dataclass(slots=True)
class Deliberation:
    """Inspections, proposals, named votes, vacancies. `agreed`: whom the leadership group agreed to, by what entry."""

    inspections: dict[str, Inspection] = field(default_factory=dict)
    proposed: dict[str, int] = field(default_factory=dict)
    agreed: dict[str, int] = field(default_factory=dict)
    matters: dict[str, Matter] = field(default_factory=dict)
    places: Places = field(default_factory=Places)

    def matter(self, matter_id: str) -> Matter | None:
        """Return a named vote by the id of its matter, or None where none was opened."""
        return self.matters.get(matter_id)

    def open_matter(self, matter_id: str, subjects: tuple[str, ...], index: int) -> Matter:
        """Open a named vote, or return the one that is open."""
        return self.matters.setdefault(matter_id, Matter(matter_id, subjects, index))
