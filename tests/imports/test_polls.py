"""The public vote of an imported selection shows the totals of the played one, each source apart."""

from collections.abc import Iterator

from ledger.selection import Selection
from projections.polls import SourceView, polls
from tests.imports.test_asking import imported
from tests.imports.test_round_trip import played


def sources(state: Selection) -> Iterator[SourceView]:
    """Every source of every poll."""
    for poll in polls(state):
        yield from poll.sources


def test_an_imported_public_vote_is_shown_as_the_played_one() -> None:
    pair = imported(*played(0))
    shown, before = list(sources(pair.held.state)), list(sources(pair.state))
    assert [(one.channel, one.verifiable, one.raw, one.valid) for one in shown] == [
        (one.channel, one.verifiable, one.raw, one.valid) for one in before
    ]
    assert any(one.raw for one in shown)
    assert [one.sums for one in polls(pair.held.state)] == [one.sums for one in polls(pair.state)]
    assert {(one.credentials, one.taken) for one in shown} == {(None, 0)}
