"""Disputes H16 and H17: shown tables that were edited while the entries are intact, and tables that lag."""

from pathlib import Path
from typing import Any

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_rounds import ballot, certification, close_round
from ledger.opening import create_home
from ledger.statements.rounds import ResultCertified
from ledger.store.readers import install_readers
from projections.drift import CODE, SEVERITY, Drift, compare
from projections.live import live
from tests.api.calling import call
from tests.disputes.test_section_8a import FOURTEEN, round_of, voting_history
from tests.projections.tabled import Tabled
from tests.sequenced import SCHEMA, SERVICE, Site, WorldFrom
from tests.simulator import ORIGIN
from tests.voting import PANEL

SUBJECT = "stage:shortlist"


@pytest.fixture
def voted(world_from: WorldFrom, site: Site) -> World:
    """A panel that has voted and whose round is not closed yet, on a real sequencer."""
    world = world_from(voting_history())
    install_readers(site.admin_dsn, SCHEMA, SERVICE)
    opened = round_of(world)
    for alias in PANEL:
        world.must(alias, ballot(world, opened.id, FOURTEEN))
    return world


@pytest.fixture
def home(site: Site, tmp_path: Path) -> Path:
    """A ledger's folder for the command line, whose log is that of the site."""
    folder = tmp_path / "home"
    made = create_home(folder, ORIGIN, schema=SCHEMA)
    made.pin.symlink_to(site.pin_path)
    return folder


def tables(home: Path, site: Site, *arguments: str) -> Any:
    return call("tables", *arguments, "--home", home, "--json", DATABASE_URL=site.service_dsn)


EDITS = {
    "a rank": (
        "UPDATE results SET rank = 1 WHERE candidate = (SELECT max(candidate) FROM results)",
        "results",
        "changed",
    ),
    "a vote": (
        "UPDATE ballots SET marks = translate(marks, 'Y', 'N') WHERE member = (SELECT min(member) FROM ballots)",
        "ballots",
        "changed",
    ),
    "a row less": (
        "DELETE FROM candidates WHERE person = (SELECT min(person) FROM candidates)",
        "candidates",
        "missing",
    ),
    "a row more": (
        "INSERT INTO named SELECT person, 1, now(), NULL, NULL FROM people LIMIT 1",
        "named",
        "extra",
    ),
    "a stage hidden": ("DELETE FROM stages WHERE stage = 'final'", "stages", "missing"),
    "its own account": ("UPDATE contents SET rows = rows + 1 WHERE table_name = 'results'", "contents", "changed"),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_H16_an_edited_table_is_found_by_table_and_row_and_the_entries_win(
    voted: World, site: Site, home: Path, edit: str
) -> None:
    close_round(voted, round_of(voted).id)
    rebuilt = tables(home, site, "rebuild")
    assert (rebuilt.code, rebuilt.value["size"]) == (0, voted.state.size)
    assert tables(home, site, "check").code == 0
    statement, table, how = EDITS[edit]
    log = Tabled(site)
    log.tamper(statement)
    found = tables(home, site, "check")
    assert found.code == 1
    assert {(one["code"], one["severity"], one["table"], one["how"]) for one in found.value["findings"]} == {
        (CODE, SEVERITY, table, how)
    }
    assert all(one["row"] for one in found.value["findings"])
    assert all(value for one in found.value["findings"] for value in one["row"].values())
    # What was certified, audited or refused never looked at the tables; rebuilt, they say again what the entries give.
    assert site.audit().clean
    assert tables(home, site, "rebuild").code == 0
    assert tables(home, site, "check").code == 0


def test_H16_an_edit_is_found_although_its_row_was_written_again(voted: World, site: Site) -> None:
    """The hash that goes with the position is of what was derived, not of what stands there."""
    log = Tabled(site)
    with site.store() as store, live(store) as current:
        log.tamper("DELETE FROM rounds")
        close_round(voted, round_of(voted).id)
        current.catch_up()
        found = compare(current.tables, store)
    rows = len(voted.state.rounds.by_id) - 1
    assert [(one.table, one.how) for one in found.drifts] == [("rounds", "missing")] * rows
    assert found.told == found.derived


def test_H16_a_replaced_view_or_a_dropped_table_is_found(voted: World, site: Site) -> None:
    log = Tabled(site)
    with site.store() as store, live(store) as current:
        nobody = "SELECT person, entry, named_at, revoked FROM named WHERE false"
        log.tamper(f"CREATE OR REPLACE VIEW public_named AS {nobody}")
        log.tamper("DROP TABLE recusals")
        log.tamper("ALTER TABLE notices DROP COLUMN moved_up")
        log.tamper("DROP VIEW votes")
        found = compare(current.tables, store)
    assert sorted((one.table, one.how, len(one.row)) for one in found.drifts) == [
        ("notices", "changed", 0),
        ("public_named", "changed", 0),
        ("recusals", "missing", 0),
        ("votes", "missing", 0),
    ]


def test_H16_the_same_row_twice_is_found(voted: World, site: Site) -> None:
    log = Tabled(site)
    with site.store() as store, live(store) as current:
        log.tamper("ALTER TABLE people DROP CONSTRAINT people_pkey")
        log.tamper("INSERT INTO people SELECT * FROM people LIMIT 1")
        found = compare(current.tables, store)
    assert found.drifts == (Drift("people", "extra", {}),)


def test_H17_a_result_read_before_the_last_entry_that_counts_is_not_certified(
    voted: World, site: Site, home: Path
) -> None:
    """The tables name their position; a certification names the same one, and a stale one is refused."""
    assert tables(home, site, "follow", "--once").code == 0
    status = tables(home, site, "status")
    assert (status.code, status.value["size"]) == (0, voted.state.size)
    read_at = voted.ledger.seen()
    assert read_at is not None
    assert read_at.size == status.value["size"]

    close_round(voted, round_of(voted).id)
    lagging = tables(home, site, "status")
    assert lagging.code == 1
    assert lagging.value["size"] < lagging.value["released"] == voted.state.size
    log = Tabled(site)
    assert log.rows("SELECT * FROM results WHERE subject = 'stage:shortlist'") == []

    now: ResultCertified = certification(voted, SUBJECT)
    stale = ResultCertified(
        read_at.size, now.projection, now.rows, now.rows_root, now.rules, SUBJECT, read_at.root, read_at.size
    )
    size = voted.state.size
    refusal = voted.refused("organiser", stale, seen=read_at)
    changed = voted.state.rounds.session("shortlist", None).changed
    assert (refusal.code, refusal.clause) == ("STALE_VIEW", "五(三)")
    assert refusal.facts == {"as_of": read_at.size, "changed": changed}
    assert voted.state.size == size

    current = tables(home, site, "follow", "--once").value["size"]
    (shown,) = log.rows("SELECT DISTINCT rows_root FROM results WHERE subject = 'stage:shortlist'")
    fresh = certification(voted, SUBJECT)
    assert (fresh.as_of, fresh.rows_root) == (current, *shown)
    voted.must("organiser", fresh)


def test_H17_every_answer_names_the_position_it_was_read_at(voted: World, site: Site, home: Path) -> None:
    assert tables(home, site, "follow", "--once").code == 0
    before = tables(home, site, "query", "recount").value["as_of"]
    close_round(voted, round_of(voted).id)
    assert tables(home, site, "query", "recount").value["as_of"] == before < voted.state.size
    assert tables(home, site, "follow", "--once").code == 0
    answer = tables(home, site, "query", "recount").value
    assert answer["as_of"] == voted.state.size
    assert [row for row in answer["rows"] if row["subject"] == SUBJECT]
