"""Witnesses beside a running sequencer: whatever they do, statements go on; a proven fork stops them."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from api.rehearsal.driver import World
from api.rehearsal.live import SequencedLedger
from api.witness.collected import Collected
from api.witness.collecting import Collector, Outcome, Pace, Submitter
from api.witness.own_log import StoredPublished, halting
from ledger.checkpoint import open_checkpoint
from ledger.cosignature import open_cosigned
from ledger.errors import StoreError
from ledger.logstore import Witnessed
from ledger.opening import Home, create_home, open_sequencer
from ledger.sequencer import Sequencer
from ledger.statements.foundation import StageOpened
from tests.plays import history_at
from tests.sequenced import Site
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, resume
from tests.witness.servers import NOW, Log, answering, cosigner, policy_of, running
from tests.witness.trees import Tree

QUICK = Pace(poll=0.01)


def opened(site: Site, use: Callable[[Sequencer, World, StoredPublished], None]) -> None:
    """Go on from a play on a real sequencer."""
    history = history_at("enrolled")
    site.preload(history)
    with site.store() as store, site.sequencer() as sequencer:
        use(sequencer, resume(history, SequencedLedger(sequencer)), StoredPublished(store))


def test_a_witness_that_hangs_delays_no_statement(site: Site, tmp_path: Path) -> None:
    release, asked, cosigned = threading.Event(), threading.Event(), threading.Event()

    def hang(request: BaseHTTPRequestHandler) -> None:
        asked.set()
        release.wait(60)

    def use(sequencer: Sequencer, world: World, log: StoredPublished) -> None:
        before = sequencer.size
        with answering(hang) as bad, running(tmp_path, "w", log=LOG_VKEY) as good:
            policy = policy_of(("hangs", bad), ("w", good), ("dead", "http://127.0.0.1:1"), log=LOG_VKEY)

            def on_outcome(outcome: Outcome) -> None:
                if outcome.witness == "w" and outcome.size == before + 1:
                    cosigned.set()

            kept = Collected(tmp_path / "home")
            with Collector(policy, log, LOG_VKEY, kept, on_outcome, lambda: NOW, QUICK):
                assert asked.wait(30)
                world.must("organiser", StageOpened("applications"))
                assert sequencer.size == before + 1
                assert cosigned.wait(30)
                assert not release.is_set()
            release.set()
            note = kept.note(before + 1) or b""
            assert len(open_cosigned(note, LOG_VKEY, [cosigner("w").key]).by) == 1

    opened(site, use)


def test_a_proven_fork_stops_the_sequencer_and_a_claim_does_not(site: Site, tmp_path: Path) -> None:
    forged = Tree(5000, key=LOG_KEY, origin=ORIGIN)

    def use(sequencer: Sequencer, world: World, log: StoredPublished) -> None:
        kept = Collected(tmp_path / "home")
        with running(tmp_path, "w", log=LOG_VKEY) as url:
            policy = policy_of(("w", url), log=LOG_VKEY)
            one = Submitter(policy.witnesses["w"], log, LOG_VKEY, kept, lambda: NOW)
            halting(sequencer)(one.collect())
            world.must("organiser", StageOpened("applications"))
        with running(tmp_path, "v", log=LOG_VKEY) as url:
            policy = policy_of(("v", url), log=LOG_VKEY)
            elsewhere = Collected(tmp_path / "elsewhere")
            other = Submitter(policy.witnesses["v"], Log(forged, 5000), LOG_VKEY, elsewhere, lambda: NOW)
            assert other.collect().code == "OK"
            outcome = Submitter(policy.witnesses["v"], log, LOG_VKEY, kept, lambda: NOW).collect()
        assert outcome.code == "ROLLBACK_DETECTED"
        size = sequencer.size
        halting(sequencer)(outcome)
        assert sequencer.fork is not None
        assert (sequencer.fork.code, sequencer.fork.seen.size) == ("ROLLBACK_DETECTED", 5000)
        with pytest.raises(type(sequencer.fork)):
            world.must("organiser", StageOpened("screening"))
        assert sequencer.size == size

    opened(site, use)


@pytest.mark.parametrize(
    ("size", "root", "code"), [(5000, None, "ROLLBACK_DETECTED"), (40, bytes(32), "HISTORY_REWRITTEN")]
)
def test_H10_what_a_witness_signed_stops_a_start(
    site: Site, tmp_path: Path, size: int, root: bytes | None, code: str
) -> None:
    home: Home = create_home(tmp_path / "home", ORIGIN, log_key=LOG_KEY)
    history = history_at("enrolled")
    site.preload(history)
    known = open_checkpoint(history.notes[40], (LOG_VKEY,))
    with site.store() as store:
        with pytest.raises(StoreError) as missing, open_sequencer(home, store):
            pass
        assert missing.value.code == "PIN_MISSING"
        claim = Witnessed("w", size, root or known.root)
        with pytest.raises(StoreError) as caught, open_sequencer(home, store, witnessed=[claim]):
            pass
        assert (caught.value.code, caught.value.facts["by"]) == (code, "w")
        with open_sequencer(home, store, witnessed=[Witnessed("w", 40, known.root)]) as sequencer:
            assert sequencer.size == len(history.entries)
