"""Counting ballots one at a time gives the lines that counting them together gives, in whatever order they come."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.procedure.counting import Ballot, tally
from ledger.procedure.running_count import RunningCount

CANDIDATES = ("a", "b", "c", "d")


@st.composite
def votes(draw: st.DrawFn) -> tuple[list[Ballot], dict[str, frozenset[str]]]:
    """Give ballots of different members, and who is recused for whom; a ballot says nothing of such candidates."""
    members = [f"m{number}" for number in range(draw(st.integers(0, 6)))]
    recusals = {one: draw(st.frozensets(st.sampled_from(members or ["-"]))) for one in CANDIDATES}
    ballots = []
    for member in members:
        words: dict[str, set[str]] = {"approve": set(), "against": set(), "abstain": set()}
        for one in CANDIDATES:
            word = draw(st.sampled_from(["approve", "against", "abstain", "blank"]))
            if word in words and member not in recusals[one]:
                words[word].add(one)
        sets = {word: frozenset(people) for word, people in words.items()}
        ballots.append(Ballot(member, **sets, void=draw(st.booleans())))
    return draw(st.permutations(ballots)), recusals


def counted(ballots: list[Ballot], recusals: dict[str, frozenset[str]]) -> RunningCount:
    count = RunningCount()
    for one in ballots:
        recused = {candidate for candidate, members in recusals.items() if one.member in members}
        if one.void:
            count.add_void(recused)
        else:
            count.add(tuple(one.approve), tuple(one.against), tuple(one.abstain), recused)
    return count


@given(votes())
def test_the_lines_are_those_of_the_whole_count(case: tuple[list[Ballot], dict[str, frozenset[str]]]) -> None:
    ballots, recusals = case
    count = counted(ballots, recusals)
    assert count.lines(CANDIDATES) == tally(CANDIDATES, ballots, recusals)
    valid = [one for one in ballots if not one.void]
    assert count.mentioned == frozenset[str]().union(*(one.mentioned for one in valid))
    assert count.most_approvals == max((len(one.approve) for one in valid), default=0)
