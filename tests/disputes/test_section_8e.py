"""Dispute H10: the database is restored from an old backup, on purpose or by mistake."""

from pathlib import Path

import pytest

from ledger.errors import StoreError
from ledger.logstore import Witnessed
from ledger.receipt import verify
from ledger.recovery import Sources
from ledger.sequencer import Sequenced
from ledger.statements.foundation import ActCountersigned
from ledger.statements.log import LogRecovered
from tests.clauses.founding import SPONSORS
from tests.log.losing import Lossy
from tests.sequenced import Site
from tests.simulator import LOG_VKEY, freeze, new_world

FOUNDED = freeze(new_world())
BACKUP = 8


@pytest.fixture
def lossy(site: Site, tmp_path: Path) -> Lossy:
    """A ledger of two people's enrolments that went on to nine, whose receipts they hold."""
    made = Lossy(site, tmp_path / "home", FOUNDED)
    made.grow(2, 3, 4)
    return made


def refuses_to_start(lossy: Lossy, code: str, *witnessed: Witnessed) -> StoreError:
    """The service does not start, so that nothing can be written."""
    with pytest.raises(StoreError) as caught, lossy.running(witnessed):
        pass
    assert caught.value.code == code
    return caught.value


def test_H10_a_restored_backup_takes_no_writes_until_all_that_was_promised_is_back(lossy: Lossy) -> None:
    promise, members = lossy.promise(), lossy.kept_by_members()
    lossy.restore_backup(BACKUP)
    # The pin outside the database knows; and where whoever restored it took the pin along, a witness does.
    assert refuses_to_start(lossy, "ROLLBACK_DETECTED").facts == {"by": "pin", "pinned": 15, "size": BACKUP}
    lossy.home.pin.unlink()
    refuses_to_start(lossy, "PIN_MISSING")
    assert refuses_to_start(lossy, "ROLLBACK_DETECTED", promise).facts["by"] == promise.name
    # A part is not enough, and leaves everything as it is.
    part = Sources({index: data for index, data in members.entries.items() if index != 12}, members.notes)
    with pytest.raises(StoreError, match="RECOVERY_INCOMPLETE"):
        lossy.recover(part, promise)
    refuses_to_start(lossy, "ROLLBACK_DETECTED", promise)
    # Members' receipts with their entries bring everything back, byte for byte.
    done = lossy.recover(members, promise)
    assert (done.size, done.recovered_to) == (BACKUP, 15)
    with lossy.running((promise,)) as sequencer:
        world = lossy.world
        body = LogRecovered("数据库由旧备份恢复", done.recovered_to, done.size, tuple(members.digests))
        told = sequencer.submit(world.envelope("discipline", body, seen=sequencer.seen()), world.now).result()
        assert isinstance(told, Sequenced)
        agreed = ActCountersigned(told.act.index, told.act.leaf.hex())
        sequencer.submit(world.envelope(SPONSORS[0], agreed, seen=sequencer.seen()), world.now).result()
        (finding,) = sequencer.state.findings.open_of("LOG_RECOVERED")
        assert (finding.severity, finding.facts) == ("warn", {"size": BACKUP, "recovered_to": 15})
    with lossy.site.store() as store:
        for index, (receipt, entry) in lossy.given.items():
            assert store.entry(index) == entry
            verify(receipt, entry, (LOG_VKEY,))
    assert lossy.site.audit().failures == []


def test_H10_a_backup_that_went_on_differently_is_another_history(lossy: Lossy) -> None:
    promise = lossy.promise()
    lossy.restore_backup(BACKUP)
    lossy.home.pin.unlink()
    early = Sources(notes=list(FOUNDED.notes.values()))
    lossy.recover(early)
    lossy.grow(7)
    refuses_to_start(lossy, "HISTORY_REWRITTEN", promise)
    with pytest.raises(StoreError, match="HISTORY_REWRITTEN"):
        lossy.recover(Sources(), promise)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE {}.entries SET state = state || ' ' WHERE position = 15", "HISTORY_REWRITTEN"),
        ("UPDATE {}.entries SET state = overlay(state placing '!' from 3) WHERE position = 15", "EVENT_ALTERED"),
        ("UPDATE {}.nodes SET hashes = overlay(hashes placing '!' from 3) WHERE position = 15", "NODE_ALTERED"),
        ("UPDATE {}.checkpoints SET note = (SELECT note FROM {}.checkpoints WHERE size = 11) WHERE size = 15",
         "CHECKPOINT_MISMATCH"),
        ("DELETE FROM {}.checkpoints", "CHECKPOINT_MISSING"),
    ],
)  # fmt: skip
def test_H10_a_tail_that_does_not_verify_takes_no_writes(lossy: Lossy, statement: str, code: str) -> None:
    lossy.site.tamper(statement.replace("{}", "ledger"))
    refuses_to_start(lossy, code)
