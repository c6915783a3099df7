"""What is known of approval, naming, conferral, revocation and the year after (five(八), two, seven(三))."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Submission:
    """A list submitted to the chairman's office: the entries that submitted and decided it, and the outcome."""

    id: str
    index: int
    candidates: tuple[str, ...]
    decided: int | None = None
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Titles:
    """The naming: its entry, when (UTC ms), and who was named. It is never changed by what comes later."""

    index: int
    at: int
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Referral:
    """A recommender whose responsibility was referred."""

    index: int
    candidate: str
    recommender: str


@dataclass(slots=True)
class Benefit:
    """What one named person did to get one benefit of the following year; each act by its entry, or None."""

    applied: int | None = None
    inspected: int | None = None
    passed: bool = False
    granted: int | None = None
    grant_cents: int = 0


@dataclass(slots=True)
class Naming:
    """Submissions, the naming and its conferral, what was ended or revoked, and the benefits by (benefit, person)."""

    submissions: dict[str, Submission] = field(default_factory=dict)
    titles: Titles | None = None
    conferred: int | None = None
    revoked: dict[str, int] = field(default_factory=dict)
    referred: list[Referral] = field(default_factory=list)
    benefits: dict[tuple[str, str], Benefit] = field(default_factory=dict)

    @property
    def last(self) -> Submission | None:
        """The newest submission."""
        return next(reversed(self.submissions.values()), None)

    def holds_title(self, person: str) -> bool:
        """Say whether a person was named and has kept the title."""
        return self.titles is not None and person in self.titles.candidates and person not in self.revoked

    def benefit(self, benefit: str, person: str) -> Benefit:
        """Return how far a person's benefit has come; an empty one where nothing has happened."""
        return self.benefits.get((benefit, person)) or Benefit()

    def paid_cents(self, person: str) -> int:
        """Return how much money a person was granted."""
        return sum(one.grant_cents for (_, holder), one in self.benefits.items() if holder == person)
