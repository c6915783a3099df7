"""The check of public ballots where entries are not what an honest log admits."""

from collections.abc import Iterator, Sequence

import pytest

from ledger.errors import StoreError
from projections.audit import ballots
from projections.audit.catalogue import LIVE, Check
from projections.audit.report import Report
from tests import public_ballots as public
from tests.public_ballots import cast, close, opened
from tests.voting import world_before


class Nothing:
    """Ballots of which nothing is left."""

    def blocks(self, entries: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        return ((index, None) for index in entries)

    def credentials(self, commitment: int) -> Iterator[bytes]:
        return iter(())


def test_what_cannot_be_counted_is_told_and_what_cannot_be_read_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_before(public.STAGE)
    poll = opened(world)
    act = cast(world, poll, {0: (0,)})
    close(world, poll)
    report = Report.of(LIVE)
    ballots.hold_ballots(report, world.state, Nothing())
    assert {(one.code, one.index) for one in report.failures} == {
        ("ROWS_MISSING", act.index),
        ("CREDENTIALS_MISMATCH", world.state.polls.ballots_of(poll.id).credentials[public.CHANNEL].index),
    }

    def fails(error: Exception) -> Report:
        def audit(*_: object) -> None:
            raise error

        monkeypatch.setattr(ballots, "audit", audit)
        told = Report.of(LIVE)
        ballots.hold_ballots(told, world.state, Nothing())
        return told

    (failure,) = fails(KeyError("nobody")).failures
    assert (failure.check, failure.code, failure.facts) == (Check.TOTALS, "REPLAY_DIVERGES", {"reason": "KeyError"})
    with pytest.raises(StoreError, match="STORE_UNAVAILABLE"):
        fails(StoreError("STORE_UNAVAILABLE"))

    broken = Report.of(LIVE)
    broken.not_checked[Check.DECISIONS] = "7"
    ballots.hold_ballots(broken, world.state, Nothing())
    assert (broken.not_checked[Check.BALLOTS], broken.not_checked[Check.TOTALS]) == ("7", "7")
