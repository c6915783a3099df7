"""Why a candidate stands where they do in one stage: seats, ballots, ties and the cut, in words (五(一)–(三), 五(五)).

Everything is read off the derived rows and the entries behind them; nothing is counted here. Of a round that is still
open there is nothing to explain but how many of how many have voted.
"""

from collections.abc import Iterator
from fractions import Fraction

from ledger.outcome import Row
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.ranking import DecidedBy
from ledger.procedure.scores import displayed
from ledger.selection import Selection
from ledger.state.rounds import Round, Session
from projections.explain_seats import REASONS, seats_in_words
from projections.results import outcome_of
from projections.words import Both, Sentence, Speaker


def session_of(state: Selection, stage: Stage, candidate: str) -> Session | None:
    """Return the session of a stage in which a candidate stood, or None."""
    for session in state.rounds.sessions.values():
        if session.stage == stage.id and any(candidate in played.standing for played in session.rounds):
            return session
    group = state.bodies.group_of(stage.id).get(candidate) if stage.kind is StageKind.GROUP_ROUND else None
    return state.rounds.sessions.get((stage.id, group))


def explain_session(state: Selection, stage: Stage, candidate: str, speaker: Speaker) -> Iterator[Sentence]:
    """Say step by step how a candidate's place in a stage came about."""
    yield from seats_in_words(state, stage, candidate, speaker)
    session = session_of(state, stage, candidate)
    if session is None:
        yield speaker.say(REASONS, "NO_VOTE_YET", stage.clause, stage=speaker.stage(stage.id))
        return
    yield from _attempts(session, stage, speaker)
    outcome = outcome_of(state, session)
    played = session.main
    if outcome is None or played is None:
        current = session.current
        voted, issued = (len(current.ballots), len(current.issued)) if current else (0, 0)
        yield speaker.say(REASONS, "VOTE_NOT_CLOSED", stage.clause, voted=voted, issued=issued)
        return
    row = outcome.row(candidate)
    if row is None:
        yield speaker.say(REASONS, "NOT_ON_LIST", stage.clause, played.opened, candidate=candidate)
        return
    yield from _ballots(played, row, stage, speaker)
    yield from _recusals(state, session, candidate, stage, speaker)
    yield from _place(state, session, outcome.rows, row, stage, speaker)
    yield _cut(played, row, stage, speaker)
    yield from _removals(state, outcome.rows, row, stage, speaker)
    if session.outcome is not None:
        yield speaker.say(REASONS, "CERTIFIED_BY", stage.clause, session.outcome.index, subject=session.subject)
    else:
        yield speaker.say(REASONS, "NOT_CERTIFIED", stage.clause, subject=session.subject)


def _attempts(session: Session, stage: Stage, speaker: Speaker) -> Iterator[Sentence]:
    for played in session.rounds:
        if played.superseded is not None:
            yield speaker.say(
                REASONS, "ATTEMPT_REOPENED", stage.clause, played.opened, played.superseded,
                round=played.id, attempt=played.attempt, index=played.superseded,
            )  # fmt: skip


def entries_of(played: Round) -> tuple[int, ...]:
    """Return the entries of a round's ballots, in order."""
    return tuple(sorted(cast.index for cast in played.ballots.values()))


def _ballots(played: Round, row: Row, stage: Stage, speaker: Speaker) -> Iterator[Sentence]:
    closed = [played.closed] if played.closed is not None else []
    yield speaker.say(
        REASONS, "BALLOTS_COUNTED", stage.clause, played.opened, *closed, *entries_of(played),
        round=played.id, returned=row["returned"], opened=played.opened, closed=played.closed,
    )  # fmt: skip
    candidate = row["candidate"]
    counted = [cast for cast in played.ballots.values() if not cast.void and cast.invalid is None]
    for_ = tuple(sorted(cast.index for cast in counted if candidate in cast.approve))
    against = tuple(sorted(cast.index for cast in counted if candidate in cast.against))
    yield speaker.say(
        REASONS, "BALLOTS_FOR", stage.clause, *for_, *against,
        candidate=candidate, approve=row["approve"], against=row["against"], abstain=row["abstain"], void=row["void"],
        possible=row["possible"], entries=tuple(str(one) for one in for_),
    )  # fmt: skip
    for cast in sorted(played.ballots.values(), key=lambda one: one.index):
        if cast.invalid is not None or cast.void:
            decided = cast.invalid if cast.invalid is not None else cast.index
            yield speaker.say(
                REASONS, "BALLOT_NOT_COUNTED", stage.clause, cast.index, decided, member=cast.member, index=decided
            )


def _recusals(state: Selection, session: Session, candidate: str, stage: Stage, speaker: Speaker) -> Iterator[Sentence]:
    recused = state.bodies.recused(session.stage, session.group).get(candidate, {})
    for member, entry in sorted(recused.items(), key=lambda item: item[1]):
        yield speaker.say(REASONS, "MEMBER_RECUSED", stage.clause, entry, member=member, candidate=candidate)


def _place(
    state: Selection, session: Session, rows: tuple[Row, ...], row: Row, stage: Stage, speaker: Speaker
) -> Iterator[Sentence]:
    if row["status"] == "removed":
        return
    if row["decided_by"] == DecidedBy.UNRESOLVED.value:
        tied = tuple(row["separated_from"])
        code = "PLACE_SHARED" if row["taken"] or session.outcome is not None else "PLACE_OPEN"
        yield speaker.say(REASONS, code, stage.clause, candidate=row["candidate"], rank=row["rank"], tied=tied)
    else:
        decided = speaker.say(REASONS, row["decided_by"])
        yield speaker.say(
            REASONS, "PLACE_IS", stage.clause, candidate=row["candidate"], rank=row["rank"],
            decided_by=Both(decided.zh, decided.en),
        )  # fmt: skip
    ranked = [
        one for one in rows if one["status"] == row["status"] or {one["status"], row["status"]} <= {"taken", "left"}
    ]
    above = [one for one in ranked if 0 < one["rank"] < row["rank"]]
    below = [one for one in ranked if one["rank"] > row["rank"]]
    if above:
        yield _compared(state, session, above[-1], row, stage, speaker)
    if below:
        yield _compared(state, session, row, below[0], stage, speaker)


def _compared(state: Selection, session: Session, better: Row, worse: Row, stage: Stage, speaker: Speaker) -> Sentence:
    """Say what put one candidate before the next: more approvals, or among equal ones the key that parted them."""
    first, second = better["candidate"], worse["candidate"]
    if better["measure"] != worse["measure"]:
        high, low = Fraction(better["measure"]), Fraction(worse["measure"])
        return speaker.say(REASONS, "BEFORE_BY_APPROVALS", stage.clause, first=first, second=second, high=high, low=low)
    for key in better["keys"]:
        other = next(
            (one for one in worse["keys"] if one["name"] == key["name"] and one["source"] == key["source"]), None
        )
        if second in key["ahead_of"] and other is not None:
            name = DecidedBy(key["name"])
            return speaker.say(
                REASONS, "BEFORE_BY_RANK" if name is DecidedBy.RUNOFF else "BEFORE_BY_KEY", stage.clause,
                *key_entries(state, session, name, key["source"], (first, second)),
                first=first, second=second, approvals=better["approve"], key=name,
                high=_value(name, key["value"]), low=_value(name, other["value"]),
            )  # fmt: skip
    return speaker.say(REASONS, "NOT_PARTED", stage.clause, first=first, second=second, approvals=better["approve"])


def _value(name: DecidedBy, written: str) -> str | int:
    value = Fraction(written)
    if name is DecidedBy.MEAN_SCORE:
        return displayed(value)
    return abs(int(value)) if value.denominator == 1 else written


def key_entries(
    state: Selection, session: Session, name: DecidedBy, source: str, candidates: tuple[str, ...]
) -> tuple[int, ...]:
    """Return the entries that the values of a key come from."""
    if name is DecidedBy.MEAN_SCORE:
        return tuple(sheet.index for (_, one), sheet in session.sheets.items() if one in candidates)
    if name is DecidedBy.PUBLIC_VOTES:
        poll = state.polls.by_id.get(source.partition(":")[2])
        certified = [poll.outcome.index] if poll is not None and poll.outcome is not None else []
        return (*(one.index for one in poll.totals.values()), *certified) if poll is not None else ()
    played = state.rounds.by_id.get(source)
    if name is DecidedBy.RUNOFF and played is not None:
        return (played.opened, *entries_of(played), *([played.closed] if played.closed is not None else []))
    settled = [one.index for one in session.resolutions if one.round == source]
    matter = state.deliberation.matter(f"tie:{source}")
    votes = [vote.index for vote in matter.votes.values()] if matter is not None else []
    drawn = [one.drawn_at for one in state.bodies.draws.values() if one.subject == source and one.drawn_at is not None]
    return (*settled, *votes, *drawn)


def _cut(played: Round, row: Row, stage: Stage, speaker: Speaker) -> Sentence:
    """Say on which side of the cut the candidate is; of a tie at the cut nobody knows yet."""
    open_tie = row["status"] == "left" and not row["next_after_taken"]
    return speaker.say(
        REASONS, "CUT_TIED" if open_tie else f"CUT_{row['status'].upper()}", stage.clause,
        candidate=row["candidate"], rank=row["rank"], seats=played.seats, next=row["next_after_taken"],
    )  # fmt: skip


def _removals(state: Selection, rows: tuple[Row, ...], row: Row, stage: Stage, speaker: Speaker) -> Iterator[Sentence]:
    gone = [one["candidate"] for one in rows if one["status"] == "removed"]
    for person in gone:
        out = state.out.get(person)
        if out is not None:
            yield speaker.say(REASONS, "REMOVED_BEFORE", stage.clause, out.index, person=person, cause=out.cause)
    before = row["rank_with_removed"]
    if gone and row["rank"] and before and before != row["rank"]:
        yield speaker.say(REASONS, "RANK_WITH_REMOVED", stage.clause, rank=row["rank"], before=before)
