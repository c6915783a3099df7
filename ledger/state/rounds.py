"""What the bodies' sessions are made of: presence, sheets, discussions, rounds and ballots, and what came out of them.

A session is one body, or one group of it, in one stage. Here is only what happened; what follows from it (lines,
ranking, the round that is due, rows) is derived in `ledger.derivation`, `ledger.round_plan` and `ledger.results`. The
folds are in the matters beside this one: `sessions`, `scores`, `ballots`, `outcomes`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from ledger.outcome import FinalOrder, Outcome
from ledger.procedure.scores import Sheet
from ledger.state.casts import Cast, Casts, PackedBallots, first_entry

SessionKey: TypeAlias = tuple[str, str | None]
"""(stage, group); the group is None where the stage has none."""


class RoundStatus(StrEnum):
    """How far a round has come. A pending close already stops ballots; a declined one leaves only the reopening."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    DECLINED = "declined"
    REOPENED = "reopened"


@dataclass(slots=True)
class Round:
    """One round: its frozen list and numbers, and its ballots by member.

    `runoff` is 0 for the vote of the whole list, else the number of the run-off; `attempt` counts from 1. `opened` and
    `closed` are entries, `closes_at` the scheduled end (UTC ms). `issued`: the members who were handed a ballot.
    `waiting`: paper ballots without their second signature, by member. `closing`: the entry of the close, pending or
    effective. `superseded`: the entry that reopened the round, whose ballots are kept and count no more.
    """

    id: str
    session: "Session"
    runoff: int
    attempt: int
    candidates: tuple[str, ...]
    standing: frozenset[str]
    seats: int
    max_approvals: int
    list_hash: str
    closes_at: int
    opened: int
    opened_at: int
    issued: set[str]
    status: RoundStatus = RoundStatus.OPEN
    ballots: dict[str, Cast] | PackedBallots = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    consents: dict[str, int] = field(default_factory=dict)
    closing: int | None = None
    closed: int | None = None
    opened_early: int | None = None
    superseded: int | None = None

    def missed_by(self, member: str, since: int, at: int) -> bool:
        """Say whether the round ended, between entry `since` and the time `at`, without this member's ballot."""
        over = at >= self.closes_at if self.closing is None else self.closing > since
        return over and member not in self.ballots

    @property
    def stage(self) -> str:
        """The stage the round belongs to."""
        return self.session.stage

    @property
    def group(self) -> str | None:
        """The group the round belongs to."""
        return self.session.group


@dataclass(frozen=True, slots=True)
class Presence:
    """Since which entry a member is present, and whether by their own key or by witnesses."""

    index: int
    witnessed: bool


@dataclass(frozen=True, slots=True)
class Discussion:
    """A recorded discussion: its entry, who was there, who was considered, the digest of the minutes."""

    index: int
    attendees: tuple[str, ...]
    considered: frozenset[str]
    minutes: str


@dataclass(slots=True)
class SheetEntry:
    """The sheet that counts for one member and candidate: its entry, and the entries it replaced, oldest first."""

    index: int
    sheet: Sheet
    evaluation: str
    replaced: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Resolution:
    """A tie settled after the last run-off: by the leaders' votes or by lot; the higher value goes first."""

    round: str
    by_lot: bool
    values: tuple[tuple[str, int], ...]
    order: tuple[str, ...]
    index: int


@dataclass(slots=True)
class Session:
    """One body or group in one stage. `changed` is the last entry that its result may depend on."""

    stage: str
    group: str | None
    present: dict[str, Presence] = field(default_factory=dict)
    attended: dict[str, int] = field(default_factory=dict)
    discussions: list[Discussion] = field(default_factory=list)
    sheets: dict[tuple[str, str], SheetEntry] = field(default_factory=dict)
    scoring_closed: int | None = None
    rounds: list[Round] = field(default_factory=list)
    reopenings: list[int] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)
    outcome: Outcome | None = None
    changed: int = -1

    @property
    def subject(self) -> str:
        """The subject under which the session's result is certified: `stage:<stage>` or `stage:<stage>:<group>`."""
        return f"stage:{self.stage}" + (f":{self.group}" if self.group else "")

    @property
    def current(self) -> Round | None:
        """The last round that has not been reopened."""
        return next((one for one in reversed(self.rounds) if one.superseded is None), None)

    @property
    def main(self) -> Round | None:
        """The vote of the whole list, as far as it has not been reopened."""
        return next((one for one in self.rounds if one.superseded is None and not one.runoff), None)

    @property
    def runoffs(self) -> tuple[Round, ...]:
        """The closed run-offs that count, in order."""
        return tuple(one for one in self.rounds if one.runoff and one.status is RoundStatus.CLOSED)


@dataclass(slots=True)
class Rounds:
    """All sessions, rounds and ballots, and the order that the last of them fixed."""

    by_id: dict[str, Round] = field(default_factory=dict)
    sessions: dict[SessionKey, Session] = field(default_factory=dict)
    cast: Casts = field(default_factory=Casts)
    final: FinalOrder | None = None

    def session(self, stage: str, group: str | None) -> Session:
        """Return the session of a stage and group as it is; an empty one where nothing has happened yet."""
        return self.sessions.get((stage, group)) or Session(stage, group)

    def put(self, cast: Cast) -> None:
        """Take a ballot in; in a dishonest log also into a round that is over."""
        played = self.by_id[cast.round]
        if isinstance(played.ballots, PackedBallots):
            played.ballots = self.cast.unpack(played.ballots)
        played.ballots[cast.member] = cast
        self.cast.add(cast)

    def over(self, played: Round) -> None:
        """Keep the ballots of a round that is over packed, and whom they were issued to once for many rounds."""
        if not isinstance(played.ballots, PackedBallots):
            played.ballots = self.cast.pack(played.id, played.candidates, played.ballots)
        others = (one for one in played.session.rounds if one is not played and one.status is not RoundStatus.OPEN)
        played.issued = next((one.issued for one in others if one.issued == played.issued), played.issued)

    def begun(self, stage: str, group: str | None) -> Session:
        """Return the session for a fold to write to."""
        return self.sessions.setdefault((stage, group), Session(stage, group))

    def outcomes(self, stage: str) -> tuple[Outcome, ...]:
        """Return the certified results of a stage, its groups in the order they were certified."""
        found = [one.outcome for one in self.sessions.values() if one.stage == stage and one.outcome is not None]
        return tuple(sorted(found, key=lambda outcome: outcome.index))

    def first_score_or_ballot(self, stage: str) -> int | None:
        """Return the entry of the first score or ballot of a stage, from which on its groups are frozen."""
        firsts = [
            entry
            for session in self.sessions.values()
            if session.stage == stage
            for entry in (_first_sheet(session), _first_ballot(session))
            if entry is not None
        ]
        return min(firsts, default=None)

    def ballots_by_key(self, key: str, start: int, stop: int) -> tuple[int, ...]:
        """Return the entries of ballots signed with a key, from entry `start` to before `stop`."""
        return self.cast.signed_by(key, start, stop)


def _first_sheet(session: Session) -> int | None:
    return min((min([entry.index, *entry.replaced]) for entry in session.sheets.values()), default=None)


def _first_ballot(session: Session) -> int | None:
    firsts = (first_entry(played.ballots) for played in session.rounds)
    return min((first for first in firsts if first is not None), default=None)
