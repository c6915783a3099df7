"""Why is somebody ranked n, taken, left or out, and why was something refused: in words, citing entries and clauses.

Question 2 of the auditors. An explanation is a chain of sentences in both languages, each with its clause and the
entries that show it, from the application to the naming; the same live and on replay, at any size or time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ledger.lists import entering
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.reasons import Refusal
from ledger.selection import Selection
from projections.candidates import entered_ever
from projections.explain_path import after_final, applied, dropped_out, screened
from projections.explain_round import explain_session, session_of
from projections.explain_seats import REASONS
from projections.results import outcome_of
from projections.words import NOBODY, Names, Sentence, Speaker

_ROUNDS = (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND)


class Question(StrEnum):
    """What is asked."""

    PLACE = "place"
    WAY = "way"
    OUT = "out"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer: the sentences in order, and every entry they cite."""

    question: Question
    subject: str
    about: str
    sentences: tuple[Sentence, ...]
    entries: tuple[int, ...]

    @property
    def zh(self) -> str:
        """The whole answer in Chinese, one sentence a line."""
        return "\n".join(one.zh for one in self.sentences)

    @property
    def en(self) -> str:
        """The whole answer in English, one sentence a line."""
        return "\n".join(one.en for one in self.sentences)


def explain_place(state: Selection, stage_id: str, candidate: str, names: Names = NOBODY) -> Explanation:
    """Say why a candidate has their place in one stage: list, seats, ballots, ties with values, cut, certification.

    Raises `LookupError` for a stage that the programme does not have.
    """
    stage = _stage(state, stage_id)
    speaker = Speaker.of(state, names)
    said = [*_entered(state, stage, candidate, speaker)]
    if stage.kind in _ROUNDS:
        said += explain_session(state, stage, candidate, speaker)
    elif stage.kind is StageKind.SCREENING:
        said += screened(state, candidate, speaker)
    elif stage.kind is StageKind.PUBLIC_VOTE:
        said += _polled(state, stage, candidate, speaker)
    elif stage.kind is StageKind.APPLICATIONS:
        said = [*applied(state, candidate, speaker)]
    else:
        said += after_final(state, candidate, state.at, speaker)
    return _answer(Question.PLACE, stage_id, candidate, said)


def explain_way(state: Selection, candidate: str, at: int | None = None, names: Names = NOBODY) -> Explanation:
    """Say how a candidate came to where they are: application, screening, every stage, then from the final order on.

    `at` (UTC ms) is the instant at which notices are judged, by default that of the last entry.
    """
    speaker = Speaker.of(state, names)
    said = [*applied(state, candidate, speaker), *screened(state, candidate, speaker)]
    for stage in _stages(state):
        if stage.kind in _ROUNDS and session_of(state, stage, candidate) is not None:
            said.append(speaker.say(REASONS, "STAGE_TITLE", stage.clause, stage=speaker.stage(stage.id)))
            said += explain_session(state, stage, candidate, speaker)
        elif stage.kind is StageKind.PUBLIC_VOTE:
            said += _polled(state, stage, candidate, speaker)
    said += after_final(state, candidate, state.at if at is None else at, speaker)
    if candidate in state.out and not any(one.code == "DROPPED_OUT_BY" for one in said):
        said.append(dropped_out(state, candidate, speaker))
    return _answer(Question.WAY, "selection", candidate, said)


def explain_out(state: Selection, candidate: str, names: Names = NOBODY) -> Explanation:
    """Say why a person is not, or no longer, among those taken: refused, ineligible, left at a cut, dropped out.

    For somebody who still stands, the answer says so.
    """
    speaker = Speaker.of(state, names)
    said: list[Sentence] = []
    if candidate in state.out:
        said.append(dropped_out(state, candidate, speaker))
    elif not state.applications.is_applicant(candidate) or state.applications.of_person(candidate) is None:
        said += applied(state, candidate, speaker)
    else:
        said += _not_taken(state, candidate, speaker)
    if not said:
        said.append(speaker.say(REASONS, "STILL_STANDING", "", candidate=candidate))
    return _answer(Question.OUT, "selection", candidate, said)


def explain_refusal(state: Selection, refusal: Refusal, names: Names = NOBODY) -> Explanation:
    """Say why an act was refused: the rule's sentence with its facts, and its clause."""
    said = Speaker.of(state, names).refusal(refusal)
    return _answer(Question.REFUSAL, refusal.code, "", [said])


def _not_taken(state: Selection, candidate: str, speaker: Speaker) -> Iterable[Sentence]:
    application = state.applications.of_person(candidate)
    if application is not None and application.decision is not None and not application.decision.eligible:
        yield from screened(state, candidate, speaker)
    for stage in _stages(state):
        session = session_of(state, stage, candidate) if stage.kind in _ROUNDS else None
        outcome = outcome_of(state, session) if session is not None else None
        row = outcome.row(candidate) if outcome is not None else None
        if row is not None and not row["taken"]:
            yield speaker.say(REASONS, "STAGE_TITLE", stage.clause, stage=speaker.stage(stage.id))
            yield from explain_session(state, stage, candidate, speaker)


def _entered(state: Selection, stage: Stage, candidate: str, speaker: Speaker) -> Iterable[Sentence]:
    """Say on which list the candidate entered the stage, as one of how many."""
    everybody = entered_ever(state, stage)
    if candidate not in everybody:
        yield speaker.say(REASONS, "NOT_ENTERED", stage.clause, candidate=candidate, stage=speaker.stage(stage.id))
        return
    now = len(entering(state, stage))
    entries = _listing(state, stage, candidate)
    yield speaker.say(
        REASONS, "ENTERED_AS", stage.clause, *entries,
        candidate=candidate, stage=speaker.stage(stage.id), entered=len(everybody), now=now,
    )  # fmt: skip


def _listing(state: Selection, stage: Stage, candidate: str) -> tuple[int, ...]:
    """Return the entry by which a candidate entered a stage: the certified result before it, or the screening."""
    for earlier in reversed(state.charter.version_for(stage.id).programme.before(stage.id)):
        for outcome in state.rounds.outcomes(earlier.id):
            if candidate in outcome.taken:
                return (outcome.index,)
        if earlier.kind is StageKind.SCREENING:
            application = state.applications.of_person(candidate)
            decision = application.decision if application else None
            return (decision.index,) if decision else ()
    return ()


def _polled(state: Selection, stage: Stage, candidate: str, speaker: Speaker) -> Iterable[Sentence]:
    poll = state.polls.of_stage(stage.id)
    if poll is None or candidate not in poll.candidates:
        return
    if poll.closed is None:
        yield speaker.say(REASONS, "POLL_RUNNING", stage.clause, poll.opened, closes_at=poll.closes_at)
        return
    for channel, counted in sorted(poll.totals.items()):
        verifiable = state.polls.channels[channel].verifiable
        yield speaker.say(
            REASONS, "PUBLIC_TOTAL" if verifiable else "PUBLIC_TOTAL_UNVERIFIABLE", stage.clause,
            counted.index, counted.effective, candidate=candidate, channel=channel, votes=counted.totals[candidate],
        )  # fmt: skip


def _answer(question: Question, subject: str, about: str, said: Iterable[Sentence]) -> Explanation:
    sentences = tuple(said)
    return Explanation(
        question, subject, about, sentences, tuple(sorted({one for each in sentences for one in each.entries}))
    )


def _stages(state: Selection) -> tuple[Stage, ...]:
    return tuple(state.charter.stage(stage.id) or stage for stage in state.charter.latest.programme.stages)


def _stage(state: Selection, stage_id: str) -> Stage:
    stage = state.charter.stage(stage_id)
    if stage is None:
        raise LookupError(stage_id)
    return stage
