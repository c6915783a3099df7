"""A sequencer that had to read its log again keeps one state of it, not one for every time."""

import gc

import pytest

from ledger.errors import StoreError
from ledger.selection import Selection
from tests.sequenced import Site, StoredLedger
from tests.simulator import resume
from tests.voting import history_before


def states() -> int:
    """How many states of a log this process holds."""
    return sum(isinstance(one, Selection) for one in gc.get_objects())


def test_the_state_of_before_is_let_go_without_waiting_for_the_collector(site: Site) -> None:
    history = history_before("public")
    site.preload(history)
    with site.sequencer() as sequencer:
        world = resume(history, StoredLedger(site, sequencer))
        world.must("registrar", world.enrolment("somebody"))
        gc.collect()
        before = states()
        gc.disable()
        try:
            for number in range(3):
                site.disconnect_writer()
                with pytest.raises(StoreError):
                    world.submit("registrar", world.enrolment(f"lost-{number}"))
                world.must("registrar", world.enrolment(f"decided on what was read again {number}"))
            assert states() == before
        finally:
            gc.enable()
