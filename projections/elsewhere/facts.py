"""What imported rows say that no statement of a played selection says in one act, and what that does to the state.

Nobody signs these by themselves and no log has them: they are made of the rows that two clerks signed for.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger import grouping
from ledger.procedure.vacancies import DropOut
from ledger.roll import Person
from ledger.state.application_book import Application, Decision
from ledger.state.body_book import Draw, Regrouping
from ledger.state.books import Books
from ledger.state.casts import Cast, Grade
from ledger.state.matters import Folds
from ledger.state.poll_book import Channel, Counted, Poll
from ledger.state.rounds import Presence, Resolution, RoundStatus
from ledger.state.standing import drop_out
from ledger.statements import Act
from ledger.statements.poll import TotalsImported
from ledger.statements.rounds import BallotCast, PaperBallotEntered


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody named in the rows."""

    person: str
    unit: str
    identity: str


@dataclass(frozen=True, slots=True)
class Applied:
    """An application with its standing; `filed_at` (UTC ms) is 0 where the rows do not say."""

    application: str
    person: str
    unit: str
    occupation: str
    industry: str
    standing: str
    filed_at: int


@dataclass(frozen=True, slots=True)
class Screened:
    """An application that was found eligible, or not."""

    application: str
    eligible: bool


@dataclass(frozen=True, slots=True)
class Grouped:
    """A candidate was in another group than the programme's coverage gives."""

    stage: str
    candidate: str
    group: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """The order of groups that was drawn for equal remainders of seats."""

    stage: str
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WasPresent:
    """A member was present at a session."""

    stage: str
    group: str | None
    member: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A round is over; `counts` says whether it was not voted again."""

    round: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """A tie that was settled after the last run-off."""

    round: str
    by_lot: bool
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Polled:
    """A public vote over these candidates, with the channels and whether each can be verified."""

    poll: str
    stage: str
    candidates: tuple[str, ...]
    channels: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Left:
    """A person dropped out."""

    person: str
    cause: str


def _known(state: Books, act: Act, now: Act) -> None:
    body: Known = act.body
    state.roll.add_person(Person(body.person, body.unit, body.identity or None, None))


def _applied(state: Books, act: Act, now: Act) -> None:
    body: Applied = act.body
    matter = state.applications
    own = matter.by_person.setdefault(body.person, [])
    own.append(body.application)
    matter.by_id[body.application] = Application(
        application=body.application,
        person=body.person,
        unit=body.unit,
        occupation=body.occupation,
        industry=body.industry,
        way="-",
        index=act.index,
        at=body.filed_at,
        author=act.person,
        by_intake=True,
        recommender=None,
        id_tag="",
        record="",
        late=body.standing == "late",
        kin=own,
        consented=act.index if body.standing != "duplicate" else None,
        refused=act.index if body.standing in ("duplicate", "incomplete") else None,
    )


def _screened(state: Books, act: Act, now: Act) -> None:
    body: Screened = act.body
    state.applications.by_id[body.application].decision = Decision(act.index, body.eligible, ())


def _grouped(state: Books, act: Act, now: Act) -> None:
    body: Grouped = act.body
    moved = Regrouping(act.index, body.candidate, None, body.group)
    state.bodies.regroupings.setdefault(body.stage, []).append(moved)


def _drawn(state: Books, act: Act, now: Act) -> None:
    body: Drawn = act.body
    draw, subject = f"import:{body.stage}", grouping.subject(body.stage)
    state.bodies.first_draws[grouping.SHARES, subject] = [draw]
    state.bodies.draws[draw] = Draw(
        draw, grouping.SHARES, subject, body.order, (), act.index, order=body.order, drawn_at=act.index
    )


def _was_present(state: Books, act: Act, now: Act) -> None:
    body: WasPresent = act.body
    session = state.rounds.begun(body.stage, body.group)
    session.present[body.member] = Presence(act.index, witnessed=True)
    session.attended.setdefault(body.member, act.index)


def _cast(state: Books, act: Act, now: Act) -> None:
    body: BallotCast = act.body
    _put(state, act, act.person, body, void=False)


def _void(state: Books, act: Act, now: Act) -> None:
    body: PaperBallotEntered = act.body
    _put(state, act, body.member, body, void=True)


def _put(state: Books, act: Act, member: str, body: BallotCast | PaperBallotEntered, *, void: bool) -> None:
    played = state.rounds.by_id[body.round]
    named = (body.approve, body.against, body.abstain)
    state.rounds.put(Cast(act.index, member, None, played.id, *named, grade=Grade.IMPORTED, void=void))


def _ended(state: Books, act: Act, now: Act) -> None:
    body: Ended = act.body
    played = state.rounds.by_id[body.round]
    played.closing = played.closed = played.session.changed = act.index
    played.status = RoundStatus.CLOSED
    if not body.counts:
        played.status, played.superseded = RoundStatus.REOPENED, act.index


def _settled(state: Books, act: Act, now: Act) -> None:
    body: Settled = act.body
    order = tuple(candidate for candidate, _ in sorted(body.values, key=lambda one: (-one[1], one[0])))
    settled = Resolution(body.round, body.by_lot, body.values, order, act.index)
    state.rounds.by_id[body.round].session.resolutions.append(settled)


def _polled(state: Books, act: Act, now: Act) -> None:
    body: Polled = act.body
    for channel, verifiable in body.channels.items():
        state.polls.channels[channel] = Channel(channel, act.person, verifiable, act.index)
    channels = tuple(sorted(body.channels))
    state.polls.by_id[body.poll] = Poll(
        body.poll, body.stage, body.candidates, channels, "", "", act.index, act.at, act.at, closed=act.index
    )


def _totals(state: Books, act: Act, now: Act) -> None:
    body: TotalsImported = act.body
    poll = state.polls.by_id[body.poll]
    given = {total.candidate: total.votes for total in body.totals}
    # Somebody who left before has no total, and counts for nothing.
    totals = dict.fromkeys(poll.candidates, 0) | given
    poll.totals[body.channel] = Counted(totals, body.file, act.index, act.index)


def _left(state: Books, act: Act, now: Act) -> None:
    body: Left = act.body
    drop_out(state, body.person, DropOut(body.cause), act.index)


FOLDS: Folds = {
    Known: _known,
    Applied: _applied,
    Screened: _screened,
    Grouped: _grouped,
    Drawn: _drawn,
    WasPresent: _was_present,
    BallotCast: _cast,
    PaperBallotEntered: _void,
    Ended: _ended,
    Settled: _settled,
    Polled: _polled,
    TotalsImported: _totals,
    Left: _left,
}
"""What rows do, where that is not what the same statement does in a played selection."""

KINDS = {
    Known: "import.known",
    Applied: "import.applied",
    Screened: "import.screened",
    Grouped: "import.grouped",
    Drawn: "import.drawn",
    WasPresent: "import.present",
    Ended: "import.round_over",
    Settled: "import.tie_settled",
    Polled: "import.polled",
    Left: "import.left",
}
"""What histories call such a row; no statement has these names."""
