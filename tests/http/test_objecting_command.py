"""`object`, `objection-progress` and `evidence announce`: an objection without a key by the command line."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.rehearsal.demo import SEED
from api.rehearsal.seals import sealed_to
from api.rehearsal.steps_objections import examine
from ledger.receipt import parse, verify
from ledger.signing import encode_base64
from ledger.statements.notices import ObjectionAnswered
from tests.api.calling import Answer, call
from tests.http.conftest import Service
from tests.http.live import Live
from tests.http.test_objections_http import TEXT, accused, live, on_file, service
from tests.simulator import LOG_VKEY

__all__ = ["live", "service"]


def test_an_objection_by_command(live: Live, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = service.world
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "letter.txt").write_text(TEXT, encoding="utf-8")
    now = datetime.fromtimestamp(world.now / 1000, UTC).isoformat()

    def filing(code: str, *more: str, person: str | None = None) -> Answer:
        there = ("--server", live.url, "--vkey", LOG_VKEY.encode(), "--code-file", code, "--now", now)
        return call("object", "letter.txt", "--against", person or accused(service), *there, *more, "--json")

    filed = filing("code.txt")
    assert filed.code == 0, filed.out
    told = filed.value["objection"]
    assert told["number"] == 1
    assert stat.S_IMODE((folder / "code.txt").stat().st_mode) == 0o600
    code = (folder / "code.txt").read_text().strip()
    assert code not in filed.out
    kept = folder / told["receipt"]
    verify(parse(kept.read_bytes()), kept.with_suffix(".entry").read_bytes(), [LOG_VKEY])
    assert filing("code.txt").value["error"]["code"] == "FILE_UNWRITABLE"
    to = sealed_to(SEED)
    known = ("--office", encode_base64(to.office), "--recovery", encode_base64(to.recovery))
    assert filing("second.txt", *known).value["objection"]["number"] == 2
    other = ("--office", encode_base64(bytes(range(32))), "--recovery", encode_base64(to.recovery))
    assert filing("third.txt", *other).value["error"]["code"] == "SEALING_KEYS_UNPROVEN"
    assert filing("third.txt", *other[:2]).value["error"]["code"] == "SEALING_KEY_INVALID"
    assert not (folder / "third.txt").exists()
    refused = filing("fourth.txt", person=world.person("applicant-24"))
    assert (refused.code, refused.value["refusal"]["code"]) == (1, "NOT_ON_NOTICE")

    def asked(*more: str, code: str = "code.txt") -> Answer:
        return call("objection-progress", "--server", live.url, "--code-file", code, *more)

    assert "已收到" in asked().out
    examine(world, told["objection"], real_name=False)
    assert asked("--json").value["progress"]["status"] == "being_examined"
    digest = on_file(service).put("经核查，已转督查".encode(), "personal", "text/plain")
    world.must("intake-1", ObjectionAnswered(told["objection"], digest))
    answered = asked("--out", "reply.txt", "--json")
    assert (answered.value["progress"]["status"], answered.value["progress"]["reply"]) == (
        "answered", "经核查，已转督查",
    )  # fmt: skip
    assert (folder / "reply.txt").read_text("utf-8") == "经核查，已转督查"
    assert "经核查" in asked().out
    (folder / "wrong.txt").write_text("nothing")
    assert asked("--json", code="wrong.txt").value["error"]["code"] == "PROGRESS_CODE_INVALID"
    assert asked("--json", code="none.txt").value["error"]["code"] == "FILE_UNREADABLE"
    assert asked("--json", code="fourth.txt").value["error"]["code"] == "OBJECTION_CODE_UNKNOWN"
