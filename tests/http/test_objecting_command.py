"""`object`, `objection-progress` and `evidence announce`: an objection without a key by the command line."""

import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.rehearsal.demo import SEED
from api.rehearsal.seals import sealed_to
from api.rehearsal.steps_objections import examine
from ledger.evidence import EvidenceFolder
from ledger.keyfile import write_key
from ledger.opening import create_home
from ledger.receipt import parse, verify
from ledger.signing import encode_base64
from ledger.statements.notices import ObjectionAnswered
from tests.api.calling import PASSPHRASE, Answer, call
from tests.finalists import CITY, notice_history
from tests.http.conftest import Service
from tests.http.live import Live
from tests.http.test_objections_http import TEXT, accused, live, on_file, service
from tests.http.test_serving import serving
from tests.sequenced import Site
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, resume

__all__ = ["live", "service"]


def test_keys_are_announced_by_discipline_and_any_worker_takes_the_next_step(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = notice_history(CITY)
    world = resume(history)
    site.preload(history)
    with site.sequencer():
        pass
    home = tmp_path / "home"
    create_home(home, ORIGIN, log_key=LOG_KEY)
    shutil.copy(site.pin_path, home / "pin")
    shutil.copy(site.attempts_pin_path, home / "attempts.pin")
    monkeypatch.chdir(tmp_path)
    for alias in ("discipline", "organiser"):
        write_key(tmp_path / f"{alias}.key", world.actor(alias).key, PASSPHRASE.encode())
    to = sealed_to(SEED)
    keys = ("--office", encode_base64(to.office), "--recovery", encode_base64(to.recovery))

    def announcing(alias: str) -> Answer:
        arguments = ("evidence", "announce", *keys, "--key", f"{alias}.key", "--home", home, "--json")
        return call(*arguments, DATABASE_URL=site.service_dsn)

    assert announcing("organiser").value["error"]["code"] == "SEALING_KEYS_UNPROVEN"
    assert announcing("discipline").value["sealing_keys"]["office"] == encode_base64(to.office)
    now = datetime.fromtimestamp(world.now / 1000, UTC).isoformat()
    about = next(iter(world.state.notices.by_id.values())).candidates[0]
    with serving(site, home, 2) as (_, url):
        for number in range(1, 5):
            code = ("--server", url, "--code-file", f"code-{number}")
            there = (*code, "--vkey", LOG_VKEY.encode(), "--now", now)
            filed = call("object", "-", "--against", about, *there, "--json", given=f"{TEXT}{number}")
            assert filed.code == 0, filed.out
            assert filed.value["objection"]["number"] == number
            assert call("objection-progress", *code, "--json").value["progress"]["number"] == number
    assert len(list(EvidenceFolder(home / "evidence").digests())) == 4
    assert [path.name for path in (home / "uploads").iterdir()] == ["lock"]


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

    def withdrawing(code: str) -> Answer:
        there = ("--server", live.url, "--vkey", LOG_VKEY.encode(), "--now", later, "--json")
        return call("objection-withdraw", "--code-file", code, *there)

    later = datetime.fromtimestamp(world.now / 1000 + 60, UTC).isoformat()
    withdrawn = withdrawing("second.txt")
    assert withdrawn.code == 0, withdrawn.out
    assert (folder / withdrawn.value["withdrawn"]["receipt"]).exists()
    assert asked("--json", code="second.txt").value["progress"]["status"] == "withdrawn"
    assert "已撤回" in asked(code="second.txt").out
    assert (withdrawing("second.txt").code, withdrawing("code.txt").code) == (1, 1)
    (folder / "wrong.txt").write_text("nothing")
    assert asked("--json", code="wrong.txt").value["error"]["code"] == "PROGRESS_CODE_INVALID"
    assert asked("--json", code="none.txt").value["error"]["code"] == "FILE_UNREADABLE"
    assert asked("--json", code="fourth.txt").value["error"]["code"] == "OBJECTION_CODE_UNKNOWN"
