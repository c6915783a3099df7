"""Ballots of a public vote when a log is brought back: who voted is known again, or nothing is written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import StoreError
from ledger.opening import opened_pin
from ledger.recovery import Sources, recover
from ledger.recovery_sources import read_source
from projections.disclosure import Audience
from projections.public_votes import block_path, rows_path
from tests import public_ballots as public
from tests.exports.stored import export_of
from tests.public_ballots import CHANNEL, cast, close, opened
from tests.sequenced import Site, played_on
from tests.simulator import LOG_VKEY
from tests.voting import history_before


def lose(site: Site, size: int) -> None:
    """Put the database back to how it was at a size, as an old backup would."""
    tables = ("entries WHERE position", "nodes WHERE position", "checkpoints WHERE size", "attachments WHERE position")
    site.tamper(
        *(f"DELETE FROM {{}}.{table} > {size}" for table in tables), f"DELETE FROM {{}}.spent WHERE index >= {size}"
    )


def brought_back(site: Site, folder: Path, size: int, leave_out: Callable[[str], bool]) -> None:
    files = {file.relative_to(folder).as_posix(): file.read_bytes for file in folder.rglob("*") if file.is_file()}
    sources = Sources()
    read_source(sources, {name: read for name, read in files.items() if not leave_out(name)}, size)
    with site.store() as store, opened_pin(site.pin_path) as pin:
        recover(store, LOG_VKEY, pin, sources)


def test_credentials_stay_used_up_and_rows_come_back(site: Site, tmp_path: Path) -> None:
    with played_on(site, history_before(public.STAGE)) as world:
        poll = opened(world)
        size = world.state.size
        first = cast(world, poll, {number: (number % 3,) for number in range(6)}).index
        second = cast(world, poll, dict.fromkeys(range(6, 9), (1,))).index
        close(world, poll)
        with site.store() as store:
            shown = public.open_totals(world, poll, store).index
        export_of(site, tmp_path / "export", Audience.AUDITOR)
    everybody, kept = public.tags(poll.id, range(public.VOTERS)), (first, second, shown)
    with site.store() as store:
        before = store.spent(everybody), [store.attached(index) for index in kept]
    assert set(before[0]) == set(everybody[:9])

    lose(site, size)
    with pytest.raises(StoreError, match="RECOVERY_INCOMPLETE") as caught:
        brought_back(site, tmp_path / "export", size, lambda name: name == block_path(second))
    assert (caught.value.facts["by"], caught.value.facts["promised"]) == ("poll.batch", second + 1)
    with site.store() as store:
        assert store.size() == size

    brought_back(site, tmp_path / "export", size, lambda _: False)
    with site.store() as store:
        assert (store.spent(everybody), [store.attached(index) for index in kept]) == before


def test_rows_alone_tell_who_voted(site: Site, tmp_path: Path) -> None:
    with played_on(site, history_before(public.STAGE)) as world:
        poll = opened(world)
        size = world.state.size
        index = cast(world, poll, dict.fromkeys(range(5), (1,))).index
        export_of(site, tmp_path / "export", Audience.AUDITOR)
    lose(site, size)
    path = tmp_path / "export" / rows_path(index)
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(StoreError, match="RECOVERY_INCOMPLETE"):
        brought_back(site, tmp_path / "export", size, lambda _: False)
    path.write_bytes(good)
    brought_back(site, tmp_path / "export", size, lambda _: False)
    with site.store() as store:
        assert set(store.spent(public.tags(poll.id, range(10)))) == set(public.tags(poll.id, range(5)))
        assert store.attached(index) is None
    with site.sequencer() as sequencer:
        assert sequencer.state.polls.ballots_of(poll.id).counts == {CHANNEL: 5}
