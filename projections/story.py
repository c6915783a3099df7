"""The story of a seat: ballots, ties, vacancies, notices, naming, as one chain of sentences (clauses 五(一)–(八)).

Question 9 of the auditors, told for a place or a person. Each sentence cites its clause and the entries that show it;
what is not yet known is said to be so. Nothing is counted here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from ledger.procedure.programme import Stage, StageKind
from ledger.selection import Selection
from projections.explain import explain_place
from projections.explain_path import after_final, dropped_out
from projections.explain_round import entries_of, session_of
from projections.explain_seats import REASONS
from projections.results import outcome_of
from projections.vacancies import PlaceView, places
from projections.ways import ROUNDS, standing_code
from projections.words import NOBODY, Both, Names, Sentence, Speaker

_POLLED = frozenset({"PUBLIC_TOTAL", "PUBLIC_TOTAL_UNVERIFIABLE", "POLL_RUNNING"})
_TIED = frozenset({"BEFORE_BY_KEY", "BEFORE_BY_RANK", "PLACE_OPEN", "PLACE_SHARED", "CUT_TIED"})
_UNREADABLE = frozenset({"VOTE_NOT_CLOSED"})
_NAMING = frozenset({"APPROVED_BY_CHAIRS", "NOT_APPROVED_BY_CHAIRS", "NAMED_BY", "REVOKED_BY"})
_PLACE = frozenset(
    {"NOMINEE", "PLACE_VACATED", "ALTERNATE_SKIPPED", "MOVED_UP", "DROPPED_OUT_BY", "PLACE_WAITS", "ALTERNATE_WAITS"}
)


class Leg(StrEnum):
    """The links of the chain, in order."""

    BALLOTS = "ballots"
    TIES = "ties"
    VACANCIES = "vacancies"
    NOTICES = "notices"
    NAMING = "naming"


@dataclass(frozen=True, slots=True)
class Chapter:
    """One link of the chain, with its title."""

    leg: Leg
    title: Both
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """How somebody came to a place, or did not.

    `seat` is the place they hold or held, and `holders` everybody who held it in turn; None and empty for others.
    `entries` are all that the sentences cite.
    """

    person: str
    seat: int | None
    holders: tuple[str, ...]
    chapters: tuple[Chapter, ...]
    entries: tuple[int, ...]

    @property
    def zh(self) -> str:
        """The whole story in Chinese: each link's title, then its sentences, one a line."""
        return "\n".join(line for one in self.chapters for line in (one.title.zh, *(each.zh for each in one.sentences)))

    @property
    def en(self) -> str:
        """The whole story in English: each link's title, then its sentences, one a line."""
        return "\n".join(line for one in self.chapters for line in (one.title.en, *(each.en for each in one.sentences)))


def story_of_person(state: Selection, person: str, at: int, names: Names = NOBODY) -> Story:
    """Tell the story of somebody who was voted on, with notices judged at `at` (UTC ms)."""
    speaker = Speaker.of(state, names)
    place, number = _held_by(state, person, at)
    after = tuple(after_final(state, person, at, speaker))
    told = {
        Leg.BALLOTS: _ballots(state, person, speaker),
        Leg.TIES: _ties(state, person, speaker),
        Leg.VACANCIES: _vacancies(state, person, place, number, at, speaker),
        Leg.NOTICES: (one for one in after if one.code not in _PLACE | _NAMING),
        Leg.NAMING: (one for one in after if one.code in _NAMING),
    }
    holds = place is not None and place.holder == person
    chapters = tuple(
        chapter
        for leg, sentences in told.items()
        if (chapter := _chapter(leg, tuple(sentences), holds, speaker)) is not None
    )
    entries = {entry for one in chapters for each in one.sentences for entry in each.entries}
    return Story(
        person=person,
        seat=place.seat if place is not None else None,
        holders=tuple(one.person for one in place.holders if one.person is not None) if place is not None else (),
        chapters=chapters,
        entries=tuple(sorted(entries)),
    )


def story_of_seat(state: Selection, seat: int, at: int, names: Names = NOBODY) -> Story | None:
    """Tell the story of a place: of whoever held it last, with all who held it before; None for one there is not."""
    return next((one for one in stories(state, at, names) if one.seat == seat), None)


def stories(state: Selection, at: int, names: Names = NOBODY) -> tuple[Story, ...]:
    """Tell the story of every place, in order; empty before the final order is certified."""
    view = places(state, at)
    held = [[one.person for one in place.holders if one.person] for place in view.places] if view is not None else []
    return tuple(story_of_person(state, people[-1], at, names) for people in held)


def _chapter(leg: Leg, sentences: tuple[Sentence, ...], holds: bool, speaker: Speaker) -> Chapter | None:
    """Return a link of the chain; of somebody in a place it says too that a link is still to come."""
    title = speaker.say(REASONS, f"leg.{leg.value}")
    if not sentences and holds:
        sentences = (speaker.say(REASONS, "STORY_NOT_YET"),)
    return Chapter(leg, Both(title.zh, title.en), sentences) if sentences else None


def _held_by(state: Selection, person: str, at: int) -> tuple[PlaceView | None, int]:
    """Return the place that somebody holds or held, and as which of its holders."""
    view = places(state, at)
    for place in view.places if view is not None else ():
        for number, holder in enumerate(place.holders):
            if holder.person == person:
                return place, number
    return None, 0


def _stages(state: Selection) -> tuple[Stage, ...]:
    return tuple(state.charter.stage(stage.id) or stage for stage in state.charter.latest.programme.stages)


def _ballots(state: Selection, person: str, speaker: Speaker) -> Iterator[Sentence]:
    """Say for every vote what the person got in it, and for the public vote the totals."""
    for stage in _stages(state):
        if stage.kind in ROUNDS:
            yield from _ranked(state, stage, person, speaker)
        elif stage.kind is StageKind.PUBLIC_VOTE:
            said = explain_place(state, stage.id, person, speaker.names).sentences
            yield from (_placed(one, speaker.stage(stage.id)) for one in said if one.code in _POLLED)


def _ranked(state: Selection, stage: Stage, person: str, speaker: Speaker) -> Iterator[Sentence]:
    session = session_of(state, stage, person)
    if session is None or not session.rounds:
        return
    where = _where(stage, session.group)
    outcome, played = outcome_of(state, session), session.main
    row = outcome.row(person) if outcome is not None else None
    if played is None or row is None:
        said = explain_place(state, stage.id, person, speaker.names).sentences
        yield from (_placed(one, where) for one in said if one.code in _UNREADABLE)
        return
    status = speaker.say(REASONS, standing_code(stage, row))
    certified = session.outcome.index if session.outcome is not None else None
    entries = [played.opened, *entries_of(played)]
    entries += [one for one in (played.closed, certified) if one is not None]
    yield speaker.say(
        REASONS, "STORY_RANKED" if row["rank"] else "STORY_REMOVED", stage.clause, *entries,
        where=where, candidate=person, approve=row["approve"], possible=row["possible"], returned=row["returned"],
        seats=played.seats, rank=row["rank"], status=Both(status.zh, status.en),
    )  # fmt: skip


def _where(stage: Stage, group: str | None) -> Both:
    name = next((one.name for one in stage.groups if one.id == group), None)
    return Both(f"{stage.title}·{name}" if name else stage.title, f"{stage.id}:{group}" if name else stage.id)


def _placed(said: Sentence, where: Both) -> Sentence:
    """Return a sentence with the vote it is about in front."""
    facts = {**said.facts, "where": where.en}
    return replace(said, facts=facts, zh=f"{where.zh}：{said.zh}", en=f"{where.en}: {said.en}")


def _ties(state: Selection, person: str, speaker: Speaker) -> Iterator[Sentence]:
    """Say of every vote with whom the person was equal, and by what they were parted."""
    found = False
    for stage in _stages(state):
        session = session_of(state, stage, person) if stage.kind in ROUNDS else None
        if session is None:
            continue
        for one in explain_place(state, stage.id, person, speaker.names).sentences:
            if one.code in _TIED:
                found = True
                yield _placed(one, _where(stage, session.group))
    if not found:
        yield speaker.say(REASONS, "STORY_NO_TIE", "", candidate=person)


def _vacancies(
    state: Selection, person: str, place: PlaceView | None, number: int, at: int, speaker: Speaker
) -> Iterator[Sentence]:
    """Say how the place came to the person: who held it before and why they left it, and who came after."""
    if place is None:
        waits = [one for one in after_final(state, person, at, speaker) if one.code in _PLACE]
        yield from waits or ([dropped_out(state, person, speaker)] if person in state.out else [])
        return
    for holder in place.holders[:number]:
        told = after_final(state, holder.person or "", at, speaker)
        yield from (one for one in told if one.code not in {"PLACE_WAITS", "PLACE_VACATED"})
    yield from _own(after_final(state, person, at, speaker))
    for holder in place.holders[number + 1 :]:
        if holder.person is None:
            yield speaker.say(REASONS, "STORY_SEAT_EMPTY", "五(六)", holder.since, seat=place.seat)
        else:
            came = after_final(state, holder.person, at, speaker)
            yield from (one for one in came if one.code in {"ALTERNATE_SKIPPED", "MOVED_UP"})


def _own(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Say what concerns the place; that it fell vacant was said of whoever left it."""
    return (one for one in sentences if one.code in _PLACE - {"PLACE_VACATED"})
