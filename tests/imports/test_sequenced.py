"""An import on a real sequencer and database: signed by two clerks' keys, cut off, gone on with, audited."""

from itertools import count

import pytest

from ledger.import_clerk import SequencerClerk
from ledger.importing import ImportRefusedError, countersign, run
from tests.imports.exporting import source_of
from tests.imports.small import PROGRAMME, VALUE, tables, tried
from tests.imports.test_log import WHAT
from tests.sequenced import Site
from tests.simulator import freeze, new_world


def test_an_import_survives_a_restart_and_an_audit(site: Site) -> None:
    world = new_world(VALUE)
    world.set_time("2024-01-10")
    first, second = (world.enrol(alias, "intake_office") for alias in ("clerk", "clerk-2"))
    site.preload(freeze(world))
    rows = source_of(tables())
    dry = tried(tables())
    times = count(world.now + 1000, 1000)
    told: list[int] = []

    def stopping(table: str, sent: int) -> None:
        raise InterruptedError

    with site.sequencer() as sequencer:
        clerk = SequencerClerk(sequencer, first.person, first.key, at=lambda: next(times))
        with pytest.raises(InterruptedError):
            run(clerk, PROGRAMME, rows, WHAT, dry, progress=stopping)
    with site.sequencer() as sequencer:
        clerk = SequencerClerk(sequencer, first.person, first.key, at=lambda: next(times))
        completion = run(clerk, PROGRAMME, rows, WHAT, dry, progress=lambda table, sent: told.append(sent))
        other = SequencerClerk(sequencer, second.person, second.key, at=lambda: next(times))
        countersign(other, completion)
        done = sequencer.state.imports.completed
        assert done is not None
        assert done.result == dry.derived
        assert (clerk.person, told) == (first.person, [])
        stranger = SequencerClerk(sequencer, "nobody", first.key, at=lambda: next(times))
        with pytest.raises(ImportRefusedError):
            countersign(stranger, completion)
    assert site.audit().clean
