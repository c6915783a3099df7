"""Properties of whole selections, for random ones: live equals replay, and an audit decides everything alike."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.statements import decode_own_entry
from projections.audit.verify import verify_log
from projections.replay import replay
from tests.model.driver import played
from tests.model.play import Play
from tests.projections.views import all_views
from tests.simulator import LOG_VKEY, MemoryLedger

FEW = settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@FEW
@given(st.integers(0, 10_000), st.integers(5, 60))
def test_at_any_point_of_any_selection_replay_shows_what_live_shows(seed: int, point: int) -> None:
    """What judged every statement until then, and refused many, is what the entries alone give: byte for byte."""
    seen: list[int] = []

    def compare(ledger: MemoryLedger) -> None:
        seen.append(len(ledger.entries))
        if len(seen) == point:
            same_views(ledger)

    play = Play(seed)
    play.watch = compare
    played(play)
    same_views(play.ledger)


def same_views(ledger: MemoryLedger) -> None:
    """The views of the live state and of one folded anew, as bytes."""
    live, again = ledger.state, replay(ledger.entries)
    acts = [decode_own_entry(entry) for entry in ledger.entries]
    assert all_views(again, acts, live.at) == all_views(live, acts, live.at)


@FEW
@given(st.integers(0, 10_000))
def test_an_audit_of_any_honest_selection_is_clean(seed: int) -> None:
    """Bytes, tree, signatures, and every decision again."""
    play = Play(seed)
    played(play)
    report = verify_log(play.ledger, LOG_VKEY)
    assert report.clean, report
