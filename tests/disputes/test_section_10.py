"""Section 10, what auditors ask: item 4, whose single vote was decisive, and how few ballots change a seat."""

from itertools import combinations

from api.rehearsal.steps_rounds import SessionPlan, play_panel_stage
from ledger.lists import entering
from ledger.state.rounds import Round
from ledger.statements import decode_entry
from projections.margin_search import Touch
from projections.margins import margins
from projections.whatif import Change, what_if
from tests.simulator import entries_of
from tests.voting import world_before


def _taken_without(played: Round, members: tuple[str, ...], seats: int) -> set[str] | None:
    """Who is taken by plain counting of the other ballots; None where the cut falls among equals."""
    counted = {
        one: sum(one in cast.approve for cast in played.ballots.values() if cast.member not in members)
        for one in played.standing
    }
    ordered = sorted(counted, key=lambda one: -counted[one])
    return None if counted[ordered[seats - 1]] == counted[ordered[seats]] else set(ordered[:seats])


def test_item_4_whose_single_ballot_was_decisive_and_how_few_change_a_seat() -> None:
    world = world_before("shortlist")
    stage = world.state.charter.stage("shortlist")
    assert stage is not None
    order = sorted(world.alias_of(person) for person in entering(world.state, stage))
    approvals = dict.fromkeys(order[:13], 8) | {order[13]: 5, order[14]: 4} | dict.fromkeys(order[15:], 1)
    play_panel_stage(world, "shortlist", SessionPlan(order=order, approvals=approvals))
    session = world.state.rounds.sessions["shortlist", None]
    played = session.main
    assert played is not None
    outcome = session.outcome
    assert outcome is not None
    size = world.state.size

    acts = [decode_entry(entry) for entry in entries_of(world)]
    (answer,) = margins(world.state, acts, "shortlist")
    (whole,) = answer.rounds
    assert answer.hypothetical
    assert answer.certified == outcome.index
    assert whole.removal.changes is not None
    fewest = whole.removal.changes
    assert (fewest.label, fewest.lower) == ("exact", 2)

    for taken_away in range(1, fewest.lower + 1):
        sets = list(combinations(played.ballots, taken_away))
        left = [_taken_without(played, members, played.seats) for members in sets]
        changed = [one for one in left if one is not None and one != set(outcome.taken)]
        assert len(changed) == (fewest.sets if taken_away == fewest.lower else 0)

    decisive = {one.member for one in whole.decisive if one.touch is Touch.REMOVAL}
    opened = {member for member in played.ballots if _taken_without(played, (member,), played.seats) is None}
    assert decisive == opened != set()

    supposed = what_if(entries_of(world), Change(entries=frozenset(fewest.entries)))
    (compared,) = (one for one in supposed.compared if one.subject == "stage:shortlist")
    assert compared.seats_change
    assert world.state.size == size, "nothing is written"
