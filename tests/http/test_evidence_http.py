"""Evidence over HTTP: in pieces and in one form, checked, bounded, swept; out to those who may, never damaged."""

import asyncio
import hashlib
import os
import socket
import stat
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from psycopg import sql

from api.http import uploads as uploads_module
from api.http.receiving import Receiving, receiving_of
from api.http.uploads import FOLDER
from api.rehearsal.steps_objections import objection, receive
from ledger.errors import StoreError
from ledger.evidence import EvidenceFolder, evidence_digest
from ledger.evidence_media import SEALED, SEALED_MAGIC
from ledger.evidence_schema import install_evidence
from ledger.signing import strict_b64decode
from ledger.statements.naming import EvidenceAttached, EvidenceErased
from ledger.store.access import AccessBook
from tests.finalists import CITY, notice_history
from tests.http.conftest import Service
from tests.http.live import listening
from tests.http.reading import REASON, ask, get, signed_in
from tests.sequenced import SCHEMA, SERVICE, Site
from tests.simulator import History

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 4_000
PIECE = {"content-type": "application/partial-upload"}


@pytest.fixture
def service(serving: Callable[[History], Service]) -> Service:
    """A service whose selection has come to its notice."""
    made = serving(notice_history(CITY))
    (made.context.home.folder / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')
    return made


def declared(content: bytes = PDF, **changes: Any) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    return {"size": len(content), "media_type": "application/pdf", "sha256": sha256, "class": "personal"} | changes


def limited(service: Service, **limits: int) -> None:
    """Let the service have other bounds."""
    given = service.context.settings.limits.model_copy(update=limits)
    object.__setattr__(service.context, "settings", service.context.settings.model_copy(update={"limits": given}))


def kept(service: Service) -> list[str]:
    """What is in the folder of uploads."""
    folder = service.context.home.folder / FOLDER
    return sorted(path.name for path in folder.iterdir() if path.name != "lock") if folder.exists() else []


def on_file(service: Service) -> EvidenceFolder:
    return EvidenceFolder(service.context.home.evidence)


async def begun(client: httpx.AsyncClient, headers: dict[str, str], **changes: Any) -> str:
    answer = await client.post("/v1/uploads", json=declared(**changes), headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["upload-offset"] == "0"
    assert answer.headers["location"] == f"/v1/uploads/{answer.json()['upload']}"
    return answer.headers["location"]


async def piece(
    client: httpx.AsyncClient, place: str, headers: dict[str, str], content: Any, offset: int, *, last: bool
) -> httpx.Response:
    more = {"upload-offset": str(offset), "upload-complete": "?1" if last else "?0"}
    return await client.patch(place, content=content, headers=headers | PIECE | more)


def test_pieces_come_together_and_are_what_a_statement_names(service: Service) -> None:
    async def asking(client: httpx.AsyncClient) -> None:
        headers = await signed_in(client, service.world, "applicant-01")
        place = await begun(client, headers)
        for path in (service.context.home.folder / FOLDER).iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        first = await piece(client, place, headers, PDF[:400_000], 0, last=False)
        assert (first.status_code, first.headers["upload-offset"], first.headers["upload-complete"]) == (
            204, "400000", "?0",
        )  # fmt: skip
        asked = await client.head(place, headers=headers)
        assert (asked.status_code, asked.headers["upload-offset"], asked.headers["upload-length"]) == (
            204, "400000", str(len(PDF)),
        )  # fmt: skip
        wrong = await piece(client, place, headers, PDF[:1], 17, last=False)
        assert (wrong.status_code, wrong.json()["code"], wrong.headers["upload-offset"]) == (
            409, "UPLOAD_OFFSET_MISMATCH", "400000",
        )  # fmt: skip
        done = await piece(client, place, headers, PDF[400_000:], 400_000, last=True)
        assert (done.status_code, done.headers["upload-complete"]) == (200, "?1"), done.text
        told = done.json()["evidence"]
        assert evidence_digest(strict_b64decode(told["salt"], "salt"), PDF) == told["digest"]
        assert (told["size"], told["media_type"], told["class"]) == (len(PDF), "application/pdf", "personal")
        # An answer that was lost is given again, by whatever way it is asked for.
        again = await piece(client, place, headers, b"", len(PDF), last=True)
        assert (again.status_code, again.json()["evidence"]) == (200, told)
        assert (await client.get(place, headers=headers)).json()["evidence"] == told
        assert on_file(service).get(told["digest"]).content == PDF
        assert [name for name in kept(service) if name.endswith(".part")] == []
        world = service.world
        about = world.state.applications.by_person[world.person("applicant-01")][0]
        world.must("applicant-01", EvidenceAttached(about, told["digest"], "personal", "application/pdf", len(PDF)))

    ask(service, asking)


def test_what_came_before_a_cut_is_kept(service: Service) -> None:
    with listening(service) as live:
        headers = live.session("applicant-01")
        place = live.http.post("/v1/uploads", json=declared(), headers=headers).headers["location"]
        head = f"PATCH {place} HTTP/1.1\r\nhost: x\r\nauthorization: {headers['authorization']}\r\n"
        head += f"upload-offset: 0\r\nupload-complete: ?1\r\ncontent-type: {PIECE['content-type']}\r\n"
        host, port = live.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 10) as connection:
            connection.sendall(f"{head}content-length: {len(PDF)}\r\n\r\n".encode() + PDF[:500_000])
        for _ in range(100):
            asked = live.http.head(place, headers=headers)
            if asked.headers["upload-offset"] == "500000":
                break
            time.sleep(0.05)
        offset = int(asked.headers["upload-offset"])
        assert offset == 500_000
        more = headers | PIECE | {"upload-offset": str(offset), "upload-complete": "?1"}
        done = live.http.patch(place, content=PDF[offset:], headers=more)
        assert done.status_code == 200, done.text
        assert on_file(service).get(done.json()["evidence"]["digest"]).content == PDF


def test_an_upload_outlives_the_service_and_is_swept_once_it_is_over(service: Service) -> None:
    async def first(client: httpx.AsyncClient) -> tuple[str, str]:
        headers = await signed_in(client, service.world, "applicant-01")
        place, other = await begun(client, headers), await begun(client, headers)
        await piece(client, place, headers, PDF[:500], 0, last=False)
        return place, other

    async def second(client: httpx.AsyncClient) -> None:
        headers = await signed_in(client, service.world, "applicant-01")
        assert (await client.head(place, headers=headers)).headers["upload-offset"] == "500"
        assert (await piece(client, place, headers, PDF[500:], 500, last=True)).status_code == 200

    place, other = ask(service, first)
    ask(service, second)
    folder = service.context.home.folder / FOLDER
    (folder / f"{'a' * 32}.part").write_bytes(b"left half made by a crash")
    once = (folder / f"{other[-32:]}.json").read_text().replace('"once":false', '"once":true')
    (folder / f"{other[-32:]}.json").write_text(once)
    os.utime(folder / f"{other[-32:]}.part", (0, 0))

    async def third(client: httpx.AsyncClient) -> None:
        for _ in range(100):
            if len(kept(service)) == 1:
                break
            await asyncio.sleep(0.02)

    ask(service, third)
    assert kept(service) == [f"{place[-32:]}.json"]
    limited(service, upload_seconds=1)

    async def fourth(client: httpx.AsyncClient) -> None:
        headers = await signed_in(client, service.world, "applicant-01")
        late = await begun(client, headers)
        await asyncio.sleep(1.1)
        assert (await client.head(late, headers=headers)).status_code == 404
        receiving_of(client._transport.app).sweep()  # type: ignore[attr-defined]

    ask(service, fourth)
    assert [name for name in kept(service) if name.endswith(".part")] == []


@pytest.mark.parametrize(
    ("changes", "content", "status", "code"),
    [
        ({"sha256": "0" * 64}, PDF, 422, "UPLOAD_DIGEST_MISMATCH"),
        ({}, b"<!doctype html>" + PDF[15:], 415, "MEDIA_MISMATCH"),
        ({}, b"MZ" + PDF[2:], 415, "MEDIA_MISMATCH"),
        ({"media_type": "text/plain"}, PDF, 415, "MEDIA_MISMATCH"),
        ({"size": len(PDF) + 1}, PDF, 400, "UPLOAD_LENGTH_MISMATCH"),
        ({"size": len(PDF) - 1}, PDF, 400, "UPLOAD_LENGTH_MISMATCH"),
    ],
)
def test_content_that_is_not_what_was_declared_is_not_on_file(
    service: Service, changes: dict[str, Any], content: bytes, status: int, code: str
) -> None:
    async def asking(client: httpx.AsyncClient) -> None:
        headers = await signed_in(client, service.world, "applicant-01")
        place = await begun(client, headers, **changes)
        answer = await piece(client, place, headers, content, 0, last=True)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        after = await client.head(place, headers=headers)
        # What may still be put right is kept for that; what never will be is gone.
        assert after.status_code == (204 if code == "UPLOAD_LENGTH_MISMATCH" else 404)

    ask(service, asking)
    assert list(on_file(service).digests()) == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"size": 60 << 20}, 413, "EVIDENCE_TOO_LARGE"),
        ({"size": 0}, 422, "REQUEST_INVALID"),
        ({"media_type": "text/html"}, 415, "MEDIA_TYPE_REFUSED"),
        ({"media_type": "image/svg+xml"}, 415, "MEDIA_TYPE_REFUSED"),
        ({"sha256": "../../etc/passwd"}, 422, "REQUEST_INVALID"),
        ({"class": "secret"}, 422, "REQUEST_INVALID"),
        ({"name": "../../x"}, 422, "REQUEST_INVALID"),
    ],
)
def test_what_may_not_be_put_on_file_is_refused_before_it_comes(
    service: Service, changes: dict[str, Any], status: int, code: str
) -> None:
    async def asking(client: httpx.AsyncClient) -> httpx.Response:
        headers = await signed_in(client, service.world, "applicant-01")
        return await client.post("/v1/uploads", json=declared() | changes, headers=headers)

    answer: httpx.Response = ask(service, asking)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert kept(service) == []


def test_others_uploads_are_not_there_and_nobody_known_uploads_nothing(service: Service) -> None:
    async def asking(client: httpx.AsyncClient) -> None:
        headers = await signed_in(client, service.world, "applicant-01")
        other = await signed_in(client, service.world, "applicant-02")
        place = await begun(client, headers)
        nowhere = "/v1/uploads/" + "0" * 32
        for path in (place, nowhere):
            for answer in (
                await client.get(path, headers=other),
                await client.delete(path, headers=other),
                await piece(client, path, other, b"x", 0, last=False),
            ):
                assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
            assert (await client.head(path, headers=other)).status_code == 404
            assert (await client.get(path)).json()["code"] == "SIGN_IN_NEEDED"
        assert (await client.post("/v1/uploads", json=declared())).json()["code"] == "SIGN_IN_NEEDED"
        for name in ("..%2f..%2fetc%2fpasswd", "A" * 32, "0" * 31, "%2e%2e"):
            assert (await client.get(f"/v1/uploads/{name}", headers=headers)).status_code in {404, 422}
        assert (await client.delete(place, headers=headers)).status_code == 204
        assert (await client.get(place, headers=headers)).status_code == 404

    ask(service, asking)
    assert kept(service) == []


def test_each_signer_and_each_address_has_so_much(service: Service) -> None:
    limited(service, uploads_a_signer=2, upload_bytes_a_signer=3 * len(PDF), uploads=3, upload_kib_burst=4 << 10)

    async def asking(client: httpx.AsyncClient) -> None:
        first = await signed_in(client, service.world, "applicant-01")
        second = await signed_in(client, service.world, "applicant-02")
        codes = []
        for headers, size in ((first, 10), (first, 4 * len(PDF)), (first, 10), (first, 10), (second, 10), (second, 10)):
            answer = await client.post("/v1/uploads", json=declared(size=size), headers=headers)
            codes.append(answer.json().get("code"))
        assert codes == [None, "UPLOADS_FULL", None, "UPLOADS_FULL", None, "UPLOADS_FULL"]
        answer = await client.post("/v1/uploads", json=declared(size=6 << 20), headers=second)
        assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
        assert int(answer.headers["retry-after"]) > 0

    ask(service, asking)
    limited(service, upload_burst=2, uploads_a_minute=1)

    async def many(client: httpx.AsyncClient) -> None:
        headers = await signed_in(client, service.world, "applicant-03")
        answers = [await client.post("/v1/uploads", json=declared(size=1), headers=headers) for _ in range(3)]
        assert answers[2].json()["code"] == "RATE_LIMITED"

    ask(service, many)


def test_uploads_without_a_key_leave_room_for_those_with_one(service: Service) -> None:
    limited(service, upload_bytes_under_way=100_000, uploads=10, objection_burst=100)

    async def asking(client: httpx.AsyncClient) -> None:
        begun = []
        for _ in range(4):
            permit = (await client.post("/v1/upload-permits")).json()["permit"]
            sealed = declared(size=10_000, media_type=SEALED)
            begun.append(await client.post("/v1/uploads", json=sealed, headers={"upload-permit": permit}))
        assert [one.json().get("code") for one in begun] == [None, None, "UPLOADS_FULL", "UPLOADS_FULL"]
        headers = await signed_in(client, service.world, "applicant-01")
        answer = await client.post("/v1/uploads", json=declared(size=70_000), headers=headers)
        assert answer.status_code == 201

    ask(service, asking)


def test_one_writer_at_a_time(service: Service) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield PDF[:300_000]
        busy.set()
        await done.wait()

    busy, done = asyncio.Event(), asyncio.Event()

    async def asking(client: httpx.AsyncClient) -> None:
        headers = await signed_in(client, service.world, "applicant-01")
        place = await begun(client, headers)
        writing = asyncio.create_task(piece(client, place, headers, slow(), 0, last=False))
        await busy.wait()
        await asyncio.sleep(0.1)
        answer = await piece(client, place, headers, b"x", 300_000, last=False)
        assert (answer.status_code, answer.json()["code"]) == (409, "UPLOAD_BUSY")
        done.set()
        assert (await writing).status_code == 204

    ask(service, asking)


def test_two_with_the_same_content_learn_nothing_of_each_other(service: Service) -> None:
    async def asking(client: httpx.AsyncClient) -> None:
        told = []
        for alias in ("applicant-01", "applicant-02"):
            headers = await signed_in(client, service.world, alias)
            place = await begun(client, headers)
            told.append((await piece(client, place, headers, PDF, 0, last=True)).json()["evidence"])
        assert told[0]["digest"] != told[1]["digest"]
        assert {len(one) for one in told} == {5}
        assert sorted(on_file(service).digests()) == sorted(one["digest"] for one in told)

    ask(service, asking)


@pytest.mark.parametrize("where", ["writing", "finishing"])
def test_a_full_disk_is_told_and_leaves_nothing(service: Service, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, os.strerror(28))

    async def asking(client: httpx.AsyncClient) -> None:
        headers = await signed_in(client, service.world, "applicant-01")
        place = await begun(client, headers)
        with monkeypatch.context() as patch:
            if where == "writing":
                patch.setattr(uploads_module.Writing, "write", full)
            else:
                patch.setattr("ledger.evidence_files.os.fsync", full)
            answer = await piece(client, place, headers, PDF, 0, last=True)
        assert (answer.status_code, answer.json()["code"]) == (503, "EVIDENCE_NOT_WRITTEN"), answer.text
        assert "retry-after" in answer.headers
        assert kept(service) == []
        assert (await client.head(place, headers=headers)).status_code == 404
        # There is room again: everything goes on without a restart.
        place = await begun(client, headers)
        assert (await piece(client, place, headers, PDF, 0, last=True)).status_code == 200

    ask(service, asking)
    folder = service.context.home.evidence
    assert list(folder.rglob(".draft*")) == []


def test_a_store_that_is_away_loses_nothing_of_an_upload(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreError("STORE_UNAVAILABLE", schema="ledger")

    async def asking(client: httpx.AsyncClient) -> None:
        headers = await signed_in(client, service.world, "applicant-01")
        place = await begun(client, headers)
        with monkeypatch.context() as patch:
            patch.setattr(EvidenceFolder, "put", away)
            answer = await piece(client, place, headers, PDF, 0, last=True)
        assert (answer.status_code, answer.json()["code"]) == (503, "STORE_UNAVAILABLE")
        assert (await client.head(place, headers=headers)).headers["upload-offset"] == str(len(PDF))
        assert (await piece(client, place, headers, b"", len(PDF), last=True)).status_code == 200

    ask(service, asking)


def test_evidence_in_the_database_comes_in_and_goes_out_alike(
    service: Service, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLOT_LEDGER_EVIDENCE", "database")
    install_evidence(site.admin_dsn, SCHEMA, SERVICE)

    async def asking(client: httpx.AsyncClient) -> dict[str, Any]:
        headers = await signed_in(client, service.world, "applicant-01")
        place = await begun(client, headers)
        await piece(client, place, headers, PDF[:300_000], 0, last=False)
        done = await piece(client, place, headers, PDF[300_000:], 300_000, last=True)
        assert done.status_code == 200, done.text
        told: dict[str, Any] = done.json()["evidence"]
        return told

    told = ask(service, asking)
    assert evidence_digest(strict_b64decode(told["salt"], "salt"), PDF) == told["digest"]
    assert not service.context.home.evidence.exists()
    path = f"/v1/evidence/{told['digest']}"
    assert get(service, "organiser", path, **REASON).content == PDF
    part = get(service, "organiser", path, range="bytes=262100-262200", **REASON)
    assert (part.status_code, part.content) == (206, PDF[262_100:262_201])
    site.execute(
        sql.SQL("UPDATE {}_evidence.chunks SET content = content || '\\x00' WHERE number = 1").format(sql.SQL(SCHEMA))
    )
    assert get(service, "organiser", path, **REASON).json()["code"] == "ATTACHMENT_MISMATCH"


def form(*parts: tuple[str, str, bytes], boundary: str = "edge", end: str = "--edge--\r\n") -> dict[str, Any]:
    """A multipart body of parts (name, further headers, content)."""
    made = b""
    for name, more, content in parts:
        disposition = f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"{more}\r\n\r\n'
        made += disposition.encode() + content + b"\r\n"
    return {"content": made + end.encode(), "headers": {"content-type": f"multipart/form-data; boundary={boundary}"}}


FILE_PART = ("file", '; filename="../../../etc/passwd\\..\\x"\r\ncontent-type: application/pdf', PDF)


def test_one_form_puts_one_file_on_file(service: Service) -> None:
    sent = form(("sha256", "", hashlib.sha256(PDF).hexdigest().encode()), ("class", "", b"deciding"), FILE_PART)

    async def asking(client: httpx.AsyncClient) -> httpx.Response:
        headers = await signed_in(client, service.world, "applicant-01") | sent["headers"]
        return await client.post("/v1/evidence", content=sent["content"], headers=headers)

    answer: httpx.Response = ask(service, asking)
    assert answer.status_code == 201, answer.text
    told = answer.json()["evidence"]
    found = on_file(service).get(told["digest"])
    assert (found.content, found.evidence_class, found.media_type) == (PDF, "deciding", "application/pdf")
    assert "passwd" not in answer.text + "".join(str(path) for path in service.context.home.folder.rglob("*"))
    assert kept(service) == []


BOMBS: dict[str, tuple[dict[str, Any], str]] = {
    "file first": (form(FILE_PART, ("class", "", b"personal")), "MULTIPART_INVALID"),
    "two files": (form(FILE_PART, FILE_PART), "MULTIPART_INVALID"),
    "unknown field": (form(("owner", "", b"x"), FILE_PART), "MULTIPART_INVALID"),
    "field twice": (form(("class", "", b"personal"), ("class", "", b"deciding"), FILE_PART), "MULTIPART_INVALID"),
    "long field": (form(("class", "", b"x" * 10_000), FILE_PART), "MULTIPART_INVALID"),
    "many parts": (form(*[("", "", b"")] * 5_000), "MULTIPART_INVALID"),
    "many headers": (form(("file", "\r\na: b" * 500, PDF)), "MULTIPART_INVALID"),
    "long header": (form(("file", "; x=" + "y" * 100_000, PDF)), "MULTIPART_INVALID"),
    "no file": (form(("class", "", b"personal")), "MULTIPART_INVALID"),
    "no end": (form(FILE_PART, end=""), "MULTIPART_INVALID"),
    "encoded": (form(("file", "\r\ncontent-transfer-encoding: base64", PDF)), "MULTIPART_INVALID"),
    "field as file": (form(("class", '; filename="x"', b"personal"), FILE_PART), "MULTIPART_INVALID"),
    "wrong digest": (form(("sha256", "", b"0" * 64), FILE_PART), "UPLOAD_DIGEST_MISMATCH"),
    "no digest": (form(("sha256", "", b"../x"), FILE_PART), "MULTIPART_INVALID"),
    "wrong class": (form(("class", "", b"secret"), FILE_PART), "EVIDENCE_CLASS_UNKNOWN"),
    "wrong type": (form(("file", "\r\ncontent-type: text/html", PDF)), "MEDIA_TYPE_REFUSED"),
    "other content": (form(("file", "\r\ncontent-type: image/png", PDF)), "MEDIA_MISMATCH"),
    "no type": (form(("file", "", PDF)), "MEDIA_TYPE_REFUSED"),
    "not utf-8": (form(("class", "", b"\xff\xfe"), FILE_PART), "MULTIPART_INVALID"),
    "other boundary": (form(FILE_PART) | {"headers": {"content-type": "multipart/form-data; boundary=other"}},
                       "MULTIPART_INVALID"),
    "no boundary": (form(FILE_PART) | {"headers": {"content-type": "multipart/form-data"}}, "CONTENT_UNSUPPORTED"),
    "long boundary": (form(FILE_PART) | {"headers": {"content-type": f"multipart/form-data; boundary={'b' * 400}"}},
                      "MULTIPART_INVALID"),
    "no form": (form(FILE_PART) | {"headers": {"content-type": "application/pdf"}}, "CONTENT_UNSUPPORTED"),
    "nothing": ({"content": b"", "headers": {"content-type": "multipart/form-data; boundary=edge"}},
                "MULTIPART_INVALID"),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_forms_out_of_bounds_are_refused_and_leave_nothing(service: Service, bomb: str) -> None:
    sent, code = BOMBS[bomb]

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(sent["content"]), 1_000):
            yield sent["content"][start : start + 1_000]

    async def asking(client: httpx.AsyncClient) -> None:
        headers = await signed_in(client, service.world, "applicant-01") | sent["headers"]
        for content in (sent["content"], pieces()):
            answer = await client.post("/v1/evidence", content=content, headers=headers)
            assert (answer.json().get("code"), answer.status_code < 500) == (code, True), answer.text
            assert kept(service) == []

    ask(service, asking)
    assert list(on_file(service).digests()) == []


def test_a_form_too_large_is_cut_off(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    (service.context.home.folder / "ledger.json").write_text('{"evidence": {"most_bytes": 300000}}')

    async def asking(client: httpx.AsyncClient) -> None:
        headers = await signed_in(client, service.world, "applicant-01") | form()["headers"]
        answer = await client.post("/v1/evidence", content=form(FILE_PART)["content"], headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "EVIDENCE_TOO_LARGE")

    ask(service, asking)
    assert kept(service) == []


def on_notice(service: Service) -> str:
    """Somebody whose notice has begun."""
    return next(iter(service.world.state.notices.by_id.values())).candidates[0]


def put(service: Service, alias: str, content: bytes = PDF, media_type: str = "application/pdf") -> str:
    """Put evidence on file and attach it to somebody's application."""
    digest = on_file(service).put(content, "personal", media_type)
    about = service.world.state.applications.by_person[service.world.person(alias)][0]
    service.world.must("registrar", EvidenceAttached(about, digest, "personal", media_type, len(content)))
    return digest


def test_evidence_is_given_out_to_be_saved_and_in_parts(service: Service) -> None:
    path = f"/v1/evidence/{put(service, 'applicant-01')}"
    whole = get(service, "organiser", path, **REASON)
    assert (whole.status_code, whole.content) == (200, PDF)
    assert whole.headers["content-type"] == "application/pdf"
    assert whole.headers["content-disposition"].startswith('attachment; filename="')
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in whole.headers["content-security-policy"]
    assert whole.headers["cache-control"] == "private, no-store"
    size = len(PDF)
    for wanted, start, end in (
        ("bytes=0-99", 0, 100),
        ("bytes=300000-", 300_000, size),
        ("bytes=-10", size - 10, size),
        (f"bytes=262000-{size + 99}", 262_000, size),
        ("bytes=262143-262144", 262_143, 262_145),
    ):
        part = get(service, "organiser", path, range=wanted, **REASON)
        assert (part.status_code, part.content) == (206, PDF[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    for wanted in (f"bytes={size}-", "bytes=9-3", "bytes=-0"):
        answer = get(service, "organiser", path, range=wanted, **REASON)
        assert (answer.status_code, answer.json()["code"]) == (416, "RANGE_INVALID")
        assert answer.headers["content-range"] == f"bytes */{size}"
    for wanted in ("bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=a-b"):
        assert get(service, "organiser", path, range=wanted, **REASON).content == PDF
    changed = get(service, "organiser", path, range="bytes=0-9", **{"if-range": '"other"'}, **REASON)
    assert (changed.status_code, changed.content) == (200, PDF)
    same = get(service, "organiser", path, range="bytes=0-9", **{"if-range": whole.headers["etag"]}, **REASON)
    assert same.status_code == 206


def test_who_may_not_read_evidence_learns_nothing_of_it(service: Service) -> None:
    there = put(service, "applicant-01")
    erased = put(service, "applicant-01", PDF + b"1")
    filed = receive(service.world, on_notice(service))
    sealed = service.world.state.notices.objections.by_id[filed].sealed
    service.world.must("registrar", EvidenceErased(erased, "本人申请删除"))
    digests = (there, erased, sealed, "f" * 64)
    for alias, status in ((None, 401), ("applicant-02", 403), ("panel-01", 403)):
        told = [get(service, alias, f"/v1/evidence/{one}", **REASON) for one in digests]
        assert {one.status_code for one in told} == {status}
        assert len({str(one.json() | {"instance": ""}) for one in told}) == 1
        assert {tuple(sorted(one.headers)) for one in told} == {tuple(sorted(told[0].headers))}
    for one in digests:
        unreasoned = get(service, "organiser", f"/v1/evidence/{one}")
        assert (unreasoned.status_code, unreasoned.json()["code"]) == (403, "READ_REASON_NEEDED")
    hidden, nowhere = (get(service, "organiser", f"/v1/evidence/{one}", **REASON) for one in (sealed, "f" * 64))
    assert hidden.json() | {"instance": ""} == nowhere.json() | {"instance": ""}
    assert hidden.status_code == 404
    # Applicants read what belongs to their own application, and need no reason for that.
    assert get(service, "applicant-01", f"/v1/evidence/{there}").content == PDF


def test_readings_are_recorded_seals_as_such(service: Service) -> None:
    world, ciphertext = service.world, SEALED_MAGIC + bytes(2000)
    there, digest = put(service, "applicant-01"), on_file(service).put(ciphertext, "personal", SEALED, bytes(32))
    world.must("intake-1", objection(world, on_notice(service), sealed=digest))
    assert get(service, "discipline", f"/v1/evidence/{digest}", **REASON).content == ciphertext
    assert get(service, "discipline", f"/v1/evidence/{digest}").json()["code"] == "READ_REASON_NEEDED"
    assert get(service, "organiser", f"/v1/evidence/{there}", **REASON).status_code == 200
    records = AccessBook(service.context.store).records()
    assert [(one.what, one.subject, one.person) for one in records] == [
        ("sealed", digest, world.person("discipline")),
        ("evidence", there, world.person("organiser")),
    ]


def test_erased_and_damaged_evidence_is_told_to_those_who_may_know(service: Service) -> None:
    erased, damaged = put(service, "applicant-01"), put(service, "applicant-01", PDF + b"2")
    entry = service.world.must("registrar", EvidenceErased(erased, "本人申请删除")).index
    on_file(service).erase(erased, entry)
    answer = get(service, "organiser", f"/v1/evidence/{erased}", **REASON)
    assert (answer.status_code, answer.json()["code"]) == (410, "EVIDENCE_ERASED")
    path: Path = service.context.home.evidence / damaged[:2] / damaged
    path.write_bytes(PDF + b"3")
    for wanted in ({}, {"range": "bytes=0-9"}):
        answer = get(service, "organiser", f"/v1/evidence/{damaged}", **REASON, **wanted)
        assert (answer.status_code, answer.json()["code"]) == (500, "ATTACHMENT_MISMATCH")
        assert PDF[:20] not in answer.content


def test_so_many_downloads_at_once(service: Service) -> None:
    limited(service, downloads=1)
    path = f"/v1/evidence/{put(service, 'applicant-01')}"

    async def asking(client: httpx.AsyncClient) -> None:
        headers = await signed_in(client, service.world, "organiser") | REASON
        for _ in range(3):
            assert (await client.get(path, headers=headers)).status_code == 200
        client._transport.app.state.downloads.acquire()  # type: ignore[attr-defined]
        answer = await client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_BUSY")

    ask(service, asking)


def test_sweeping_goes_on_after_the_store_was_away(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.http.receiving.SWEEP_SECONDS", 0.05)
    calls: list[int] = []

    def away(self: Receiving) -> None:
        calls.append(1)
        if len(calls) < 3:
            raise StoreError("STORE_UNAVAILABLE", schema="ledger")

    monkeypatch.setattr(Receiving, "sweep", away)

    async def asking(client: httpx.AsyncClient) -> None:
        for _ in range(200):
            if len(calls) > 3:
                return
            await asyncio.sleep(0.02)

    ask(service, asking)
    assert len(calls) > 3
