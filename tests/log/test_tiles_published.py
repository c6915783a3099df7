"""The static folder: what stands in it for whom, that it only grows, and that no crash and no lie gets through."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api.rehearsal.steps_rounds import ballot, close_round
from ledger import merkle, tiles
from ledger.checkpoint import Checkpoint, Note, Signature, open_checkpoint, parse_note, sign_checkpoint
from ledger.errors import LedgerError
from ledger.pin import PinFile
from ledger.selection import Selection
from ledger.statements import decode_own_entry
from ledger.statements.foundation import ActDeclined
from ledger.tiles import ENTRIES
from projections.disclosure import Audience, Publicity, shown_to
from projections.publishing import Horizon, Published, entry_path, publish, read_path
from projections.static_folder import static_folder
from tests.log.publisher import STEP
from tests.plays import history_at
from tests.projections.test_secrecy import vote
from tests.projections.worlds import eventful
from tests.sequenced import Site
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, History, freeze, new_world, resume

PUBLIC, AUDITOR = Audience.PUBLIC, Audience.AUDITOR


class Released:
    """A log in the database, all of it committed, whose pin a test moves on."""

    def __init__(self, site: Site, history: History) -> None:
        """Put the history into an empty log; nothing of it is released."""
        site.preload(history)
        self.site, self.history = site, history

    def release(self, size: int) -> None:
        leaves = [merkle.leaf_hash(entry) for entry in self.history.entries[:size]]
        pin = PinFile(self.site.pin_path)
        pin.advance(size, merkle.tree_root(leaves))
        pin.close()

    def publish(self, folder: Path, audience: Audience = PUBLIC, **options: Any) -> Published:
        with self.site.store() as store:
            return publish(store, folder, ORIGIN, audience, **options)


def files(folder: Path) -> dict[str, bytes]:
    """Everything that readers find in a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    named = {str(path.relative_to(folder)): path.read_bytes() for path in found}
    return {name: data for name, data in named.items() if not name.startswith(".publishing/")}


def expected(history: History, sizes: list[int], audience: Audience) -> dict[str, bytes]:
    """What must stand in a folder after publishing at these sizes, the slow way."""
    entries = history.entries
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    found = {"checkpoint": history.notes[sizes[-1]]}
    for size in sizes:
        state, publicity = Selection(), Publicity()
        for entry in entries[:size]:
            act = decode_own_entry(entry)
            state.apply(act)
            if publicity.take(act):
                found[entry_path(act.index)] = entry
        for address in tiles.tiles_of(size):
            if address.level != ENTRIES:
                below = 1 << address.height
                starts = range(address.first * below, address.leaves, below)
                found[address.path] = b"".join(merkle.tree_root(leaves[one : one + below]) for one in starts)
        if audience is AUDITOR:
            for address in tiles.tiles_of(shown_to(AUDITOR, state)):
                if address.level == ENTRIES:
                    found[address.path] = tiles.bundle(entries[address.first : address.leaves])
    return found


@pytest.fixture
def log(site: Site) -> Released:
    """A play of 535 entries up to the experts' groups."""
    return Released(site, history_at("grouped"))


def refused(work: Callable[[], object]) -> str:
    with pytest.raises(LedgerError) as caught:
        work()
    return caught.value.code


@pytest.mark.parametrize("audience", list(Audience))
def test_a_folder_grows_with_the_pin(log: Released, tmp_path: Path, audience: Audience) -> None:
    folder = tmp_path / "new" / "published"
    sizes = [1, 7, 255, 256, 257, 535]
    before: dict[str, bytes] = {}
    for number, size in enumerate(sizes, 1):
        log.release(size)
        done = log.publish(folder, audience)
        assert (done.size, done.shown, done.rehearsal) == (size, size, True)
        after = files(folder)
        assert after == expected(log.history, sizes[:number], audience)
        # Written were exactly the new files; the checkpoint was replaced.
        assert done.written == len(after.keys() - before.keys() - {"checkpoint"})
        assert all(after[name] == data for name, data in before.items() if name != "checkpoint")
        assert log.publish(folder, audience).written == 0
        before = after
    assert [name for name in before if name.startswith("tile/entries")] == [] or audience is AUDITOR
    assert any(name.startswith("entry/") for name in before)
    assert len([name for name in before if name.startswith("entry/")]) < 535
    if audience is AUDITOR:
        assert set(files(folder)) > set(expected(log.history, sizes, PUBLIC))


def test_readers_prove_the_tree_from_the_folder_alone(log: Released, tmp_path: Path) -> None:
    log.release(535)
    log.publish(tmp_path / "out")
    served = files(tmp_path / "out")
    head = open_checkpoint(served["checkpoint"], [LOG_VKEY])
    get_node = tiles.nodes_in_tiles(head.size, lambda address: served[address.path])
    assert merkle.root_at(head.size, get_node) == head.root
    for name, data in served.items():
        if name.startswith("entry/"):
            index = tiles.parse_number(name.removeprefix("entry/"))
            assert index is not None
            path = merkle.inclusion_proof(index, head.size, get_node)
            assert merkle.verify_inclusion(index, head.size, merkle.leaf_hash(data), path, head.root)


@pytest.mark.parametrize("audience", list(Audience))
def test_a_service_reads_the_same_as_the_folder(log: Released, tmp_path: Path, audience: Audience) -> None:
    log.release(300)
    log.publish(tmp_path / "out", audience)
    horizon = Horizon()
    with log.site.store() as store:
        for name, data in files(tmp_path / "out").items():
            assert read_path(store, name, audience, horizon) == data, name
        public = files(tmp_path / "out").keys()
        for index in range(300):
            single = read_path(store, entry_path(index), audience, horizon)
            assert single == (
                log.history.entries[index] if audience is AUDITOR or entry_path(index) in public else None
            )
        assert (read_path(store, "tile/entries/000", audience) is None) == (audience is PUBLIC)
        hidden = ["tile/0/001.p/45", "tile/0/002", "tile/1/000.p/2", "tile/entries/001.p/45", "entry/300", "entry/534"]
        wrong = [
            "",
            "/checkpoint",
            "entry/",
            "entry/0",
            "entry/x000/001",
            "entry/-01",
            "tile",
            "checkpoint/",
            "log.json",
        ]
        for path in [*hidden, *wrong, ".publishing/log.json", "../ledger.json", "tile/entries/000.p/0"]:
            assert read_path(store, path, audience, horizon) is None, path
        assert read_path(store, "tile/0/001.p/44", audience, horizon) == b"".join(
            merkle.leaf_hash(entry) for entry in log.history.entries[256:300]
        )


def test_nothing_is_published_before_the_first_release(log: Released, tmp_path: Path) -> None:
    assert log.publish(tmp_path / "out") == Published(0, 0, 0, False)
    assert files(tmp_path / "out") == {}
    with log.site.store() as store:
        assert read_path(store, "checkpoint", AUDITOR) is None
        assert read_path(store, "tile/0/000.p/1", AUDITOR) is None
        assert read_path(store, "entry/000", AUDITOR) is None


def test_auditors_get_no_entry_of_an_open_round_and_all_of_them_later(site: Site, tmp_path: Path) -> None:
    world = resume(eventful().histories["shortlist"])
    vote(world, True)
    (played,) = world.state.rounds.session("shortlist", None).rounds
    while world.state.size < played.opened + 300:
        world.must("registrar", world.enrolment(f"late-{world.state.size}"))
    middle = world.state.size
    world.ledger.seen()
    (waiting,) = [one for one in world.state.pending.values() if one.act.statement.type == "paper_ballot.entered"]
    world.must("scrutineer-1", ActDeclined(waiting.act.index, waiting.act.leaf.hex(), "与票面不符"))
    absent = world.alias_of(next(iter(played.issued - played.ballots.keys())))
    world.must(absent, ballot(world, played.id, [world.alias_of(played.candidates[0])], []))
    close_round(world, played.id)
    log = Released(site, freeze(world))
    log.release(middle)
    stop = played.opened + 1
    assert log.publish(tmp_path / "out", AUDITOR).shown == stop
    assert log.publish(tmp_path / "public", PUBLIC).shown == middle
    shown = [data for name, data in files(tmp_path / "out").items() if name.startswith(("entry/", "tile/entries/"))]
    assert not any(entry in data for entry in log.history.entries[stop:middle] for data in shown)
    with site.store() as store:
        horizon = Horizon()
        assert read_path(store, entry_path(stop - 1), AUDITOR, horizon) == log.history.entries[stop - 1]
        assert read_path(store, entry_path(stop), AUDITOR, horizon) is None
        assert read_path(store, "tile/0/000", AUDITOR, horizon) is not None
        assert read_path(store, f"tile/entries/{tiles.number_path(stop // 256)}", AUDITOR, horizon) is None
    end = len(log.history.entries)
    log.release(end)
    assert log.publish(tmp_path / "out", AUDITOR).shown == end
    now = files(tmp_path / "out")
    assert now == expected(log.history, [middle, end], AUDITOR) | {
        name: data for name, data in now.items() if name.startswith("tile/entries/")
    }
    bundles = [now[one.path] for one in tiles.tiles_of(end) if one.level == ENTRIES]
    assert [entry for data in bundles for entry in tiles.entries_of(data)] == list(log.history.entries)


def test_partial_tiles_are_dropped_where_asked(log: Released, tmp_path: Path) -> None:
    for size in (10, 250, 260):
        log.release(size)
        log.publish(tmp_path / "out", AUDITOR, prune=True)
    kept = {name for name in files(tmp_path / "out") if ".p/" in name}
    assert kept == {"tile/0/001.p/4", "tile/1/000.p/1", "tile/entries/001.p/4"}
    assert log.publish(tmp_path / "out", AUDITOR).written == 0


def test_cosignatures_are_shown_as_they_come_in(log: Released, tmp_path: Path) -> None:
    log.release(5)
    own = parse_note(log.history.notes[5])
    lines = [Signature(f"witness.example/w{number}", bytes(4), bytes(72)) for number in (1, 2)]
    notes: dict[int, bytes] = {}
    for size in (0, 1, 2):
        notes |= {5: Note(own.text, (*own.signatures, *lines[:size])).encode()} if size else {}
        log.publish(tmp_path / "out", cosigned=notes.get)
        shown = files(tmp_path / "out")["checkpoint"]
        assert shown == notes.get(5, log.history.notes[5])
        with log.site.store() as store:
            assert read_path(store, "checkpoint", PUBLIC, cosigned=notes.get) == shown
        assert open_checkpoint(shown, [LOG_VKEY]).size == 5
    for wrong in (Note(own.text, tuple(lines)).encode(), log.history.notes[4]):
        assert refused(partial(log.publish, tmp_path / "out", cosigned={5: wrong}.get)) == "CHECKPOINT_MISMATCH"
        assert files(tmp_path / "out")["checkpoint"] == notes[5]


class Faults:
    """Lets the n-th change to a disk fail, before it takes effect or after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, after: bool) -> None:
        """Count flushes, links, renames and removals."""
        self.left, self.after = number, after
        for owner, name in ((os, "fsync"), (os, "link"), (Path, "replace"), (Path, "unlink"), (Path, "mkdir")):
            monkeypatch.setattr(owner, name, self._failing(getattr(owner, name)))

    def _failing(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def failing(*given: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.after:
                raise KeyboardInterrupt
            result = work(*given, **named)
            if self.left == 0:
                raise KeyboardInterrupt
            return result

        return failing


def stops(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> Iterator[int]:
    """Interrupt `work` at each of its changes in turn, before and after it, until it comes through."""
    number = 0
    while True:
        number += 1
        for after in (False, True):
            with monkeypatch.context() as patched:
                faults = Faults(patched, number, after)
                with suppress(KeyboardInterrupt):
                    work()
            if faults.left > 0:
                return
            yield number


def test_whatever_a_crash_leaves_the_next_run_completes(
    log: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = log.history
    log.release(2)
    runs = {"count": 0}

    def fresh() -> None:
        runs["count"] += 1
        log.publish(tmp_path / f"out-{runs['count']}", AUDITOR)

    want = expected(history, [2], AUDITOR)
    for _ in stops(monkeypatch, fresh):
        folder = tmp_path / f"out-{runs['count']}"
        left = files(folder)
        # Nothing stands there half, and the checkpoint only over what it covers.
        assert all(want[name] == data for name, data in left.items())
        assert "checkpoint" not in left or left == want
        log.publish(folder, AUDITOR)
        assert files(folder) == want
    assert runs["count"] > 40, "every change failed, before it took effect and after"


def test_a_run_that_was_killed_while_adding_is_completed(
    log: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    log.release(255)
    log.publish(folder, AUDITOR)
    old = files(folder)
    log.release(258)
    want = expected(log.history, [255, 258], AUDITOR)
    for _ in stops(monkeypatch, lambda: log.publish(folder, AUDITOR)):
        left = files(folder)
        assert all(want[name] == data for name, data in left.items() if name != "checkpoint")
        assert left["checkpoint"] == old["checkpoint"] or left == want
    assert files(folder) == want


def killed_run(site: Site, folder: Path, seconds: float) -> None:
    """Let a process publish step by step and kill it `seconds` after its first step."""
    command = [sys.executable, "-m", "tests.log.publisher", site.service_dsn, str(site.pin_path), str(folder)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip().isdigit()
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL


def test_killed_at_any_moment_it_goes_on_where_it_was(log: Released, tmp_path: Path) -> None:
    history, chance = log.history, random.Random(9)
    for _ in range(5):
        killed_run(log.site, tmp_path / "out", chance.uniform(0, 0.15))
    log.release(len(history.entries))
    log.publish(tmp_path / "out", AUDITOR)
    sizes = [*range(STEP, len(history.entries), STEP), len(history.entries)]
    every = expected(history, sizes, AUDITOR)
    found = files(tmp_path / "out")
    assert found.items() <= every.items()
    last = expected(history, sizes[-1:], AUDITOR)
    assert last.items() <= found.items()


def test_no_path_ever_gets_other_bytes(log: Released, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    log.release(255)
    log.publish(folder)
    for size, path in ((256, "tile/1/000.p/1"), (300, "tile/0/001.p/44"), (512, "tile/0/001")):
        log.release(size)
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = target.read_bytes() if target.exists() else None
        target.write_bytes(b"something else")
        shown = (folder / "checkpoint").read_bytes()
        assert refused(lambda: log.publish(folder)) == "PUBLISH_CONFLICT"
        assert target.read_bytes() == b"something else"
        assert (folder / "checkpoint").read_bytes() == shown
        target.unlink()
        if kept is not None:
            target.write_bytes(kept)
        log.publish(folder)


def test_a_tile_that_was_published_and_is_gone_or_altered_is_missed(log: Released, tmp_path: Path) -> None:
    log.release(257)
    log.publish(tmp_path / "out")
    (tmp_path / "out" / "tile/0/000").unlink()
    log.release(512)
    assert refused(lambda: log.publish(tmp_path / "out")) == "PUBLISH_MISSING"
    (tmp_path / "out" / "tile/0/000").write_bytes(bytes(31))
    assert refused(lambda: log.publish(tmp_path / "out")) == "PUBLISH_CONFLICT"
    (tmp_path / "out" / "tile/0/000").write_bytes(bytes(8192))
    assert refused(lambda: log.publish(tmp_path / "out")) == "CHECKPOINT_MISMATCH"


def test_a_folder_that_shows_another_tree_or_a_longer_one(new_site: Callable[[], Site], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shown = Released(new_site(), freeze(new_world()))
    size = len(shown.history.entries)
    shown.release(size)
    shown.publish(folder)
    lost = Released(new_site(), freeze(new_world()))
    assert refused(lambda: lost.publish(folder)) == "PUBLISH_CONFLICT"
    lost.release(size - 1)
    assert refused(lambda: lost.publish(folder)) == "PUBLISH_CONFLICT"
    other = Released(new_site(), freeze(new_world(seed="another")))
    other.release(size)
    assert refused(lambda: other.publish(folder)) == "PUBLISH_CONFLICT"
    assert shown.publish(folder).written == 0
    assert files(folder)["checkpoint"] == shown.history.notes[size]


def test_a_folder_is_for_one_log_and_one_audience(log: Released, tmp_path: Path) -> None:
    log.release(5)
    folder = tmp_path / "out"
    log.publish(folder, AUDITOR)
    assert refused(lambda: log.publish(folder, PUBLIC)) == "PUBLISH_AUDIENCE"
    with log.site.store() as store:
        assert refused(lambda: publish(store, folder, "another.example/log", AUDITOR)) == "PUBLISH_ORIGIN"
        assert refused(lambda: publish(store, tmp_path / "b", "another.example/log", AUDITOR)) == "CHECKPOINT_MISMATCH"
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").write_text("mine")
    assert refused(lambda: log.publish(tmp_path / "foreign")) == "PUBLISH_FOLDER_FOREIGN"
    (tmp_path / "foreign" / ".publishing").mkdir()
    assert refused(lambda: log.publish(tmp_path / "foreign")) == "PUBLISH_FOLDER_FOREIGN"
    (folder / ".publishing" / "log.json").write_text("{}")
    assert refused(lambda: log.publish(folder, AUDITOR)) == "PUBLISH_FOLDER_FOREIGN"
    (tmp_path / "file").write_text("")
    assert refused(lambda: log.publish(tmp_path / "file")) == "FILE_UNWRITABLE"


def test_one_at_a_time(log: Released, tmp_path: Path) -> None:
    log.release(5)
    with static_folder(tmp_path / "out", ORIGIN, "public"):
        assert refused(lambda: log.publish(tmp_path / "out")) == "PUBLISH_BUSY"
    log.publish(tmp_path / "out")


def test_a_lost_note_of_progress_costs_only_time(log: Released, tmp_path: Path) -> None:
    log.release(300)
    log.publish(tmp_path / "out", AUDITOR)
    for spoiled in (None, "many\n", "-5\n", "\xff"):
        own = tmp_path / "out" / ".publishing" / "entries"
        own.unlink()
        if spoiled is not None:
            own.write_text(spoiled, "latin-1")
        assert log.publish(tmp_path / "out", AUDITOR).written == 0
        assert own.read_text() == "300\n"


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE {}.entries SET state = overlay(state placing 'x' from 300 for 1) WHERE position = 4", "EVENT_ALTERED"),
        ("UPDATE {}.entries SET state = 'x' WHERE position = 4", "EVENT_ALTERED"),
        ("UPDATE {}.nodes SET hashes = sha256('x') WHERE position = 5", "EVENT_ALTERED"),
        (
            "UPDATE {}.checkpoints SET note = overlay(note placing 'x' from 60) WHERE size > 0",
            "NOTE_SIGNATURE_INVALID",
        ),
        ("DELETE FROM {}.checkpoints WHERE size = 535", "CHECKPOINT_MISSING"),
        ("DELETE FROM {}.entries WHERE position = 9", "STORE_GAP"),
        ("DELETE FROM {}.nodes WHERE position = 535", "STORE_NODE_MISSING"),
    ],
)
def test_an_altered_log_is_not_published(log: Released, tmp_path: Path, statement: str, code: str) -> None:
    log.release(535)
    log.site.tamper(statement)
    found = refused(lambda: log.publish(tmp_path / "out", AUDITOR))
    assert found == code
    assert "checkpoint" not in files(tmp_path / "out")


def test_no_checkpoint_is_believed_before_the_charter_names_a_key(log: Released) -> None:
    assert refused(lambda: Horizon().open(log.history.notes[1])) == "EVENT_ALTERED"


def test_a_checkpoint_of_another_tree_is_not_published(log: Released, tmp_path: Path) -> None:
    log.release(535)
    forged = sign_checkpoint(Checkpoint(ORIGIN, 535, bytes(32)), LOG_KEY)
    log.site.tamper("UPDATE {}.checkpoints SET note = %s WHERE size = 535", values=[forged])
    assert refused(lambda: log.publish(tmp_path / "out")) == "CHECKPOINT_MISMATCH"
    assert "checkpoint" not in files(tmp_path / "out")


def test_a_tree_whose_inner_nodes_were_altered_is_published_as_the_entries_have_it(
    log: Released, tmp_path: Path
) -> None:
    log.release(535)
    log.site.tamper("UPDATE {}.nodes SET hashes = overlay(hashes placing 'x' from 260 for 1) WHERE position = 256")
    log.publish(tmp_path / "out")
    assert files(tmp_path / "out") == expected(log.history, [535], PUBLIC)
