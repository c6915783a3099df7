"""Time stamps: one that was kept, every byte of it flipped, and an authority of our own with every fault."""

import base64
import builtins
import datetime as dt
import hashlib
import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from api import der
from api import timestamps as ts
from ledger.checkpoint import Note, parse_note
from ledger.errors import LedgerError, MalformedError, VerificationError
from tests.api.calling import call
from tests.api.conftest import reachable
from tests.witness.authority import CODE_SIGNING, POLICY, TIME_STAMPING, Authority
from tests.witness.servers import answering, replying
from tests.witness.trees import Tree

__all__ = ["reachable"]
KEPT = json.loads((Path(__file__).parent / "stamp.json").read_text())
NOTE, ROOT, STAMP = KEPT["note"].encode(), KEPT["root"].encode(), base64.b64decode(KEPT["stamp"])
TIME = dt.datetime.fromisoformat(KEPT["time"])
LATER = TIME + dt.timedelta(days=365)


def refused(note: bytes = NOTE, stamp: bytes = STAMP, root: bytes = ROOT, at: dt.datetime = LATER, **more: Any) -> str:
    with pytest.raises(VerificationError) as caught:
        ts.verify_timestamp(note, stamp, [root], at, **more)
    assert caught.value.code == "TIMESTAMP_INVALID"
    return str(caught.value.facts["reason"])


def test_a_stamp_states_its_time() -> None:
    assert ts.available()
    assert ts.verify_timestamp(NOTE, STAMP, [ROOT], LATER, POLICY) == TIME


def test_what_is_stamped() -> None:
    """Section 10: text, line feed, the log's own line; cosignatures come later and change nothing."""
    text, _, line = NOTE.partition(b"\n\n")
    assert ts.stamped_texts(NOTE) == (text + b"\n" + b"\n" + line,)
    cosigned = NOTE + "— witness.example/w ".encode() + base64.b64encode(bytes(76)) + b"\n"
    assert ts.stamped_texts(cosigned) == ts.stamped_texts(NOTE)
    assert ts.verify_timestamp(cosigned, STAMP, [ROOT], LATER) == TIME


def test_a_stamp_is_for_one_signed_checkpoint() -> None:
    assert refused(note=Tree(6).note(6)) == "another text"
    parsed = parse_note(NOTE)
    line = parsed.signatures[0]
    other = Note(parsed.text, (type(line)(line.name, line.key_id, bytes(64)),)).encode()
    assert refused(note=other) == "another text"
    unsigned = Note(parsed.text, (type(line)("another.example", line.key_id, line.value),)).encode()
    with pytest.raises(VerificationError) as caught:
        ts.verify_timestamp(unsigned, STAMP, [ROOT], LATER)
    assert caught.value.code == "NOTE_UNSIGNED"


def test_every_flipped_byte_is_found() -> None:
    for place in range(len(STAMP)):
        stamp = bytearray(STAMP)
        stamp[place] ^= 1
        assert refused(stamp=bytes(stamp)), place


@pytest.mark.parametrize("stamp", [b"", b"0", STAMP[:-1], STAMP + b"\0", b"x" * (ts.MAX_STAMP_BYTES + 1)])
def test_other_bytes_are_no_stamp(stamp: bytes) -> None:
    assert refused(stamp=stamp)


def test_roots_policy_and_time_are_the_verifiers(tmp_path: Path) -> None:
    assert refused(root=Authority(tmp_path).root) == "Error while verifying certificates"
    assert refused(root=b"no certificate") == "ValueError"
    assert refused(policy="1.2.3.4") == "Policy ID mismatch"
    assert refused(policy="no policy") == "ValueError"
    assert refused(at=TIME - dt.timedelta(minutes=6)) == "in the future"
    assert ts.verify_timestamp(NOTE, STAMP, [ROOT], TIME - dt.timedelta(minutes=4)) == TIME
    with pytest.raises(VerificationError):
        ts.verify_timestamp(NOTE, STAMP, [], LATER)


def test_without_the_extra_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> ModuleType:
        if name.startswith("rfc3161_client"):
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    assert not ts.available()
    with pytest.raises(ts.TimestampsUnavailable):
        ts.verify_timestamp(NOTE, STAMP, [ROOT], LATER)


@pytest.mark.parametrize(
    ("status", "body", "reason"), [(500, b"", "500"), (200, b"x" * 200_000, "size"), (302, b"", "302")]
)
def test_an_authority_that_does_not_answer(status: int, body: bytes, reason: str) -> None:
    with answering(replying(status, body)) as url, pytest.raises(LedgerError) as caught:
        ts.request_timestamp(NOTE, url, [ROOT], LATER)
    assert (caught.value.code, caught.value.facts["reason"]) == ("TIMESTAMP_UNREACHABLE", reason)


def test_an_authority_that_is_not_there_or_says_something_else() -> None:
    for url in ("http://127.0.0.1:1", "nonsense://", "http://"):
        with pytest.raises(LedgerError) as caught:
            ts.request_timestamp(NOTE, url, [ROOT], LATER)
        assert caught.value.code == "TIMESTAMP_UNREACHABLE"
    with answering(replying(200, b"nonsense")) as url, pytest.raises(VerificationError):
        ts.request_timestamp(NOTE, url, [ROOT], LATER)
    # A stamp that was good for another request bears another nonce.
    with answering(replying(200, STAMP)) as url, pytest.raises(VerificationError) as replayed:
        ts.request_timestamp(NOTE, url, [ROOT], LATER)
    assert replayed.value.facts["reason"] == "Nonce mismatch"


@pytest.mark.parametrize(
    "data", ["30", "3080", "308100", "30817f", "3082007f", "1f00", "3001", "30850000000001", "0500ff"]
)
def test_der_has_one_spelling(data: str) -> None:
    with pytest.raises(MalformedError):
        list(der.elements(bytes.fromhex(data)))


def test_der_of_the_wrong_kind() -> None:
    with pytest.raises(MalformedError):
        der.only(bytes.fromhex("0500"), der.SEQUENCE)
    with pytest.raises(MalformedError):
        der.only(bytes.fromhex("30003000"), der.SEQUENCE)
    long = b"\x30\x82\x01\x00" + bytes(256)
    assert der.only(long, der.SEQUENCE) == bytes(256)


@pytest.mark.system
@pytest.mark.parametrize("ess", ["sha1", "sha256", "sha512"])
def test_what_our_authority_stamps_openssl_verifies(tmp_path: Path, ess: str) -> None:
    authority = Authority(tmp_path / "tsa", ess=ess)
    now = dt.datetime.now(dt.UTC)
    with authority.serving() as url:
        stamp, made = ts.request_timestamp(NOTE, url, [authority.root], now, POLICY)
    assert abs(made - now) < dt.timedelta(minutes=5)
    assert ts.verify_timestamp(NOTE, stamp, [authority.root], now) == made
    openssl_verifies(tmp_path, NOTE, stamp, authority)
    with authority.serving() as url, pytest.raises(VerificationError):
        ts.request_timestamp(NOTE, url, [authority.root], now, "1.2.3.4")


def openssl_verifies(folder: Path, note: bytes, stamp: bytes, authority: Authority) -> None:
    data, reply = folder / "stamped", folder / "stamp.tsr"
    data.write_bytes(ts.stamped_texts(note)[0])
    reply.write_bytes(stamp)
    command: list[str | Path] = ["openssl", "ts", "-verify", "-in", reply, "-data", data, "-CAfile"]
    command.append(authority.root_file)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "Verification: OK" in done.stdout


@pytest.mark.system
@pytest.mark.parametrize(
    ("faulty", "reason"),
    [
        ({"usages": (TIME_STAMPING, CODE_SIGNING)}, "extended key usage"),
        ({"usages": (CODE_SIGNING,)}, ""),
        ({"until": dt.datetime(2021, 1, 1, tzinfo=dt.UTC)}, "Error while verifying certificates"),
    ],
)
def test_certificates_that_may_not_stamp(tmp_path: Path, faulty: dict[str, Any], reason: str) -> None:
    authority = Authority(tmp_path, **faulty)
    request = _request(ts.stamped_texts(NOTE)[0])
    try:
        stamp = authority.reply(request)
    except subprocess.CalledProcessError:
        # OpenSSL itself does not stamp with such a certificate.
        assert reason != "Error while verifying certificates"
        return
    assert refused(stamp=stamp, root=authority.root, at=LATER + dt.timedelta(days=36500)) == reason


def _request(text: bytes) -> bytes:
    import rfc3161_client as library

    builder = library.TimestampRequestBuilder().data(text).hash_algorithm(library.HashAlgorithm.SHA256)
    return builder.cert_request(cert_request=True).build().as_bytes()


@pytest.mark.system
def test_refusals_and_other_digests_are_no_stamps(tmp_path: Path) -> None:
    import rfc3161_client as library

    authority = Authority(tmp_path)
    text = ts.stamped_texts(NOTE)[0]
    query = subprocess.run(
        ["openssl", "ts", "-query", "-digest", hashlib.sha1(text).hexdigest(), "-sha1"], check=True, capture_output=True
    )
    assert refused(stamp=authority.reply(query.stdout), root=authority.root).startswith("status")
    sha512 = library.TimestampRequestBuilder().data(text).hash_algorithm(library.HashAlgorithm.SHA512)
    other = authority.reply(sha512.cert_request(cert_request=True).build().as_bytes())
    assert refused(stamp=other, root=authority.root) == "digest algorithm"
    bare = library.TimestampRequestBuilder().data(text).hash_algorithm(library.HashAlgorithm.SHA256)
    without = authority.reply(bare.cert_request(cert_request=False).build().as_bytes())
    assert refused(stamp=without, root=authority.root)


@pytest.mark.system
def test_the_command_keeps_the_first_verified_stamp(tmp_path: Path, reachable: Path) -> None:
    home = reachable / "stamped"
    assert call("init", "--origin", "union.example/stamped", "--home", home, "--endorse").code == 0
    authority = Authority(tmp_path / "tsa")
    common: list[str | Path] = ["--root", authority.root_file, "--home", home]
    with authority.serving() as url:
        answer = call("timestamp", "--url", url, *common, "--policy", POLICY, "--json")
        assert answer.code == 0, answer.out
        stamp = answer.value["timestamp"]
        kept = home / "attest" / "timestamps" / f"{stamp['size']}.tsr"
        assert (stamp["file"], stamp["again"]) == (str(kept), False)
        first = kept.read_bytes()
        again = call("timestamp", "--url", url, *common, "--json").value["timestamp"]
        assert (again["again"], again["time"], kept.read_bytes()) == (True, stamp["time"], first)
        one = call("timestamp", "--url", url, *common, "--size", 1, "--lang", "en")
        assert "1 entries was stamped" in one.out
        assert call("timestamp", "--url", url, *common, "--size", 999, "--json").code == 2
    call("prove", "inclusion", 0, "--home", home, "--out", tmp_path / "proof")
    note = (tmp_path / "proof").read_bytes().partition(b"\n\n")[2]
    openssl_verifies(tmp_path, note, first, authority)
    other = Authority(tmp_path / "other")
    wrong = call("timestamp", "--url", "http://127.0.0.1:1", "--root", other.root_file, "--home", home, "--json")
    assert (wrong.code, wrong.value["error"]["code"]) == (2, "TIMESTAMP_INVALID")
    assert call("timestamp", "--url", "x", "--root", tmp_path / "none", "--home", home).code == 2
