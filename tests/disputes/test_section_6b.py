"""Disputes B12 and H25: who reads a roster before its opening, or named ballots in bulk, by role and on the record."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from api.rehearsal.steps_bodies import play_rosters
from ledger.statements.foundation import StageOpened
from ledger.store.access import AccessBook, access_schema
from tests.finalists import CITY, notice_history
from tests.http.conftest import Service, served
from tests.http.reading import REASON, get
from tests.plays import history_at
from tests.sequenced import SCHEMA, SERVICE, Site
from tests.simulator import History, freeze, resume

SAID = "查阅 round by round"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What a test opens and leaves open."""
    with ExitStack() as made:
        yield made


def serve(stack: ExitStack, site: Site, history: History, folder: Path) -> Service:
    """A service over a history, with the folder's settings."""
    (folder / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')
    return stack.enter_context(served(site, history, folder))


def records(service: Service) -> list[tuple[str, str, str, str]]:
    """Who read what of which subject and why, in order."""
    found = AccessBook(service.context.store).records()
    return [(service.world.alias_of(one.person), one.what, one.subject, one.reason) for one in found]


def test_B12_a_roster_is_read_by_role_alone_before_its_stage_opens_and_every_reading_is_recorded(
    stack: ExitStack, site: Site, tmp_path: Path
) -> None:
    world = resume(history_at("screened"))
    play_rosters(world, "experts")
    service = serve(stack, site, freeze(world), tmp_path)
    path = "/v1/rosters/experts?group=metalworking"
    member = service.world.state.bodies.rosters["experts", "metalworking"].members[0]

    told = [get(service, who, path, **REASON) for who in (None, "applicant-01", service.world.alias_of(member))]
    assert [one.status_code for one in told] == [401, 403, 403]
    assert records(service) == []
    assert get(service, "organiser", path).json()["code"] == "READ_REASON_NEEDED"
    assert records(service) == []
    read = get(service, "organiser", path, **REASON)
    assert member in read.json()["roster"]["members"]
    assert records(service) == [("organiser", "roster_before_opening", "experts:metalworking", SAID)]

    service.world.must("organiser", StageOpened("experts"))
    assert get(service, service.world.alias_of(member), path).status_code == 200
    assert get(service, "applicant-01", path).status_code == 403
    assert len(records(service)) == 1


def test_H25_whoever_reads_named_ballots_or_everything_says_why_and_stays_on_record(
    stack: ExitStack, site: Site, tmp_path: Path
) -> None:
    service = serve(stack, site, notice_history(CITY), tmp_path)
    round_id = next(iter(service.world.state.rounds.by_id))
    ballots, full = f"/v1/rounds/{round_id}/ballots?format=csv", "/v1/exports?audience=auditor"
    bundle = "/tile/entries/000"

    for who in (None, "applicant-01", "panel-01", "inspector-1"):
        assert {get(service, who, path, **REASON).status_code for path in (ballots, full, bundle)} <= {401, 403}
    for who, path in (("organiser", ballots), ("auditor-2", full), ("discipline", bundle)):
        assert get(service, who, path).json()["code"] == "READ_REASON_NEEDED"
        assert get(service, who, path, **{"read-reason": "x" * 401}).json()["code"] == "READ_REASON_NEEDED"
    assert records(service) == []

    assert get(service, "organiser", ballots, **REASON).status_code == 200
    assert get(service, "auditor-2", full, **REASON).status_code == 200
    assert get(service, "discipline", bundle, **REASON).status_code == 200
    expected = [
        ("organiser", "named_ballots", f"round:{round_id}", SAID),
        ("auditor-2", "full_export", "export:newest", SAID),
        ("discipline", "full_export", "tile/entries/000", SAID),
    ]
    assert records(service) == expected
    shown = get(service, "discipline", "/v1/reads").json()["reads"]
    assert [(one["what"], one["reason"]) for one in shown] == [(what, why) for _, what, _, why in expected]
    assert [one["number"] for one in shown] == [1, 2, 3]


@pytest.mark.parametrize("change", ["UPDATE {}.reads SET reason = 'x'", "DELETE FROM {}.reads", "TRUNCATE {}.reads"])
def test_H25_nobody_takes_a_record_away(site: Site, change: str) -> None:
    with site.store() as store:
        AccessBook(store).record(1, "a" * 32, "named_ballots", "round:x", "why", 0)
    for dsn in (site.service_dsn, site.admin_dsn):
        with psycopg.connect(dsn) as connection, pytest.raises(psycopg.Error):
            connection.execute(change.format(access_schema(SCHEMA)).encode())
    with site.store() as store:
        assert [one.reason for one in AccessBook(store).records()] == ["why"]


def test_H25_nothing_is_read_where_it_cannot_be_recorded(stack: ExitStack, site: Site, tmp_path: Path) -> None:
    service = serve(stack, site, notice_history(CITY), tmp_path)
    round_id = next(iter(service.world.state.rounds.by_id))
    with psycopg.connect(site.admin_dsn) as connection:
        schema = access_schema(SCHEMA)
        connection.execute(f"REVOKE EXECUTE ON FUNCTION {schema}.record FROM {SERVICE}".encode())
    answer = get(service, "organiser", f"/v1/rounds/{round_id}/ballots", **REASON)
    assert (answer.status_code, "ballots" in answer.json()) == (503, False)
