"""One entry over HTTP: told to whom the log tells it, marked as withheld to others, kept for ever where public."""

from collections.abc import Callable

import pytest

from api.http.routes_entries import FOR_EVER
from ledger.merkle import leaf_hash
from ledger.receipt import parse, verify
from ledger.statements import decode_own_entry
from tests.finalists import CITY, notice_history
from tests.http.conftest import Service
from tests.http.reading import REASON, get
from tests.http.test_statements import open_round_history, post, vote
from tests.simulator import LOG_VKEY, History

Serve = Callable[[History], Service]
HISTORY = notice_history(CITY)


def of_kind(kind: str) -> int:
    """The first entry of a kind."""
    return next(index for index, row in enumerate(HISTORY.rows) if row.topic == kind)


@pytest.fixture
def service(serving: Serve) -> Service:
    """A service whose selection has come to its notice."""
    made = serving(HISTORY)
    (made.context.home.folder / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')
    return made


def test_a_public_entry_is_told_to_everybody_and_never_changes(service: Service) -> None:
    index = of_kind("result.certified")
    answer = get(service, None, f"/v1/entries/{index}")
    told, act = answer.json()["entry"], decode_own_entry(HISTORY.entries[index])
    assert answer.headers["cache-control"] == FOR_EVER
    assert told["leaf"] == act.leaf.hex()
    assert (told["withheld"], told["kind"], told["index"]) == (False, "result.certified", index)
    assert told["body"]["rows_root"] == act.body.rows_root
    assert (told["statement"], told["person"], told["at"]) == (act.signed.id.hex(), act.person, act.at)
    assert told["seen"]["size"] == act.statement.seen.size  # type: ignore[union-attr]
    assert told["zh"] != told["en"]
    assert get(service, "discipline", f"/v1/entries/{index}", **REASON).content == answer.content
    again = get(service, None, f"/v1/entries/{index}", **{"if-none-match": answer.headers["etag"]})
    assert again.headers["etag"] == answer.headers["etag"]
    assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", FOR_EVER)
    raw = get(service, None, told["links"]["raw"]).content
    assert raw == HISTORY.entries[index]
    verify(parse(get(service, None, told["links"]["receipt"]).content), raw, [LOG_VKEY])
    assert get(service, None, told["links"]["proof"]).status_code == 200


@pytest.mark.parametrize("kind", ["ballot.cast", "application.filed", "key.enrolled", "roster.set", "score.given"])
def test_what_is_withheld_is_marked_and_tells_no_more_than_the_tiles(service: Service, kind: str) -> None:
    index = of_kind(kind)
    for alias in (None, "applicant-01", "organiser"):
        answer = get(service, alias, f"/v1/entries/{index}", **REASON)
        told = answer.json()["entry"]
        assert (told.pop("withheld"), told.pop("leaf")) == (True, leaf_hash(HISTORY.entries[index]).hex())
        assert set(told) == {"index", "links"}
        assert "no-store" in answer.headers["cache-control"]
        assert "etag" not in answer.headers


def test_an_auditor_reads_it_with_a_reason_and_on_the_record(service: Service) -> None:
    index = of_kind("application.filed")
    assert get(service, "discipline", f"/v1/entries/{index}").json()["entry"]["withheld"] is True
    answer = get(service, "discipline", f"/v1/entries/{index}", **REASON)
    assert answer.json()["entry"]["body"]["application"]
    assert "no-store" in answer.headers["cache-control"]
    reads = get(service, "discipline", "/v1/reads", **REASON).json()["reads"]
    assert f"entry/{index:03d}"[-3:] in reads[-1]["subject"]


def test_an_open_vote_is_withheld_from_auditors_too_and_its_location_answers(serving: Serve) -> None:
    service = serving(open_round_history()[0])
    location = post(service, vote(service.world)).headers["location"]
    for alias, headers in ((None, {}), ("discipline", REASON)):
        told = get(service, alias, location, **headers).json()["entry"]
        assert told["withheld"] is True
        assert "body" not in told


def test_what_is_not_there(service: Service) -> None:
    for path, status in ((len(HISTORY.entries), 404), (2**50, 404), (-1, 422), ("x", 422)):
        assert get(service, None, f"/v1/entries/{path}").status_code == status


def test_the_logs_keys_are_told(service: Service) -> None:
    (only,) = get(service, None, "/v1/log-keys").json()["log_keys"]
    assert only == {"effective": 0, "since": 0, "stated": 0, "vkey": LOG_VKEY.encode()}
