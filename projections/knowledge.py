"""What was known at a position or time, and what should have been known by the time things happened (question 1).

What is on paper counts by the time that two clerks attest, and reaches the ledger later; a key may be reported as
stolen from an earlier entry on. Whatever lies between is a difference: the state as known then does not have it, by
its effective time it should. Nothing is sorted into the past; this only shows where the two differ.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ledger.selection import Selection
from ledger.statements import Act
from ledger.statements.applications import (
    ApplicationFiled,
    ApplicationWithdrawn,
    PaperReceived,
    RecommendationEntered,
    WithdrawalEntered,
)
from ledger.statements.notices import ObjectionReceived
from ledger.statements.roll import KeyRevoked
from ledger.statements.rounds import BallotCast, PaperBallotEntered
from projections.history import sentence_of
from projections.words import Speaker


class Matter(StrEnum):
    """What a difference is about."""

    APPLICATION = "application"
    RECOMMENDATION = "recommendation"
    WITHDRAWAL = "withdrawal"
    BALLOT = "ballot"
    OBJECTION = "objection"
    KEY = "key"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Difference:
    """One act that had happened, but was not known.

    Attributes:
        matter, subject: what it is about (an application, a round, an objection, a key).
        index: its entry; `effective` the last signature that made it count, or None while it waits for one.
        happened_at, happened: the attested or claimed time (UTC ms and civil time).
        known_at, known: when the ledger had it.
    """

    matter: Matter
    subject: str
    index: int
    effective: int | None
    happened_at: int
    happened: str
    known_at: int
    known: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Compared:
    """How many of one matter were known, and how many there should have been; `missing` are those not known."""

    matter: Matter
    subject: str
    known: int
    should: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The state as known after `size` entries, up to the time `at` (UTC ms), beside what should have been known.

    `later` is how many entries of the log given came after; `waiting` the acts that waited for signatures.
    """

    size: int
    at: int
    civil: str
    stages_open: tuple[str, ...]
    waiting: tuple[int, ...]
    later: int
    compared: tuple[Compared, ...]
    differences: tuple[Difference, ...]


def knowledge(acts: Iterable[Act], size: int | None = None, until: int | None = None) -> Knowledge:
    """Compare what was known after `size` entries, or at the time `until` (UTC ms), with what all `acts` show.

    By effective time the cut is `until`, or the time of the last of those `size` entries.
    """
    everything = tuple(acts)
    before = [act for act in everything if (size is None or act.index < size) and (until is None or act.at <= until)]
    then, now = Selection(), Selection()
    for act in everything:
        if act.index < len(before):
            then.apply(act)
        now.apply(act)
    at = until if until is not None else then.at
    speaker = Speaker.of(now)
    differences = tuple(_differences(now, everything, len(before), at, speaker))
    open_ones = () if then.sealed is None else tuple(one for one in then.charter.stages if then.charter.is_open(one))
    return Knowledge(
        size=len(before),
        at=at,
        civil=speaker.civil(at),
        stages_open=open_ones,
        waiting=tuple(then.pending),
        later=len(everything) - len(before),
        compared=_compared(then, differences),
        differences=differences,
    )


def happened_at(act: Act) -> int:
    """Return when an act happened (UTC ms): as clerks attest for a paper, else as claimed, else as sequenced."""
    arrived: int | None = getattr(act.body, "arrived_at", None)
    claimed = act.statement.claimed_at
    attested = arrived if arrived is not None else claimed
    return act.at if attested is None else min(attested, act.at)


def _differences(now: Selection, acts: tuple[Act, ...], size: int, at: int, speaker: Speaker) -> Iterable[Difference]:
    countersigned = {act.body.index: act for act in acts if act.statement.type == "act.countersigned"}
    declined = {act.body.index for act in acts if act.statement.type == "act.declined"}
    for act in acts:
        last = countersigned.get(act.index, act)
        if act.index in declined or not _not_known(act, last, size):
            continue
        happened = happened_at(act)
        suspect = _suspect_since(act, acts)
        if suspect is not None and suspect < size <= act.index:
            happened = acts[suspect].at
        if happened <= at and happened < last.at:
            matter, subject = _matter(act)
            said = sentence_of(now, act, speaker)
            effective = None if act.index in now.pending else last.index
            yield Difference(
                matter, subject, act.index, effective, happened, speaker.civil(happened),
                last.at, speaker.civil(last.at), said.zh, said.en,
            )  # fmt: skip


def _not_known(act: Act, last: Act, size: int) -> bool:
    """Say whether an act had not taken effect after `size` entries."""
    return last.index >= size and (act.index >= size or happened_at(act) < act.at)


def _suspect_since(act: Act, acts: tuple[Act, ...]) -> int | None:
    body = act.body
    if not isinstance(body, KeyRevoked) or body.suspect_from is None or body.suspect_from >= len(acts):
        return None
    return body.suspect_from


def _matter(act: Act) -> tuple[Matter, str]:
    match act.body:
        case PaperReceived() | ApplicationFiled():
            return Matter.APPLICATION, act.body.application
        case RecommendationEntered():
            return Matter.RECOMMENDATION, act.body.application
        case WithdrawalEntered() | ApplicationWithdrawn():
            return Matter.WITHDRAWAL, act.body.application
        case PaperBallotEntered() | BallotCast():
            return Matter.BALLOT, act.body.round
        case ObjectionReceived():
            return Matter.OBJECTION, act.body.objection
        case KeyRevoked():
            return Matter.KEY, act.body.key
        case _:
            return Matter.OTHER, str(act.index)


def _compared(then: Selection, differences: tuple[Difference, ...]) -> tuple[Compared, ...]:
    """Count what was known of each matter beside what should have been."""
    applications = {one.application for one in then.applications.by_id.values() if not one.late}
    withdrawn = {one.application for one in then.applications.by_id.values() if one.withdrawn is not None}
    objections = set(then.notices.objections.by_id)
    found = [
        _against(Matter.APPLICATION, "applications", applications, differences),
        _against(Matter.WITHDRAWAL, "applications", withdrawn, differences),
        _against(Matter.OBJECTION, "objections", objections, differences),
    ]
    rounds = {one.subject for one in differences if one.matter is Matter.BALLOT} | set(then.rounds.by_id)
    for round_id in sorted(rounds):
        played = then.rounds.by_id.get(round_id)
        cast = len(played.ballots) if played else 0
        entries = tuple(
            str(one.index) for one in differences if one.matter is Matter.BALLOT and one.subject == round_id
        )
        found.append(Compared(Matter.BALLOT, round_id, cast, cast + len(entries), entries))
    return tuple(found)


def _against(matter: Matter, subject: str, known: set[str], differences: tuple[Difference, ...]) -> Compared:
    missing = sorted({one.subject for one in differences if one.matter is matter} - known)
    return Compared(matter, subject, len(known), len(known) + len(missing), tuple(missing))
