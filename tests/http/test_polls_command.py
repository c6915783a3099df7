"""`polls` on the command line, and all of it: codes given out, committed to, entered, cast through two workers."""

import hmac
import json
import os
import shutil
import signal
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.client import ProblemError
from api.http.boxes import PASSPHRASE, PASSPHRASE_FILE, read_channel_keys
from api.public_client import PublicClient, Voted
from api.rehearsal.driver import World
from api.rehearsal.steps_polls import open_poll
from ledger.errors import MalformedError, StoreError
from ledger.keyfile import write_key
from ledger.opening import create_home, read_home
from ledger.poll_issuing import pseudonym
from ledger.poll_rows import credential_tag, credentials_root
from ledger.state.poll_book import Poll
from ledger.statements.foundation import StageOpened
from tests import public_ballots as public
from tests.api.calling import PASSPHRASE as TYPED
from tests.api.calling import Answer, call
from tests.http.test_serving import children, serving, until
from tests.public_ballots import CHANNEL, OPERATOR, STAGE
from tests.sequenced import Site, StoredLedger
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, resume
from tests.voting import history_before

POLL = "poll-2022"


@pytest.fixture
def home(site: Site, tmp_path: Path) -> Path:
    """The folder of a ledger in which a public vote may open."""
    site.preload(history_before(STAGE))
    with site.sequencer():
        pass
    folder = tmp_path / "home"
    create_home(folder, ORIGIN, log_key=LOG_KEY)
    shutil.copy(site.pin_path, folder / "pin")
    shutil.copy(site.attempts_pin_path, folder / "attempts.pin")
    return folder


def run(site: Site, home: Path, *arguments: str | Path | int, **given: Any) -> Answer:
    """Call `polls` on the ledger."""
    return call("polls", *arguments, "--home", home, "--json", DATABASE_URL=site.service_dsn, **given)


def civil(instant: int) -> str:
    """An instant as the command line takes it."""
    return (datetime.fromtimestamp(instant / 1000, UTC) + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M")


def key_file(folder: Path, world: World, alias: str) -> Path:
    """The key file of somebody in the play."""
    path = folder / f"{alias}.pem"
    if not path.exists():
        write_key(path, world.actor(alias).key, TYPED.encode())
    return path


def played(site: Site, home: Path, world: World, do: Any) -> Any:
    """Let the play go on for a while on the log of the folder."""
    for name, pin in (("pin", site.pin_path), ("attempts.pin", site.attempts_pin_path)):
        shutil.copy(home / name, pin)
    with site.sequencer() as sequencer:
        found = do(resume(history_before(STAGE), StoredLedger(site, sequencer)))
    for name, pin in (("pin", site.pin_path), ("attempts.pin", site.attempts_pin_path)):
        shutil.copy(pin, home / name)
    return found


def test_codes_are_given_out_committed_to_entered_and_cast_through_two_workers(
    site: Site, home: Path, tmp_path: Path
) -> None:
    world = resume(history_before(STAGE))
    poll_id, codes, tags = public.poll_id(world), tmp_path / "codes.txt", tmp_path / "tags.txt"
    operator, now = key_file(tmp_path, world, OPERATOR), world.now + 120_000
    issued = run(
        site, home, "issue-codes", poll_id, CHANNEL, "--count", 40, "--codes", codes, "--tags", tags,
        "--key", operator, "--now", civil(now),
    )  # fmt: skip
    assert issued.code == 0, issued.err
    given = [bytes.fromhex(line) for line in codes.read_text().split()]
    listed = [bytes.fromhex(line) for line in tags.read_text().split()]
    assert stat.S_IMODE(codes.stat().st_mode) == 0o600
    assert (len(given), listed) == (40, sorted(credential_tag(poll_id, one) for one in given))
    assert issued.value["credentials"]["body"]["root"] == credentials_root(listed).hex()
    assert not any(one.hex() in issued.out for one in given)
    assert run(site, home, "enter", poll_id, CHANNEL, "--tags", codes).value["error"]["code"] == "CREDENTIALS_MISMATCH"
    assert run(site, home, "enter", poll_id, CHANNEL, "--tags", tags).value["credentials"]["count"] == 40

    def open_it(world: World) -> Poll:
        world.now = now + 120_000
        world.must("organiser", StageOpened(STAGE))
        return open_poll(world, STAGE)

    poll = played(site, home, world, open_it)
    assert run(site, home, "sign-for", CHANNEL, "--key", operator, "--no-passphrase").code == 0
    with serving(site, home, 2) as (process, url):
        answers = [cast_all(url, poll, given, poll.opened_at + 60_000)]
        with PublicClient(url, [LOG_VKEY]) as client:
            assert client.poll(poll_id)["poll"]["taken"] == 40
        process.terminate()
        assert process.wait(40) == 0
    for one, other in answers[0]:
        assert {one.again, other.again} == {False, True}
        assert one.receipt == other.receipt
    shown = run(site, home, "show", poll_id).value["polls"]
    assert [(one["taken"], one["sources"][0]["credentials"], one["sums"]) for one in shown] == [(40, 40, None)]
    assert site.audit().clean


def test_F06_what_was_acknowledged_is_in_once_whoever_is_killed(site: Site, home: Path, tmp_path: Path) -> None:
    """A worker is killed under load, then everything; started again, the same ballots get their first receipts."""

    def open_it(world: World) -> Poll:
        poll = public.opened(world)
        write_key(home / "channel-keys" / f"{CHANNEL}.key", world.actor(OPERATOR).key, None)
        return poll

    (home / "channel-keys").mkdir()
    poll = played(site, home, resume(history_before(STAGE)), open_it)
    codes, at = [public.credential(number) for number in range(public.VOTERS)], poll.opened_at + 60_000
    with serving(site, home, 2) as (process, url), ThreadPoolExecutor(1) as pool:
        until(lambda: len(children(process.pid)) == 2)
        first = pool.submit(cast_all, url, poll, codes[:30], at)
        os.kill(children(process.pid)[0], signal.SIGKILL)
        before = first.result(60)
        second = pool.submit(cast_all, url, poll, codes[30:], at)
        time.sleep(0.2)
        workers = children(process.pid)
        process.kill()
        process.wait(10)
        cut_off = second.exception(60)
        assert cut_off is None or isinstance(cut_off, StoreError | ProblemError)
        until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    with serving(site, home, 2) as (process, url):
        after = cast_all(url, poll, codes, at)
        with PublicClient(url, [LOG_VKEY]) as client:
            assert client.poll(poll.id)["poll"]["taken"] == public.VOTERS
        process.terminate()
        assert process.wait(40) == 0
    for (one, _), (again, _) in zip(before, after, strict=False):
        assert (again.again, again.receipt) == (True, one.receipt)
    assert site.audit().clean


def cast_all(url: str, poll: Poll, codes: list[bytes], at: int) -> list[tuple[Voted, Voted]]:
    """Cast every ballot twice at once, over connections of their own, so that both workers have some."""

    def cast(number: int) -> Voted:
        chosen = [poll.candidates[number % 3]]
        with PublicClient(url, [LOG_VKEY]) as client:
            return client.cast(poll.id, CHANNEL, codes[number % len(codes)], chosen, at=at)

    with ThreadPoolExecutor(8) as pool:
        voted = list(pool.map(cast, range(2 * len(codes))))
    return list(zip(voted[: len(codes)], voted[len(codes) :], strict=True))


def test_pseudonyms_are_the_same_for_an_account_and_no_account_is_kept(site: Site, home: Path, tmp_path: Path) -> None:
    accounts = ["wx-openid-1", "13800000000", "wx-openid-2"]
    (tmp_path / "accounts").write_text("\n".join([*accounts, "", accounts[0]]) + "\n", encoding="utf-8")
    secret, tags = tmp_path / "channel.secret", tmp_path / "tags.txt"
    made = run(site, home, "pseudonyms", POLL, CHANNEL, tmp_path / "accounts", "--secret", secret, "--tags", tags)
    assert made.code == 0, made.out
    key = bytes.fromhex(secret.read_text())
    expected = {
        credential_tag(
            POLL, hmac.digest(key, f"ballot-ledger pseudonym v1\n{POLL}\n{one}".encode(), "sha256")[:16]
        ).hex()
        for one in accounts
    }
    assert set(tags.read_text().split()) == expected
    assert made.value["credentials"]["body"]["count"] == 3
    kept = [path.read_bytes() for path in (secret, tags)] + [made.out.encode(), made.err.encode()]
    assert not any(one.encode() in data for one in accounts for data in kept)
    again = run(
        site, home, "pseudonyms", POLL, CHANNEL, "--secret", secret, "--tags", tmp_path / "again",
        given="\n".join(accounts),
    )  # fmt: skip
    assert again.value["credentials"]["body"] == made.value["credentials"]["body"]
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("identity", "fault"), [("", "IDENTITY_INVALID"), (" a", "IDENTITY_INVALID"), ("a" * 257, "IDENTITY_INVALID")]
)
def test_an_account_has_one_spelling(identity: str, fault: str) -> None:
    with pytest.raises(MalformedError, match=fault):
        pseudonym(bytes(32), POLL, identity)
    with pytest.raises(MalformedError, match="PSEUDONYM_KEY_INVALID"):
        pseudonym(bytes(31), POLL, "a")


def test_what_cannot_be_done_says_why(site: Site, home: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_bytes(b"\xff")
    codes = ("issue-codes", POLL, CHANNEL, "--count", 1, "--codes")
    pseudonyms = ("pseudonyms", POLL, CHANNEL)
    (tmp_path / "long").write_text("a\n" + "b" * 300)
    asked: list[tuple[tuple[Any, ...], str]] = [
        ((*codes, there, "--tags", tmp_path / "t1"), "FILE_UNWRITABLE"),
        ((*codes, tmp_path / "c1", "--tags", there), "FILE_UNWRITABLE"),
        (("issue-codes", "Not An Id", CHANNEL, "--count", 1, "--codes", tmp_path / "c2", "--tags", there),
         "FIELD_INVALID"),
        (("enter", POLL, CHANNEL, "--tags", tmp_path / "nowhere"), "CREDENTIALS_MISMATCH"),
        (("show", "nowhere"), "UNKNOWN_POLL"),
        ((*pseudonyms, there, "--secret", tmp_path / "s1", "--tags", tmp_path / "t2"), "FILE_UNREADABLE"),
        ((*pseudonyms, tmp_path / "none", "--secret", tmp_path / "s2", "--tags", tmp_path / "t3"), "FILE_UNREADABLE"),
        ((*pseudonyms, tmp_path / "long", "--secret", tmp_path / "s3", "--tags", tmp_path / "t4"), "IDENTITY_INVALID"),
        ((*pseudonyms, tmp_path / "long", "--secret", there, "--tags", tmp_path / "t5"), "PSEUDONYM_KEY_INVALID"),
    ]  # fmt: skip
    for arguments, fault in asked:
        answer = run(site, home, *arguments)
        assert (answer.code, answer.value["error"]["code"]) == (2, fault), arguments


def test_the_keys_of_channels_are_read_with_their_passphrase_or_not_at_all(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, found = resume(history_before(STAGE)), read_home(home)
    key = world.actor(OPERATOR).key
    assert read_channel_keys(found) == {}
    for name in (PASSPHRASE, PASSPHRASE_FILE):
        monkeypatch.delenv(name, raising=False)
    (home / "channel-keys").mkdir()
    write_key(home / "channel-keys" / "plain.key", key, None)
    assert read_channel_keys(found)["plain"].public == key.public
    write_key(home / "channel-keys" / "guarded.key", key, b"open sesame")
    with pytest.raises(StoreError, match="KEY_PASSPHRASE"):
        read_channel_keys(found)
    monkeypatch.setenv(PASSPHRASE, "open sesame")
    assert read_channel_keys(found).keys() == {"plain", "guarded"}
    (tmp_path / "phrase").write_text("open sesame\nnot this\n")
    monkeypatch.setenv(PASSPHRASE, "wrong")
    with pytest.raises(StoreError, match="KEY_PASSPHRASE"):
        read_channel_keys(found)
    monkeypatch.setenv(PASSPHRASE_FILE, str(tmp_path / "phrase"))
    assert read_channel_keys(found).keys() == {"plain", "guarded"}
    monkeypatch.setenv(PASSPHRASE_FILE, str(tmp_path / "nowhere"))
    with pytest.raises(StoreError, match="KEY_FILE_UNUSABLE"):
        read_channel_keys(found)
    assert json.loads((home / "ledger.json").read_text())["origin"] == ORIGIN
