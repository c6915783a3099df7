"""What if: the same entries folded again without some of them, or under another reading, beside what really happened.

Nothing is written, nothing is decided anew, and every output says that it is hypothetical. Held fixed: every other
entry and its order, who was present and so the quorum, and everybody else's behaviour. Counting, ranking, cuts, ties
and vacancies follow from the changed history. From the first point at which people would have voted on another list,
or a run-off would have been needed that nobody held, the answer is *undetermined from here*; no winner is guessed.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from ledger.derivation import derive
from ledger.outcome import Outcome
from ledger.procedure.readings import rule
from ledger.results import session_outcome
from ledger.round_plan import seats_of
from ledger.selection import Selection
from ledger.state.rounds import Round, Session
from ledger.statements import Act
from ledger.statements.deliberation import DeliberationVoted
from ledger.statements.foundation import CharterSealed, ProgrammeAmended
from ledger.statements.poll import TotalsImported
from ledger.statements.rounds import (
    BallotCast,
    PaperBallotEntered,
    ResultCertified,
    RoundOpened,
    ScoreGiven,
    ScoreRevised,
)
from projections.elsewhere.selection import HeldElsewhere
from projections.replay import acts as acts_of

HELD_FIXED = ("ENTRIES", "PRESENCE_AND_QUORUM", "BEHAVIOUR")
_VOTES = (BallotCast, DeliberationVoted)
_SCORES = (ScoreGiven, ScoreRevised)


class WhatIfError(ValueError):
    """A change that cannot be tried: a reading or value that no catalogue has. `code` is stable."""

    def __init__(self, code: str, **facts: str | int) -> None:
        """Name what was wrong."""
        super().__init__(code)
        self.code, self.facts = code, facts


@dataclass(frozen=True, slots=True)
class Change:
    """What is left out or read otherwise; everything given holds at once.

    `members`: their ballots, scores and named votes. `scores_of`: their scores alone. `entries`: entries by index, with
    whatever countersigns or refers to them. `unit`: the ballots and scores of everybody enrolled with this unit.
    `channels`: the public totals of these channels. `readings`: another permitted value by reading id.
    """

    members: frozenset[str] = frozenset()
    scores_of: frozenset[str] = frozenset()
    entries: frozenset[int] = frozenset()
    unit: str | None = None
    channels: frozenset[str] = frozenset()
    readings: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `WhatIfError` for an unknown reading (`READING_UNKNOWN`) or value (`READING_NOT_PERMITTED`)."""
        for reading, value in self.readings.items():
            known = rule(reading)
            if known is None:
                raise WhatIfError("READING_UNKNOWN", reading=reading)
            if value not in known.values:
                raise WhatIfError("READING_NOT_PERMITTED", reading=reading, value=value)


@dataclass(frozen=True, slots=True)
class Moved:
    """One candidate in fact and hypothetically: rank, whether taken, and the place among those left who come next.

    `rank` is None for who is not on the list, `next` is None for who is taken or cannot move up.
    """

    candidate: str
    rank: int | None
    rank_if: int | None
    taken: bool
    taken_if: bool
    next: int | None
    next_if: int | None

    @property
    def changed(self) -> bool:
        """Whether anything differs."""
        return (self.rank, self.taken, self.next) != (self.rank_if, self.taken_if, self.next_if)


@dataclass(frozen=True, slots=True)
class Compared:
    """One certified result beside its hypothetical one.

    `tie`: candidates between whom nobody could say without a run-off. `ballots_over`: ballots with more approvals than
    would have been allowed, so that they could not have been cast.
    """

    subject: str
    certified: int
    candidates: tuple[Moved, ...]
    tie: tuple[str, ...] = ()
    ballots_over: int = 0

    @property
    def seats_change(self) -> bool:
        """Whether anybody else would be taken."""
        return any(one.taken != one.taken_if for one in self.candidates)

    @property
    def changed(self) -> bool:
        """Whether any rank or seat differs, or stands open."""
        return bool(self.tie or self.ballots_over) or any(one.changed for one in self.candidates)


@dataclass(frozen=True, slots=True)
class Undetermined:
    """From entry `index` on nobody can say: `code` says why, `subject` what it concerns."""

    index: int
    code: str
    subject: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer, always hypothetical. `left_out` are the entries that were not folded."""

    change: Change
    left_out: tuple[int, ...]
    compared: tuple[Compared, ...]
    undetermined: Undetermined | None
    held_fixed: tuple[str, ...] = HELD_FIXED
    hypothetical: bool = True


def what_if(entries: Iterable[bytes], change: Change) -> WhatIf:
    """Fold the entries twice, as they are and as changed, and compare certified results until nobody can say more."""
    return what_if_of(acts_of(entries), change)


def what_if_of(acts: Iterable[Act], change: Change) -> WhatIf:
    """Answer as `what_if` does, from acts in place of entries."""
    change.check()
    return _Replay(change).run(acts)


class _Replay:
    """Both histories side by side."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._fact, self._changed = HeldElsewhere(), HeldElsewhere()
        self._left_out: list[int] = []
        self._gone: set[int] = set()
        self._compared: list[Compared] = []
        self._undetermined: Undetermined | None = None

    def run(self, acts: Iterable[Act]) -> WhatIf:
        for act in acts:
            if self._undetermined is None:
                self._step(act)
            else:
                break
        return WhatIf(self._change, tuple(self._left_out), tuple(self._compared), self._undetermined)

    def _step(self, act: Act) -> None:
        if type(act.body) is ResultCertified and act.body.subject.startswith("stage:"):
            self._compare(act)
        self._fact.apply(act)
        if self._undetermined is None and not self._omitted(act):
            self._fold(act)
        if self._undetermined is None and self._fact.out.keys() != self._changed.out.keys():
            self._undetermined = Undetermined(act.index, "ANOTHER_DROPS_OUT", act.statement.type)

    def _fold(self, act: Act) -> None:
        try:
            self._changed.apply(self._altered(act))
        except LookupError:
            # What this entry builds on was left out, and nobody did anything in its place.
            self._undetermined = Undetermined(act.index, "BUILDS_ON_LEFT_OUT", act.statement.type)

    def _omitted(self, act: Act) -> bool:
        refers = getattr(act.body, "index", None)
        if act.index in self._change.entries or refers in self._gone or self._by_left_out(act):
            self._gone.add(act.index)
            self._left_out.append(act.index)
            return True
        return False

    def _by_left_out(self, act: Act) -> bool:
        change, body = self._change, act.body
        if type(body) is TotalsImported:
            return body.channel in change.channels
        voter = body.member if type(body) is PaperBallotEntered else act.person
        votes, scores = type(body) in _VOTES or type(body) is PaperBallotEntered, type(body) in _SCORES
        if not (votes or scores):
            return False
        if voter in change.members or (scores and voter in change.scores_of):
            return True
        return change.unit is not None and self._fact.roll.unit(voter) == change.unit

    def _altered(self, act: Act) -> Act:
        """The act as the changed history has it: another reading in the programme, other seats in a round."""
        body = act.body
        if type(body) in (CharterSealed, ProgrammeAmended) and self._change.readings:
            return _with_body(act, replace(body, programme=self._read_otherwise(body.programme)))
        if type(body) is RoundOpened and body.runoff == 0:
            return self._opened(act, body)
        return act

    def _read_otherwise(self, programme: Mapping[str, Any]) -> Mapping[str, Any]:
        value = deepcopy(dict(programme))
        for reading in value["readings"]:
            reading["chosen"] = self._change.readings.get(reading["id"], reading["chosen"])
        return value

    def _opened(self, act: Act, body: RoundOpened) -> Act:
        stage = self._changed.charter.stage(body.stage)
        if stage is None:
            return act
        seats = seats_of(self._changed, stage, body.group, len(body.candidates))
        return act if seats == body.seats else _with_body(act, replace(body, seats=seats, max_approvals=seats))

    def _compare(self, act: Act) -> None:
        fact = _outcome(self._fact, act.body.subject)
        changed = _outcome(self._changed, act.body.subject)
        if fact is None or changed is None:
            self._undetermined = Undetermined(act.index, "BUILDS_ON_LEFT_OUT", act.body.subject)
            return
        derived = derive(self._changed, _session(self._changed, act.body.subject))
        tie = derived.due.candidates if derived is not None and derived.due is not None else ()
        over = _ballots_over(derived.played) if derived is not None else 0
        compared = Compared(act.body.subject, act.index, moved(fact, changed), tie, over)
        self._compared.append(compared)
        code = self._why_open(compared, fact, changed)
        if code is not None:
            self._undetermined = Undetermined(act.index, code, act.body.subject)

    def _why_open(self, compared: Compared, fact: Outcome, changed: Outcome) -> str | None:
        """Why nobody can say what would have come after this result, or None if it would have been the same."""
        if compared.ballots_over:
            return "BALLOTS_NOT_CAST"
        if compared.tie:
            return "RUNOFF_NOT_HELD"
        fixes_order = _fixes_order(self._fact, compared.subject)
        if set(fact.taken) != set(changed.taken):
            return "STEPS_NOT_TAKEN" if fixes_order else "BALLOTS_NOT_CAST"
        return "STEPS_NOT_TAKEN" if fixes_order and fact.left != changed.left else None


def _with_body(act: Act, body: Any) -> Act:
    statement = replace(act.statement, body=body)
    return Act(act.index, act.at, act.entry, act.signed._replace(statement=statement))


def _session(state: Selection, subject: str) -> Session:
    _, stage, *group = subject.split(":")
    return state.rounds.session(stage, group[0] if group else None)


def _outcome(state: Selection, subject: str) -> Outcome | None:
    return session_outcome(state, _session(state, subject))


def _ballots_over(played: Round) -> int:
    return sum(len(cast.approve) > played.max_approvals for cast in played.ballots.values() if not cast.void)


def _fixes_order(state: Selection, subject: str) -> bool:
    """Whether this result is the one that fixes nominees and alternates, on which nobody votes again."""
    stage = state.charter.stage(subject.split(":")[1])
    return stage is not None and stage.takes == "nominees"


def moved(fact: Outcome, changed: Outcome) -> tuple[Moved, ...]:
    """Return everybody of either result with both places, by rank in fact."""
    ranks, ranks_if = _ranks(fact), _ranks(changed)
    everybody = sorted(ranks.keys() | ranks_if.keys(), key=lambda one: (ranks.get(one) or len(ranks) + 1, one))
    return tuple(
        Moved(
            one,
            ranks.get(one),
            ranks_if.get(one),
            one in fact.taken,
            one in changed.taken,
            _next(fact, one),
            _next(changed, one),
        )
        for one in everybody
    )


def _next(outcome: Outcome, candidate: str) -> int | None:
    return outcome.left.index(candidate) + 1 if candidate in outcome.left else None


def _ranks(outcome: Outcome) -> dict[str, int | None]:
    return {row["candidate"]: row["rank"] for row in outcome.rows}
