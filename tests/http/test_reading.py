"""Reading over HTTP: the values of the command line, earlier points, entity tags, pages, spreadsheets, bounds."""

import asyncio
import csv
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Event
from typing import Any

import httpx
import openpyxl
import pytest

from api.http import reader as reading
from api.http.reader import Reader, Unavailable
from api.http.routes_reading import cells_of
from api.http.spreadsheets import Form, write
from api.rehearsal.steps_rounds import ballot
from ledger.errors import MalformedError
from ledger.selection import Selection
from ledger.statements import Act, decode_own_entry
from ledger.statements.naming import EvidenceAttached
from projections.candidates import stage_list
from projections.notices import notices
from projections.objections import objections
from projections.offpath import off_path
from projections.plain import to_json
from projections.replay import replay
from projections.results import results
from projections.status import findings, status
from projections.vacancies import places
from projections.whatif import Change, what_if_of
from tests.finalists import CITY, notice_history
from tests.http.conftest import Service
from tests.http.reading import REASON, ask, get, signed_in
from tests.simulator import History, freeze
from tests.voting import PANEL, voting

HISTORY = notice_history(CITY)


@pytest.fixture
def service(serving: Callable[[History], Service]) -> Service:
    """A service whose selection has come to its notice."""
    return serving(HISTORY)


def told(service: Service, alias: str | None, path: str, **headers: str) -> Any:
    """The JSON answer to somebody."""
    answer = get(service, alias, path, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_values_are_those_of_the_projections(service: Service) -> None:
    state = replay(HISTORY.entries)
    acts = [decode_own_entry(entry) for entry in HISTORY.entries]
    expected = {
        "/v1/stages/final": ("stage", stage_list(state, "final")),
        "/v1/notices": ("notices", notices(state, state.at)),
        "/v1/vacancies": ("places", places(state, state.at)),
        "/v1/findings": ("findings", findings(state, everything=True)),
        "/v1/status": ("status", status(state, state.at)),
        "/v1/objections": ("objections", objections(state, acts, state.at)),
        "/v1/off-path": ("off_path", off_path(state, acts)),
    }

    async def asking(client: httpx.AsyncClient) -> dict[str, Any]:
        headers = await signed_in(client, service.world, "organiser")
        at = f"at={len(HISTORY.entries) - 1}&limit=500"
        return {path: (await client.get(f"{path}?{at}", headers=headers)).json() for path in expected}

    found = ask(service, asking)
    assert {path: found[path][name] for path, (name, _) in expected.items()} == {
        path: to_json(view) for path, (_, view) in expected.items()
    }
    assert found["/v1/status"]["as_of"] == {"at": state.at, "entries": state.size, "published": state.size}


def test_rankings_come_with_reasons_and_without_ballots(service: Service) -> None:
    found = told(service, None, "/v1/rankings?stage=final")["results"]
    (expected,) = (to_json(one) for one in results(replay(HISTORY.entries)) if one.stage == "final")
    assert [row["candidate"] for row in found[0]["rows"]] == [row["candidate"] for row in expected["rows"]]
    assert found[0]["reasons"] == expected["reasons"]
    assert found[0]["standing"] == "certified"
    assert not any("ballots" in one for one in found[0]["rounds"])


def test_nobody_known_sees_neither_who_applied_nor_why_somebody_is_out(service: Service) -> None:
    for one in told(service, None, "/v1/stages")["stages"]:
        assert one["out"] == one["undecided"] == []
        if one["kind"] in {"applications", "screening"}:
            assert one["entered"] == one["taken"] == []
    staff = told(service, "organiser", "/v1/stages")["stages"]
    assert any(one["entered"] for one in staff if one["kind"] == "applications")


def test_an_earlier_index_or_time_reads_what_was_known_then(service: Service) -> None:
    first = told(service, None, "/v1/programme?at=0")
    assert first["as_of"]["entries"] == 1
    assert told(service, None, "/v1/stages?at=2022-09-23")["as_of"]["entries"] > 1
    assert told(service, None, "/v1/rankings?at=1000")["results"] == []
    assert get(service, None, "/v1/stages?at=99999").json()["code"] == "INDEX_UNKNOWN"
    for bad in ("tomorrow", "2022-13-01", "9999-12-31T23:59:59-99:00", "1e3", "-1"):
        assert get(service, None, f"/v1/stages?at={bad}").json()["code"] == "TIME_INVALID"


def test_nothing_is_sent_twice_until_the_log_moves_on(service: Service) -> None:
    async def asking(client: httpx.AsyncClient) -> list[httpx.Response]:
        first = await client.get("/v1/rankings")
        again = {"if-none-match": first.headers["etag"]}
        organiser = await signed_in(client, service.world, "organiser")
        answers = [first, await client.get("/v1/rankings", headers=again)]
        answers.append(await client.get("/v1/rankings", headers=again | organiser))
        await asyncio.to_thread(service.world.must, "organiser", said)
        return [*answers, await client.get("/v1/rankings", headers=again)]

    said = EvidenceAttached("minutes", "ab" * 32, "deciding", "application/pdf", 5)
    first, again, other, later = ask(service, asking)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert first.headers["vary"] == "Authorization"
    assert other.status_code == later.status_code == 200
    assert later.json()["as_of"]["entries"] == first.json()["as_of"]["entries"] + 1


def test_pages_of_one_list_are_read_at_one_size(service: Service) -> None:
    async def asking(client: httpx.AsyncClient) -> list[Any]:
        found: list[Any] = []
        cursor = ""
        while not found or found[-1]["next"]:
            found.append((await client.get(f"/v1/stages?limit=4{cursor}")).json())
            cursor = f"&cursor={found[-1]['next']}"
        return found

    pages = ask(service, asking)
    assert [len(one["stages"]) for one in pages] == [4, 4, 3]
    assert {one["as_of"]["entries"] for one in pages} == {len(HISTORY.entries)}
    assert [one["stage"] for page in pages for one in page["stages"]] == [
        one["stage"] for one in told(service, None, "/v1/stages")["stages"]
    ]
    for bad in ("x", "MC4w", "MDEuMQ", "é"):
        assert get(service, None, f"/v1/stages?cursor={bad}").json()["code"] == "REQUEST_INVALID"


def test_files_for_spreadsheets_hold_the_same_rows(service: Service) -> None:
    round_id = next(iter(service.world.state.rounds.by_id))
    many = (
        "/v1/stages/final/candidates",
        "/v1/rankings",
        f"/v1/rounds/{round_id}/ballots",
        "/v1/vacancies",
        "/v1/notices",
    )
    paths = (*many, "/v1/alternates", "/v1/findings", "/v1/objections")

    async def asking(client: httpx.AsyncClient) -> list[tuple[httpx.Response, httpx.Response]]:
        headers = await signed_in(client, service.world, "organiser") | REASON
        return [
            (
                await client.get(f"{path}?format=csv", headers=headers),
                await client.get(f"{path}?format=xlsx", headers=headers),
            )
            for path in paths
        ]

    for path, (text, book) in zip(paths, ask(service, asking), strict=True):
        rows = list(csv.reader(io.StringIO(text.content.decode("utf-8-sig"))))
        sheet = openpyxl.load_workbook(io.BytesIO(book.content)).active
        assert len(rows) > (5 if path in many else 0)
        assert len({len(row) for row in rows}) == 1
        read = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        assert read == rows


@pytest.mark.parametrize("form", [Form.CSV, Form.XLSX])
@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "'=1", "https://x.example", "007"])
def test_no_cell_becomes_a_formula(form: Form, cell: str) -> None:
    data = write(form, ("text", "number"), [(cell, -3)], 0)
    assert data == write(form, ("text", "number"), [(cell, -3)], 0)
    if form is Form.CSV:
        (_, (text, number)) = csv.reader(io.StringIO(data.decode("utf-8-sig")))
        assert number == "-3"
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(data)).active
        text, number = sheet["A2"].value, sheet["B2"].value
        assert (number, sheet["A2"].data_type, sheet["A2"].hyperlink) == (-3, "s", None)
    assert text.lstrip("'") == cell.lstrip("'")
    assert text[0] not in "=+-@\t\r"


def test_a_supposition_is_answered_as_by_the_command_line(service: Service) -> None:
    member = service.world.person("panel-01")
    acts = [decode_own_entry(entry) for entry in HISTORY.entries]
    expected = to_json(what_if_of(acts, Change(members=frozenset({member}))))
    assert told(service, "organiser", f"/v1/what-if?without_member={member}", **REASON)["what_if"] == expected
    for query, code in (("", "CHANGE_NEEDED"), ("reading=x", "REQUEST_INVALID"), ("reading=x=y", "READING_UNKNOWN")):
        assert get(service, "organiser", f"/v1/what-if?{query}", **REASON).json()["code"] == code
    margins = told(service, "organiser", "/v1/margins/final", **REASON)
    assert margins["hypothetical"]
    assert margins["margins"][0]["subject"] == "stage:final"


def test_ones_own_history_names_nobody_who_chose(service: Service) -> None:
    world = service.world
    ballots = {act.index for one in HISTORY.entries if (act := decode_own_entry(one)).statement.type == "ballot.cast"}
    subject = world.person("applicant-01")
    own = told(service, "applicant-01", f"/v1/history/{subject}", **REASON)
    full = told(service, "organiser", f"/v1/history/{subject}", **REASON)
    short = told(service, "organiser", f"/v1/history/{subject}")
    assert (own["complete"], full["complete"], short["complete"]) == (False, True, False)
    assert ballots.isdisjoint(line["index"] for line in own["history"] + short["history"])
    assert len(own["history"]) > 3
    assert len(full["history"]) > len(short["history"])


def test_an_open_round_shows_no_ballot_to_anybody(serving: Callable[[History], Service]) -> None:
    world, played = voting()
    world.must(PANEL[0], ballot(world, played.id, [world.alias_of(played.candidates[0])]))
    service = serving(freeze(world))
    found = told(service, "discipline", f"/v1/rounds/{played.id}/ballots", **REASON)
    assert (found["ballots"], found["round"]["readable"], found["round"]["voted"]) == ([], False, 1)
    assert told(service, None, f"/v1/rounds/{played.id}")["round"]["lines"] == []


def test_an_expensive_reading_has_an_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    reader: Reader = service.context.reader
    monkeypatch.setattr(reading, "EXPENSIVE_SECONDS", 0)
    with pytest.raises(Unavailable, match="READ_TOOK_TOO_LONG"):
        reader.read_apart(None, lambda picture: picture.size)


def test_more_expensive_readings_than_there_is_room_for_are_told_to_come_again(service: Service) -> None:
    with ExitStack() as stack:
        for _ in range(2 * reading.MOST_EXPENSIVE):
            stack.enter_context(service.context.reader.expensive())
        answer = get(service, "organiser", "/v1/margins/final", **REASON)
    assert (answer.status_code, answer.json()["code"]) == (503, "READ_BUSY")
    assert "retry-after" in answer.headers


def test_the_reader_follows_the_log_and_never_goes_above_the_pin(service: Service) -> None:
    reader, before = service.context.reader, service.context.reader.position
    service.world.must("organiser", EvidenceAttached("minutes", "cd" * 32, "deciding", "application/pdf", 5))
    assert reader.catch_up() == before + 1 == service.context.store.recorder.released()

    def same(state: Selection) -> bool:
        return state.size == before + 1

    assert reader.now(same)


def test_the_read_side_is_rebuilt_beside_what_answers_and_put_in_its_place(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, met = service.context.reader, Event()
    before, asked = reader.position, list[int]()
    check, old = reader.checking(), reader.now(id)
    fold, attached = Selection.apply, EvidenceAttached("minutes", "cd" * 32, "deciding", "application/pdf", 5)

    def slowly(state: Selection, act: Act) -> None:
        fold(state, act)
        if state.size == before // 2 and not met.is_set():
            met.set()
            with ThreadPoolExecutor(1) as pool:
                asked.append(pool.submit(lambda: reader.read("0", lambda picture: picture.published)).result(10))
                service.world.must("organiser", attached)
                asked.append(pool.submit(reader.catch_up).result(10))

    monkeypatch.setattr(Selection, "apply", slowly)
    assert reader.rebuild() == before + 1
    assert asked == [before, before + 1]
    assert reader.now(id) != old
    found = reader.now(lambda state: to_json(stage_list(state, "final")))
    assert found == to_json(stage_list(replay(HISTORY.entries), "final"))
    with pytest.raises(MalformedError):
        check(b"{}")


def test_a_cell_holds_a_list_with_spaces_and_says_yes_or_no() -> None:
    @dataclass(frozen=True)
    class View:
        against: tuple[str, ...]
        founded: bool | None
        number: int

    views = (View(("a", "b"), True, 1), View((), False, 2), View(("c",), None, 3))
    rows = [tuple(row) for row in cells_of(views, ("number", "against", "founded"))]
    assert rows == [(1, "a b", "yes"), (2, "", "no"), (3, "c", None)]
