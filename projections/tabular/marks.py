"""What of the tables one entry may have changed: marks, so that no entry makes everything be derived again.

A mark names a matter and a subject in it, `ALL` for every subject. Frequent kinds of statement say exactly what they
touch; every other kind, one added later too, marks all matters that are short. A mark too many costs time, one too few
would leave a row stale: a test holds the marks against a whole derivation. What lies far from the act itself, somebody
dropping out or a finding, is seen by comparing the state before and after.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from ledger.selection import Selection
from ledger.statements import Act, bodies, deliberation, foundation, naming, roll, screening
from ledger.statements import applications as filing
from ledger.statements import poll_ballots as public
from ledger.statements import rounds as voting

ALL = "*"


class Matter(StrEnum):
    """What is derived together, and by what its subjects are named."""

    PEOPLE = "people"
    APPLICATIONS = "applications"
    STAGES = "stages"
    ROUNDS = "rounds"
    SESSIONS = "sessions"
    POLLS = "polls"
    PLACES = "places"
    NOTICES = "notices"
    OBJECTIONS = "objections"
    NAMED_VOTES = "named_votes"
    NAMED = "named"
    FINDINGS = "findings"
    OFF_PATH = "off_path"


Mark: TypeAlias = tuple[Matter, str]
_Marker: TypeAlias = "Callable[[Selection, Act], Iterator[Mark]]"

_SHORT = tuple(
    (matter, ALL)
    for matter in (
        Matter.STAGES,
        Matter.SESSIONS,
        Matter.POLLS,
        Matter.PLACES,
        Matter.NOTICES,
        Matter.OBJECTIONS,
        Matter.NAMED_VOTES,
        Matter.NAMED,
        Matter.OFF_PATH,
    )
)


class Before(NamedTuple):
    """What is remembered of the state before an entry: how many are out and found, and the act that it signs."""

    out: int
    findings: int
    signed: Act | None


def before(state: Selection, act: Act) -> Before:
    """Remember what `marks` compares with; call it before the state takes the entry."""
    body = act.body
    signed = None
    if isinstance(body, foundation.ActCountersigned | foundation.ActDeclined):
        waiting = state.pending.get(body.index)
        signed = waiting.act if waiting else None
    return Before(len(state.out), len(state.findings.by_id), signed)


def marks(state: Selection, act: Act, known: Before) -> Iterator[Mark]:
    """Give what an entry may have changed, once `state` has taken it."""
    yield from _of_kind(state, act)
    if known.signed is not None:
        yield from _of_kind(state, known.signed)
    if len(state.out) != known.out:
        yield from _SHORT
    for finding in islice(state.findings.by_id, known.findings, None):
        yield Matter.FINDINGS, finding
        yield Matter.OFF_PATH, ALL


def _of_kind(state: Selection, act: Act) -> Iterator[Mark]:
    marker = _KINDS.get(type(act.body))
    yield from _SHORT if marker is None else marker(state, act)


def _nothing(state: Selection, act: Act) -> Iterator[Mark]:
    yield from ()


def _unusual(state: Selection, act: Act) -> Iterator[Mark]:
    yield Matter.OFF_PATH, ALL


def _ballot(state: Selection, act: Act) -> Iterator[Mark]:
    yield Matter.ROUNDS, act.body.round


def _public(state: Selection, act: Act) -> Iterator[Mark]:
    """Batches come in many times a second; what was committed to before a poll opens is shown once it has."""
    if act.body.poll in state.polls.by_id:
        yield Matter.POLLS, act.body.poll


def _paper(state: Selection, act: Act) -> Iterator[Mark]:
    yield Matter.ROUNDS, act.body.round
    yield Matter.OFF_PATH, ALL


def _round(state: Selection, act: Act) -> Iterator[Mark]:
    """A round that closes makes those before it readable that never closed; one that is reopened takes others along."""
    yield from _SHORT
    played = state.rounds.by_id.get(act.body.round)
    if played is None:
        return
    yield Matter.ROUNDS, played.id
    reopened = type(act.body) is voting.RoundReopened
    for one in played.session.rounds:
        if one.superseded is not None and (one.closed is None or (reopened and one.opened >= played.opened)):
            yield Matter.ROUNDS, one.id


def _cast(state: Selection, act: Act) -> Iterator[Mark]:
    yield from _SHORT
    cast = state.rounds.cast.get(act.body.index)
    if cast is not None:
        yield Matter.ROUNDS, cast.round


def _presence(state: Selection, act: Act) -> Iterator[Mark]:
    current = state.rounds.session(act.body.stage, act.body.group).current
    if current is not None:
        yield Matter.ROUNDS, current.id
    if type(act.body) is voting.AttendanceWitnessed:
        yield Matter.OFF_PATH, ALL


def _score(state: Selection, act: Act) -> Iterator[Mark]:
    yield Matter.SESSIONS, state.rounds.session(act.body.stage, act.body.group).subject
    if type(act.body) is voting.ScoreRevised:
        yield Matter.OFF_PATH, ALL


def _declaration(state: Selection, act: Act) -> Iterator[Mark]:
    yield Matter.STAGES, act.body.stage


def _voice(state: Selection, act: Act) -> Iterator[Mark]:
    yield Matter.NAMED_VOTES, ALL


def _application(state: Selection, act: Act) -> Iterator[Mark]:
    """Which of a person's applications counts hangs on all that are linked with it."""
    known = state.applications.by_id.get(act.body.application)
    for one in known.kin if known else ():
        yield Matter.APPLICATIONS, state.applications.by_id[one].person
    if type(act.body) is filing.ApplicationFiled:
        yield Matter.PEOPLE, act.body.applicant
    yield Matter.STAGES, ALL
    yield Matter.OFF_PATH, ALL


def _roll(state: Selection, act: Act) -> Iterator[Mark]:
    """Who holds which role also says who may vote by name."""
    people = (act.person, *(getattr(act.body, name, None) for name in ("member", "predecessor", "successor")))
    yield from ((Matter.PEOPLE, person) for person in people if person in state.roll.people)
    yield Matter.NAMED_VOTES, ALL
    yield Matter.OFF_PATH, ALL


def _charter(state: Selection, act: Act) -> Iterator[Mark]:
    yield Matter.PEOPLE, ALL
    yield from _SHORT


_KINDS: dict[type[Any], _Marker] = {
    foundation.ActCountersigned: _unusual,
    foundation.ActDeclined: _unusual,
    foundation.CharterSealed: _charter,
    foundation.CharterEndorsed: _nothing,
    foundation.NameCorrected: _unusual,
    bodies.DeclarationMade: _declaration,
    bodies.SeedCommitted: _nothing,
    deliberation.DeliberationVoted: _voice,
    naming.DisputeOpened: _unusual,
    naming.EvidenceAttached: _nothing,
    naming.EvidenceErased: _unusual,
    naming.FindingClosed: _unusual,
    naming.FindingRaised: _unusual,
    public.CredentialsCommitted: _public,
    public.PollBatch: _public,
    public.PollRuleDeclared: _nothing,
    voting.AttendanceLeft: _presence,
    voting.AttendanceRecorded: _presence,
    voting.AttendanceWitnessed: _presence,
    voting.BallotCast: _ballot,
    voting.BallotDisputed: _cast,
    voting.BallotInvalidated: _cast,
    voting.BallotReinstated: _cast,
    voting.BallotsOpenedEarly: _round,
    voting.CloseConsented: _nothing,
    voting.DiscussionRecorded: _nothing,
    voting.PaperBallotEntered: _paper,
    voting.RoundClosed: _round,
    voting.RoundOpened: _round,
    voting.RoundReopened: _round,
    voting.ScoreGiven: _score,
    voting.ScoreRevised: _score,
}
_KINDS |= dict.fromkeys(
    (roll.KeyEnrolled, roll.KeyRevoked, roll.KeyRotated, roll.OfficeSucceeded, roll.RoleGranted, roll.RoleWithdrawn),
    _roll,
)
_KINDS |= dict.fromkeys(
    (
        filing.ApplicationFiled,
        filing.ApplicationRefused,
        filing.ApplicationSupplemented,
        filing.ApplicationWithdrawn,
        filing.ConsentGiven,
        filing.DuplicateLinked,
        filing.PaperReceived,
        filing.RecommendationEntered,
        filing.RecommendationMade,
        filing.ReviewRecorded,
        filing.SupplementRequested,
        filing.WithdrawalEntered,
        screening.AppealDecided,
        screening.AppealFiled,
        screening.CriterionDecided,
        screening.DepartmentReplied,
        screening.EligibilityChallenged,
        screening.ScreeningDecided,
    ),
    _application,
)
UNTOLD = frozenset({voting.BallotCast, voting.ScoreGiven, voting.CloseConsented, voting.AttendanceRecorded})
"""Kinds that are never outside the normal path by themselves; only a finding about one makes it so."""
