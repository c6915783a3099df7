"""The commands: a ledger, two witnesses that run as their own processes, and what status, collect and alarms say."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.witness.memory import origin_name
from api.witness.message import encode
from ledger.checkpoint import parse_vkey
from ledger.cosignature import open_cosigned, parse_witness_vkey
from ledger.keyfile import read_key
from tests.api.calling import call
from tests.api.conftest import reachable
from tests.witness.servers import cosigner, running
from tests.witness.trees import LOG, Tree

ORIGIN = "union.example/witnessed"
__all__ = ["reachable"]


@pytest.fixture(scope="module")
def home(reachable: Path) -> Path:
    """A ledger whose charter is sealed and endorsed."""
    folder = reachable / "home"
    answer = call("init", "--origin", ORIGIN, "--home", folder, "--endorse", "--rehearsal", "--json")
    assert answer.code == 0, answer.out + answer.err
    return folder


def new_key(folder: Path, name: str, *options: str) -> str:
    answer = call("witness", "key", "new", folder / name, "--name", f"witness.example/{name}", "--json", *options)
    assert answer.code == 0, answer.out
    vkey = str(answer.value["witness_key"]["vkey"])
    assert parse_witness_vkey(vkey).encode() == vkey == (folder / f"{name}.vkey").read_text().strip()
    return vkey


@contextmanager
def served(folder: Path, name: str, log: str, *options: str) -> Iterator[str]:
    """Run `witness serve` as a process of its own; gives its URL."""
    arguments = ["--state", str(folder / f"{name}-state"), "--log", log, "--key", str(folder / name), *options]
    with started("serve", *arguments, "--listen", "127.0.0.1:0") as first:
        yield str(first["witness"]["url"])


@contextmanager
def started(*arguments: str, end: signal.Signals = signal.SIGINT) -> Iterator[dict[str, Any]]:
    """Run a command of witnesses as a process of its own until it is told to end; gives what it said first.

    As in the background of a shell, it is begun with SIGINT ignored.
    """
    command = [sys.executable, "-c", "from api.cli.main import main; main()", "witness", *arguments, "--json"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command],
        stdout=subprocess.PIPE,
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        text=True,
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1] != "}\n":
            line = process.stdout.readline()
            assert line, lines
            lines.append(line)
        yield json.loads("".join(lines))
        process.send_signal(end)
        process.wait(30)
    assert process.returncode == 0


@pytest.fixture
def witnessed(home: Path) -> Path:
    """The ledger again, without what an earlier test collected."""
    shutil.rmtree(home / "attest", ignore_errors=True)
    (home / "policy").unlink(missing_ok=True)
    return home


def write_policy(home: Path, *witnesses: tuple[str, str, str], quorum: str = "all") -> None:
    lines = [f"witness {name} {vkey} {url}" for name, vkey, url in witnesses]
    lines += [f"group both {quorum} {' '.join(name for name, _, _ in witnesses)}", "quorum both", ""]
    (home / "policy").write_text("\n".join(lines))


def test_collect_status_and_a_restart_of_the_witness(tmp_path: Path, witnessed: Path) -> None:
    log = (witnessed / "log.vkey").read_text().strip()
    one, two = new_key(tmp_path, "one", "--no-passphrase"), new_key(tmp_path, "two", "--ml-dsa", "--no-passphrase")
    with served(tmp_path, "one", log) as first, served(tmp_path, "two", log) as second:
        write_policy(witnessed, ("one", one, first), ("two", two, second))
        before = call("witness", "status", "--home", witnessed, "--json")
        assert (before.code, before.value["quorum"]) == (0, None)
        answer = call("witness", "collect", "--home", witnessed, "--json")
        assert answer.code == 0, answer.out
        size = answer.value["published"]
        assert size > 1
        assert [(row["code"], row["size"]) for row in answer.value["outcomes"]] == [("OK", size)] * 2
    note = (witnessed / "attest" / "cosigned" / str(size)).read_bytes()
    opened = open_cosigned(note, parse_vkey(log), [parse_witness_vkey(one), parse_witness_vkey(two)])
    assert len(opened.by) == 2
    status = call("witness", "status", "--home", witnessed, "--json")
    assert status.code == 0
    assert (status.value["quorum"], status.value["alarms"]) == (size, [])
    assert [(row["name"], row["lag"], row["outcome"]) for row in status.value["witnesses"]] == [
        ("one", 0, "OK"),
        ("two", 0, "OK"),
    ]
    with served(tmp_path, "one", log) as first:
        write_policy(witnessed, ("one", one, first), ("two", two, "http://127.0.0.1:1"), quorum="any")
        again = call("witness", "collect", "--home", witnessed, "--lang", "en")
        assert again.code == 0
        assert "cosigned" in again.out
        assert "WITNESS_UNREACHABLE" in again.out


def test_without_enough_witnesses_collect_says_so(tmp_path: Path, witnessed: Path) -> None:
    one = new_key(tmp_path, "one", "--no-passphrase")
    write_policy(witnessed, ("one", one, "http://127.0.0.1:1"))
    answer = call("witness", "collect", "--home", witnessed, "--json")
    assert answer.code == 2
    assert [row["code"] for row in answer.value["outcomes"]] == ["WITNESS_UNREACHABLE"]
    status = call("witness", "status", "--home", witnessed, "--lang", "en")
    assert status.code == 0
    assert "quorum is not met" in status.out


def test_an_alarm_ends_with_1_and_stays_in_the_status(tmp_path: Path, witnessed: Path) -> None:
    key = read_key(witnessed / "log.key", None)
    forged = Tree(500, key=key, origin=ORIGIN)
    log = parse_vkey((witnessed / "log.vkey").read_text().strip())
    with running(tmp_path, "w", log=log) as url:
        submitted = httpx.post(url + "/add-checkpoint", content=encode(0, (), forged.note(500)), trust_env=False)
        assert submitted.status_code == 200
        write_policy(witnessed, ("w", cosigner("w").key.encode(), url))
        answer = call("witness", "collect", "--home", witnessed, "--json")
    assert answer.code == 1
    assert [row["code"] for row in answer.value["outcomes"]] == ["ROLLBACK_DETECTED"]
    status = call("witness", "status", "--home", witnessed, "--json")
    assert status.code == 1
    assert [(one["code"], one["witnessed"]) for one in status.value["alarms"]] == [("ROLLBACK_DETECTED", 500)]
    told = call("witness", "status", "--home", witnessed, "--lang", "zh")
    assert "attest/alarms" in told.out


def test_a_policy_with_problems_names_every_line(witnessed: Path) -> None:
    missing = call("witness", "status", "--home", witnessed, "--json")
    assert (missing.code, missing.value["error"]["code"]) == (2, "POLICY_MISSING")
    (witnessed / "policy").write_text("nonsense\nquorum nobody\n")
    answer = call("witness", "status", "--home", witnessed, "--json")
    assert answer.code == 2
    assert [(one["line"], one["code"]) for one in answer.value["error"]["problems"]] == [
        (1, "POLICY_LINE"),
        (2, "POLICY_NAME_UNKNOWN"),
    ]
    assert "2: POLICY_NAME_UNKNOWN" in call("witness", "status", "--home", witnessed).err


def test_keys_of_witnesses(tmp_path: Path) -> None:
    for name, options in (("plain", ["--ml-dsa"]), ("locked", [])):
        new_key(tmp_path, name, *options)
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        again = call("witness", "key", "new", tmp_path / name, "--name", "w", "--json")
        assert (again.code, again.value["error"]["code"]) == (2, "KEY_FILE_EXISTS")
    bad = call("witness", "key", "new", tmp_path / "x", "--name", "a b", "--json")
    assert (bad.code, bad.value["error"]["code"]) == (2, "VKEY_MALFORMED")
    assert not (tmp_path / "x").exists()


def test_serving_with_a_wrong_key_or_address(tmp_path: Path) -> None:
    new_key(tmp_path, "one")
    arguments = ["witness", "serve", "--state", str(tmp_path / "s"), "--log", LOG.encode(), "--json"]
    one = ["--key", str(tmp_path / "one")]
    wrong = call(*arguments, *one, BALLOT_LEDGER_PASSPHRASE="wrong")
    assert wrong.value["error"]["code"] == "KEY_PASSPHRASE"
    assert call(*arguments, *one, BALLOT_LEDGER_PASSPHRASE="").value["error"]["code"] == "PASSPHRASE_NEEDED"
    assert call(*arguments, *one, "--listen", "nowhere").value["error"]["code"] == "ADDRESS_UNUSABLE"
    assert call(*arguments, "--key", str(tmp_path / "two")).value["error"]["code"] == "KEY_FILE_UNUSABLE"
    (tmp_path / "one.vkey").write_text(cosigner("other").key.encode() + "\n")
    assert call(*arguments, *one).value["error"]["code"] == "KEY_FILE_UNUSABLE"


def test_following_until_interrupted_and_showing_what_was_cosigned(tmp_path: Path, witnessed: Path) -> None:
    log = (witnessed / "log.vkey").read_text().strip()
    one = new_key(tmp_path, "one", "--no-passphrase")
    with served(tmp_path, "one", log) as url:
        write_policy(witnessed, ("one", one, url))
        for end in (signal.SIGINT, signal.SIGTERM):
            with started("collect", "--follow", "--home", str(witnessed), end=end) as first:
                assert (first["outcome"]["code"], first["outcome"]["witness"]) == ("OK", "one")
        # What an auditing witness cosigned is shown beside the process that holds its folder.
        path = f"/{origin_name(ORIGIN)}/checkpoint"
        with started("show", "--state", str(tmp_path / "one-state"), "--listen", "127.0.0.1:0") as shown:
            assert shown["witness"]["vkeys"] == []
            other = httpx.get(shown["witness"]["url"] + path, trust_env=False)
            assert other.content == httpx.get(url + path, trust_env=False).content
            assert other.status_code == 200
            refused = httpx.post(shown["witness"]["url"] + "/add-checkpoint", content=b"", trust_env=False)
            assert refused.status_code == 503
