"""Parsers under fire over HTTP: envelopes, many of them, forms with files, pieces of uploads, ballots and batches.

Whatever bytes come, the answer is a problem with a code or the answer to the very statement that was signed: never a
fault of ours, never an acceptance of bytes that are not canonical, and never more memory than the bounds allow.
"""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from api.http.routes_statements import LINES, MANY, ONE
from api.problems import MEDIA_TYPE
from api.public_client import FRAMED
from api.rehearsal.steps_rounds import ballot
from ledger.signing import envelope_bytes
from ledger.statements import open_envelope
from tests import public_ballots as public
from tests.http.conftest import served
from tests.http.live import WIDE, Lasting, Live, listening, live_service
from tests.http.test_polls import with_boxes
from tests.http.test_statements import open_round_history
from tests.public_ballots import CHANNEL, OPERATOR, STAGE
from tests.voting import PANEL, history_before

JSON = ONE[1]
PAGE = 4096
SPEAKING = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""How much is tried; the same every time."""


@pytest.fixture(scope="module")
def live(lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service whose panel may vote."""
    with live_service(lasting_site, tmp_path_factory.mktemp("fuzzed"), open_round_history()[0]) as one:
        yield one


@pytest.fixture(scope="module")
def polling(lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service on which a public vote is open."""
    folder = tmp_path_factory.mktemp("polled")
    with ExitStack() as stack:
        site = stack.enter_context(lasting_site(folder))
        service = stack.enter_context(served(site, history_before(STAGE), folder, limits=WIDE))
        public.opened(service.world)
        yield stack.enter_context(listening(with_boxes(service)))


def envelope_of(live: Live, member: str = PANEL[0]) -> bytes:
    """A good ballot."""
    world, round_id = live.service.world, open_round_history()[1]
    chosen = world.alias_of(world.state.rounds.by_id[round_id].candidates[0])
    return world.envelope(member, ballot(world, round_id, [chosen]))


KEPT: dict[tuple[str, str], bytes] = {}


def kept(live: Live, what: str, make: Callable[[], bytes]) -> bytes:
    """The same bytes every time, as Hypothesis wants them."""
    return KEPT.setdefault((live.url, what), KEPT.get((live.url, what)) or make())


def hand_in(live: Live, body: bytes, kind: str = JSON, **headers: str) -> httpx.Response:
    """Hand in a body as it is."""
    path = f"/v1/statements?at={live.service.world.now}"
    return live.http.post(path, content=body, headers={"content-type": kind} | headers)


def is_a_no(answer: httpx.Response) -> str:
    """The code of a problem that is no fault of ours."""
    assert 400 <= answer.status_code < 500, f"{answer.status_code} {answer.text[:300]}"
    assert answer.headers["content-type"] == MEDIA_TYPE
    code: str = answer.json()["code"]
    assert code not in {"SERVER_FAULT", "STORE_UNAVAILABLE"}
    return code


NASTY = (b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\\u0000", b'"', b"}", b"[" * 40, b"1e999", b"\r\n")


def draw_mutation(data: st.DataObject, good: bytes) -> bytes:
    """Change bytes: overwrite, insert, remove, repeat, cut short, put in something that parsers stumble over."""
    changed = bytearray(good)
    nasty = st.sampled_from(
        (b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\\u0000", b'"', b"}", b"[" * 40, b"1e999")
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(changed) - 1, 0)))
        size = data.draw(st.integers(0, 8))
        match data.draw(st.sampled_from(["overwrite", "insert", "remove", "repeat", "cut", "nasty"])):
            case "overwrite":
                changed[at : at + size] = data.draw(st.binary(min_size=size, max_size=size))
            case "insert":
                changed[at:at] = data.draw(st.binary(max_size=12))
            case "remove":
                del changed[at : at + size]
            case "repeat":
                changed[at:at] = changed[at : at + 64]
            case "cut":
                del changed[at:]
            case _:
                changed[at:at] = data.draw(nasty)
    return bytes(changed)


@SPEAKING
@given(data=st.data())
def test_bytes_of_an_envelope_that_change_make_it_none(live: Live, data: st.DataObject) -> None:
    good = kept(live, PANEL[0], lambda: envelope_of(live))
    changed = draw_mutation(data, good)
    kind = data.draw(st.sampled_from((*ONE, "application/json; charset=utf-16", "APPLICATION/JSON")))
    if changed.rstrip(b"\r\n") == good:
        return
    size = live.service.sequencer.size
    is_a_no(hand_in(live, changed, kind))
    assert live.service.sequencer.size == size


LOOSE: dict[str, Callable[[bytes], bytes]] = {
    "spaces": lambda one: one.replace(b":", b": "),
    "a line feed before": lambda one: b"\n" + one,
    "a mark of the order of bytes": lambda one: b"\xef\xbb\xbf" + one,
    "another order": lambda one: json.dumps(dict(reversed(json.loads(one).items())), separators=(",", ":")).encode(),
    "a member twice": lambda one: one[:-1] + b',"version":1}',
    "a member more": lambda one: one[:-1] + b',"zz":1}',
    "a member less": lambda one: one.replace(b',"version":1', b""),
    "a float": lambda one: one.replace(b'"version":1', b'"version":1.0'),
    "an exponent": lambda one: one.replace(b'"version":1', b'"version":1e0'),
    "minus nought": lambda one: one.replace(b'"version":1', b'"version":-0'),
    "a huge number": lambda one: one.replace(b'"version":1', b'"version":' + b"9" * 4_000),
    "beyond exact": lambda one: one.replace(b'"version":1', b'"version":9007199254740993'),
    "no number": lambda one: one.replace(b'"version":1', b'"version":NaN'),
    "a leading nought": lambda one: one.replace(b'"version":1', b'"version":01'),
    "an escaped letter": lambda one: one.replace(b'"type"', b'"t\\u0079pe"'),
    "half a pair": lambda one: one.replace(b'"approve":["', b'"approve":["\\ud800'),
    "bad utf-8": lambda one: one.replace(b'"approve":["', b'"approve":["\xff'),
    "too long utf-8": lambda one: one.replace(b'"approve":["', b'"approve":["\xc0\xaf'),
    "a nul": lambda one: one.replace(b'"approve":["', b'"approve":["\\u0000'),
    "a control": lambda one: one.replace(b'"approve":["', b'"approve":["\x01'),
    "text that turns round": lambda one: one.replace(b'"approve":["', '"approve":["\u202e'.encode()),
    "deep": lambda one: one.replace(b'"approve":[', b'"approve":[' + b"[" * 200 + b"]" * 200 + b","),
    "another type": lambda one: one.replace(b'"approve":[', b'"approve":{},"x":['),
    "null": lambda one: one.replace(b'"round":"', b'"round":null,"y":"'),
    "something after": lambda one: one + b" ",
    "two of them": lambda one: one + one,
}


@pytest.mark.parametrize("how", LOOSE)
def test_a_signature_over_bytes_that_are_not_canonical_is_worth_nothing(live: Live, how: str) -> None:
    """The member's own key signs the very payload; it is not the one spelling of what it says."""
    signed = open_envelope(envelope_of(live))
    payload = LOOSE[how](signed.payload)
    assert payload != signed.payload, how
    key = live.service.world.actor(PANEL[0]).key
    pae = b"DSSEv1 %d %b %d %b" % (len(signed.payload_type), signed.payload_type.encode(), len(payload), payload)
    envelope = envelope_bytes(signed.payload_type, payload, signed.statement.key, key.sign(pae))
    size = live.service.sequencer.size
    answer = hand_in(live, envelope)
    assert answer.status_code == 400, answer.text
    is_a_no(answer)
    assert live.service.sequencer.size == size


OUTER: dict[str, Callable[[dict[str, Any]], Any]] = {
    "pretty": lambda one: json.dumps(one, indent=1),
    "another order": lambda one: json.dumps(dict(reversed(one.items())), separators=(",", ":")),
    "two signatures": lambda one: one | {"signatures": one["signatures"] * 2},
    "no signature": lambda one: one | {"signatures": []},
    "loose base64": lambda one: one | {"payload": one["payload"].rstrip("=") + "===="},
    "base64 of urls": lambda one: one | {"payload": one["payload"].replace("+", "-").replace("/", "_") + "\n"},
    "base64 with blanks": lambda one: one | {"payload": one["payload"][:8] + " " + one["payload"][8:]},
    "a payload that is a number": lambda one: one | {"payload": 10**400},
    "a type that is none": lambda one: one | {"payloadType": "application/vnd.ballot-ledger.nothing.v1+json"},
    "another version": lambda one: one | {"payloadType": one["payloadType"].replace("v1", "v99")},
    "a long type": lambda one: one | {"payloadType": "x" * 60_000},
    "a key that is none": lambda one: one | {"signatures": [one["signatures"][0] | {"keyid": "../../etc"}]},
    "a short signature": lambda one: one | {"signatures": [one["signatures"][0] | {"sig": "AAAA"}]},
}


NO_ENVELOPE = {"FIELD_INVALID", "NOT_CANONICAL", "SIGNATURE_INVALID", "STATEMENT_TOO_LARGE", "UNKNOWN_STATEMENT"}


@pytest.mark.parametrize("how", OUTER)
def test_an_envelope_has_one_spelling(live: Live, how: str) -> None:
    changed = OUTER[how](json.loads(envelope_of(live)))
    body = changed.encode() if isinstance(changed, str) else json.dumps(changed, separators=(",", ":")).encode()
    assert is_a_no(hand_in(live, body)) in NO_ENVELOPE


@SPEAKING
@given(data=st.data())
def test_among_many_only_the_good_ones_count(live: Live, data: st.DataObject) -> None:
    """Each is judged by itself, whatever stands before and after it, and however it is framed."""
    member = PANEL[data.draw(st.integers(1, 7))]
    good = kept(live, member, lambda: envelope_of(live, member))
    junk = st.sampled_from((b"{}", b"null", b"[]", b'""', b"1e999", b"x", b"\xff", b'{"payload":{}}', b"{" * 50))
    parts = data.draw(st.lists(junk, max_size=5))
    at = data.draw(st.integers(0, len(parts)))
    parts[at:at] = [good]
    lines = data.draw(st.booleans())
    body = b"\n".join(parts) if lines else b'{"statements":[%b]}' % b",".join(parts)
    answer = hand_in(live, body, LINES if lines else MANY)
    if answer.status_code != 207:
        is_a_no(answer)
        return
    told = answer.json()["answers"]
    assert len(told) == len(parts)
    assert [place for place, one in enumerate(told) if one["status"] in (200, 201)] in ([], [at])
    assert all(one["status"] < 500 for one in told)


@SPEAKING
@example(kind="", encoding="identity", body=b"")
@given(
    kind=st.sampled_from((*ONE, MANY, LINES, "text/plain", "multipart/form-data", "application/json;;", "\x7f/;", "*")),
    encoding=st.sampled_from(("identity", "gzip", "br", "deflate", "gzip, gzip", "")),
    body=st.binary(max_size=200) | st.text(max_size=80).map(str.encode) | st.just(gzip.compress(b"{}" * 1000)),
)
def test_nothing_else_is_a_statement(live: Live, kind: str, encoding: str, body: bytes) -> None:
    answer = hand_in(live, body, kind, **{"content-encoding": encoding})
    if answer.status_code == 207:
        assert all(400 <= one["status"] < 500 for one in answer.json()["answers"])
    else:
        is_a_no(answer)


def chunked(live: Live, *chunks: bytes) -> bytes:
    """Hand in a body in these chunks, as they are."""
    path = f"/v1/statements?at={live.service.world.now}".encode()
    head = b"POST %b HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nconnection: close\r\n" % path
    return live.raw(head + b"transfer-encoding: chunked\r\n\r\n" + b"".join(chunks))


def test_a_body_in_chunks_is_the_same_body(live: Live) -> None:
    envelope = envelope_of(live, PANEL[8])
    small = [b"%x\r\n%b\r\n" % (len(one), one) for one in (envelope[at : at + 7] for at in range(0, len(envelope), 7))]
    assert b" 201 " in chunked(live, *small, b"0\r\n\r\n").split(b"\r\n")[0]
    large = b"%x;a=b\r\n%b\r\n0\r\nx-trailer: y\r\n\r\n" % (len(envelope), envelope)
    assert b" 200 " in chunked(live, large).split(b"\r\n")[0]


@pytest.mark.parametrize(
    "sent",
    [b"zz\r\n{}\r\n", b"-1\r\n{}\r\n", b"fffffffffffffffff\r\n{}", b"2\r\n{}x\r\n0\r\n\r\n", b"0x2\r\n{}\r\n0\r\n\r\n"],
)
def test_chunks_that_are_none_end_the_connection(live: Live, sent: bytes) -> None:
    size = live.service.sequencer.size
    answer = chunked(live, sent)
    assert answer == b"" or answer.split(b" ", 2)[1].startswith(b"4")
    assert live.service.sequencer.size == size
    assert live.http.get("/health").status_code == 200


def resident() -> int:
    """The memory that this process holds, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def test_memory_stays_within_the_bounds(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    """Client and server are one process here: what a flood of large bodies leaves behind is next to nothing."""
    bodies = (
        b"[" * (8 << 20),
        b'{"statements":["' + b"x" * (7 << 20) + b'"]}',
        b"\n" * (8 << 20),
        b'"' + b"\\" * (8 << 20),
    )
    kinds = (JSON, MANY, LINES, JSON)
    held = []
    for _ in range(7):
        for body, kind in zip(bodies, kinds, strict=True):
            assert hand_in(live, body, kind).status_code in {207, 400, 413}
        held.append(resident())
    assert held[-1] - held[0] < 64 << 20
    # And what a client does wrong is no fault of ours, in the log neither.
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


# Files


PDF = b"%PDF-1.7\n" + bytes(range(256)) * 8
BOUNDARY = b"a-boundary"


def form(content: bytes = PDF) -> bytes:
    """A form with one file."""
    head = b'--%b\r\ncontent-disposition: form-data; name="sha256"\r\n\r\n%b\r\n'
    file = b'--%b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\ncontent-type: application/pdf\r\n\r\n'
    digest = hashlib.sha256(content).hexdigest().encode()
    return head % (BOUNDARY, digest) + file % BOUNDARY + content + b"\r\n--%b--\r\n" % BOUNDARY


@SPEAKING
@given(data=st.data())
def test_a_form_that_changes_is_refused_or_is_the_file_that_it_names(live: Live, data: st.DataObject) -> None:
    headers = session(live)
    good = form()
    changed = draw_mutation(data, good)
    kind = f"multipart/form-data; boundary={BOUNDARY.decode()}"
    answer = live.http.post("/v1/evidence", content=changed, headers=headers | {"content-type": kind})
    if answer.status_code == 201:
        # A name of the file or of a header may change; not a byte of what the digest is of.
        assert PDF in changed or b'name="sha256"' not in changed
    else:
        is_a_no(answer)


SESSIONS: dict[str, dict[str, str]] = {}


def session(live: Live) -> dict[str, str]:
    """The organiser's session, once for a service."""
    if live.url not in SESSIONS:
        SESSIONS[live.url] = live.session("organiser")
    return SESSIONS[live.url]


@SPEAKING
@given(
    boundary=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80),
    body=st.binary(max_size=300),
    parts=st.integers(0, 40),
)
def test_a_form_of_anything_is_none(live: Live, boundary: str, body: bytes, parts: int) -> None:
    headers = session(live) | {"content-type": f"multipart/form-data; boundary={boundary}"}
    part = b'--%b\r\ncontent-disposition: form-data; name="class"\r\n\r\n%b\r\n' % (boundary.encode(), body)
    for content in (body, part * parts, part + b"x-header: " + b"y" * 5_000):
        is_a_no(live.http.post("/v1/evidence", content=content, headers=headers))


@SPEAKING
@given(
    offset=st.sampled_from(("0", "1", "-1", "00", "1e3", "9" * 30, "", "x", "0x1", "+0")),
    complete=st.sampled_from(("?0", "?1", "1", "true", "")),
    body=st.binary(max_size=64),
    kind=st.sampled_from(
        ("application/partial-upload", "application/octet-stream", "application/json", "text/html", "")
    ),
)
def test_pieces_that_do_not_fit_are_refused(live: Live, offset: str, complete: str, body: bytes, kind: str) -> None:
    headers = session(live)
    declared = {"class": "personal", "media_type": "application/pdf", "sha256": "0" * 64, "size": 100}
    made = live.http.post("/v1/uploads", json=declared, headers=headers)
    if made.status_code == 429:
        return
    piece = {"upload-offset": offset, "upload-complete": complete, "content-type": kind}
    where = made.headers["location"]
    answer = live.http.patch(where, content=body, headers=headers | piece)
    if answer.status_code != 204:
        is_a_no(answer)
    else:
        assert (int(offset), complete) == (0, "?0")
    live.http.delete(where, headers=headers)


# Public ballots


def poll_of(live: Live) -> Any:
    """The poll that is open."""
    return next(iter(live.service.world.state.polls.by_id.values()))


def spent(live: Live) -> int:
    """How many ballots are in."""
    return sum(live.service.sequencer.state.polls.ballots_of(poll_of(live).id).counts.values())


@SPEAKING
@given(data=st.data())
def test_a_public_ballot_that_changes_is_refused_or_is_still_one_ballot(polling: Live, data: st.DataObject) -> None:
    poll = poll_of(polling)
    number = data.draw(st.integers(0, 9))
    body = {"candidates": [poll.candidates[0]], "channel": CHANNEL, "code": public.credential(number).hex()}
    changed = draw_mutation(data, json.dumps(body).encode())
    path, before = f"/v1/polls/{poll.id}/ballots?at={polling.service.world.now}", spent(polling)
    answer = polling.http.post(path, content=changed, headers={"content-type": JSON})
    if answer.status_code in (200, 201):
        found = json.loads(changed)
        assert (found["channel"], found["code"]) == (CHANNEL, body["code"])
        assert set(found["candidates"]) <= set(poll.candidates)
    else:
        is_a_no(answer)
    assert spent(polling) - before == (answer.status_code == 201)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@SPEAKING
@given(values=st.tuples(VALUES, VALUES, VALUES), more=st.dictionaries(st.text(max_size=8), VALUES, max_size=2))
def test_a_public_ballot_of_anything_is_none(polling: Live, values: Any, more: dict[str, Any]) -> None:
    poll, before = poll_of(polling), spent(polling)
    body = json.dumps(dict(zip(("candidates", "channel", "code"), values, strict=True)) | more).encode()
    for path in (f"/v1/polls/{poll.id}/ballots", f"/v1/polls/{poll.id}/receipts"):
        is_a_no(polling.http.post(path, content=body, headers={"content-type": JSON}))
    assert spent(polling) == before


def framed(live: Live, first: int = 20) -> bytes:
    """A batch of two ballots as the channel's own system hands it in."""
    world, poll = live.service.world, poll_of(live)
    block = public.block_of(world, poll, {first: (0,), first + 1: (1,)})
    # The box signs by the same key, and above what the play has signed.
    last = world.state.roll.people[world.person(OPERATOR)].counter
    envelope = world.envelope(OPERATOR, public.batch(world, poll, block), counter=last + 1)
    return len(envelope).to_bytes(4, "big") + envelope + block.encode()


@SPEAKING
@given(data=st.data())
def test_a_batch_that_changes_is_none(polling: Live, data: st.DataObject) -> None:
    good, poll, before = kept(polling, "batch", lambda: framed(polling)), poll_of(polling), spent(polling)
    changed = draw_mutation(data, good)
    path = f"/v1/polls/{poll.id}/batches?at={polling.service.world.now}"
    if changed == good:
        return
    is_a_no(polling.http.post(path, content=changed, headers={"content-type": FRAMED}))
    assert spent(polling) == before


@pytest.mark.parametrize("head", [b"", b"\x00", bytes(4), b"\xff" * 4, b"\x00\x00\x00\x01", b"\x7f\xff\xff\xff"])
@pytest.mark.parametrize("rest", [b"", b"{}", b"x" * 100_000])
def test_frames_that_are_none(polling: Live, head: bytes, rest: bytes) -> None:
    path = f"/v1/polls/{poll_of(polling).id}/batches"
    is_a_no(polling.http.post(path, content=head + rest, headers={"content-type": FRAMED}))


def test_a_good_envelope_is_still_taken_after_all_this(live: Live, polling: Live) -> None:
    """None of it left anything behind that stands in the way."""
    assert hand_in(live, envelope_of(live)).status_code == 201
    path = f"/v1/polls/{poll_of(polling).id}/batches?at={polling.service.world.now}"
    answer = polling.http.post(path, content=framed(polling, 40), headers={"content-type": FRAMED})
    assert answer.status_code == 201, answer.text
