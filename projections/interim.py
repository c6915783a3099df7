"""Who could have known interim results, and when (question 5 of the auditors).

A vote is secret from its opening to its end, and what came of it is announced by its certification. In between somebody
could know of it only from one of these places: a ballot paper that they entered or countersigned, ballots opened early,
a channel's own system, a role that reads what is counted and not certified yet, a reading that the service recorded, a
seal that was opened. Those who keep the database and the keys could know at any time; the log names no person for them,
so they are told as the office that they are.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ledger.procedure.acts import DISCIPLINE
from ledger.selection import Selection
from ledger.statements import Act
from ledger.statements.foundation import ActCountersigned
from ledger.statements.notices import SealOpened
from ledger.statements.rounds import BallotsOpenedEarly, PaperBallotEntered
from projections.words import NOBODY, Names, Sentence, Speaker

DATABASE, SEALING_KEY = "database", "sealing_key"
"""The custodians that no entry names."""


class Way(StrEnum):
    """How somebody could have known."""

    ENTERED_PAPER = "entered_paper"
    OPENED_EARLY = "opened_early"
    OWN_CHANNEL = "own_channel"
    COUNTED = "counted"
    READ = "read"
    SEAL_OPENED = "seal_opened"
    CUSTODIAN = "custodian"


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading that the service recorded: when (UTC ms), who, what, of which subject, why, at which log size."""

    at: int
    person: str
    what: str
    subject: str
    reason: str
    size: int


@dataclass(frozen=True, slots=True)
class Knower:
    """One person or office: how they could know, from when to when (UTC ms; `until` None: to this day), shown by what.

    `person` is an id, or the name of a custodian that no entry names.
    """

    person: str
    way: Way
    since: int
    until: int | None
    entries: tuple[int, ...]
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Secret:
    """One vote: its subject, the entries at which it opened, ended and was certified (None: not yet), and who knew."""

    subject: str
    opened: int
    ended: int | None
    certified: int | None
    knowers: tuple[Knower, ...]


@dataclass(frozen=True, slots=True)
class _Vote:
    """One vote before it is asked who knew; `stage` and `channels` only where it has such."""

    subject: str
    opened: int
    ended: int | None
    certified: int | None
    channels: tuple[str, ...] = ()
    round: str | None = None


def interim(
    state: Selection,
    acts: Iterable[Act],
    readers: Set[str],
    readings: Iterable[Reading] = (),
    names: Names = NOBODY,
) -> tuple[Secret, ...]:
    """Return every vote and opened seal of a log, with everybody who could have known before it was announced.

    `acts` are those that `state` was folded from; `readers` the roles that may read a result before it is certified;
    `readings` what the service recorded.
    """
    known = tuple(act for act in acts if act.index < state.size)
    votes = sorted(_votes(state), key=lambda vote: vote.opened)
    asked = _Asked(state, known, tuple(readings), Speaker.of(state, names))
    holders = _holders(known, {vote.ended for vote in votes if vote.ended is not None}, readers)
    found = [
        Secret(vote.subject, vote.opened, vote.ended, vote.certified, tuple(asked.knowers(vote, holders)))
        for vote in votes
    ]
    return (*found, *asked.seals())


def _votes(state: Selection) -> Iterator[_Vote]:
    for session in state.rounds.sessions.values():
        certified = session.outcome.index if session.outcome is not None else None
        for played in session.rounds:
            yield _Vote(f"round:{played.id}", played.opened, played.closed, certified, round=played.id)
    for poll in state.polls.by_id.values():
        certified = poll.outcome.index if poll.outcome is not None else None
        yield _Vote(f"poll:{poll.id}", poll.opened, poll.closed, certified, tuple(poll.channels))
    for matter in state.deliberation.matters.values():
        yield _Vote(matter.id, matter.opened, matter.closed, matter.closed)


def _holders(acts: tuple[Act, ...], ends: Set[int], roles: Set[str]) -> dict[int, tuple[str, ...]]:
    """Return who held one of these roles when each vote ended."""
    state, found = Selection(), dict[int, tuple[str, ...]]()
    for act in acts:
        state.apply(act)
        if act.index in ends:
            holding = (one.id for one in state.roll.people.values() if not roles.isdisjoint(one.roles))
            found[act.index] = tuple(sorted(holding))
    return found


class _Asked:
    """One question over one log."""

    def __init__(
        self, state: Selection, acts: tuple[Act, ...], readings: tuple[Reading, ...], speaker: Speaker
    ) -> None:
        self._state, self._acts, self._readings, self._speaker = state, acts, readings, speaker
        self._signed: dict[int, list[Act]] = {}
        for act in acts:
            if isinstance(act.body, ActCountersigned):
                self._signed.setdefault(act.body.index, []).append(act)

    def knowers(self, vote: _Vote, holders: dict[int, tuple[str, ...]]) -> Iterator[Knower]:
        """Give everybody who could have known of a vote before it was announced."""
        until = None if vote.certified is None else self._acts[vote.certified].at
        opened = self._acts[vote.opened].at
        yield self._say(DATABASE, Way.CUSTODIAN, opened, until, (vote.opened,), subject=vote.subject)
        yield from self._of_acts(vote, until)
        for channel in vote.channels:
            operator = self._state.polls.channels[channel].operator
            yield self._say(operator, Way.OWN_CHANNEL, opened, until, (vote.opened,), channel=channel)
        if vote.ended is not None and vote.ended != vote.certified:
            ended = self._acts[vote.ended].at
            for person in holders.get(vote.ended, ()):
                yield self._say(person, Way.COUNTED, ended, until, (vote.ended,), subject=vote.subject)
        for one in self._readings:
            if vote.opened < one.size and (vote.certified is None or one.size <= vote.certified):
                entries = (min(one.size, self._state.size) - 1,)
                yield self._say(
                    one.person, Way.READ, one.at, until, entries, what=one.what, about=one.subject, reason=one.reason
                )

    def _of_acts(self, vote: _Vote, until: int | None) -> Iterator[Knower]:
        """Give those whose own acts showed them ballots."""
        for act in self._acts[vote.opened :] if vote.round is not None else ():
            if getattr(act.body, "round", None) != vote.round:
                continue
            way = _WAYS.get(type(act.body))
            if way is None:
                continue
            for signed in (act, *self._signed.get(act.index, ())):
                entries = (act.index, signed.index)
                yield self._say(signed.person, way, signed.at, until, entries, subject=vote.subject)

    def seals(self) -> Iterator[Secret]:
        """Give every objection whose seal was opened, and those who hold the key to it."""
        for objection in self._state.notices.objections.by_id.values():
            subject = f"objection:{objection.id}"
            received, answered = self._acts[objection.index].at, objection.answered
            keepers = [
                self._say(one, Way.CUSTODIAN, received, None, (objection.index,), subject=subject)
                for one in (SEALING_KEY, *self._state.roll.holders(DISCIPLINE))
            ]
            opened = [
                self._say(act.person, Way.SEAL_OPENED, act.at, None, (act.index,), reason=act.body.reason)
                for act in self._acts
                if isinstance(act.body, SealOpened) and act.body.sealed == objection.sealed
            ]
            yield Secret(subject, objection.index, answered, answered, (*keepers, *opened))

    def _say(
        self, person: str, way: Way, since: int, until: int | None, entries: tuple[int, ...], **facts: Any
    ) -> Knower:
        said: Sentence = self._speaker.say(
            "status", f"KNEW_{way.name}", "", *entries, who=person, since=self._speaker.civil(since), **facts
        )
        return Knower(person, way, since, until, said.entries, said.zh, said.en)


_WAYS = {PaperBallotEntered: Way.ENTERED_PAPER, BallotsOpenedEarly: Way.OPENED_EARLY}
