"""What is tampered with beside the rows: backups put back, evidence, the pin, a second sequencer.

Shown tables that were edited are in `tests.disputes.test_section_8d`: nothing that is checked is made of them.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ledger.embedded import EmbeddedPostgres
from ledger.errors import StoreError, VerificationError
from ledger.evidence import EvidenceFolder
from ledger.evidence_duties import check_evidence
from ledger.logstore import seen_of
from ledger.opening import open_sequencer
from ledger.pin import PinFile
from ledger.store import install
from projections.replay import replay
from tests.sequenced import SCHEMA, SERVICE, Site, StoredLedger
from tests.simulator import resume
from tests.tampering.scene import (
    MINUTES,
    OTHER_MINUTES,
    PLAYED,
    SIZE,
    STARTED,
    Scene,
    cosigned,
    named,
    what_witnesses_hold,
)


def go_on(scene: Scene, alias: str) -> None:
    """Enrol one more person through the real sequencer, and let the witness cosign what is published then."""
    with scene.site.store() as store, open_sequencer(scene.home, store) as sequencer:
        resume(PLAYED, StoredLedger(scene.site, sequencer)).enrol(alias)
        note = sequencer.checkpoint
    assert note is not None
    (scene.home.attest / "cosigned" / str(seen_of(note).size)).write_bytes(cosigned(note))


def copy_database(scene: Scene) -> str:
    """Copy the database as an administrator may at any time; return the copy's name."""
    name = str(conninfo_to_dict(scene.site.admin_dsn)["dbname"])
    with psycopg.connect(scene.site.admin_dsn, dbname="postgres", autocommit=True) as connection:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(copy.format(sql.Identifier(f"{name}_backup"), sql.Identifier(name)))
    return f"{name}_backup"


def put_back(scene: Scene, backup: str) -> None:
    """Put a copy in the place of the database."""
    name = str(conninfo_to_dict(scene.site.admin_dsn)["dbname"])
    with psycopg.connect(scene.site.admin_dsn, dbname="postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(backup), sql.Identifier(name))
        )


def test_a_backup_put_back(scene: Scene, tmp_path: Path) -> None:
    backup = copy_database(scene)
    go_on(scene, "丁")
    assert (scene.start(), scene.audit().clean) == (STARTED, True)
    put_back(scene, backup)
    assert scene.start() == "ROLLBACK_DETECTED"
    assert named(scene.audit()) == (SIZE, {"LOG_TRUNCATED"})
    assert named(scene.verify(tmp_path / "export")) == (SIZE, {"LOG_TRUNCATED"})


def test_a_whole_data_folder_put_back(folder: Path, tmp_path: Path) -> None:
    """A copy of the server's files, put back while the server was down."""
    running, kept, pin = folder / "postgres", folder / "kept", tmp_path / "pin"
    with EmbeddedPostgres.start(running) as server:
        install(server.dsn, SCHEMA, SERVICE)
        Site(server.dsn, server.dsn, pin).preload(PLAYED)
    shutil.copytree(running, kept, copy_function=shutil.copy2)
    for path in (kept, *kept.rglob("*")):
        there = (running / path.relative_to(kept)).stat()
        shutil.chown(path, there.st_uid, there.st_gid)
    with EmbeddedPostgres.start(running) as server:
        site = Site(server.dsn, server.dsn, pin)
        with site.sequencer() as sequencer:
            resume(PLAYED, StoredLedger(site, sequencer)).enrol("丁")
    shutil.rmtree(running)
    kept.rename(running)
    with EmbeddedPostgres.start(running) as server:
        site = Site(server.dsn, server.dsn, pin)
        with pytest.raises(StoreError, match="ROLLBACK_DETECTED"), site.sequencer():
            pass
        assert named(site.audit()) == (SIZE, {"LOG_TRUNCATED"})


def test_a_backup_put_back_with_its_pin_is_found_by_the_witnesses(scene: Scene, tmp_path: Path) -> None:
    backup, pin = copy_database(scene), scene.home.pin.read_bytes()
    go_on(scene, "丁")
    put_back(scene, backup)
    scene.home.pin.write_bytes(pin)
    assert scene.start(what_witnesses_hold()) == STARTED
    seen = what_witnesses_hold()[0]._replace(size=SIZE + 1)
    assert scene.start((seen,)) == "ROLLBACK_DETECTED"
    assert named(scene.verify(tmp_path / "export")) == (SIZE, {"LOG_TRUNCATED"})


def test_a_pin_taken_away(scene: Scene) -> None:
    scene.home.pin.unlink()
    assert scene.start() == "PIN_MISSING"
    assert not scene.audit().clean
    assert scene.start(what_witnesses_hold()) == STARTED


def test_evidence_swapped(scene: Scene, tmp_path: Path) -> None:
    """The service starts without its evidence; whoever checks that, here or offline, finds both pieces."""
    files = [path for path in scene.home.evidence.rglob("*") if path.is_file() and path.suffix != ".json"]
    contents = {path.read_bytes(): path for path in files}
    assert contents.keys() == {MINUTES, OTHER_MINUTES}
    for content, path in contents.items():
        other = MINUTES if content == OTHER_MINUTES else OTHER_MINUTES
        path.chmod(0o600)
        path.write_bytes(other)
    found = list(check_evidence(replay(PLAYED.entries), EvidenceFolder(scene.home.evidence)))
    assert {one.code for one in found} == {"ATTACHMENT_MISMATCH"}
    assert sorted(index for one in found for index in one.entries) == [8, 9]
    report = scene.verify(tmp_path / "export")
    assert named(report) == (8, {"ATTACHMENT_MISMATCH"})


def test_a_second_sequencer_on_the_same_log(scene: Scene) -> None:
    with scene.site.store() as store, open_sequencer(scene.home, store):
        assert scene.start() == "SEQUENCER_ALREADY_RUNNING"


def test_two_sequencers_that_know_nothing_of_each_other(new_scene: Callable[[], Scene], tmp_path: Path) -> None:
    """A split brain: two copies go on with the same key; each is sound alone, and each disproves the other."""
    one, other = new_scene(), new_scene()
    go_on(one, "丁")
    go_on(other, "戊")
    assert one.audit().clean
    assert other.audit().clean
    with other.site.store() as store:
        newest = store.newest_checkpoint()
    assert newest is not None
    with one.site.store() as store, open_sequencer(one.home, store) as sequencer:
        member = resume(PLAYED, StoredLedger(one.site, sequencer))
        member.now += 10_000
        with pytest.raises(VerificationError, match="SPLIT_VIEW"):
            member.must("discipline", member.enrolment("己"), seen=seen_of(newest.note))
    assert one.start() == "HISTORY_REWRITTEN"
    shutil.copy(other.home.attest / "cosigned" / str(SIZE + 2), one.home.attest / "cosigned" / str(SIZE + 2))
    index, codes = named(one.verify(tmp_path / "export"))
    assert (index, codes) == (SIZE, {"HISTORY_REWRITTEN"})


def test_a_pin_that_is_ahead(scene: Scene) -> None:
    pin = PinFile(scene.home.pin)
    pin.advance(SIZE + 3, bytes(32))
    pin.close()
    assert scene.start() == "ROLLBACK_DETECTED"
    assert named(scene.audit()) == (SIZE, {"LOG_TRUNCATED"})
