"""Margins: held against trying every removal and every legal change, against recounts of real plays, and explained."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from projections.margin_search import Bounded, Exactly, Margin, Margins, Touch, decisive, search
from projections.suppositions import Contest, Vote
from tests.projections.contests import changes, contest, removals

Tried = Callable[[Contest, int], Iterator[Contest]]
TRIED: dict[Touch, Tried] = {Touch.REMOVAL: removals, Touch.CHANGE: changes}


def by_trying(vote: Contest, touch: Touch, most: int) -> dict[str | None, tuple[int | None, int | None]]:
    """The fewest ballots, of up to `most`, that change each candidate's seat for certain, and that open it at least."""
    taken = set(vote.cut.taken)
    found: dict[str | None, tuple[int | None, int | None]] = dict.fromkeys((None, *vote.candidates), (None, None))
    for size in range(1, most + 1):
        for other in TRIED[touch](vote, size):
            cut = other.cut
            tied = set(cut.tied_at_cut or ())
            for one in vote.candidates:
                changed = (one not in cut.taken and one not in tied) if one in taken else one in cut.taken
                opened = changed or one in tied
                for who in (one, None):
                    first, second = found[who]
                    found[who] = (first or size if changed else first, second or size if opened else second)
    return found


def told(margins: Margins) -> tuple[Margin | None, Margin | None]:
    """The margin to change, and to open at least, which is the same unless it is said."""
    return margins.changes, margins.opens or margins.changes


def exact(margins: Margins) -> tuple[int | None, int | None]:
    """The same as numbers, all of which must be exact."""
    both = told(margins)
    assert all(one is None or one.label == "exact" for one in both)
    return both[0].upper if both[0] else None, both[1].upper if both[1] else None


def answers(vote: Contest, found: Exactly | Bounded, touch: Touch) -> dict[str | None, Margins]:
    return {None: found.whole(touch)} | {one: found.of(one, touch) for one in vote.candidates}


@pytest.mark.parametrize("keys", ["", "full", "some", "both"])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_removal_is_what_trying_every_set_finds(seed: int, plain: bool, keys: str) -> None:
    vote = contest(seed, ballots=3 + seed % 4, candidates=3 + seed % 3, keys=keys, plain=plain)
    tried = by_trying(vote, Touch.REMOVAL, len(vote.votes))
    assert {who: exact(one) for who, one in answers(vote, Exactly(vote), Touch.REMOVAL).items()} == tried


@pytest.mark.parametrize("keys", ["", "full"])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_change_is_what_trying_every_legal_change_finds(seed: int, plain: bool, keys: str) -> None:
    vote = contest(seed, ballots=2 + seed % 2, candidates=3 + seed // 2 % 2, keys=keys, plain=plain)
    tried = by_trying(vote, Touch.CHANGE, len(vote.votes))
    assert {who: exact(one) for who, one in answers(vote, Exactly(vote), Touch.CHANGE).items()} == tried


def within(found: Margins, tried: tuple[int | None, int | None], most: int) -> None:
    """Whatever is tried out up to `most` ballots lies within the bounds."""
    for margin, fewest in zip(told(found), tried, strict=True):
        if margin is None:
            assert fewest is None
        elif fewest is not None:
            assert margin.lower <= fewest
            assert margin.upper is None or fewest <= margin.upper
        else:
            assert margin.upper is None or margin.upper > most


@pytest.mark.parametrize("keys", ["some", "both"])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_where_a_run_off_was_held_a_change_lies_within_its_bounds(seed: int, plain: bool, keys: str) -> None:
    vote = contest(seed, ballots=2 + seed % 2, candidates=3 + seed // 2 % 2, keys=keys, plain=plain)
    tried = by_trying(vote, Touch.CHANGE, len(vote.votes))
    for who, found in answers(vote, Exactly(vote), Touch.CHANGE).items():
        within(found, tried[who], len(vote.votes))


@pytest.mark.parametrize("touch", Touch)
@pytest.mark.parametrize("keys", ["", "full", "some"])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_bounds_hold_what_is_found_by_counting_every_set(seed: int, plain: bool, keys: str, touch: Touch) -> None:
    vote = contest(seed, ballots=8 + seed % 5, candidates=4 + seed % 5, keys=keys, plain=plain)
    every, bounded = (answers(vote, found, touch) for found in (Exactly(vote), Bounded(vote)))
    for who, margins in every.items():
        for one, bounds in zip(told(margins), told(bounded[who]), strict=True):
            if bounds is None:
                assert one is None
            elif one is not None:
                assert bounds.lower <= (one.upper or bounds.lower)
                assert one.lower <= (bounds.upper or one.lower)


@pytest.mark.parametrize("touch", Touch)
@pytest.mark.parametrize("seed", range(20))
def test_for_the_vote_as_a_whole_the_bounds_meet_where_approvals_and_votes_decide(seed: int, touch: Touch) -> None:
    vote = contest(seed, ballots=11, candidates=7)
    assert exact(Bounded(vote).whole(touch)) == exact(Exactly(vote).whole(touch))


def test_many_ballots_give_bounds_that_are_labelled() -> None:
    vote = contest(3, ballots=60, candidates=9)
    found = search(vote)
    assert isinstance(found, Bounded)
    margins = [told(found.of(one, touch))[0] for one in vote.candidates for touch in Touch]
    assert {one.label for one in margins if one} <= {"exact", "bounds", "lower"}
    assert found.whole(Touch.CHANGE).changes is not None


def votes(*approvals: str) -> tuple[Vote, ...]:
    return tuple(Vote(number, f"m{number}", frozenset(each)) for number, each in enumerate(approvals))


def test_one_ballot_decides_and_a_tie_only_opens_the_seat() -> None:
    """Three for a and two for b: one ballot removed makes a tie, two change the seat; one changed ballot is enough."""
    vote = Contest(("a", "b"), votes("a", "a", "a", "b", "b"), 1, 1)
    found = search(vote)
    assert exact(found.whole(Touch.REMOVAL)) == (2, 1)
    assert exact(found.whole(Touch.CHANGE)) == (1, 1)
    removal = found.whole(Touch.REMOVAL)
    assert removal.changes == Margin(2, 2, (0, 1), 3)
    assert removal.opens == Margin(1, 1, (0,), 3)
    alone = decisive(vote, frozenset("a"))
    assert [(one.entry, one.touch, one.changes, one.opens) for one in alone] == [
        (0, Touch.REMOVAL, (), ("a", "b")),
        (0, Touch.CHANGE, ("a", "b"), ()),
        (1, Touch.REMOVAL, (), ("a", "b")),
        (1, Touch.CHANGE, ("a", "b"), ()),
        (2, Touch.REMOVAL, (), ("a", "b")),
        (2, Touch.CHANGE, ("a", "b"), ()),
    ]


def test_a_ballot_that_may_not_name_all_who_must_get_ahead_gives_a_lower_bound() -> None:
    vote = Contest(("a", "b", "c", "d"), votes("a", "a", "b", "b", "c", "d", "a", "b", ""), 2, 1)
    margins = Exactly(vote).of("a", Touch.CHANGE)
    assert margins.changes is not None
    assert margins.changes.label == "lower"
    tried = by_trying(vote, Touch.CHANGE, 3)["a"][0]
    assert tried is not None
    assert margins.changes.lower <= tried


def test_nobody_can_be_unseated_where_all_who_stand_are_taken() -> None:
    vote = Contest(("a", "b"), votes("a", "b"), 2, 2)
    assert exact(search(vote).whole(Touch.REMOVAL)) == (None, None)
    assert exact(Bounded(vote).whole(Touch.CHANGE)) == (None, None)
    assert decisive(vote, frozenset("ab")) == ()


@pytest.mark.parametrize("seed", range(6))
def test_the_ballots_that_are_named_do_it(seed: int) -> None:
    vote = contest(seed, ballots=9, candidates=6, plain=False)
    found = search(vote)
    for one in vote.candidates:
        margin = found.of(one, Touch.REMOVAL).changes
        if margin is not None:
            assert len(margin.entries) == margin.upper
            rest = tuple(each for each in vote.votes if each.entry not in margin.entries)
            assert (one in replace(vote, votes=rest).cut.taken) != (one in found.taken)
