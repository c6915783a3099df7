"""Counting of named ballots: what a ballot may say, each candidate's line, the balance, quorum and minimum."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.procedure.counting import (
    BalanceFault,
    BalanceProblem,
    Ballot,
    MinApproval,
    QuorumCheck,
    Tally,
    balance_problems,
    quorum,
    quorum_checks,
    quorum_met,
    reaches_minimum,
    tally,
)

TWO_THIRDS = Fraction(2, 3)
STANDING = frozenset({"li", "wang", "zhao"})


def ballot(member: str, approve: str = "", against: str = "", abstain: str = "", *, void: bool = False) -> Ballot:
    return Ballot(member, frozenset(approve.split()), frozenset(against.split()), frozenset(abstain.split()), void)


BALLOTS = (
    ballot("m1", "li wang"),
    ballot("m2", "li", against="wang", abstain="zhao"),
    ballot("m3", "li wang zhao", void=True),
    ballot("m4", "zhao", against="li"),
    ballot("m5"),
)


def test_each_line_blank_void_and_recused() -> None:
    lines = tally(STANDING, BALLOTS, {"zhao": {"m4", "m3"}})

    assert lines == (
        Tally("li", approve=2, against=1, abstain=1, void=1, recused=0, returned=5),
        Tally("wang", approve=1, against=1, abstain=2, void=1, recused=0, returned=5),
        Tally("zhao", approve=0, against=0, abstain=3, void=0, recused=2, returned=5),
    )
    assert [(line.possible, line.valid) for line in lines] == [(5, 4), (5, 4), (3, 3)]


def test_words_on_somebody_removed_count_for_nobody() -> None:
    assert [line.candidate for line in tally(["wang"], BALLOTS, {})] == ["wang"]
    assert tally(["wang"], BALLOTS, {}) == tally(STANDING, BALLOTS, {})[1:2]


def test_two_ballots_of_one_member_are_an_error() -> None:
    with pytest.raises(ValueError, match="one member"):
        tally(STANDING, [ballot("m1", "li"), ballot("m1", "wang")], {})


@pytest.mark.parametrize(
    "sets", [("li", "li", ""), ("li", "", "li"), ("", "wang", "wang"), ("li wang", "zhao", "zhao")]
)
def test_a_ballot_says_one_thing_of_each_candidate(sets: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="one thing"):
        ballot("m1", *sets)


def test_a_balance_that_comes_out_has_no_problem() -> None:
    lines = tally(STANDING, BALLOTS, {"zhao": {"m4", "m3"}})

    assert balance_problems(lines, issued=6, returned=5, unreturned=1, void=1) == ()


LI = Tally("li", approve=2, against=1, abstain=1, void=1, recused=0, returned=5)
ZHAO = Tally("zhao", approve=0, against=0, abstain=3, void=0, recused=2, returned=5)


@pytest.mark.parametrize(
    ("line", "issued", "expected"),
    [
        (LI, 7, BalanceProblem(BalanceFault.ISSUED, None, 7, 6)),
        (replace(LI, approve=3), 6, BalanceProblem(BalanceFault.LINE, "li", 5, 6)),
        (replace(ZHAO, abstain=2), 6, BalanceProblem(BalanceFault.LINE, "zhao", 5, 4)),
        (replace(LI, returned=4), 6, BalanceProblem(BalanceFault.RETURNED, "li", 5, 4)),
        (replace(LI, approve=1, void=2), 6, BalanceProblem(BalanceFault.VOID, "li", 1, 2)),
        (replace(LI, approve=3, void=0), 6, BalanceProblem(BalanceFault.VOID, "li", 1, 0)),
    ],
)
def test_each_sum_that_does_not_come_out_is_named(line: Tally, issued: int, expected: BalanceProblem) -> None:
    other = ZHAO if line.candidate == "li" else LI

    assert balance_problems((line, other), issued=issued, returned=5, unreturned=1, void=1) == (expected,)


@pytest.mark.parametrize(
    ("members", "needed"), [(0, 3), (1, 3), (3, 3), (4, 3), (5, 4), (6, 4), (7, 5), (9, 6), (10, 7), (15, 10)]
)
def test_quorum_is_two_thirds_rounded_up_and_at_least_three(members: int, needed: int) -> None:
    assert quorum(members, TWO_THIRDS, 3) == needed


def test_quorum_of_another_programme() -> None:
    assert quorum(9, Fraction(1, 2), 5) == 5
    assert quorum(11, Fraction(1, 2), 5) == 6


def test_the_quorum_is_taken_for_each_candidate() -> None:
    members = frozenset({"m1", "m2", "m3", "m4", "m5"})
    voted = frozenset({"m1", "m2", "m3", "m4", "stranger"})
    recusals = {"wang": frozenset({"m1", "m2"}), "zhao": frozenset({"m5"})}
    li, wang, zhao = quorum_checks(STANDING, members, voted, recusals, TWO_THIRDS, 3)

    assert li == QuorumCheck("li", members=5, taking_part=4, needed=4)
    assert wang == QuorumCheck("wang", members=3, taking_part=2, needed=3)
    assert zhao == QuorumCheck("zhao", members=4, taking_part=4, needed=3)
    assert [check.met for check in (li, wang, zhao)] == [True, False, True]
    assert quorum_met([li, zhao])
    assert not quorum_met([li, wang, zhao])


@pytest.mark.parametrize(
    ("approve", "against", "more_than_half"), [(2, 2, False), (3, 2, True), (0, 0, False), (1, 0, True)]
)
def test_the_least_approvals(approve: int, against: int, more_than_half: bool) -> None:
    line = Tally("li", approve, against, 0, void=4, recused=0, returned=approve + against + 4)

    assert reaches_minimum(line, MinApproval.MORE_THAN_HALF) is more_than_half
    assert reaches_minimum(line, MinApproval.NONE)


WORDS = st.sampled_from(["approve", "against", "abstain", "blank"])
NAMES = ["a", "b", "c", "d"]


@st.composite
def ballot_boxes(draw: st.DrawFn) -> list[Ballot]:
    box = []
    for number in range(draw(st.integers(0, 9))):
        words = draw(st.fixed_dictionaries(dict.fromkeys(NAMES, WORDS)))
        said = {word: frozenset(name for name in NAMES if words[name] == word) for word in set(words.values())}
        approve, against, abstain = (said.get(word, frozenset()) for word in ("approve", "against", "abstain"))
        box.append(Ballot(f"m{number}", approve, against, abstain, draw(st.booleans())))
    return box


recusal_tables = st.dictionaries(
    st.sampled_from(NAMES), st.frozensets(st.integers(0, 9).map(lambda number: f"m{number}"), max_size=4)
)


@given(ballot_boxes(), recusal_tables, st.data())
def test_every_count_balances_whatever_the_order(
    box: list[Ballot], recusals: dict[str, frozenset[str]], data: st.DataObject
) -> None:
    lines = tally(NAMES, box, recusals)
    void = sum(each.void for each in box)

    assert balance_problems(lines, issued=len(box) + 2, returned=len(box), unreturned=2, void=void) == ()
    assert tally(reversed(NAMES), data.draw(st.permutations(box)), recusals) == lines
    for line in lines:
        assert line.approve <= line.possible
        assert line.approve == sum(
            line.candidate in each.approve
            for each in box
            if not each.void and each.member not in recusals.get(line.candidate, ())
        )
