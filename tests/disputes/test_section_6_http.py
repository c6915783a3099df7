"""Disputes F01, F05, F06, F09 and D14 over HTTP: single ballots of the public vote, at the door and behind it."""

import asyncio
import io
import logging
import zipfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from api.http.app import create_app
from api.http.ballot_socket import BallotServer, BallotSocket
from api.http.logs import JsonLines
from ledger import canonical
from ledger.poll_receipt import parse, verify
from ledger.poll_rows import parse_block
from ledger.state.poll_book import Poll
from ledger.tiles import number_path
from projections.poll_audit import audit
from tests import public_ballots as public
from tests.http.conftest import Service, served
from tests.http.reading import REASON, signed_in
from tests.http.test_polls import MANY, ballot, cast, code, refused, with_boxes
from tests.http.test_polls_shown import settled
from tests.public_ballots import CHANNEL, OPERATOR, STAGE
from tests.sequenced import Site
from tests.simulator import LOG_VKEY
from tests.voting import history_before

ADDRESS = "203.0.113.77"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What a test opens and leaves open."""
    with ExitStack() as made:
        yield made


def serve(stack: ExitStack, site: Site, folder: Path, **settings: Any) -> Service:
    """A service that signs for the channel, over a log in which the public vote may open."""
    (folder / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')
    service = stack.enter_context(served(site, history_before(STAGE), folder))
    return with_boxes(service, settings.pop("limits", MANY), **settings)


def test_F01_at_the_door_machines_are_slowed_down_and_must_show_that_they_are_none(
    stack: ExitStack, site: Site, tmp_path: Path
) -> None:
    limits = MANY.model_copy(update={"ballots_a_minute": 6, "ballot_burst": 3})
    service = serve(stack, site, tmp_path, limits=limits, poll_challenge="api.http.challenges:proof_of_work")
    poll = public.opened(service.world)
    answers = cast(service, poll, *(ballot(number, [poll.candidates[0]], challenge="0.0") for number in range(5)))
    for answer in answers[:3]:
        refused(answer, 403, "CHALLENGE_FAILED")
    for answer in answers[3:]:
        refused(answer, 429, "RATE_LIMITED")
        assert int(answer.headers["retry-after"]) > 0
    assert service.sequencer.state.polls.ballots_of(poll.id).counts == {}


def test_F05_one_code_is_one_vote_whatever_it_is_cast_for_and_however_often(
    stack: ExitStack, site: Site, tmp_path: Path
) -> None:
    service = serve(stack, site, tmp_path)
    poll = public.opened(service.world)
    tries = [ballot(7, [candidate]) for candidate in poll.candidates[:5]]
    answers = cast(service, poll, *tries, ballot(999, [poll.candidates[0]]))
    assert [one.status_code for one in answers[:5]] == [201, 200, 200, 200, 200]
    assert len({canonical.encode(one.json()["receipt"]) for one in answers[:5]}) == 1
    refused(answers[5], 422, "CREDENTIAL_UNKNOWN")
    settled(service.world)
    public.close(service.world, poll)
    public.open_totals(service.world, poll, service.context.store)
    given = poll.totals[CHANNEL].totals
    assert (given[poll.candidates[0]], sum(given.values())) == (1, 1)


def test_F06_every_ballot_sent_again_and_again_through_two_workers_counts_once(
    stack: ExitStack, site: Site, tmp_path: Path
) -> None:
    """Two workers with doors of their own, four clients each, every ballot three times in another order."""
    service = serve(stack, site, tmp_path)
    poll = public.opened(service.world)
    answers = asyncio.run(through_two_workers(service, poll, tmp_path / "ballots.sock"))
    receipts: dict[int, set[bytes]] = {}
    for number, answer in answers:
        assert answer.status_code in {200, 201}, answer.text
        receipts.setdefault(number, set()).add(canonical.encode(answer.json()["receipt"]))
    assert sum(answer.status_code == 201 for _, answer in answers) == public.VOTERS
    assert sorted(receipts) == list(range(public.VOTERS))
    for (receipt,) in receipts.values():
        verify(parse(receipt), [LOG_VKEY])
    settled(service.world)
    public.close(service.world, poll)
    public.open_totals(service.world, poll, service.context.store)
    assert sum(poll.totals[CHANNEL].totals.values()) == public.VOTERS
    assert audit(service.sequencer.state, poll.id, site.ballots()).problems == ()


async def through_two_workers(service: Service, poll: Poll, path: Path) -> list[tuple[int, httpx.Response]]:
    """Cast everybody's ballot through both of two applications at once, each with a socket to the boxes."""
    server = BallotServer(service.context.ballots, path)
    await server.open()
    url = f"/v1/polls/{poll.id}/ballots?at={service.world.now}"
    try:
        async with AsyncExitStack() as stack:
            clients = []
            for _ in range(2):
                app = create_app(replace(service.context, ballots=BallotSocket(path)))
                await stack.enter_async_context(app.router.lifespan_context(app))
                transport = httpx.ASGITransport(app, client=(ADDRESS, 1))
                clients.append(
                    await stack.enter_async_context(
                        httpx.AsyncClient(transport=transport, base_url="http://ledger.test")
                    )
                )

            async def one(worker: int, number: int) -> tuple[int, httpx.Response]:
                body = ballot(number, [poll.candidates[(number + worker) % 3]])
                return number, await clients[worker % 2].post(url, json=body)

            order = [
                (time, (number * 7 + time) % public.VOTERS) for time in range(3) for number in range(public.VOTERS)
            ]
            return list(await asyncio.gather(*(one(*each) for each in order)))
    finally:
        await server.close()


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile, as the service writes it, from the lowest level on."""
    text, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonLines())
    before = root.level, logging.getLogger("ballot_ledger").level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("ballot_ledger").setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        root.removeHandler(handler)
        root.setLevel(before[0])
        logging.getLogger("ballot_ledger").setLevel(before[1])


def stored(site: Site) -> bytes:
    """Every row of every table of the database, as text; bytes are hexadecimal there."""
    parts = []
    with psycopg.connect(site.admin_dsn) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert len(tables) > 5
        for schema, table in tables:
            query = f'SELECT t::text FROM "{schema}"."{table}" AS t'.encode()
            parts += [str(row[0]).encode() for row in connection.execute(query)]
    return b"\n".join(parts)


def test_F09_no_code_no_address_and_no_choice_is_kept_or_shown_anywhere(
    stack: ExitStack, site: Site, tmp_path: Path
) -> None:
    service = serve(stack, site, tmp_path)
    poll = public.opened(service.world)
    chosen = [list(poll.candidates[number : number + 1]) for number in range(3)]

    async def ask() -> list[httpx.Response]:
        app = create_app(service.context)
        transport = httpx.ASGITransport(app, client=(ADDRESS, 1))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://ledger.test") as client,
        ):
            path = f"/v1/polls/{poll.id}"
            bodies = [ballot(number, chosen[number]) for number in range(3)]
            answers = [await client.post(f"{path}/ballots?at={service.world.now}", json=one) for one in bodies]
            answers.append(await client.post(f"{path}/receipts", json={"code": code(0)}))
            index = service.sequencer.size - 1
            asked = (path, "/v1/polls", f"/entry/{number_path(index)}", f"/v1/entries/{index}", "/checkpoint")
            return answers + [await client.get(one) for one in asked]

    with logged() as text:
        answers = asyncio.run(ask())
    assert [one.status_code for one in answers] == [201, 201, 201, *[200] * 6]
    assert "/v1/polls/{poll}/ballots" in text.getvalue()
    secrets = [public.credential(number) for number in range(3)]
    kept = stored(site) + text.getvalue().encode() + b"".join(entries(service))
    files = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    shown = b"".join(one.content + str(one.headers).encode() for one in answers)
    for where in (kept, shown, *files.values()):
        for secret in (*secrets, ADDRESS.encode()):
            assert secret not in where
            assert secret.hex().encode() not in where
    # What a ballot chose is in its sealed row alone; the salt that opens it is in no answer and in no entry.
    receipts = b"".join(one.content for one in answers[:4])
    batches = b"".join(one.content for one in answers[6:8])
    logged_text = text.getvalue().encode()
    for candidates in chosen:
        assert not any(candidates[0].encode() in where for where in (receipts, batches, logged_text))
    for salt, opening in sealed(service, poll):
        for where in (shown, logged_text, *entries(service)):
            assert salt not in where
            assert salt.hex().encode() not in where
            assert opening.hex().encode() not in where
    for one in answers[:4]:
        verify(parse(canonical.encode(one.json()["receipt"])), [LOG_VKEY])
    # Nor once the totals are open: whoever bought a vote learns from no public file what it was.
    settled(service.world)
    public.close(service.world, poll)
    public.open_totals(service.world, poll, service.context.store)
    exported(service, poll, "public")


def entries(service: Service) -> list[bytes]:
    """Every entry of the log."""
    return [entry for _, entry in service.context.store.read_entries()]


def attached(service: Service, poll: Poll) -> list[bytes]:
    """The rows of every batch."""
    batches = service.sequencer.state.polls.ballots_of(poll.id).of_channel(CHANNEL)
    return [data for one in batches if (data := service.context.store.attached(one.index)) is not None]


def sealed(service: Service, poll: Poll) -> list[tuple[bytes, bytes]]:
    """The salts and sealed votes of all ballots."""
    found = []
    for data in attached(service, poll):
        block = parse_block(data)
        found += [(vote.salt, vote.encode()) for vote in block.votes()] + [(block.salt, block.salt)]
    return found


READ = (
    "/v1/programme",
    "/v1/stages",
    "/v1/stages/{stage}",
    "/v1/stages/{stage}/candidates",
    "/v1/rounds",
    "/v1/rankings",
    "/v1/vacancies",
    "/v1/alternates",
    "/v1/notices",
    "/v1/status",
    "/v1/findings",
    "/v1/off-path",
    "/v1/readings",
    "/v1/polls",
    "/v1/polls/{poll}",
)
MAY_CHANGE = {"as_of", "size", "taken"}
"""Members that say how far the log is, and how many ballots are in."""


def test_D14_while_a_public_vote_runs_nobody_is_told_more_over_http_than_how_many_have_voted(
    stack: ExitStack, site: Site, tmp_path: Path
) -> None:
    """Every reading by everybody before and after 23 ballots for one candidate: only counts have changed."""
    service = serve(stack, site, tmp_path)
    poll = public.opened(service.world)
    before = readings(service, poll)
    given = cast(service, poll, *(ballot(number, [poll.candidates[4]]) for number in range(23)))
    assert {one.status_code for one in given} == {201}
    after = readings(service, poll)
    assert before.keys() == after.keys()
    assert sum(status == 200 for status, _ in after.values()) > 3 * len(READ)
    for asked, (status, told) in after.items():
        assert (status, without(told)) == (before[asked][0], without(before[asked][1])), asked
    taken = [told["poll"]["taken"] for (_, path), (_, told) in after.items() if path == "/v1/polls/{poll}"]
    assert set(taken) == {23}
    everybody = [told["poll"] for (_, path), (_, told) in after.items() if path == "/v1/polls/{poll}"]
    assert all(one == everybody[0] for one in everybody)
    exported(service, poll, "public", "auditor")


def readings(service: Service, poll: Poll) -> dict[tuple[str | None, str], tuple[int, Any]]:
    """Status and value of every reading, for nobody known, those who run the selection, its auditors, the channel."""

    async def ask() -> dict[tuple[str | None, str], tuple[int, Any]]:
        found = {}
        async with service.client() as client:
            for who in (None, "organiser", "discipline", "registrar", OPERATOR):
                headers = await signed_in(client, service.world, who) | REASON
                for path in READ:
                    answer = await client.get(path.format(stage=STAGE, poll=poll.id), headers=headers)
                    found[who, path] = answer.status_code, answer.json()
        return found

    return asyncio.run(ask())


def without(told: Any) -> Any:
    """A value without what may change, and without what names one answer alone."""
    if isinstance(told, dict):
        return {name: without(value) for name, value in told.items() if name not in MAY_CHANGE | {"instance", "next"}}
    return [without(one) for one in told] if isinstance(told, list) else told


def exported(service: Service, poll: Poll, *audiences: str) -> None:
    """No export for these opens a ballot of the poll."""
    block_salts = {parse_block(data).salt for data in attached(service, poll)}
    salts = [salt for salt, _ in sealed(service, poll) if poll.closed is None or salt not in block_salts]

    async def ask() -> list[bytes]:
        async with service.client() as client:
            headers = await signed_in(client, service.world, "discipline") | REASON
            found = []
            for audience in audiences:
                answer = await client.get(f"/v1/exports?audience={audience}", headers=headers)
                assert answer.status_code == 200, answer.text
                with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                    found += [archive.read(name) for name in archive.namelist()]
            return found

    parts = asyncio.run(ask())
    assert (len(parts) > 4, len(salts) > 2) == (True, True)
    for part in parts:
        assert not any(salt in part or salt.hex().encode() in part for salt in salts)
