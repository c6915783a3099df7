"""Rows about what follows the votes: places, notices, objections, named votes, naming, findings, the unusual.

All but findings come as whole tables: they are short, and one entry may change many of their rows. Each row is given
with the value of the column that names its part.
"""

from collections.abc import Collection, Iterator
from typing import TypeAlias

from ledger import canonical
from ledger.selection import Selection
from ledger.state.clocks import clock_of
from ledger.statements import Act
from projections.history import history_of_entries, masked
from projections.named_votes import NamedVoteView
from projections.named_votes import named_votes as named_vote_views
from projections.objections import objections as objection_views
from projections.offpath import outside
from projections.tabular.model import Line, line, moment
from projections.vacancies import PlacesView
from projections.vacancies import places as places_view
from projections.words import Speaker

Part: TypeAlias = tuple[str, Line]
"""A row, with the part it belongs to."""


def _places(state: Selection) -> PlacesView | None:
    return places_view(state, state.at)


def places(state: Selection) -> Iterator[Part]:
    """Give every place and all who held it, in turn."""
    view = _places(state)
    for place in view.places if view else ():
        for turn, one in enumerate(place.holders, start=1):
            holds = turn == len(place.holders) and one.person is not None and not place.vacant
            passed_over = tuple(each.person for each in one.skipped)
            cause = one.cause.value if one.cause else None
            head = (place.seat, turn, one.person, one.since, one.alternate, passed_over)
            row = (*head, one.inspected, one.passed, one.agreed, one.left, cause, holds)
            yield str(place.seat), line(row)


def alternates(state: Selection) -> Iterator[Part]:
    """Give the alternates in their order."""
    view = _places(state)
    for one in view.alternates if view else ():
        cause = one.cause.value if one.cause else None
        yield str(one.order), line((one.order, one.person, one.moved_up, one.left, cause))


def vacancies(state: Selection) -> Iterator[Part]:
    """Give the places that wait to be filled."""
    view = _places(state)
    for place in view.places if view else ():
        last = place.holders[-1]
        if place.vacant:
            row = (place.seat, place.order, last.person, last.left, place.next_alternate)
            yield str(place.seat), line(row)


def notices(state: Selection) -> Iterator[Part]:
    """Give everybody on every notice with their clock; what the clock says at an instant is for whoever asks."""
    moved_up = state.deliberation.places.moved_up
    for notice in state.notices.by_id.values():
        for person in notice.candidates:
            in_force = state.notices.of_person.get(person) is notice
            clock = (clock_of(state, person) if in_force else None) or notice.clock
            head = (notice.id, person, notice.index, moment(clock.published_at), clock.days, clock.last_day.isoformat())
            tail = (moment(clock.ends_at), notice.channels, tuple(notice.changes), person in moved_up, in_force)
            yield notice.id, line((*head, *tail))


def objections(state: Selection) -> Iterator[Part]:
    """Give every objection; of its filer, only the way it came."""
    for one in objection_views(state, (), state.at):
        head = (one.objection, one.number, one.notice, one.index, one.confirmed, moment(one.received_at))
        about = (one.filing.value, one.against, one.late, one.standing.value)
        steps = (one.examined, one.admissible, one.investigated, one.founded)
        sustained = tuple(each.person for each in one.outcomes if each.sustained)
        dismissed = tuple(each.person for each in one.outcomes if not each.sustained)
        decided = tuple(dict.fromkeys(each.index for each in one.outcomes))
        tail = (sustained, dismissed, decided, one.answered, one.withdrawn, one.seal_opened)
        yield one.objection, line((*head, *about, *steps, *tail))


def named_votes(state: Selection) -> Iterator[Part]:
    """Give every named vote; of a running one, only how many of how many have voted."""
    for one in named_vote_views(state):
        row = (one.matter, one.kind, one.opened, one.closed, one.about, one.voted, one.members)
        yield one.matter, line(row)


def voices(state: Selection) -> Iterator[Part]:
    """Give each member's voices in votes that have ended, those given before a decision was blocked included."""
    for one in named_vote_views(state):
        yield from _voices(one)


def _voices(view: NamedVoteView) -> Iterator[Part]:
    for attempt, given in enumerate((*view.blocked, view.voices), start=1):
        for voice in given:
            row = (view.matter, attempt, voice.subject, voice.member, voice.agree, voice.reason, voice.index)
            yield view.matter, line(row)


def voice_counts(state: Selection) -> Iterator[Part]:
    """Give what came of each subject of an ended named vote."""
    for one in named_vote_views(state):
        for each in one.subjects:
            row = (one.matter, each.subject, each.agree, each.against, each.members, each.kept_out, each.carried)
            yield one.matter, line(row)


def named(state: Selection) -> Iterator[Part]:
    """Give who was named; a revoked title stays, with its revocation."""
    titles = state.naming.titles
    for person in titles.candidates if titles else ():
        revoked = state.naming.revoked.get(person)
        when = moment(titles.at) if titles else None
        index = titles.index if titles else None
        yield person, line((person, index, when, state.naming.conferred, revoked))


def finding_ids(state: Selection) -> Iterator[str]:
    """Give all findings, in the order in which they arose."""
    yield from state.findings.by_id


def findings(state: Selection, finding_id: str) -> Iterator[Line]:
    """Give the row of one finding, said in both languages."""
    one = state.findings.by_id[finding_id]
    facts = {name: masked(fact) if isinstance(fact, str) else fact for name, fact in one.facts.items()}
    said = Speaker.of(state).say("findings", one.code, "", *one.entries, **facts)
    text = canonical.encode(facts).decode()
    yield line((one.id, one.code, one.severity, one.raised, one.closed, one.entries, text, said.zh, said.en))


def off_path(state: Selection, acts: Collection[Act]) -> Iterator[Part]:
    """Give everything outside the normal path; `acts` are those that can be, with what was signed on them."""
    found = outside(state, acts)
    told = {one.index: one for one in history_of_entries(state, acts, {index for index, _ in found})}
    raised: dict[int, list[str]] = {}
    for finding in state.findings.by_id.values():
        raised.setdefault(finding.raised, []).append(finding.id)
    speaker = Speaker.of(state)
    for index, category in found:
        one, word = told[index], speaker.say("history", f"off.{category.value}")
        head = (index, category.value, one.kind, one.person, one.standing, one.effective)
        row = (*head, tuple(raised.get(index, ())), f"{word.zh}：{one.zh}", f"{word.en}: {one.en}")
        yield str(index), line(row)
