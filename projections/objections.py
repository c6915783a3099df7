"""Objections (异议): receipt, time, handling days, deciders, outcome, and never who filed it (clause 五(七))."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ledger.procedure.notice import civil_date
from ledger.selection import Selection
from ledger.state.objection_book import Objection
from ledger.state.voters import OBJECTION
from ledger.statements import Act
from projections.named_votes import NamedVoteView, named_vote
from projections.words import Speaker


class Standing(StrEnum):
    """Where an objection stands."""

    WAITING = "waiting"
    OPEN = "open"
    DECIDED = "decided"
    ANSWERED = "answered"
    LAPSED = "lapsed"
    LEAD = "lead"


class Filing(StrEnum):
    """How an objection came in; this is all that is said about its filer."""

    DESK = "desk"
    PAPER = "paper"
    ONE_TIME_KEY = "one_time_key"


@dataclass(frozen=True, slots=True)
class HearingView:
    """What a candidate was told by which entry, by when to reply, and the entry of the reply."""

    person: str
    index: int
    respond_by: str
    reply: int | None


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """The outcome for one person, by its entry."""

    person: str
    index: int
    sustained: bool


@dataclass(frozen=True, slots=True)
class ObjectionView:
    """One objection.

    Attributes:
        number: the number of its receipt.
        objection, notice: its id, and the notice it is about.
        index: its entry; `confirmed` the entry that made it effective.
        received_at, received: when it came (UTC ms and civil time), the attested arrival of a paper.
        filing: how it came in; the filer is sealed.
        against: those for whom it is in time; `late`: those whose notice was over.
        standing: where it stands; `handling_days`: civil days from receipt to answer, or until now.
        examined, admissible, hearings, investigated, founded, vote, outcomes, blocked, answered, withdrawn: each step
            by its entry.
        seal_opened: the entries by which discipline opened the sealed evidence.
    """

    number: int
    objection: str
    notice: str
    index: int
    confirmed: int | None
    received_at: int
    received: str
    filing: Filing
    against: tuple[str, ...]
    late: tuple[str, ...]
    standing: Standing
    handling_days: int
    examined: int | None
    admissible: bool | None
    hearings: tuple[HearingView, ...]
    investigated: int | None
    founded: bool | None
    vote: NamedVoteView | None
    outcomes: tuple[OutcomeView, ...]
    blocked: tuple[int, ...]
    answered: int | None
    answered_at: int | None
    withdrawn: int | None
    seal_opened: tuple[int, ...]


def objections(state: Selection, acts: Iterable[Act], at: int) -> tuple[ObjectionView, ...]:
    """Return all objections as they stand at `at` (UTC ms), by number; `acts` give the times of the entries."""
    times = {act.index: act.at for act in acts}
    listed = sorted(state.notices.objections.by_id.values(), key=lambda one: one.number)
    return tuple(_view(state, one, times, at) for one in listed)


def objection(state: Selection, acts: Iterable[Act], objection_id: str, at: int) -> ObjectionView | None:
    """Return one objection, or None."""
    return next((one for one in objections(state, acts, at) if one.objection == objection_id), None)


def standing_of(state: Selection, known: Objection) -> Standing:
    """Say where an objection stands."""
    if known.lead:
        return Standing.LEAD
    if known.answered is not None:
        return Standing.ANSWERED
    if known.confirmed is None and known.index in state.pending:
        return Standing.WAITING
    if known.undecided(state.out):
        return Standing.OPEN
    return Standing.DECIDED if known.rulings else Standing.LAPSED


def objection_step(state: Selection, one: Objection) -> tuple[str, tuple[str, ...], int | None]:
    """Return what an open objection waits for: the code of the sentence, who has to act, and until when (UTC ms)."""
    if one.examined is None:
        return "OBJECTION_UNEXAMINED", ("discipline",), None
    waiting = one.undecided(state.out)
    unheard = [person for person in waiting if person not in one.hearings]
    if unheard:
        return "OBJECTION_UNHEARD", ("organiser",), None
    silent = [one.hearings[person] for person in waiting if one.hearings[person].reply is None]
    if one.investigation is None:
        until = max((hearing.respond_by for hearing in silent), default=None)
        return "OBJECTION_UNINVESTIGATED", ("organiser",), until
    matter = state.deliberation.matter(f"{OBJECTION}:{one.id}")
    if matter is None or matter.closed is None:
        return "OBJECTION_UNVOTED", ("leader",), None
    return ("OBJECTION_UNDECIDED", ("organiser",), None) if waiting else ("OBJECTION_UNANSWERED", ("organiser",), None)


def _filing(known: Objection) -> Filing:
    if known.one_time:
        return Filing.ONE_TIME_KEY
    return Filing.PAPER if known.on_paper else Filing.DESK


def _view(state: Selection, known: Objection, times: Mapping[int, int], at: int) -> ObjectionView:
    speaker = Speaker.of(state)
    investigation = known.investigation
    answered_at = times.get(known.answered) if known.answered is not None else None
    until = at if answered_at is None else answered_at
    return ObjectionView(
        number=known.number,
        objection=known.id,
        notice=known.notice,
        index=known.index,
        confirmed=known.confirmed,
        received_at=known.received_at,
        received=speaker.civil(known.received_at),
        filing=_filing(known),
        against=known.against,
        late=known.late,
        standing=standing_of(state, known),
        handling_days=_days(known.received_at, until, speaker.offset_minutes),
        examined=known.examined,
        admissible=known.admissible,
        hearings=_hearings(known, speaker),
        investigated=investigation.index if investigation else None,
        founded=investigation.founded if investigation else None,
        vote=named_vote(state, f"{OBJECTION}:{known.id}"),
        outcomes=tuple(OutcomeView(one, ruling.index, ruling.sustained) for one, ruling in known.rulings.items()),
        blocked=tuple(known.blocked),
        answered=known.answered,
        answered_at=answered_at,
        withdrawn=known.withdrawn,
        seal_opened=tuple(state.notices.objections.openings.get(known.sealed, ())),
    )


def _hearings(known: Objection, speaker: Speaker) -> tuple[HearingView, ...]:
    return tuple(
        HearingView(person, told.index, speaker.civil(told.respond_by), told.reply)
        for person, told in known.hearings.items()
    )


def _days(start: int, end: int, offset_minutes: int) -> int:
    """Count the civil days from one instant to another; the same day is none."""
    return (civil_date(end, offset_minutes) - civil_date(start, offset_minutes)).days
