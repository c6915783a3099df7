"""Section 8: a key that an administrator enrolled for a member is used from the administrator's own session (H01)."""

import json
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest

from api.http.admin_connections import AdminConnections
from api.http.audience import Viewer
from api.readings import noted_uses
from api.rehearsal.driver import World
from api.rehearsal.steps_objections import one_time_actor
from api.rehearsal.steps_rounds import NO_PLAN, ballot, certification, choices_of, close_round
from ledger.signing import encode_base64, key_id
from ledger.statements.foundation import ActCountersigned
from ledger.statements.naming import DisputeOpened, FindingRaised
from ledger.statements.notices import ObjectionReceived
from ledger.statements.plain import from_plain
from ledger.statements.rounds import CloseConsented
from projections.first_uses import CODE, first_uses
from tests.api.calling import call
from tests.http.conftest import JSON, served
from tests.http.live import Live, listening
from tests.http.reading import REASON
from tests.http.test_statements import open_round_history
from tests.sequenced import Site
from tests.simulator import freeze, resume


@pytest.fixture(autouse=True)
def sequenced() -> None:
    """Each test puts its play into a database of its own."""


NEWCOMERS = ("newcomer-1", "newcomer-2", "newcomer-3")


@pytest.fixture
def live(site: Site, tmp_path: Path) -> Iterator[Live]:
    """A service with members whose keys were enrolled and have signed nothing yet."""
    world = resume(open_round_history()[0])
    for alias in NEWCOMERS:
        world.enrol(alias, "inspector", unit=f"unit-{alias}")
    (tmp_path / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')
    with served(site, freeze(world), tmp_path) as service, listening(service) as one:
        yield one


def hand_in(http: httpx.Client, world: World, alias: str, **headers: str) -> int:
    """Let somebody's key sign something harmless, handed in over this client; return its entry."""
    world.now += 1000
    envelope = world.envelope(alias, dispute(world, alias))
    answer = http.post(f"/v1/statements?at={world.now}", content=envelope, headers=JSON | headers)
    assert answer.status_code == 201, answer.text
    index: int = answer.json()["index"]
    return index


def dispute(world: World, alias: str) -> DisputeOpened:
    """Something that anybody may sign."""
    return DisputeOpened(0, f"{alias} 第 {world.state.size} 条")


def told(live: Live) -> list[dict[str, object]]:
    """The breaches as an auditor reads them."""
    found: list[dict[str, object]] = live.http.get(
        "/v1/first-uses", headers=live.session("discipline") | REASON
    ).json()["first_uses"]
    return found


def test_H01_nobody_enrols_alone_and_a_key_first_used_from_an_admins_session_is_a_breach(live: Live) -> None:
    world = live.service.world
    alone = world.must("registrar", world.enrolment("newcomer-4"))
    assert world.refused("registrar", ActCountersigned(alone.index, alone.leaf.hex())).code in {
        "ENROLMENT_NEEDS_TWO",
        "SECOND_SIGNER_NEEDED",
        "NOT_AUTHORISED",
    }
    assert world.refused("registrar", world.enrolment("registrar")).code == "ENROLMENT_NEEDS_TWO"
    assert told(live) == []
    # With the registrar's own token; and over the connection over which the registrar is reading.
    session = live.session("registrar")
    first = hand_in(live.http, world, NEWCOMERS[0], **session)
    with httpx.Client(base_url=live.url) as desk:
        assert desk.get("/v1/session", headers=session).status_code == 200
        second = hand_in(desk, world, NEWCOMERS[1])
        # Once a key has signed from elsewhere, or signs again, it tells nothing.
        hand_in(desk, world, NEWCOMERS[1])
    with httpx.Client(base_url=live.url) as own:
        hand_in(own, world, NEWCOMERS[2])
        hand_in(live.http, world, NEWCOMERS[2], **session)
    found = told(live)
    assert [(one["member"], one["used"], one["how"]) for one in found] == [
        (world.person(NEWCOMERS[0]), first, "session"),
        (world.person(NEWCOMERS[1]), second, "connection"),
    ]
    assert {(one["code"], one["severity"], one["admin"]) for one in found} == {
        (CODE, "breach", world.person("registrar"))
    }
    # On the record: an open breach, without whose end no result is certified.
    statement = found[0]["statement"]
    assert isinstance(statement, dict)
    world.must("discipline", raised(statement))
    (breach,) = world.state.findings.open_breaches()
    assert (breach.code, breach.entries) == (CODE, (found[0]["enrolled"], first))
    assert [one["raised"] for one in told(live)] == [breach.raised, None]
    refusal = world.refused("organiser", certification_of(world))
    assert refusal.code == "FINDING_OPEN"


def raised(statement: dict[str, object]) -> FindingRaised:
    """The statement that is given along."""
    body: FindingRaised = from_plain(FindingRaised, json.loads(json.dumps(statement))["body"], "body")
    return body


def certification_of(world: World) -> object:
    """Let everybody vote, close the round, and certify what came of it."""
    played = world.state.rounds.by_id[open_round_history()[1]]
    for member, approve in choices_of(world, played, NO_PLAN, {}).items():
        world.must(member, ballot(world, played.id, approve))
    close_round(world, played.id)
    return certification(world, "stage:shortlist")


def test_H01_what_is_recorded_counts_only_with_the_log(live: Live) -> None:
    world, session = live.service.world, live.session("organiser")
    used = hand_in(live.http, world, NEWCOMERS[0], **session)
    state = live.service.sequencer.state
    noted = noted_uses(live.service.context.store)
    acts = live.service.context.reader.read(None, lambda picture: picture.acts)
    (one,) = first_uses(state, acts, noted)
    assert (one.used, one.admin, one.key) == (
        used,
        world.person("organiser"),
        key_id(world.actor(NEWCOMERS[0]).key.public),
    )
    assert first_uses(state, acts[:used], noted) == ()
    # A refused statement leaves a record, which means nothing once the key signs from elsewhere.
    refused = live.http.post(
        f"/v1/statements?at={world.now}",
        content=world.envelope(NEWCOMERS[1], CloseConsented("no-such-round")),
        headers=JSON | session,
    )
    assert refused.status_code >= 400
    with httpx.Client(base_url=live.url) as own:
        hand_in(own, world, NEWCOMERS[1])
    assert [one["member"] for one in told(live)] == [world.person(NEWCOMERS[0])]


def test_H01_the_command_tells_the_same_and_writes_what_is_to_be_signed(live: Live, site: Site, tmp_path: Path) -> None:
    used = hand_in(live.http, live.service.world, NEWCOMERS[0], **live.session("registrar"))
    (tmp_path / "pin").write_bytes(site.pin_path.read_bytes())
    asked = ("first-uses", "--home", tmp_path, "--statements", tmp_path / "findings", "--json")
    answer = call(*asked, DATABASE_URL=site.service_dsn)
    assert answer.code == 1
    assert answer.value["first_uses"] == told(live)
    written = json.loads((tmp_path / "findings" / f"key_used_from_admin-{used}.json").read_text())
    assert written == answer.value["first_uses"][0]["statement"]
    shown = call("first-uses", "--home", tmp_path, "--lang", "en", DATABASE_URL=site.service_dsn)
    assert "first used from an administrator's session" in shown.out


def test_H01_nobody_who_objects_is_put_on_record(live: Live) -> None:
    world, session = live.service.world, live.session("discipline")
    anonymous = one_time_actor(world, "objector")
    body = ObjectionReceived((), None, "notice-1", "objection-1", encode_base64(anonymous.key.public), "0" * 64)
    envelope = world.envelope("objector", body)
    answer = live.http.post(f"/v1/statements?at={world.now}", content=envelope, headers=JSON | session)
    assert answer.status_code >= 400
    assert noted_uses(live.service.context.store) == ()


def test_a_connection_is_forgotten_and_a_proxys_says_nothing() -> None:
    registrar, member = Viewer("r", frozenset({"registrar"})), Viewer("m", frozenset({"member"}))
    seen, peer = AdminConnections(), ("127.0.0.1", 5)
    seen.saw(peer, member, ())
    seen.saw(peer, registrar, (ip_network("127.0.0.0/8"),))
    seen.saw(("unix", 5), registrar, ())
    seen.saw(None, registrar, ())
    assert seen.on(peer) is None
    seen.saw(peer, registrar, (ip_network("10.0.0.0/8"),))
    assert seen.on(peer) == "r"
    assert seen.on(("127.0.0.1", 6)) is seen.on(None) is None
    past = AdminConnections(seconds=-1)
    past.saw(peer, registrar, ())
    assert past.on(peer) is None
    many = AdminConnections()
    for port in range(5000):
        many.saw(("127.0.0.1", port), registrar, ())
    assert many.on(("127.0.0.1", 0)) is None
    assert many.on(("127.0.0.1", 4999)) == "r"
