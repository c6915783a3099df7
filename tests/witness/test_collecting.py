"""The client against real witnesses: proofs built anew, alarms with evidence, heartbeats, nobody who can hold it up."""

import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from api.witness.client import WitnessClient, WitnessUnreachable, ask_newest, in_time
from api.witness.collected import Collected, read_policy
from api.witness.collecting import Collector, Outcome, Pace, Submitter
from api.witness.message import SIZE_TYPE
from api.witness.own_log import AnyOf, log_keys, witnessed
from api.witness.status import status_of
from ledger.checkpoint import VerifierKey, parse_note
from ledger.cosignature import cosign, open_cosigned
from ledger.errors import StoreError
from ledger.keyfile import write_key
from ledger.logstore import Witnessed
from ledger.opening import Home, create_home
from ledger.pin import Pin
from ledger.signing import SigningKey
from ledger.witness_policy import PolicyError, parse_policy
from tests.witness.servers import NOW, Log, answering, cosigner, policy_of, replying, running
from tests.witness.trees import LOG, LOG_KEY, ORIGIN, Tree

TREE = Tree(40)
FORK = Tree(40, "x", same=4)
DEAD = "http://127.0.0.1:1"
LOG_OPENER = AnyOf([LOG])
OTHER = VerifierKey("ledger.example/other", SigningKey.from_seed(bytes([7]) * 32).public).encode()


class Clock:
    """Seconds, set by the test."""

    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def kept(tmp_path: Path) -> Collected:
    return Collected(tmp_path / "home")


def submitter(url: str, log: Log, kept: Collected, name: str = "w") -> Submitter:
    return Submitter(policy_of((name, url)).witnesses[name], log, LOG, kept, lambda: NOW, seconds=5)


def cosigners(kept: Collected, size: int, *names: str) -> set[str]:
    note = kept.note(size)
    assert note is not None
    return {one.name for one in open_cosigned(note, LOG, [cosigner(name).key for name in names]).by}


def test_it_collects_as_the_log_grows(tmp_path: Path, kept: Collected) -> None:
    log = Log(TREE, 0)
    with running(tmp_path) as url:
        one = submitter(url, log, kept)
        assert one.collect() == Outcome("w", "OK", 0)
        for size in (1, 7, 7, 40):
            log.size = size
            assert one.collect() == Outcome("w", "OK", size)
            assert cosigners(kept, size, "w") == {"witness.example/w"}
    assert kept.sizes() == [40, 7, 1]
    assert kept.last_try("w") == (NOW, "OK")
    assert list(kept.alarms()) == []


def test_after_a_restart_the_witness_tells_where_to_go_on(tmp_path: Path, kept: Collected) -> None:
    with running(tmp_path) as url:
        submitter(url, Log(TREE, 7), kept).collect()
        assert submitter(url, Log(TREE, 40), kept).collect() == Outcome("w", "OK", 40)


def test_several_witnesses_sign_one_note_and_each_key_once(tmp_path: Path, kept: Collected) -> None:
    clock = Clock()
    with running(tmp_path, "a", clock=clock) as a, running(tmp_path, "b", clock=clock) as b:
        for now in (NOW, NOW + 500):
            clock.now = now
            for name, url in (("a", a), ("b", b)):
                assert submitter(url, Log(TREE, 9), kept, name).collect().code == "OK"
    note = kept.note(9) or b""
    opened = open_cosigned(note, LOG, [cosigner("a").key, cosigner("b").key])
    assert [one.time for one in opened.by] == [NOW + 500] * 2
    assert len(parse_note(note).signatures) == 3


def test_a_damaged_collection_is_made_anew(tmp_path: Path, kept: Collected) -> None:
    kept.cosigned.mkdir(parents=True)
    (kept.cosigned / "9").write_bytes(b"garbage")
    (kept.cosigned / "not a size").write_bytes(b"")
    with running(tmp_path) as url:
        assert submitter(url, Log(TREE, 9), kept).collect().code == "OK"
    assert (cosigners(kept, 9, "w"), kept.sizes()) == ({"witness.example/w"}, [9])


def test_a_log_that_went_back_is_an_alarm_with_both_notes(tmp_path: Path, kept: Collected) -> None:
    with running(tmp_path) as url:
        one = submitter(url, Log(TREE, 20), kept)
        one.collect()
        for again in (one, submitter(url, Log(TREE, 20), kept)):
            again._log = Log(TREE, 12)
            outcome = again.collect()
            assert outcome.code == "ROLLBACK_DETECTED"
    (alarm,) = kept.alarms()
    assert (alarm.witness, alarm.size, alarm.witnessed, alarm.at) == ("w", 12, 20, NOW)
    assert alarm.notes[0].encode() == TREE.note(12)
    witnessed = open_cosigned(alarm.notes[1].encode(), LOG, [cosigner("w").key])
    assert (witnessed.checkpoint.size, len(witnessed.by)) == (20, 1)
    assert kept.note(12) is None


@pytest.mark.parametrize("size", [20, 30])
def test_another_root_is_an_alarm_with_both_notes(tmp_path: Path, kept: Collected, size: int) -> None:
    with running(tmp_path) as url:
        submitter(url, Log(TREE, 20), kept).collect()
        outcome = submitter(url, Log(FORK, size), kept).collect()
    assert outcome.code == "SPLIT_VIEW"
    (alarm,) = kept.alarms()
    assert [note.encode().split(b"\n\n")[0] for note in alarm.notes] == [
        FORK.note(size).split(b"\n\n")[0],
        TREE.note(20).split(b"\n\n")[0],
    ]
    assert kept.note(30) is None


def test_a_witness_that_only_claims_a_larger_tree(kept: Collected) -> None:
    with answering(replying(409, b"99\n", SIZE_TYPE)) as url:
        outcome = submitter(url, Log(TREE, 20), kept).collect()
    assert outcome.code == "ROLLBACK_DETECTED"
    (alarm,) = kept.alarms()
    assert (alarm.witnessed, len(alarm.notes)) == (99, 1)


def test_another_submitter_who_knows_more_is_no_alarm(tmp_path: Path, kept: Collected) -> None:
    """The log grows while a request is under way, and somebody else submits the larger tree first."""
    with running(tmp_path) as url:

        class Growing(Log):
            def proof(self, old: int, new: int) -> tuple[bytes, ...]:
                if self.size == 20:
                    self.size = 30
                    submitter(url, Log(TREE, 30), Collected(tmp_path / "other")).collect()
                return super().proof(old, new)

        outcome = submitter(url, Growing(TREE, 20), kept).collect()
    assert outcome.code in ("WITNESS_BUSY", "OK")
    assert list(kept.alarms()) == []


def line_over(size: int, name: str) -> bytes:
    return cosign(parse_note(TREE.note(size)).text, NOW, cosigner(name)).line()


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (200, b"", "text/plain", "WITNESS_ANSWER_INVALID"),
        (200, b"nonsense\n", "text/plain", "WITNESS_ANSWER_INVALID"),
        (
            200,
            cosign(parse_note(TREE.note(20)).text, NOW, cosigner("other")).line(),
            "text/plain",
            "WITNESS_ANSWER_INVALID",
        ),
        (
            200,
            cosign(parse_note(TREE.note(19)).text, NOW, cosigner("w")).line(),
            "text/plain",
            "WITNESS_ANSWER_INVALID",
        ),
        (200, b"x" * 500_000, "text/plain", "WITNESS_UNREACHABLE"),
        (301, b"", "text/plain", "WITNESS_REFUSED"),
        (400, b"", "text/plain", "WITNESS_REFUSED"),
        (403, b"", "text/plain", "WITNESS_REFUSED"),
        (404, b"", "text/plain", "WITNESS_REFUSED"),
        (409, b"7\n", "text/plain", "WITNESS_REFUSED"),
        (409, b"07\n", SIZE_TYPE, "WITNESS_REFUSED"),
        (409, b"7", SIZE_TYPE, "WITNESS_REFUSED"),
        (409, b"0\n", SIZE_TYPE, "WITNESS_REFUSED"),
        (422, b"", "text/plain", "WITNESS_REFUSED"),
        (500, b"", "text/plain", "WITNESS_UNREACHABLE"),
        (503, b"", "text/plain", "WITNESS_UNREACHABLE"),
    ],
)
def test_bad_answers_are_told_and_nothing_is_kept(
    kept: Collected, status: int, body: bytes, kind: str, code: str
) -> None:
    with answering(replying(status, body, kind)) as url:
        assert submitter(url, Log(TREE, 20), kept).collect() == Outcome("w", code)
    assert (kept.sizes(), list(kept.alarms())) == ([], [])
    assert kept.last_try("w") == (NOW, code)


def test_a_witness_that_changes_its_mind_for_ever(kept: Collected) -> None:
    sizes = iter(range(100))

    def answer(request: BaseHTTPRequestHandler) -> None:
        replying(409, b"%d\n" % (next(sizes) % 15 + 1), SIZE_TYPE)(request)

    with answering(answer) as url:
        assert submitter(url, Log(TREE, 20), kept).collect().code == "WITNESS_BUSY"
    assert next(sizes) == 4


def test_a_witness_that_audits_first_lags(tmp_path: Path, kept: Collected) -> None:
    with running(tmp_path, "w") as url:
        submitter(url, Log(TREE, 9), Collected(tmp_path / "earlier")).collect()
    with running(tmp_path, "w", adds=False) as url:
        assert submitter(url, Log(TREE, 20), kept).collect() == Outcome("w", "OK", 9)
        assert cosigners(kept, 9, "w") == {"witness.example/w"}
        assert submitter(url, Log(FORK, 20), kept).collect().code == "SPLIT_VIEW"
    with running(tmp_path / "new", "v", adds=False) as url:
        assert submitter(url, Log(TREE, 20), kept, "v").collect() == Outcome("v", "WITNESS_LATER")


def test_dead_witnesses_and_bad_urls(kept: Collected) -> None:
    for url in (DEAD, "http://", "http://[::1", "http://.\u200b.example", "https://127.0.0.1:1/path"):
        assert submitter(url, Log(TREE, 20), kept).collect() == Outcome("w", "WITNESS_UNREACHABLE")
    for url in ("ftp://witness.example", "witness.example"):
        with pytest.raises(WitnessUnreachable):
            WitnessClient(policy_of(("w", url)).witnesses["w"])


def test_the_collector_follows_the_log_and_beats(tmp_path: Path, kept: Collected) -> None:
    clock, log = Clock(), Log(TREE, 3)
    heard: list[Outcome] = []
    more = threading.Semaphore(0)

    def on_outcome(outcome: Outcome) -> None:
        heard.append(outcome)
        more.release()

    with running(tmp_path, clock=clock) as url:
        pace = Pace(poll=0.01, heartbeat=300, retry=15, step=5)
        collector = Collector(policy_of(("w", url)), log, LOG, kept, on_outcome, clock, pace)
        with collector:
            assert more.acquire(timeout=20)
            log.size = 8
            assert more.acquire(timeout=20)
            clock.now += 301
            assert more.acquire(timeout=20)
        collector.stop(20)
    assert [outcome.size for outcome in heard[:3]] == [3, 8, 8]
    assert open_cosigned(kept.note(8) or b"", LOG, [cosigner("w").key]).by[0].time == NOW + 301


def test_a_witness_that_hangs_holds_up_nobody_else(tmp_path: Path, kept: Collected) -> None:
    release, asked, done = threading.Event(), threading.Event(), threading.Event()

    def hang(request: BaseHTTPRequestHandler) -> None:
        asked.set()
        release.wait(30)

    with ExitStack() as stack:
        good, bad = stack.enter_context(running(tmp_path)), stack.enter_context(answering(hang))
        policy = policy_of(("bad", bad), ("w", good), ("dead", DEAD))

        def on_outcome(outcome: Outcome) -> None:
            if outcome.witness == "w":
                done.set()

        stack.enter_context(Collector(policy, Log(TREE, 20), LOG, kept, on_outcome, lambda: NOW, Pace(poll=0.01)))
        assert asked.wait(20)
        assert done.wait(20)
        assert not release.is_set()
        assert cosigners(kept, 20, "w") == {"witness.example/w"}
        # A start asks every witness, and waits for none beyond its time.
        seen = ask_newest(policy, LOG, ORIGIN, 1.0)
        assert [(one.name, one.checkpoint.size) for one in seen] == [("w", 20)]
        release.set()


def test_a_store_that_fails_does_not_end_the_collector(tmp_path: Path, kept: Collected) -> None:
    heard: list[str] = []
    good = threading.Event()

    class Failing(Log):
        failures = 2

        def newest(self) -> bytes | None:
            if self.failures:
                self.failures -= 1
                raise StoreError("STORE_UNREACHABLE") if self.failures else RuntimeError("anything")
            return super().newest()

    def on_outcome(outcome: Outcome) -> None:
        heard.append(outcome.code)
        if outcome.code == "OK":
            good.set()

    with (
        running(tmp_path) as url,
        Collector(policy_of(("w", url)), Failing(TREE, 5), LOG, kept, on_outcome, pace=Pace(poll=0.01)),
    ):
        assert good.wait(20)
    assert heard[:3] == ["STORE_UNREACHABLE", "UNEXPECTED", "OK"]


def ledger_home(tmp_path: Path, policy: str) -> Home:
    home = create_home(tmp_path / "home", ORIGIN, log_key=LOG_KEY)
    (home.folder / "policy").write_text(policy)
    return home


def lines_of(name: str, url: str) -> str:
    return f"witness {name} {cosigner(name).key.encode()} {url}\nquorum {name}\n"


def test_what_witnesses_know_at_a_start(tmp_path: Path, kept: Collected) -> None:
    with running(tmp_path) as url:
        home = ledger_home(tmp_path, lines_of("w", url))
        assert witnessed(home) == ()
        submitter(url, Log(TREE, 9), kept).collect()
        nine = Witnessed("w", 9, TREE.roots[9])
        assert witnessed(home) == (nine, nine)
    # With the witness silent, what it signed vouches only beside a pin; garbage beside it changes nothing.
    (kept.cosigned / "30").write_bytes(FORK.note(30))
    (kept.cosigned / "29").write_bytes(b"garbage")
    assert witnessed(home) == ()
    home.pin.write_bytes(b"")
    assert witnessed(home) == (nine,)
    (home.folder / "policy").unlink()
    assert witnessed(home) == ()


def test_an_alarm_on_file_is_kept_at_a_start(tmp_path: Path, kept: Collected) -> None:
    with running(tmp_path) as url:
        home = ledger_home(tmp_path, lines_of("w", url))
        submitter(url, Log(TREE, 20), Collected(tmp_path / "elsewhere")).collect()
        submitter(url, Log(FORK, 30), kept).collect()
    with answering(replying(409, b"99\n", SIZE_TYPE)) as url:
        submitter(url, Log(TREE, 20), kept).collect()
    home.pin.write_bytes(b"")
    (home.folder / "attest" / "alarms" / ".half-written.new").write_text("{")
    assert witnessed(home) == (Witnessed("w", 20, TREE.roots[20]),)


def test_keys_that_a_rotation_brought_in_are_known(tmp_path: Path) -> None:
    home = ledger_home(tmp_path, "quorum none\n")
    new = SigningKey.from_seed(bytes([9]) * 32)
    write_key(home.next_log_key(VerifierKey(ORIGIN, new.public)), new, None)
    listed = SigningKey.from_seed(bytes([8]) * 32)
    policy = parse_policy(f"log {VerifierKey(ORIGIN, listed.public).encode()}\nlog {OTHER}\nquorum none\n")
    keys = log_keys(home, policy)
    assert [key.public for key in keys.keys] == [LOG_KEY.public, new.public, listed.public]
    assert keys.open(Tree(3, key=new).note(3)).size == 3


def test_answers_that_verify_under_no_known_key_count_as_none() -> None:
    stranger = Tree(9, key=SigningKey.from_seed(bytes(32)))
    for note in (b"", stranger.note(9), TREE.note(9), Tree(9, origin="another.example").note(9)):
        with answering(replying(200, note)) as url:
            assert ask_newest(policy_of(("w", url)), LOG, ORIGIN, 5) == ()


def test_nobody_to_ask() -> None:
    assert in_time([], 0) == []


def test_the_policy_of_a_ledger(tmp_path: Path) -> None:
    assert read_policy(tmp_path) is None
    (tmp_path / "policy").write_text("quorum none\n")
    found = read_policy(tmp_path)
    assert found is not None
    assert found.quorum is None
    (tmp_path / "policy").write_text("quorum somebody\n")
    with pytest.raises(PolicyError):
        read_policy(tmp_path)
    (tmp_path / "folder" / "policy").mkdir(parents=True)
    with pytest.raises(StoreError):
        read_policy(tmp_path / "folder")


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "attest").write_text("")
    kept = Collected(tmp_path / "home")
    with running(tmp_path) as url, pytest.raises(StoreError):
        submitter(url, Log(TREE, 9), kept).collect()
    with pytest.raises(StoreError):
        kept.note(9)
    other = Collected(tmp_path / "other")
    (tmp_path / "other" / "attest" / "alarms").mkdir(parents=True)
    (tmp_path / "other" / "attest" / "alarms" / "damaged").write_text("no JSON")
    with pytest.raises(StoreError):
        list(other.alarms())
    (other.cosigned / "9").mkdir(parents=True)
    with pytest.raises(StoreError):
        other.note(9)


def test_how_far_every_witness_is(tmp_path: Path, kept: Collected) -> None:
    clock = Clock()
    with running(tmp_path, "a", clock=clock) as a, running(tmp_path, "b", clock=clock) as b:
        policy = policy_of(("a", a), ("b", b))
        for name, url, size in (("a", a, 9), ("b", b, 9), ("a", a, 20)):
            submitter(url, Log(TREE, size), kept, name).collect()
    (kept.cosigned / "39").write_bytes(TREE.note(38))
    now = status_of(policy, LOG_OPENER, ORIGIN, kept, Pin(25, bytes(32)))
    assert [(one.name, one.size, one.time, one.lag(now.published)) for one in now.witnesses] == [
        ("a", 20, NOW, 5),
        ("b", 9, NOW, 16),
    ]
    assert (now.quorum, now.published, now.alarms) == (9, 25, ())
    nobody = status_of(parse_policy("quorum none\n"), LOG_OPENER, ORIGIN, kept, None)
    assert (nobody.quorum, nobody.published, nobody.witnesses) == (0, 0, ())
