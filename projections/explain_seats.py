"""How many can be taken in a stage and how that number follows: clauses 五(一)–(三), 五(五) and their readings."""

from collections.abc import Iterator

from ledger import grouping
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.shortlist import shortlist_of
from ledger.selection import Selection
from projections.candidates import entered_ever, shares_of
from projections.words import Both, Sentence, Speaker

REASONS = "reasons"


def seats_in_words(state: Selection, stage: Stage, candidate: str, speaker: Speaker) -> Iterator[Sentence]:
    """Say how many can be taken and how that number follows: a group's share, the shortlist's size, or the seats."""
    programme = state.charter.version_for(stage.id).programme
    if stage.kind is StageKind.GROUP_ROUND:
        yield from _group_seats(state, stage, candidate, speaker)
    elif stage.takes == "shortlist":
        size = shortlist_of(programme, stage)
        yield speaker.say(
            REASONS, "SHORTLIST_SIZE", stage.clause, seats=size.seats, exact=size.exact, third=size.exact - size.seats,
            more=size.size - size.seats, size=size.size, reading=speaker.reading(size.reading.value),
        )  # fmt: skip
        entered = len(entered_ever(state, stage))
        if entered < size.size:
            yield speaker.say(REASONS, "SHORTLIST_SHORT", stage.clause, size=size.size, candidates=entered)
    elif stage.takes == "nominees":
        yield speaker.say(REASONS, "SEATS_OF_YEAR", stage.clause, seats=programme.seats)


def _group_seats(state: Selection, stage: Stage, candidate: str, speaker: Speaker) -> Iterator[Sentence]:
    table = state.bodies.tables.get(stage.id)
    group = table.groups.get(candidate) if table else grouping.groups_of(state, stage).get(candidate)
    share = shares_of(state, stage).get(group or "")
    if group is None or share is None:
        return
    names = {one.id: one.name for one in stage.groups}
    total = sum(one.received for one in shares_of(state, stage).values())
    why = tuple(one.value for one in share.reasons)
    words = [speaker.say(REASONS, one) for one in why]
    yield speaker.say(
        REASONS, "GROUP_SEATS", stage.clause, *([table.index] if table else []),
        group=Both(names[group], group), received=share.received, all=total, total=stage.total or 0,
        exact=share.exact, seats=table.seats.get(group, 0) if table else share.seats,
        reasons=Both("、".join(one.zh for one in words) or "—", ", ".join(one.en for one in words) or "—"),
    )  # fmt: skip
