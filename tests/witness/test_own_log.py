"""The keys of the ledger's own log: each signs its own sizes alone, as the entries say, once it was rotated."""

from pathlib import Path

import pytest

from api.witness.own_log import keys_in_force
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.errors import StoreError, VerificationError
from ledger.log_keys import LogKeys
from ledger.opening import create_home
from ledger.witness_policy import parse_policy
from tests.clauses.founding import rotate_log_key
from tests.sequenced import SCHEMA, Site
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, freeze, new_world


def test_a_retired_key_signs_no_larger_checkpoint(site: Site, tmp_path: Path) -> None:
    world = new_world()
    rotate_log_key(world)
    keys = world.state.log.known_keys
    assert keys is not None
    site.preload(freeze(world))
    home = create_home(tmp_path / "home", ORIGIN, SCHEMA, LOG_KEY)
    with site.store() as store:
        alone = parse_policy("quorum none\n")
        assert keys_in_force(home, alone, store) == LogKeys.of(LOG_VKEY)
        both = parse_policy(f"log {keys.newest.encode()}\nquorum none\n")
        assert keys_in_force(home, both, store) == keys
        size = store.size()
        old = [sign_checkpoint(Checkpoint(ORIGIN, at, bytes(32)), LOG_KEY) for at in (size, size + 1)]
        assert keys_in_force(home, both, store).open(old[0]).size == size
        with pytest.raises(VerificationError, match="NOTE_UNSIGNED"):
            keys_in_force(home, both, store).open(old[1])
    site.tamper("UPDATE {}.entries SET state = overlay(state placing 'x' from 40) WHERE position = 3")
    with site.store() as store, pytest.raises(StoreError, match="EVENT_ALTERED"):
        keys_in_force(home, both, store)
