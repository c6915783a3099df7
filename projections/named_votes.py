"""The named votes of leaders and chairs: who voted, and once a vote has ended what each said and what came of it.

Clauses 五(六) to 五(八) and the readings `deliberation_rule`, `objection_decider`, `runoff_exhausted`. A vote that is
still running shows only how many of how many have voted.
"""

from dataclasses import dataclass

from ledger.selection import Selection
from ledger.state.deliberation_book import Matter, NamedVote
from ledger.state.voters import kind_of, members
from projections.secrecy import matter_readable


@dataclass(frozen=True, slots=True)
class VoiceView:
    """One member's voice on one subject, by the entry `index`; `reason` as the member gave it."""

    member: str
    index: int
    subject: str
    agree: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class SubjectView:
    """One subject of an ended vote: voices for and against, members who could vote, and whether it was carried."""

    subject: str
    agree: int
    against: int
    members: int
    kept_out: int
    carried: bool


@dataclass(frozen=True, slots=True)
class NamedVoteView:
    """One named vote. `subjects` and `voices` are empty while it runs; `blocked`: votes that discipline set aside."""

    matter: str
    kind: str
    opened: int
    closed: int | None
    minutes: str | None
    about: tuple[str, ...]
    voted: int
    members: int
    subjects: tuple[SubjectView, ...]
    voices: tuple[VoiceView, ...]
    blocked: tuple[tuple[VoiceView, ...], ...]


def named_votes(state: Selection) -> tuple[NamedVoteView, ...]:
    """Return all named votes in the order in which they were opened."""
    opened = sorted(state.deliberation.matters.values(), key=lambda one: (one.opened, one.id))
    return tuple(_view(state, matter) for matter in opened)


def named_vote(state: Selection, matter_id: str) -> NamedVoteView | None:
    """Return one named vote, or None where none was opened."""
    matter = state.deliberation.matter(matter_id)
    return None if matter is None else _view(state, matter)


def _view(state: Selection, matter: Matter) -> NamedVoteView:
    may_read = matter_readable(matter)
    everybody, _ = members(state, matter.id, "")
    return NamedVoteView(
        matter=matter.id,
        kind=kind_of(matter.id),
        opened=matter.opened,
        closed=matter.closed,
        minutes=matter.minutes,
        about=matter.subjects,
        voted=len(matter.votes),
        members=everybody,
        subjects=tuple(_subject(state, matter, one) for one in matter.subjects) if may_read else (),
        voices=_voices(matter.votes) if may_read else (),
        blocked=tuple(_voices(votes) for votes in matter.earlier),
    )


def _subject(state: Selection, matter: Matter, subject: str) -> SubjectView:
    everybody, kept_out = members(state, matter.id, subject)
    tally = matter.tally(subject)
    return SubjectView(subject, tally.agree, tally.against, everybody, kept_out, subject in matter.carried)


def _voices(votes: dict[str, NamedVote]) -> tuple[VoiceView, ...]:
    return tuple(
        VoiceView(member, vote.index, voice.subject, voice.agree, voice.reason)
        for member, vote in sorted(votes.items(), key=lambda item: item[1].index)
        for voice in vote.voices
    )
