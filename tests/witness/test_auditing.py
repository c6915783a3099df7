"""The full-audit witness: it cosigns a whole selection, lags by an open round, and signs nothing that breaks a rule."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from api.rehearsal.steps_applications import play_enrolment
from api.witness import published as published_module
from api.witness.auditing import Audited, AuditingWitness
from api.witness.memory import WitnessMemory, note_in, origin_name
from api.witness.published import PublishedEntries, open_published
from ledger.checkpoint import VerifierKey
from ledger.cosignature import open_cosigned
from ledger.errors import LedgerError, StoreError
from ledger.selection import Selection
from ledger.statements import decode_own_entry
from ledger.statements.foundation import StageOpened
from ledger.tiles import ENTRIES, TileAddress, bundle, tiles_of
from projections.bundle import write_export
from projections.disclosure import Audience, shown_to
from tests.api.calling import call
from tests.exports.making import MemorySource
from tests.plays import PLAN, history_at
from tests.projections.test_secrecy import vote
from tests.projections.worlds import eventful
from tests.simulator import LOG_VKEY, ORIGIN, History, MemoryLedger, freeze, new_world, resume
from tests.witness.servers import NOW, answering, cosigner

AUDITOR = cosigner("audit")


@lru_cache
def open_round() -> History:
    """A play in which a round is open and some have voted."""
    world = resume(eventful().histories["shortlist"])
    vote(world, True)
    return freeze(world)


def shown(history: History) -> int:
    state = Selection()
    for entry in history.entries:
        state.apply(decode_own_entry(entry))
    return shown_to(Audience.AUDITOR, state)


def publish(folder: Path, history: History, size: int, upto: int | None = None) -> Path:
    """Put what auditors read of a log into a folder: its checkpoint at `size`, entries up to `upto`."""
    for address in tiles_of(size if upto is None else upto):
        if address.level == ENTRIES:
            path = folder / address.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bundle(history.entries[address.first : address.leaves]))
    folder.mkdir(exist_ok=True)
    (folder / "checkpoint").write_bytes(history.notes[size])
    return folder


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[WitnessMemory]:
    with WitnessMemory(tmp_path / "state", tmp_path / "audit.key") as made:
        yield made


def audit(memory: WitnessMemory, source: Path | str, key: VerifierKey = LOG_VKEY) -> Audited:
    with open_published(str(source)) as files:
        return AuditingWitness(memory, key, AUDITOR, lambda: NOW).audit(PublishedEntries(files), workers=1)


def signed(done: Audited) -> int:
    """The size that the witness cosigned."""
    cosigned = open_cosigned(done.note, LOG_VKEY, [AUDITOR.key])
    assert [one.time for one in cosigned.by] == [NOW]
    return cosigned.checkpoint.size


def test_it_cosigns_what_it_has_decided_again_as_the_log_grows(tmp_path: Path, memory: WitnessMemory) -> None:
    history = history_at("grouped")
    size = len(history.entries)
    folder = tmp_path / "published"
    for at in (300, size, size):
        done = audit(memory, publish(folder, history, at))
        assert (done.code, done.report.failures) == ("OK", [])
        assert (signed(done), done.published) == (at, at)
        assert note_in(memory.folder, origin_name(ORIGIN)) == done.note
    assert done.known == size


def test_an_export_and_an_address_serve_as_well(tmp_path: Path, memory: WitnessMemory) -> None:
    history = history_at("enrolled")
    source = MemorySource.of(history)
    for name in ("export", "export.zip"):
        write_export(source, tmp_path / name, Audience.AUDITOR)
        assert signed(audit(memory, tmp_path / name)) == len(history.entries)
    folder = publish(tmp_path / "published", history, len(history.entries))
    with answering(serving_files(folder)) as url:
        assert signed(audit(memory, url + "/")) == len(history.entries)


def serving_files(folder: Path) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        path = folder / request.path.removeprefix("/")
        found = path.read_bytes() if path.is_file() else b""
        request.send_response(200 if path.is_file() else 404)
        request.send_header("content-length", str(len(found)))
        request.end_headers()
        request.wfile.write(found)

    return answer


def test_it_lags_by_an_open_round(tmp_path: Path, memory: WitnessMemory) -> None:
    history = open_round()
    size, upto = len(history.entries), shown(history)
    assert upto < size
    folder = publish(tmp_path / "published", history, size, upto)
    done = audit(memory, folder)
    assert (done.code, done.report.failures) == ("OK", [])
    assert signed(done) <= upto < done.published == size
    # Nearly all of it: every statement repeats the checkpoint that its signer saw.
    assert signed(done) >= upto - 3


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 513])
def test_wherever_the_bundles_end(tmp_path: Path, memory: WitnessMemory, size: int) -> None:
    history = history_at("grouped")
    done = audit(memory, publish(tmp_path / "published", history, len(history.entries), size))
    if size == 1:
        assert done.code == "NOTHING_PUBLISHED"
    else:
        assert done.report.failures == []
        assert size - 5 <= signed(done) <= size


def broken(history: History) -> History:
    """Go on with an entry that the rules refuse, correctly signed and covered by checkpoints."""
    world = resume(history)
    ledger = world.ledger
    assert isinstance(ledger, MemoryLedger)
    ledger.honest = False
    world.must("organiser", StageOpened("naming"))
    return freeze(world)


def test_a_log_that_breaks_a_rule_gets_no_signature(tmp_path: Path, memory: WitnessMemory) -> None:
    history = broken(history_at("enrolled"))
    size = len(history.entries)
    done = audit(memory, publish(tmp_path / "published", history, size))
    assert (done.code, done.note) == ("AUDIT_FAILED", b"")
    assert done.report.first_bad_index == size - 1
    assert memory.newest(ORIGIN) is None


def test_a_flipped_byte_gets_no_signature(tmp_path: Path, memory: WitnessMemory) -> None:
    history = history_at("enrolled")
    folder = publish(tmp_path / "published", history, len(history.entries))
    first = folder / TileAddress(ENTRIES, 0, min(256, len(history.entries))).path
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 1
    first.write_bytes(data)
    assert audit(memory, folder).code == "AUDIT_FAILED"
    assert memory.newest(ORIGIN) is None


def test_another_history_is_kept_as_evidence(tmp_path: Path, memory: WitnessMemory) -> None:
    """Two histories, both without a fault: only a witness that remembers can tell."""
    history = history_at("enrolled")
    assert audit(memory, publish(tmp_path / "one", history, 40)).code == "OK"
    world = new_world(seed="another")
    play_enrolment(world, PLAN)
    other = freeze(world)
    fork = publish(tmp_path / "two", other, len(other.entries))
    before = memory.newest(ORIGIN)
    done = audit(memory, fork)
    assert (done.report.failures, done.code) == ([], "SPLIT_VIEW")
    assert memory.newest(ORIGIN) == before
    assert len(list((memory.folder / "evidence").iterdir())) == 1


def test_an_older_or_shorter_log_is_not_cosigned(tmp_path: Path, memory: WitnessMemory) -> None:
    history = history_at("grouped")
    assert audit(memory, publish(tmp_path / "new", history, len(history.entries))).code == "OK"
    before = memory.newest(ORIGIN)
    assert audit(memory, publish(tmp_path / "old", history, 300)).code == "ROLLBACK_DETECTED"
    assert memory.newest(ORIGIN) == before


def test_the_key_from_outside_decides_whose_log_it_is(tmp_path: Path, memory: WitnessMemory) -> None:
    history = history_at("enrolled")
    stranger = VerifierKey(ORIGIN, cosigner("stranger").signer.public)
    assert audit(memory, publish(tmp_path / "one", history, len(history.entries)), stranger).code == "AUDIT_FAILED"


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_sources_that_are_no_log(tmp_path: Path, memory: WitnessMemory, content: bytes | None) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    if content is not None:
        (folder / "checkpoint").write_bytes(content)
    with pytest.raises(LedgerError):
        audit(memory, folder)


def test_sources_that_break_off(tmp_path: Path, memory: WitnessMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    history = history_at("enrolled")
    size = len(history.entries)
    folder = publish(tmp_path / "published", history, size)
    last = folder / TileAddress(ENTRIES, size // 256, size % 256).path
    data = last.read_bytes()
    last.write_bytes(data[:-1])
    with pytest.raises(LedgerError):
        audit(memory, folder)
    last.write_bytes(bundle([b"x"]))
    with pytest.raises(LedgerError):
        audit(memory, folder)
    last.unlink()
    last.mkdir()
    with pytest.raises(StoreError):
        audit(memory, folder)
    monkeypatch.setattr(published_module, "MOST_BUNDLE", 10)
    with pytest.raises(StoreError):
        audit(memory, folder)
    for url in ("http://127.0.0.1:1", "http://"):
        with pytest.raises(StoreError):
            audit(memory, url)


def test_the_command(tmp_path: Path) -> None:
    history = history_at("enrolled")
    size = len(history.entries)
    folder = publish(tmp_path / "published", history, size)
    key = call("witness", "key", "new", tmp_path / "audit", "--name", "witness.example/audit", "--json").value
    common: list[str | Path] = ["--state", tmp_path / "state", "--log", LOG_VKEY.encode(), "--key", tmp_path / "audit"]
    answer = call("witness", "audit", folder, *common, "--out", tmp_path / "cosigned", "--json")
    assert answer.code == 0, answer.out
    told = answer.value["audit"]
    assert (told["code"], told["size"], told["vkey"]) == ("OK", size, key["witness_key"]["vkey"])
    assert told["report"]["clean"] is True
    assert (tmp_path / "cosigned").read_text() == told["note"]
    again = call("witness", "audit", folder, *common, "--lang", "en")
    assert again.code == 0
    assert f"{size} entries are cosigned" in again.out
    bad = publish(tmp_path / "bad", broken(history), size + 1)
    refused = call("witness", "audit", bad, *common, "--lang", "en")
    assert refused.code == 1
    assert "AUDIT_FAILED" in refused.out
    missing = call("witness", "audit", tmp_path / "nowhere", *common, "--json")
    assert (missing.code, missing.value["error"]["code"]) == (2, "AUDIT_SOURCE_UNREADABLE")
