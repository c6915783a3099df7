"""Exports over HTTP: a public one is written once and given from then on, an auditors' one for one reader."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from api.http import export_shelf
from api.http.export_shelf import FOLDER, Shelf
from api.http.reader import Unavailable
from ledger.errors import StoreError
from ledger.statements.naming import EvidenceAttached
from projections.audit.export import Trust, verify_export
from projections.bundle import Exported, write_export
from tests.http.conftest import Service
from tests.http.reading import REASON, ask, get, signed_in
from tests.plays import history_at
from tests.simulator import LOG_VKEY, History


@pytest.fixture
def service(serving: Callable[[History], Service]) -> Service:
    """A service on whose roll everybody has a key."""
    made = serving(history_at("enrolled"))
    (made.context.home.folder / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')
    return made


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where exports were written, one after another; each takes a moment."""
    paths: list[Path] = []
    write = write_export

    def slowly(source: object, target: Path, *more: object) -> Exported:
        paths.append(target)
        time.sleep(0.2)
        return write(source, target, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(export_shelf, "write_export", slowly)
    return paths


def shelf(service: Service) -> Shelf:
    return Shelf(service.context.store, service.context.home)


def kept(service: Service) -> list[Path]:
    """What is in the folder of exports."""
    return [path for path in (service.context.home.folder / FOLDER).iterdir() if path.name != ".writing"]


def test_a_public_export_is_written_once_for_a_size(service: Service, written: list[Path], tmp_path: Path) -> None:
    first, again = (get(service, None, "/v1/exports") for _ in range(2))
    assert len(written) == 1
    assert first.content == again.content
    assert first.headers["etag"] == again.headers["etag"]
    assert first.headers["etag"].startswith(f'"{service.context.reader.position}-')
    named = get(service, None, f"/v1/exports?size={service.context.reader.position}")
    assert (named.content, len(written)) == (first.content, 1)
    known = get(service, None, "/v1/exports", **{"if-none-match": first.headers["etag"]})
    assert (known.status_code, known.content, len(written)) == (304, b"", 1)
    path = tmp_path / "export.zip"
    path.write_bytes(again.content)
    assert verify_export(path, Trust(key=LOG_VKEY)).clean
    assert len(kept(service)) == 1


def test_another_size_is_another_export(service: Service, written: list[Path]) -> None:
    before = get(service, None, "/v1/exports")
    service.world.must("organiser", EvidenceAttached("minutes", "cd" * 32, "deciding", "application/pdf", 5))
    after = get(service, None, "/v1/exports")
    assert len(written) == 2
    assert int(after.headers["log-size"]) == int(before.headers["log-size"]) + 1
    assert get(service, None, f"/v1/exports?size={before.headers['log-size']}").content == before.content
    assert len(written) == 2


def test_what_is_attested_later_is_in_the_next_answer(service: Service, written: list[Path]) -> None:
    before = get(service, None, "/v1/exports")
    folder = service.context.home.folder / "attest" / "timestamps"
    folder.mkdir(parents=True)
    (folder / f"{before.headers['log-size']}.tsr").write_bytes(b"token")
    after = get(service, None, "/v1/exports")
    assert (len(written), after.headers["etag"] == before.headers["etag"]) == (2, False)


def test_a_part_is_given_where_a_part_is_asked_for(service: Service) -> None:
    whole = get(service, None, "/v1/exports")
    tag = whole.headers["etag"]
    rest = get(service, None, "/v1/exports", range="bytes=100-", **{"if-range": tag})
    assert (rest.status_code, rest.content) == (206, whole.content[100:])
    changed = get(service, None, "/v1/exports", range="bytes=100-", **{"if-range": '"1-0"'})
    assert (changed.status_code, changed.content) == (200, whole.content)


def test_many_who_ask_at_once_wait_for_one(service: Service, written: list[Path]) -> None:
    def taken(_: int) -> str:
        with shelf(service).public(None) as found:
            assert found.path.stat().st_size > 0
            return found.tag

    with ThreadPoolExecutor(4) as pool:
        tags = set(pool.map(taken, range(4)))
    assert (len(tags), len(written), len(kept(service))) == (1, 1, 1)


def test_more_than_may_wait_are_told_to_come_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_shelf, "WAIT_SECONDS", 0)
    shelf(service)
    with export_shelf._turn(service.context.home.folder / FOLDER / ".writing"):
        late = get(service, None, "/v1/exports")
        assert (late.status_code, late.json()["code"]) == (503, "READ_BUSY")
        assert "retry-after" in late.headers
        for _ in range(export_shelf.MOST_WAITING - 1):
            assert export_shelf._WAITING.acquire(blocking=False)
        with pytest.raises(Unavailable, match="READ_BUSY"), shelf(service).public(None):
            raise AssertionError
        export_shelf._WAITING.release(export_shelf.MOST_WAITING - 1)
    assert get(service, None, "/v1/exports").status_code == 200


def test_only_so_many_are_kept_and_nothing_that_was_left_behind(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_shelf, "MOST_KEPT", 2)
    folder = service.context.home.folder / FOLDER
    shelf(service)
    (folder / ".draft-0.zip").write_bytes(b"x")
    (folder / "..draft-1.zip.0").mkdir()
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    (folder / ".out-2.zip").write_bytes(b"being sent")
    size = service.context.reader.position
    for one in (size - 3, size - 2, size - 3, size - 1):
        with shelf(service).public(one) as found:
            assert found.size == one
        os.utime(next(folder.glob(f"public-{one}-*")), (one, time.time() + one - size))
    sizes = sorted(int(path.name.split("-")[1]) for path in folder.glob("public-*"))
    assert len(sizes) == 2
    assert size - 1 in sizes
    assert [path.name for path in folder.glob(".*-*")] == [".out-2.zip"]


def test_what_was_never_issued_leaves_nothing(service: Service) -> None:
    answer = get(service, None, "/v1/exports?size=5000")
    assert (answer.status_code, answer.json()["code"]) == (404, "EXPORT_ABOVE_PIN")
    assert kept(service) == []
    with pytest.raises(StoreError, match="EXPORT_ABOVE_PIN"), shelf(service).public(5000):
        raise AssertionError


def test_an_auditors_export_is_recorded_and_kept_nowhere(service: Service, written: list[Path]) -> None:
    async def asking(client: httpx.AsyncClient) -> list[httpx.Response]:
        auditor = await signed_in(client, service.world, "discipline") | REASON
        path = "/v1/exports?audience=auditor"
        found = [await client.get(path, headers=auditor) for _ in range(2)]
        return [*found, await client.get("/v1/reads", headers=auditor)]

    *found, records = ask(service, asking)
    assert [one.status_code for one in found] == [200, 200]
    assert len(written) == 2
    assert not any(path.parent.exists() for path in written)
    assert not (service.context.home.folder / FOLDER).exists()
    assert [one["what"] for one in records.json()["reads"]] == ["full_export"] * 2
    assert "no-store" in found[0].headers["cache-control"]
