"""Section 6: the page of the public vote favours nobody, and another page than the recorded one shows (F11)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.rehearsal.steps_bodies import play_draw
from api.rehearsal.steps_polls import poll_opening
from ledger.checkpoint import VerifierKey
from ledger.decisions.polls import poll_list
from ledger.statements.foundation import StageOpened
from ledger.statements.naming import FindingRaised
from ledger.statements.plain import from_plain
from projections.poll_page import CODE, digest, shown_order, snapshot, turn_of
from tests.api.calling import call
from tests.http.conftest import served
from tests.http.live import Live, listening
from tests.public_ballots import STAGE
from tests.sequenced import Site
from tests.simulator import LOG_VKEY, NEXT_LOG_KEY, ORIGIN, freeze, resume
from tests.voting import history_before

DRAWN_PAGE = b"<html>the channel's own page, with a photo of everybody</html>"


@pytest.fixture(autouse=True)
def sequenced() -> None:
    """Each test puts its play into a database of its own."""


@pytest.fixture
def live(site: Site, tmp_path: Path) -> Iterator[Live]:
    """A service at the opening of a public vote whose order was drawn."""
    world = resume(history_before(STAGE))
    stage = world.state.charter.stage(STAGE)
    assert stage is not None
    by_id, _ = poll_list(world.state, stage, world.identifier(f"poll/{STAGE}"))
    drawn = play_draw(world, "order", f"stage:{STAGE}", by_id)
    assert drawn != by_id
    world.must("organiser", StageOpened(STAGE))
    body = poll_opening(world, STAGE)
    assert body.candidates == drawn
    with served(site, freeze(world), tmp_path) as service, listening(service) as one:
        yield one


def opened(live: Live, page: str) -> str:
    """Open the poll with this page on record; return its id."""
    world = live.service.world
    world.must("organiser", poll_opening(world, STAGE, page=page))
    return world.identifier(f"poll/{STAGE}")


def own_page(live: Live) -> bytes:
    """The page as the service shows it."""
    body = poll_opening(live.service.world, STAGE)
    return snapshot(body.poll, STAGE, body.candidates, body.list_hash)


def check(live: Live, poll: str, folder: Path, *more: str | Path) -> tuple[int, dict[str, object]]:
    """Check the page by command."""
    answer = call(
        "check-page", poll, "--server", live.url, "--vkey", LOG_VKEY.encode(), "--json",
        "--statement", folder / "finding.json", *more,
    )  # fmt: skip
    return answer.code, answer.value["page"]


def test_F11_the_order_is_drawn_and_turned_so_that_everybody_stands_first_alike(live: Live, tmp_path: Path) -> None:
    world = live.service.world
    body = poll_opening(world, STAGE)
    favourite = (body.candidates[-1], *body.candidates[:-1])
    refusal = world.refused("organiser", poll_opening(world, STAGE, candidates=favourite))
    assert refusal.code == "LIST_NOT_DERIVED"
    poll = opened(live, digest(own_page(live)))
    every = len(body.candidates)
    shown = [live.http.get(f"/v1/polls/{poll}/page?turn={turn}").json()["page"] for turn in range(every)]
    for place in range(every):
        assert sorted(one["candidates"][place] for one in shown) == sorted(body.candidates)
    assert [turn_of(body.candidates, body.list_hash, one["candidates"]) for one in shown] == list(range(every))
    assert shown[0]["candidates"] == list(shown_order(body.candidates, body.list_hash, every))
    assert turn_of(body.candidates, body.list_hash, sorted(body.candidates)) is None
    anew = {tuple(live.http.get(f"/v1/polls/{poll}/page").json()["page"]["candidates"]) for _ in range(30)}
    assert len(anew) > 1
    assert check(live, poll, tmp_path) == (
        0,
        {"fair_order": True, "poll": poll, "recorded": shown[0]["digest"], "same": True, "served": shown[0]["digest"]},
    )
    assert live.http.get("/v1/polls/nowhere/page").status_code == 404


def test_F11_another_page_than_the_recorded_one_is_a_breach_with_the_entry_that_shows_it(
    live: Live, tmp_path: Path
) -> None:
    page, changed = tmp_path / "page.html", tmp_path / "changed.html"
    page.write_bytes(DRAWN_PAGE)
    changed.write_bytes(DRAWN_PAGE.replace(b"a photo of everybody", b"a photo of all but one"))
    poll = opened(live, digest(DRAWN_PAGE))
    assert check(live, poll, tmp_path, "--page", page)[0] == 0
    code, told = check(live, poll, tmp_path, "--page", changed)
    assert (code, told["same"], told["recorded"]) == (1, False, digest(DRAWN_PAGE))
    statement = json.loads((tmp_path / "finding.json").read_text())
    world = live.service.world
    world.must("discipline", from_plain(FindingRaised, statement["body"], "body"))
    (found,) = world.state.findings.open_breaches()
    assert (found.code, found.entries) == (CODE, (world.state.polls.by_id[poll].opened,))
    # The page of the service itself is not the one that this channel recorded either.
    assert check(live, poll, tmp_path)[0] == 1


def test_F11_what_the_service_says_of_the_record_is_held_against_the_log(live: Live, tmp_path: Path) -> None:
    poll = opened(live, digest(own_page(live)))
    stranger = VerifierKey(ORIGIN, NEXT_LOG_KEY.public).encode()
    answer = call("check-page", poll, "--server", live.url, "--vkey", stranger, "--json")
    assert (answer.code != 0, answer.value["error"]["code"]) == (True, "NOTE_UNSIGNED")
    missing = call("check-page", poll, "--server", live.url, "--vkey", LOG_VKEY.encode(), "--page", tmp_path / "no")
    assert missing.code == 2
    away = call("check-page", poll, "--server", live.url, "--vkey", LOG_VKEY.encode(), "--page", f"{live.url}/nowhere")
    assert away.code == 2
