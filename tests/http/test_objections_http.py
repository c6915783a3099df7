"""Objections without a key over HTTP: the whole way by the client, what is refused, and that who it was is nowhere."""

import base64
import hashlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from api.client import Declined, ProblemError
from api.http import logs, receiving
from api.http.receiving import receiving_of
from api.http.uploads import FOLDER
from api.objecting import Code, Filed, Objecting, progress_message, reply_context, reply_of
from api.rehearsal.demo import SEED
from api.rehearsal.seals import recovery_key, sealed_to, sealing_key
from api.rehearsal.steps_objections import examine, objection
from ledger.errors import MalformedError, StoreError, VerificationError
from ledger.evidence import EvidenceFolder
from ledger.evidence_media import SEALED
from ledger.procedure.hearing import ONE_TIME_OPEN_MOST
from ledger.sealing import SealContext, SealTo, open_sealed, seal, sealing_public
from ledger.sealing_keys import FILE, announce
from ledger.signing import SigningKey, encode_base64
from ledger.statements.notices import ObjectionAnswered, SealOpened
from ledger.unsealing import open_on_record
from tests.finalists import CITY, final_history, notice_history
from tests.http.conftest import Service
from tests.http.live import WIDE, Live, listening
from tests.http.reading import ask
from tests.identity.traces import found_below, found_in, traces_of
from tests.sequenced import Site
from tests.simulator import LOG_VKEY, History

TEXT = "反映：申报材料中的一项成果系他人完成，附证明材料"
OPEN = WIDE.model_copy(update={"objection_burst": 10_000, "objection_burst_all": 10_000, "progress_burst": 10_000})


@pytest.fixture
def service(serving: Callable[[History], Service]) -> Service:
    """A service whose selection has come to its notice, with sealing keys that discipline announced."""
    made = serving(notice_history(CITY))
    (made.context.home.folder / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')
    keys = announce(sealed_to(SEED), made.world.state.charter.id, made.world.actor("discipline").key)
    (made.context.home.folder / FILE).write_bytes(keys.encode())
    bounded(made, **{name: getattr(OPEN, name) for name in type(OPEN).model_fields})
    return made


def bounded(service: Service, **limits: int) -> None:
    given = service.context.settings.limits.model_copy(update=limits)
    object.__setattr__(service.context, "settings", service.context.settings.model_copy(update={"limits": given}))


@pytest.fixture
def live(service: Service) -> Iterator[Live]:
    """The same on a port; challenges are bound to the address by which clients reach it."""
    with listening(service) as one:
        settings = service.context.settings.model_copy(update={"public_url": one.url})
        object.__setattr__(service.context, "settings", settings)
        yield one


@pytest.fixture
def client(live: Live) -> Iterator[Objecting]:
    with Objecting(live.url, [LOG_VKEY], pause=lambda _: None) as made:
        yield made


def kept(service: Service) -> list[str]:
    folder = service.context.home.folder / FOLDER
    return sorted(path.name for path in folder.iterdir() if path.name != "lock") if folder.exists() else []


def on_file(service: Service) -> EvidenceFolder:
    return EvidenceFolder(service.context.home.evidence)


def accused(service: Service) -> str:
    return next(iter(service.world.state.notices.by_id.values())).candidates[0]


def file(service: Service, client: Objecting, text: str = TEXT, code: Code | None = None) -> tuple[Code, Filed]:
    made = code or Code.new()
    done = client.object(made, client.objection_form(), [accused(service)], text.encode(), service.world.now)
    assert isinstance(done, Filed), done
    return made, done


def test_an_objection_is_filed_sealed_followed_and_answered(service: Service, client: Objecting) -> None:
    world = service.world
    code, filed = file(service, client)
    known = world.state.notices.objections.by_id[filed.objection]
    assert (filed.number, known.number, known.one_time, known.against) == (1, 1, True, (accused(service),))
    assert kept(service) == []
    told = client.progress(code)
    assert (told["status"], told["number"], told["reply"]) == ("received", 1, None)
    opening = world.must("discipline", SealOpened("核对异议人身份", known.sealed)).index
    state = service.context.reader
    text = open_on_record(world.state, on_file(service), filed.objection, opening, sealing_key(SEED)).decode()
    assert text.startswith(TEXT)
    assert open_sealed(recovery_key(SEED), on_file(service).get(known.sealed).content,
                       SealContext(world.state.charter.id, filed.objection)).decode() == text  # fmt: skip
    assert client.progress(code)["status"] == "being_examined"
    examine(world, filed.objection, real_name=False)
    told = client.progress(code)
    assert (told["status"], told["standing"], told["admissible"]) == ("being_examined", "lead", False)
    # The office seals its reply to the key in the last line of the letter.
    reply_key = base64.b64decode(text.rstrip("\n").rpartition(": ")[2])
    to = SealTo(reply_key, sealing_public(recovery_key(SEED)))
    reply = seal(to, "经核查，已转督查".encode(), reply_context(world.state.charter.id, filed.objection))
    digest = on_file(service).put(reply, "personal", SEALED)
    world.must("intake-1", ObjectionAnswered(filed.objection, digest))
    told = client.progress(code)
    assert (told["status"], told["reply"]["digest"]) == ("answered", digest)
    assert reply_of(code, told, world.state.charter.id) == "经核查，已转督查".encode()
    with pytest.raises(VerificationError, match="SEAL_NOT_OPENED"):
        reply_of(Code.new(), told, world.state.charter.id)
    told["reply"]["content"] = encode_base64(b"another reply")
    with pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"):
        reply_of(code, told, world.state.charter.id)
    assert state.position == world.state.size


def test_replies_that_are_plain_erased_or_elsewhere_are_told_as_such(service: Service, client: Objecting) -> None:
    world = service.world
    found = []
    for number in range(3):
        code, filed = file(service, client, f"{TEXT}{number}")
        examine(world, filed.objection, real_name=False)
        digest = on_file(service).put("经核查，不属实".encode(), "personal", "text/plain") if number else "0" * 64
        world.must("intake-1", ObjectionAnswered(filed.objection, digest))
        if number == 2:
            on_file(service).erase(digest, world.state.size)
        told = client.progress(code)
        found.append((told["reply"]["state"], reply_of(code, told, world.state.charter.id)))
    assert found == [("not_on_file", None), ("on_file", "经核查，不属实".encode()), ("erased", None)]


def test_a_code_is_kept_on_paper_and_shows_nowhere() -> None:
    code = Code.new()
    spelled = code.spelled()
    for text in (spelled, spelled.lower(), spelled.replace("-", ""), f" {spelled}\n", spelled.replace("-", " - ")):
        assert Code.parse(text) == code
    assert spelled[:9] not in repr(code)
    assert len({code.key.seed, code.reply_key, base64.b32decode(spelled.replace("-", "") + "====")}) == 3
    for text in ("", spelled[:-1], spelled + "A", "0189" * 13, "é" * 52):
        with pytest.raises(MalformedError, match="PROGRESS_CODE_INVALID"):
            Code.parse(text)


def test_what_does_not_hold_is_answered_all_alike(service: Service, live: Live, client: Objecting) -> None:
    code, _ = file(service, client)

    def challenge() -> str:
        return str(live.http.post("/v1/objections/progress/challenge").json()["challenge"])

    def asked(key: SigningKey, given: str, **changes: str) -> httpx.Response:
        signed = key.sign(progress_message(live.url, given))
        body = {"challenge": given, "public_key": encode_base64(key.public), "signature": encode_base64(signed)}
        return live.http.post("/v1/objections/progress", json=body | changes)

    key, stranger, good = code.key, Code.new().key, challenge()
    assert asked(key, good).status_code == 200
    other = encode_base64(key.sign(progress_message("https://elsewhere.example", good)))
    sign_in = live.http.post("/v1/session/challenge").json()["challenge"]
    lapsed = good[:30] + ("A" if good[30] != "A" else "B") + good[31:]
    answers = [
        asked(stranger, challenge()),
        asked(stranger, good, public_key=encode_base64(key.public)),
        asked(key, good, signature=other),
        asked(key, good, signature=""),
        asked(key, good, signature="no base64"),
        asked(key, good, public_key=encode_base64(bytes(32))),
        asked(key, good, public_key="AAAA"),
        asked(key, sign_in),
        asked(key, lapsed),
        asked(key, ""),
        asked(key, "=" * 40),
        asked(service.world.actor("discipline").key, good),
    ]
    told = {json.dumps(one.json() | {"instance": ""}, sort_keys=True) for one in answers}
    assert len(told) == 1
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(404, "OBJECTION_CODE_UNKNOWN")}
    assert len({tuple(sorted(one.headers)) for one in answers}) == 1
    with pytest.raises(ProblemError, match="OBJECTION_CODE_UNKNOWN"):
        client.progress(Code.new())


def test_a_request_that_says_who_sends_it_is_refused(service: Service, live: Live) -> None:
    bearer = live.session("applicant-01")
    nothing = {"challenge": "", "public_key": "", "signature": ""}
    for more in (bearer, {"authorization": "Basic eDp5"}, {"cookie": "id=1"}):
        for path in ("upload-permits", "objections", "objections/progress/challenge", "objections/progress"):
            answer = live.http.post(f"/v1/{path}", headers=more, json=nothing)
            assert (answer.status_code, answer.json()["code"]) == (400, "IDENTITY_NOT_WANTED"), path
    permit = live.http.post("/v1/upload-permits").json()["permit"]
    declared = {"size": 1, "media_type": SEALED, "sha256": "0" * 64}
    answer = live.http.post("/v1/uploads", json=declared, headers={"upload-permit": permit} | bearer)
    assert answer.json()["code"] == "IDENTITY_NOT_WANTED"
    assert kept(service) == []


def test_a_permit_is_for_one_sealed_upload(service: Service, live: Live) -> None:
    def begin(permit: str, **changes: Any) -> tuple[int, str | None]:
        declared = {"size": 3000, "media_type": SEALED, "sha256": "0" * 64} | changes
        answer = live.http.post("/v1/uploads", json=declared, headers={"upload-permit": permit})
        return answer.status_code, answer.json().get("code")

    permit = live.http.post("/v1/upload-permits").json()["permit"]
    assert begin(permit, media_type="application/pdf") == (415, "MEDIA_TYPE_REFUSED")
    assert begin(permit, **{"class": "deciding"}) == (415, "MEDIA_TYPE_REFUSED")
    assert begin(permit, size=(9 << 20) + 1) == (413, "EVIDENCE_TOO_LARGE")
    assert begin(permit) == (201, None)
    assert begin(permit) == (409, "UPLOAD_EXISTS")
    for wrong in ("", "AAAA", permit[:-4] + "AAAA", "=" * 60, permit.swapcase()):
        assert begin(wrong) == (403, "PERMIT_INVALID")
    assert len(kept(service)) == 2


def test_what_is_no_objection_of_a_one_time_key_is_not_taken(service: Service, live: Live, client: Objecting) -> None:
    world = service.world
    desk = world.envelope("intake-1", objection(world, accused(service)))

    def hand_in(envelope: bytes, permit: str | None = None) -> tuple[int, str]:
        headers = {"content-type": "application/json"} | ({"upload-permit": permit} if permit else {})
        answer = live.http.post("/v1/objections", content=envelope, headers=headers)
        return answer.status_code, answer.json()["code"]

    assert hand_in(desk) == (422, "OBJECTION_ENVELOPE_NEEDED")
    assert hand_in(b"{}") == (400, "NOT_CANONICAL")
    form, code = client.objection_form(), Code.new()
    body = objection(world, accused(service), one_time_key=encode_base64(code.key.public))
    envelope = client.sign(form, body, code.key, one_time=True)
    assert hand_in(envelope) == (403, "PERMIT_INVALID")
    permit = live.http.post("/v1/upload-permits").json()["permit"]
    assert hand_in(envelope, permit) == (409, "SEALED_TEXT_MISSING")
    sealed = seal(sealed_to(SEED), b"text", SealContext(world.state.charter.id, body.objection))
    client.upload(sealed, SEALED, headers={"upload-permit": permit})
    assert hand_in(envelope, permit) == (409, "SEALED_TEXT_MISSING")
    assert list(on_file(service).digests()) == []
    assert live.http.post("/v1/objections", content=envelope).json()["code"] == "CONTENT_UNSUPPORTED"


def test_the_same_bytes_again_get_the_first_receipt(
    service: Service, live: Live, client: Objecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    plain = Objecting._answered

    def noting(self: Objecting, envelope: bytes, *more: Any) -> Any:
        sent.append(envelope)
        return plain(self, envelope, *more)

    monkeypatch.setattr(Objecting, "_answered", noting)
    _, filed = file(service, client)
    again = live.http.post("/v1/objections", content=sent[0], headers={"content-type": "application/json"})
    assert (again.status_code, again.json()["again"], again.json()["number"]) == (200, True, 1)
    assert again.json()["receipt"].encode() == filed.receipt.receipt


def test_a_text_that_could_not_be_filed_is_filed_later(
    service: Service, live: Live, client: Objecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry stands and its receipt is given; what it names is there as soon as it can be, after a crash too."""

    def full(*_: object) -> None:
        raise StoreError("EVIDENCE_NOT_WRITTEN", cause="No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(EvidenceFolder, "put", full)
        code, filed = file(service, client)
    sealed = service.world.state.notices.objections.by_id[filed.objection].sealed
    assert client.progress(code)["status"] == "received"
    assert list(on_file(service).digests()) == []
    assert len(kept(service)) == 2

    async def started_again(again: httpx.AsyncClient) -> None:
        receiving_of(again._transport.app).sweep()  # type: ignore[attr-defined]

    ask(service, started_again)
    assert list(on_file(service).digests()) == [sealed]
    assert kept(service) == []


def test_a_refused_objection_leaves_nothing_on_file(service: Service, client: Objecting) -> None:
    world = service.world
    outsider = world.person("applicant-24")
    assert outsider not in next(iter(world.state.notices.by_id.values())).candidates
    answer = client.object(Code.new(), client.objection_form(), [outsider], b"text", world.now)
    assert isinstance(answer, Declined)
    assert answer.refusal.code == "NOT_ON_NOTICE"
    assert list(on_file(service).digests()) == []


def test_so_many_wait_for_one_notice_and_so_many_come_from_one_address(service: Service, client: Objecting) -> None:
    for number in range(ONE_TIME_OPEN_MOST):
        file(service, client, f"{TEXT}{number}")
    answer = client.object(Code.new(), client.objection_form(), [accused(service)], b"text", service.world.now)
    assert isinstance(answer, Declined)
    assert answer.refusal.code == "RATE_LIMITED"


@pytest.mark.parametrize(
    ("limits", "path"),
    [
        ({"objection_burst": 3, "objections_a_minute": 1}, "/v1/upload-permits"),
        ({"objection_burst_all": 3, "objections_a_minute_all": 1}, "/v1/upload-permits"),
        ({"progress_burst": 3, "progress_a_minute": 1}, "/v1/objections/progress"),
    ],
)
def test_rates_hold_for_each_address_and_for_all(service: Service, limits: dict[str, int], path: str) -> None:
    bounded(service, **limits)
    body = {"challenge": "", "public_key": "", "signature": ""} if path.endswith("progress") else None

    async def asking(client: httpx.AsyncClient) -> list[int]:
        return [(await client.post(path, json=body)).status_code for _ in range(5)]

    expected = 404 if body else 201
    assert ask(service, asking) == [expected] * 3 + [429] * 2


def test_sealing_keys_are_announced_by_discipline_or_not_at_all(
    service: Service, live: Live, client: Objecting
) -> None:
    world, path = service.world, service.context.home.folder / FILE
    programme, keys = world.state.charter.id, sealed_to(SEED)
    for wrong in (
        announce(keys, programme, world.actor("organiser").key).encode(),
        announce(keys, "0" * 64, world.actor("discipline").key).encode(),
        announce(keys, programme, SigningKey.from_seed(bytes(32))).encode(),
        b"{}",
        b"",
    ):
        path.write_bytes(wrong)
        answer = live.http.get("/v1/objection-form")
        assert (answer.status_code, answer.json()["code"]) == (409, "SEALING_KEYS_MISSING")
    path.unlink()
    with pytest.raises(ProblemError, match="SEALING_KEYS_MISSING"):
        client.objection_form()
    assert live.http.get("/v1/objection-form?notice=nowhere").status_code == 404


def test_a_server_that_gives_out_its_own_sealing_keys_is_not_believed(
    service: Service, client: Objecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = service.world
    own = SealTo(*(sealing_public(hashlib.sha256(one).digest()) for one in (b"a", b"b")))
    for key in (world.actor("organiser").key, SigningKey.from_seed(bytes(32))):
        forged = announce(own, world.state.charter.id, key)
        monkeypatch.setattr("api.http.routes_objections._sealing_keys", lambda *_, forged=forged: forged)
        with pytest.raises(VerificationError, match="SEALING_KEYS_UNPROVEN"):
            client.objection_form()
    with pytest.raises(VerificationError, match="SEALING_KEYS_UNPROVEN"):
        client.objection_form(trusted=sealed_to(SEED))
    monkeypatch.undo()
    assert client.objection_form(trusted=sealed_to(SEED))["sealing"]["office"] == encode_base64(sealed_to(SEED).office)


def test_an_upload_goes_on_after_a_cut(service: Service, client: Objecting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.objecting.PIECE_BYTES", 1_000)
    plain, cuts = httpx.Client.patch, iter((False, True, False, True, True))

    def cut(self: httpx.Client, *given: Any, **more: Any) -> httpx.Response:
        broken = next(cuts, False)
        answer = plain(self, *given, **more)
        if broken:
            raise httpx.ReadError("the connection was cut after the piece had come")
        return answer

    monkeypatch.setattr(httpx.Client, "patch", cut)
    _, filed = file(service, client, TEXT * 100)
    sealed = service.world.state.notices.objections.by_id[filed.objection].sealed
    assert len(on_file(service).get(sealed).content) > 5_000


def test_a_client_does_not_sign_a_digest_that_it_cannot_recompute(
    service: Service, client: Objecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(self: receiving.Receiving, upload: Any) -> dict[str, Any]:
        return {"digest": "0" * 64, "salt": encode_base64(bytes(32))}

    monkeypatch.setattr(receiving.Receiving, "told", told)
    with pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"):
        file(service, client)


class Answering(httpx.MockTransport):
    """The service with some of its answers put in by somebody else."""

    def __init__(self, **instead: Any) -> None:
        self._there, self._instead = httpx.HTTPTransport(), instead
        super().__init__(self._answer)

    def close(self) -> None:
        self._there.close()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        given = self._instead.get(request.url.path.rpartition("/")[2].replace("-", "_"))
        if given is None:
            return self._there.handle_request(request)
        return given if isinstance(given, httpx.Response) else httpx.Response(200, content=given)


@pytest.mark.parametrize("instead", ["form without header", "form of a list", "charter", "receipt", "no receipt"])
def test_answers_that_do_not_hold_are_not_believed(service: Service, live: Live, instead: str) -> None:
    first = live.http.get("/entry/001").content
    answers: dict[str, dict[str, Any]] = {
        "form without header": {"objection_form": b'{"header": 1}'},
        "form of a list": {"objection_form": b"[]"},
        "charter": {"000": first},
        "receipt": {"0": live.http.get("/v1/receipts/1").content},
        "no receipt": {"0": b"nothing"},
    }
    http = httpx.Client(base_url=live.url, transport=Answering(**answers[instead]))
    with (
        Objecting(live.url, [LOG_VKEY], http=http, pause=lambda _: None) as client,
        pytest.raises(VerificationError, match="SERVER_ANSWER_INVALID"),
    ):
        client.objection_form()


def test_an_upload_that_is_refused_or_never_answered_ends(
    service: Service, live: Live, client: Objecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    permit = live.http.post("/v1/upload-permits").json()["permit"]
    with pytest.raises(ProblemError, match="MEDIA_MISMATCH"):
        client.upload(b"no ciphertext" * 100, SEALED, headers={"upload-permit": permit})

    def cut(*_: Any, **__: Any) -> httpx.Response:
        raise httpx.ReadError("cut")

    monkeypatch.setattr(httpx.Client, "patch", cut)
    with pytest.raises(StoreError, match="SERVER_UNREACHABLE"):
        file(service, client)


SECRETS = {
    "name": "欧阳慕容怀瑾",
    "phone": "13987650123",
    "ID number": "530302197802291937",
    "address": "203.0.113.77",
}


def test_who_objects_is_nowhere(site: Site, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """G05 over HTTP: name and address planted in what is sent; logs, metrics, stream, files and tables are searched."""
    code = Code.new()
    secrets = SECRETS | {"code": code.spelled(), "code in one": code.spelled().replace("-", "")}
    traces = traces_of(secrets)
    known = service.context.settings
    trusted = type(known).model_validate(known.model_dump() | {"trusted_proxies": ["127.0.0.0/8"]})
    object.__setattr__(service.context, "settings", trusted)
    shown = io.StringIO()
    handler = logging.StreamHandler(shown)
    handler.setFormatter(logs.JsonLines())
    named = logging.getLogger(logs.LOGGER)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    before = named.level
    named.setLevel(logging.DEBUG)
    letter = json.dumps(SECRETS, ensure_ascii=False)
    with listening(service) as live:
        object.__setattr__(service.context, "settings", trusted.model_copy(update={"public_url": live.url}))
        borne = {"x-forwarded-for": SECRETS["address"], "user-agent": SECRETS["name"].encode().hex()}
        http = httpx.Client(base_url=live.url, headers=borne)
        with Objecting(live.url, [LOG_VKEY], http=http, pause=lambda _: None) as client:
            file(service, client, letter, code)
            told = client.progress(code)
            wrong = http.post("/v1/objections", content=letter.encode(), headers={"content-type": "application/json"})
            assert wrong.json()["code"] == "NOT_CANONICAL"
            unfinished = client._told("POST", "/v1/upload-permits")["permit"]
            declared = {"size": 3000, "media_type": SEALED, "sha256": "0" * 64}
            http.post("/v1/uploads", json=declared, headers={"upload-permit": unfinished})
        answers = [live.http.get(path).content for path in (
            "/metrics", "/v1/stream?follow=false&after=-1", "/v1/notices", "/v1/programme", "/checkpoint",
        )]  # fmt: skip
        reader = live.session("discipline") | {"read-reason": "G05"}
        answers += [
            live.http.get(path, headers=reader).content for path in ("/v1/objections", "/v1/reads", "/v1/findings")
        ]
    named.setLevel(before)
    assert told["number"] == 1
    lines = [json.loads(line) for line in shown.getvalue().splitlines() if line.startswith("{")]
    assert {one.get("route") for one in lines} >= {"/v1/objections", "/v1/upload-permits", "/v1/objections/progress"}
    assert found_in(shown.getvalue().encode(), traces) == set()
    assert found_in(b"".join(answers), traces) == set()
    assert found_below(tmp_path, traces) == {}
    assert len(list((service.context.home.folder / FOLDER).glob("*.json"))) == 1
    assert found_in(_tables(site), traces) == set()
    # The search finds what is there: the same letter, not sealed.
    assert found_in(letter.encode(), traces)


def _tables(site: Site) -> bytes:
    """Everything that is stored in the database."""
    with psycopg.connect(site.admin_dsn) as connection:
        query = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname LIKE 'ledger%'"
        names = connection.execute(query).fetchall()
        copied = []
        for (name,) in names:
            with connection.cursor().copy(f"COPY {name} TO STDOUT (FORMAT binary)".encode()) as rows:
                copied += [bytes(row) for row in rows]
    assert len(names) > 5
    return b"".join(copied)


def test_there_is_no_form_before_there_is_a_notice(serving: Callable[[History], Service]) -> None:
    made = serving(final_history(CITY))
    (made.context.home.folder / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')

    async def asking(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get("/v1/objection-form")

    assert ask(made, asking).json()["code"] == "NOT_FOUND"


def test_one_way_in_is_no_way_round_the_other(service: Service) -> None:
    """Objections of one-time keys among statements count as well; those of the reception desk do not."""
    bounded(service, objection_burst=3, objections_a_minute=1)
    world = service.world

    def codes_of(live: Live, client: Objecting) -> list[str | None]:
        form, envelopes = client.objection_form(), []
        for _ in range(5):
            key = Code.new().key
            body = objection(world, accused(service), one_time_key=encode_base64(key.public))
            envelopes.append(client.sign(form, body, key, one_time=True))
        envelopes.append(world.envelope("intake-1", objection(world, accused(service), objection="at-the-desk")))
        headers, at = {"content-type": "application/json"}, {"at": world.now}
        answers = [live.http.post("/v1/statements", content=one, headers=headers, params=at) for one in envelopes]
        return [one.json().get("code") for one in answers]

    with listening(service) as live, Objecting(live.url, [LOG_VKEY]) as client:
        codes = codes_of(live, client)
    assert codes[:3] == [None, "DUPLICATE_ID", "DUPLICATE_ID"]
    assert codes[3:] == ["RATE_LIMITED", "RATE_LIMITED", None]
