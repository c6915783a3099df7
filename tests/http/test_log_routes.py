"""The log's own files, proofs, receipts and exports over HTTP, each checked by what checks them offline."""

import base64
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from api.http.routes_log import FOR_EVER
from ledger.checkpoint import open_checkpoint
from ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from ledger.receipt import parse, verify
from ledger.statements import decode_own_entry
from ledger.tiles import hashes_of, number_path, parse_path
from projections.audit.export import Trust, verify_export
from projections.disclosure import Publicity
from tests.finalists import CITY, notice_history
from tests.http.conftest import Service
from tests.http.reading import REASON, ask, get, signed_in
from tests.simulator import LOG_VKEY, History

HISTORY = notice_history(CITY)
ENTRIES = HISTORY.entries
PUBLICITY = Publicity()
PUBLIC = [index for index, entry in enumerate(ENTRIES) if PUBLICITY.take(decode_own_entry(entry))]
HIDDEN = next(index for index in range(len(ENTRIES)) if index not in PUBLIC)


@pytest.fixture
def service(serving: Callable[[History], Service]) -> Service:
    """A service whose selection has come to its notice."""
    made = serving(HISTORY)
    (made.context.home.folder / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')
    return made


def test_checkpoint_tiles_and_entries_fit_together(service: Service) -> None:
    async def asking(client: httpx.AsyncClient) -> list[httpx.Response]:
        paths = ("/checkpoint", "/tile/0/000", "/tile/0/005.p/98", "/entry/000", f"/entry/{number_path(HIDDEN)}")
        return [await client.get(path) for path in paths]

    note, tile, partial, entry, hidden = ask(service, asking)
    checkpoint = open_checkpoint(note.content, [LOG_VKEY])
    assert (checkpoint.size, note.headers["content-type"]) == (len(ENTRIES), "text/plain; charset=utf-8")
    leaves = hashes_of(tile.content)
    assert list(leaves) == [leaf_hash(one) for one in ENTRIES[:256]]
    assert tile.headers["cache-control"] == entry.headers["cache-control"] == FOR_EVER
    assert "immutable" not in partial.headers["cache-control"] + note.headers["cache-control"]
    assert len(partial.content) == 98 * 32
    assert entry.content == ENTRIES[0]
    assert (hidden.status_code, hidden.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "path",
    ["tile/0/0", "tile/0/006", "tile/9/000", "tile/0/000.p/256", "tile/x", "entry/0", "entry/x009/999", "entry/"],
)
def test_what_is_no_path_of_the_log_is_not_found(service: Service, path: str) -> None:
    answer = get(service, None, f"/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_a_hidden_entry_answers_as_one_that_is_not_there(service: Service) -> None:
    found = [get(service, "applicant-01", f"/entry/{number_path(index)}", **REASON) for index in (HIDDEN, 9999)]
    there, nowhere = (one.json() | {"instance": ""} for one in found)
    assert there == nowhere


def test_entry_bundles_and_hidden_entries_are_an_auditors_with_a_reason(service: Service) -> None:
    hidden = f"/entry/{number_path(HIDDEN)}"
    assert get(service, "discipline", hidden, **REASON).content == ENTRIES[HIDDEN]
    assert get(service, "discipline", hidden).status_code == 404
    bundle = get(service, "discipline", "/tile/entries/000", **REASON)
    assert bundle.status_code == 200
    assert "no-store" in bundle.headers["cache-control"]
    assert get(service, "discipline", "/tile/entries/000").json()["code"] == "READ_REASON_NEEDED"
    assert parse_path("tile/entries/000") is not None


def test_proofs_prove(service: Service) -> None:
    size, index = len(ENTRIES), HIDDEN
    told = get(service, None, f"/v1/proofs/inclusion?index={index}").json()["inclusion"]
    head = open_checkpoint(HISTORY.notes[size], [LOG_VKEY])
    path = [base64.b64decode(one) for one in told["path"]]
    assert verify_inclusion(index, told["size"], leaf_hash(ENTRIES[index]), path, head.root)
    assert verify(parse(told["text"].encode()), ENTRIES[index], [LOG_VKEY]).size == size
    between = get(service, None, f"/v1/proofs/consistency?old=7&new={size}").json()["consistency"]
    old = open_checkpoint(HISTORY.notes[7], [LOG_VKEY])
    assert between["new_root"] == head.root.hex()
    assert verify_consistency(7, size, old.root, head.root, [base64.b64decode(one) for one in between["path"]])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("inclusion?index=5000", 422),
        ("inclusion?index=-1", 422),
        ("inclusion?index=3&size=2", 422),
        ("inclusion?index=3&size=9000", 404),
        ("consistency?old=9&new=3", 422),
        ("consistency?old=1&new=9000", 404),
        ("consistency?old=1", 422),
    ],
)
def test_what_cannot_be_proved_is_said_to_be_so(service: Service, query: str, status: int) -> None:
    assert get(service, None, f"/v1/proofs/{query}").status_code == status


def test_a_receipt_is_given_again_by_index_and_by_statement(service: Service) -> None:
    statement = decode_own_entry(ENTRIES[HIDDEN]).signed.id.hex()
    by_index, by_statement = (get(service, None, f"/v1/receipts/{which}") for which in (HIDDEN, statement))
    assert by_index.content == by_statement.content
    assert verify(parse(by_index.content), ENTRIES[HIDDEN], [LOG_VKEY]).size == HIDDEN + 1
    for nothing in ("99999", "007", "f" * 64, "x", "-1", str(2**64)):
        assert get(service, None, f"/v1/receipts/{nothing}").status_code == 404


def test_exports_verify_offline(service: Service, tmp_path: Path) -> None:
    async def asking(client: httpx.AsyncClient) -> list[httpx.Response]:
        auditor = await signed_in(client, service.world, "auditor-2") | REASON
        paths = ("/v1/exports", "/v1/exports?audience=auditor", "/v1/exports?size=5000", "/v1/exports?size=0")
        return [await client.get(path, headers=auditor) for path in paths]

    public, full, above, nothing = ask(service, asking)
    for name, one in (("public", public), ("full", full)):
        assert (one.status_code, one.headers["content-type"]) == (200, "application/zip")
        path = tmp_path / f"{name}.zip"
        path.write_bytes(one.content)
        assert verify_export(path, Trust(key=LOG_VKEY)).clean
    assert len(full.content) > len(public.content)
    assert (above.status_code, above.json()["code"], nothing.status_code) == (404, "EXPORT_ABOVE_PIN", 422)
