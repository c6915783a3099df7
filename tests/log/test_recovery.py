"""Bringing a log back: verbatim, all that was promised or nothing, from whatever was kept elsewhere."""

from pathlib import Path
from typing import Any

import pytest

from ledger import pin
from ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.errors import MalformedError, StoreError, VerificationError
from ledger.forks import evidence
from ledger.logstore import Witnessed, seen_of
from ledger.merkle import EMPTY_ROOT
from ledger.opening import create_home, forks_on_file, open_sequencer, opened_pin
from ledger.receipt import verify
from ledger.recovery import Sources
from ledger.recovery_sources import framed, read_source
from tests.clauses.founding import rotate_log_key
from tests.log.losing import Lossy
from tests.sequenced import Site
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, freeze, new_world

FOUNDED = freeze(new_world())


@pytest.fixture
def lossy(site: Site, tmp_path: Path) -> Lossy:
    """A ledger of 6 entries that grew to 15 in batches of 2, 3 and 4."""
    made = Lossy(site, tmp_path / "home", FOUNDED)
    made.grow(2, 3, 4)
    return made


def files_of(folder: Path) -> dict[str, Any]:
    """The files of a folder, as they are read for a recovery."""
    return {file.relative_to(folder).as_posix(): file.read_bytes for file in folder.rglob("*") if file.is_file()}


def stored(lossy: Lossy) -> tuple[list[bytes], dict[int, bytes]]:
    """Every entry and every checkpoint of the database."""
    with lossy.site.store() as store:
        return [entry for _, entry in store.read_entries()], {one.size: one.note for one in store.checkpoints()}


def sound(lossy: Lossy) -> None:
    """The log starts, every receipt ever given holds, and an audit is clean."""
    with lossy.running() as sequencer:
        assert sequencer.size == 15
    entries, _ = stored(lossy)
    for index, (receipt, entry) in lossy.given.items():
        assert entries[index] == entry
        verify(receipt, entry, (LOG_VKEY,))
    report = lossy.site.audit()
    assert [failure for failure in report.failures if failure.code != "PIN_MISSING"] == []


def test_an_export_brings_back_every_byte(lossy: Lossy, tmp_path: Path) -> None:
    before = stored(lossy)
    folder = lossy.exported(tmp_path / "export")
    lossy.restore_backup(8)
    sources = Sources()
    read_source(sources, files_of(folder), 8)
    assert sorted(sources.entries) == list(range(8, 15))
    done = lossy.recover(sources)
    assert (done.size, done.recovered_to, done.checkpoints) == (8, 15, 2)
    assert stored(lossy) == before
    assert len(sources.digests) == 1
    sound(lossy)


def test_receipts_bring_back_what_members_hold_and_statements_repeat(lossy: Lossy, tmp_path: Path) -> None:
    before = stored(lossy)
    for index, (receipt, entry) in lossy.given.items():
        (tmp_path / "receipts").mkdir(exist_ok=True)
        (tmp_path / "receipts" / f"{index}.tlog-proof").write_bytes(receipt.encode())
        (tmp_path / "receipts" / f"{index}.entry").write_bytes(entry)
    lossy.restore_backup(6)
    files = files_of(tmp_path / "receipts")
    # Of the receipts only the last one's checkpoint is there: the others are repeated by what the entries pin.
    for index in lossy.given:
        if index != 14:
            proof = files.pop(f"{index}.tlog-proof")()
            note = lossy.given[index][0].checkpoint_note
            assert proof.endswith(note)
    sources = Sources()
    read_source(sources, files, 6)
    for index, (_, entry) in lossy.given.items():
        sources.entry(index, entry)
    lossy.recover(sources)
    entries, notes = stored(lossy)
    assert entries == before[0]
    assert {size for size in notes if size > 6} == {8, 11, 15}
    assert notes == before[1]
    sound(lossy)


def test_nothing_is_written_unless_all_that_was_promised_comes_back(lossy: Lossy) -> None:
    promise = lossy.promise()
    everything = lossy.kept_by_members()
    lossy.restore_backup(6)
    before = stored(lossy)
    for missing in (6, 10, 14):
        part = Sources({**everything.entries}, everything.notes, everything.digests)
        del part.entries[missing]
        with pytest.raises(StoreError, match="RECOVERY_INCOMPLETE"):
            lossy.recover(part)
    lossy.home.pin.unlink()
    part = Sources({index: data for index, data in everything.entries.items() if index < 11}, everything.notes)
    with pytest.raises(StoreError, match="RECOVERY_INCOMPLETE"):
        lossy.recover(part, promise)
    assert stored(lossy) == before
    assert pin.read(lossy.home.pin) is None


def test_what_was_promised_otherwise_is_not_brought_back(lossy: Lossy) -> None:
    everything = lossy.kept_by_members()
    lossy.restore_backup(6)
    with pytest.raises(StoreError, match="HISTORY_REWRITTEN"):
        lossy.recover(everything, Witnessed("archive", 11, bytes(32)))
    with pytest.raises(StoreError, match="HISTORY_REWRITTEN"):
        lossy.recover(everything, Witnessed("archive", 3, bytes(32)))


def test_a_changed_entry_or_another_signed_tree_is_refused(lossy: Lossy) -> None:
    everything = lossy.kept_by_members()
    lossy.restore_backup(6)
    before = stored(lossy)
    swapped = Sources(dict(everything.entries), everything.notes)
    swapped.entries[7], swapped.entries[8] = swapped.entries[8], swapped.entries[7]
    with pytest.raises(VerificationError, match="EVENT_ALTERED"):
        lossy.recover(swapped)
    garbled = Sources(dict(everything.entries), everything.notes)
    garbled.entries[9] = garbled.entries[9].replace(b'"index":9', b'"index": 9')
    with pytest.raises(VerificationError, match="EVENT_ALTERED"):
        lossy.recover(garbled)
    forged = sign_checkpoint(Checkpoint(ORIGIN, 12, bytes(32)), LOG_KEY)
    with pytest.raises(VerificationError, match="SPLIT_VIEW"):
        lossy.recover(Sources(everything.entries, [*everything.notes, forged]))
    with pytest.raises(VerificationError, match="RECOVERY_CONFLICT"):
        everything.entry(9, b"other bytes")
    assert stored(lossy) == before


def test_a_pin_that_was_lost_alone_is_set_again_by_a_checkpoint_kept_elsewhere(lossy: Lossy) -> None:
    promise = lossy.promise()
    lossy.home.pin.unlink()
    with pytest.raises(StoreError, match="PIN_MISSING"), lossy.running():
        pass
    done = lossy.recover(Sources(notes=lossy.kept_by_members().notes))
    assert (done.size, done.recovered_to) == (15, 15)
    found = pin.read(lossy.home.pin)
    assert found is not None
    assert (found.size, found.root) == promise[1:]
    sound(lossy)


def test_a_pin_is_not_set_by_what_nobody_signed(lossy: Lossy) -> None:
    lossy.home.pin.unlink()
    with pytest.raises(StoreError, match="RECOVERY_SOURCE"):
        lossy.recover(Sources(notes=[b"no note"]))
    assert pin.read(lossy.home.pin) is None


def test_a_witness_stands_in_for_a_lost_pin(lossy: Lossy) -> None:
    promise = lossy.promise()
    lossy.home.pin.unlink()
    with lossy.running((promise,)) as sequencer:
        assert sequencer.size == 15
    with lossy.running() as sequencer:
        assert sequencer.size == 15


def test_an_empty_log_is_pinned_before_its_first_entry(site: Site, tmp_path: Path) -> None:
    home = create_home(tmp_path / "home", ORIGIN, "ledger", LOG_KEY)
    with site.store() as store, open_sequencer(home, store):
        pass
    assert pin.read(home.pin) == pin.Pin(0, EMPTY_ROOT)
    assert pin.read(home.attempts_pin) == pin.Pin(0, EMPTY_ROOT)


def test_evidence_of_a_rollback_keeps_the_log_closed_until_it_is_recovered(lossy: Lossy) -> None:
    everything, promise = lossy.kept_by_members(), lossy.promise()
    newest = lossy.given[14][0].checkpoint_note
    lossy.restore_backup(6)
    lossy.home.pin.unlink()
    with opened_pin(lossy.home.pin) as made:
        made.advance(6, _root_of(FOUNDED.notes[6]))
    # Database and pin are both of an old backup. A member's statement knows better, and stops it.
    with lossy.running() as sequencer:
        envelope = lossy.world.envelope("registrar", lossy.world.enrolment("知情"), seen=seen_of(newest))
        with pytest.raises(VerificationError, match="ROLLBACK_DETECTED"):
            sequencer.submit(envelope, lossy.world.now).result()
    (on_file,) = forks_on_file(lossy.home)
    assert on_file[1:] == promise[1:]
    with pytest.raises(StoreError, match="ROLLBACK_DETECTED"), lossy.running():
        pass
    lossy.recover(everything)
    sound(lossy)


def _root_of(note: bytes) -> bytes:
    return open_checkpoint(note, (LOG_VKEY,)).root


def test_a_log_whose_key_was_rotated_comes_back_too(site: Site, tmp_path: Path) -> None:
    played = new_world()
    rotate_log_key(played)
    made = Lossy(site, tmp_path / "home", FOUNDED)
    sources = Sources()
    history = freeze(played)
    for row in history.rows[6:]:
        sources.entry(row.place, row.entry)
    sources.notes += [note for size, note in history.notes.items() if size > 6]
    done = made.recover(sources)
    assert (done.size, done.recovered_to) == (6, len(history.rows))


def test_frames_that_do_not_fit_are_refused() -> None:
    assert list(framed(b"\x00\x00\x00\x02ab\x00\x00\x00\x01c")) == [b"ab", b"c"]
    for wrong in (b"\x00\x00\x00\x03ab", b"\x00\x00\x00\x00", b"\x00\x00"):
        with pytest.raises(MalformedError):
            list(framed(wrong))


def test_evidence_names_what_it_promises() -> None:
    own = FOUNDED.notes[6]
    data = evidence(sign_checkpoint(Checkpoint(ORIGIN, 9, bytes(32)), LOG_KEY), own, b"", (), "00" * 32)
    assert data.endswith(b"}\n")
