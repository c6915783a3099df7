"""The witness over real HTTP: statuses and types as they arrive, bounded bodies, and nothing of an error outside."""

import hashlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from api.witness import app as app_module
from api.witness.memory import WitnessMemory
from api.witness.message import MAX_BODY_BYTES, encode
from api.witness.serving import listen, url_of
from api.witness.witness import Witness
from ledger.cosignature import open_cosigned
from ledger.errors import StoreError
from tests.witness.servers import NOW, cosigner, running, serving
from tests.witness.trees import LOG, ORIGIN, Tree

TREE = Tree(40)
MONITOR = f"/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint"


def test_every_status_over_http(tmp_path: Path) -> None:
    other = Tree(3, origin="ledger.example/other")
    forged = TREE.note(3).replace(b"\n3\n", b"\n4\n")
    with running(tmp_path) as url, httpx.Client(base_url=url, trust_env=False) as http:
        assert http.get(MONITOR).status_code == 404
        asked = [
            (b"nonsense", 400),
            (encode(0, (), other.note(3)), 404),
            (encode(0, (), forged), 403),
            (encode(5, (), TREE.note(9)), 409),
            (encode(0, (bytes(32),), TREE.note(9)), 422),
            (encode(0, (), TREE.note(9)), 200),
        ]
        answers = [http.post("/add-checkpoint", content=body) for body, _ in asked]
        assert [one.status_code for one in answers] == [status for _, status in asked]
        assert [one.content for one in answers[:3]] == [b"", b"", b""]
        assert (answers[3].headers["content-type"], answers[3].content) == ("text/x.tlog.size", b"0\n")
        note = TREE.note(9) + answers[5].content
        assert open_cosigned(note, LOG, [cosigner("w").key]).by[0].time == NOW
        monitored = http.get(MONITOR)
        assert (monitored.status_code, monitored.content) == (200, note)
        assert monitored.headers["content-type"] == "text/plain; charset=utf-8"
        assert "server" not in monitored.headers
        assert http.get("/" + MONITOR[1:].upper()).status_code == 404
        assert http.get("/add-checkpoint").status_code == 405
        assert http.get("/").status_code == 404


def test_one_of_many_at_once_wins(tmp_path: Path) -> None:
    with running(tmp_path) as url:
        start = threading.Barrier(8)

        def ask(size: int) -> int:
            start.wait()
            body = encode(0, (), TREE.note(size))
            return httpx.post(url + "/add-checkpoint", content=body, trust_env=False).status_code

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(10, 18)))
    assert sorted(answers) == [200] + [409] * 7


def test_bodies_are_bounded_whatever_they_say_of_their_length(tmp_path: Path) -> None:
    def endless() -> "list[bytes]":
        return [b"x" * 65536] * (MAX_BODY_BYTES // 65536 + 2)

    with running(tmp_path) as url:
        answer = httpx.post(url + "/add-checkpoint", content=iter(endless()), trust_env=False)
        assert (answer.status_code, answer.content) == (400, b"")


def test_slow_bodies_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "BODY_SECONDS", 0.05)
    with running(tmp_path) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as raw:
            raw.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 100\r\n\r\nold")
            assert raw.recv(100).startswith(b"HTTP/1.1 400")


def test_an_error_inside_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    errors = iter([StoreError("WITNESS_STATE_UNUSABLE", path="/secret/path"), RuntimeError("secret text")])

    def fail(self: Witness, body: bytes) -> None:
        raise next(errors)

    monkeypatch.setattr(Witness, "add", fail)
    with running(tmp_path) as url:
        for _ in range(2):
            answer = httpx.post(url + "/add-checkpoint", content=b"", trust_env=False)
            assert (answer.status_code, answer.content) == (500, b"")
    told = capfd.readouterr().err
    assert told.splitlines() == ["witness: WITNESS_STATE_UNUSABLE", "witness: RuntimeError"]


def test_a_witness_that_only_shows(tmp_path: Path) -> None:
    with WitnessMemory(tmp_path / "state", tmp_path / "w.key") as memory:
        witness = Witness(memory, [LOG], [cosigner("w")], lambda: NOW)
        witness.add(encode(0, (), TREE.note(9)))
        with serving(witness, adds=False) as url:
            assert httpx.get(url + MONITOR, trust_env=False).status_code == 200
            body = encode(9, (), TREE.note(9))
            assert httpx.post(url + "/add-checkpoint", content=body, trust_env=False).status_code == 503


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "256.0.0.1:0"]
)
def test_addresses_that_cannot_be(address: str) -> None:
    with pytest.raises(StoreError) as caught:
        listen(address)
    assert caught.value.code == "ADDRESS_UNUSABLE"


def test_urls_of_addresses() -> None:
    with listen("127.0.0.1:0") as listening:
        port = listening.getsockname()[1]
        assert url_of(listening) == f"http://127.0.0.1:{port}"
        with pytest.raises(StoreError):
            listen(f"127.0.0.1:{port}")
