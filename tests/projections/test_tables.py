"""The derived tables: always what a whole derivation gives, of one position, for those who may read them."""

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from api.rehearsal.driver import World
from api.rehearsal.live import SequencedLedger
from ledger.errors import ConflictError, LedgerError, StoreError
from ledger.pin import PinFile
from ledger.statements import decode_own_entry
from ledger.store.readers import install_readers, projector_role, public_role, reader_role
from projections.drift import compare
from projections.live import live, released_size
from projections.tables import open_tables
from projections.tabular.catalogue import CONTENTS, POSITION, TABLES, VIEWS
from projections.tabular.ddl import ALL_TABLES
from projections.tabular.image import Change, Image
from projections.tabular.model import cell, line
from tests.model.driver import PHASES
from tests.model.phase_applications import applications, people, programme_of, screening
from tests.model.phase_between import between
from tests.model.phase_rounds import Exhausted
from tests.model.play import Play
from tests.projections.tabled import Tabled, derived, tabled
from tests.projections.test_secrecy import both, vote
from tests.projections.worlds import PROGRAMMES, eventful, smooth
from tests.sequenced import SCHEMA, SERVICE, Site
from tests.simulator import History, MemoryLedger, freeze, resume
from tests.test_scenario import contested, ledger_of


def code(caught: pytest.ExceptionInfo[LedgerError]) -> str:
    return caught.value.code


def random_play(seed: int) -> list[bytes]:
    """Return the entries of a random selection in which nearly anything may happen."""
    play = Play(seed)
    plan = people(play)
    applications(play, plan)
    screening(play, plan)
    try:
        for stage in programme_of(play).stages:
            if stage.kind in PHASES:
                between(play)
                PHASES[stage.kind](play, stage)
    except Exhausted:
        pass
    return play.ledger.entries


WORLDS: dict[str, Callable[[], list[bytes]]] = {
    "eventful": lambda: eventful().entries,
    "contested": lambda: ledger_of(contested()[0]).entries,
    "medal": lambda: smooth(PROGRAMMES[1]).entries,
    "random-3": lambda: random_play(3),
    "random-8": lambda: random_play(8),
}


# --- what the tables hold ---


@pytest.mark.parametrize("name", WORLDS)
def test_no_entry_leaves_a_row_stale(name: str) -> None:
    """Only what entries mark is derived again; at many places it is held against everything derived anew."""
    entries = WORLDS[name]()
    chance = random.Random(name)
    places = {*chance.sample(range(1, len(entries)), 10), len(entries)}
    image = Image()
    for entry in entries:
        image.take(decode_own_entry(entry))
        size = image.state.size
        if size in places or chance.random() < 0.2:
            image.entry_lines()
            for _ in image.changes():
                pass
        if size in places:
            assert image.contents == derived(entries[:size]).contents, (size, decode_own_entry(entry).statement.type)
    assert image.content_hash() == derived(entries).content_hash()


def test_batches_change_nothing() -> None:
    entries = eventful().entries
    hashes = set()
    for batch in (7, 1000):
        image = Image()
        for start in range(0, len(entries), batch):
            for entry in entries[start : start + batch]:
                image.take(decode_own_entry(entry))
            image.entry_lines()
            assert all(isinstance(change, Change) for _, change in image.changes())
        hashes.add(image.content_hash())
    assert hashes == {derived(entries).content_hash()}


def test_an_entry_writes_only_what_it_changes() -> None:
    """One more ballot in an open round is one row of its round, however much else there is."""
    played = eventful()
    size = played.marks["shortlist:open"]
    image = Image()
    for entry in played.entries[: size - 1]:
        image.take(decode_own_entry(entry))
    image.entry_lines()
    list(image.changes())
    ballot = decode_own_entry(played.entries[size - 1])
    assert ballot.statement.type == "ballot.cast"
    image.take(ballot)
    (only,) = image.changes()
    table, change = only
    assert (table, change.part, len(change.lines), change.fresh) == ("rounds", ballot.body.round, 1, False)


def test_nothing_of_an_open_vote_is_in_any_table() -> None:
    """Plays that differ only in what was voted give the same tables until the vote closes."""
    assert len({derived(entries_of(world)).content_hash() for world in both("shortlist", vote)}) == 1


def entries_of(world: World) -> list[bytes]:
    assert isinstance(world.ledger, MemoryLedger)
    return world.ledger.entries


def test_superseded_ballots_are_shown_with_the_rest_of_their_closed_rounds() -> None:
    played = eventful()
    for name, shown in (("shortlist:voted", 0), ("shortlist:reopened", 1), ("shortlist:counted", 2)):
        image = derived(played.entries[: played.marks[name]])
        rounds = image.state.rounds.session("shortlist", None).rounds
        ballots = sum(len(one.ballots) for one in rounds[:shown])
        others = sum(len(one.ballots) for one in image.state.rounds.by_id.values() if one.stage != "shortlist")
        assert image.contents["ballots"].rows == ballots + others


def test_no_filer_is_in_any_table() -> None:
    """An objection by a one-time key leaves no trace of the key but that it was one."""
    image = Image()
    for entry in eventful().entries:
        image.take(decode_own_entry(entry), marking=False)
    lines = image.entry_lines().splitlines()
    lines += [each for _, change in image.everything() for each in change.lines]
    assert any(decode_own_entry(entry).person.startswith("sealed:") for entry in eventful().entries)
    assert not any(b"sealed:" in each for each in lines)
    assert any(b"\tsealed\t" in each for each in lines)


def test_values_are_written_as_copy_reads_them() -> None:
    row = ("a\tb\\c\nd", None, True, False, 7, ('x"y\\z', "\t"), (1, 2), ())
    assert line(row) == b'a\\tb\\\\c\\nd\t\\N\tt\tf\t7\t{"x\\\\"y\\\\\\\\z","\\t"}\t{1,2}\t{}\n'
    assert cell("一\r") == "一\\r"


# --- on a database ---


@pytest.fixture
def whole(site: Site) -> Tabled:
    """The eventful log, all of it released."""
    return tabled(site, history())


def history() -> History:
    return freeze(eventful().world)


def test_the_tables_hold_what_they_say(whole: Tabled) -> None:
    with whole.site.store() as store, live(store) as current:
        assert (current.rebuilt, current.size) == (True, len(eventful().entries))
        contents = current.tables.contents()
    image = derived(eventful().entries)
    assert contents == {name: (one.rows, one.hash) for name, one in image.contents.items()}
    for table in TABLES:
        ((rows,),) = whole.rows(f"SELECT count(*) FROM {table.name}")
        assert rows == contents[table.name][0]
    assert whole.rows("SELECT size, content_hash FROM position") == [(image.state.size, image.content_hash())]


def test_every_table_view_and_column_is_explained_in_two_languages(whole: Tabled) -> None:
    with whole.site.store() as store, live(store):
        pass
    found = whole.rows(
        """
        SELECT c.relname, a.attname, col_description(c.oid, a.attnum), obj_description(c.oid, 'pg_class')
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'ledger_tables'::regnamespace AND c.relkind IN ('r', 'v')
        """
    )
    made = {(one.name, column.name) for one in (*ALL_TABLES, *VIEWS) for column in one.columns}
    assert {(table, column) for table, column, *_ in found} == made
    for *_, told, about in found:
        for comment in (told, about):
            zh, _, en = comment.partition(" · ")
            assert any("\u4e00" <= character <= "\u9fff" for character in zh), comment
            assert en, comment


def test_moving_on_in_batches_ends_where_building_does(site: Site) -> None:
    entries = eventful().entries
    first = eventful().marks["shortlist:open"]
    log = tabled(site, history(), first)
    with site.store() as store, live(store) as current:
        assert current.size == first
        assert log.rows("SELECT count(*) FROM ballots AS b JOIN rounds AS r USING (round) WHERE r.closed IS NULL") == [
            (0,)
        ]
        log.pin(entries)
        assert current.catch_up() == len(entries)
        found = compare(current.tables, store)
        assert (found.drifts, found.told, found.size) == ((), found.derived, len(entries))


def test_tables_go_on_where_they_were(site: Site) -> None:
    entries = eventful().entries
    log = tabled(site, history(), 400)
    for size, rebuilt in ((400, True), (900, False), (len(entries), False)):
        log.pin(entries[:size])
        with site.store() as store, live(store) as current:
            assert current.rebuilt is rebuilt
            assert current.catch_up() == size
    with log.opened() as (store, tables):
        assert compare(tables, store).drifts == ()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE position SET layout = 'another version'",
        "UPDATE position SET content_hash = 'another derivation'",
        "UPDATE position SET size = size + 1",
        "DELETE FROM position",
        "ALTER SCHEMA ledger_tables RENAME TO gone",
    ],
)
def test_tables_that_cannot_be_gone_on_with_are_built_anew(whole: Tabled, change: str) -> None:
    with whole.site.store() as store, live(store):
        pass
    whole.tamper(change)
    with whole.site.store() as store, live(store) as current:
        assert current.rebuilt
        assert compare(current.tables, store).drifts == ()


def test_a_batch_is_written_whole_or_not_at_all(whole: Tabled) -> None:
    whole.site.pin_path.unlink()
    whole.pin(eventful().entries[:1000])
    with whole.site.store() as store, live(store) as current:
        before = whole.rows("SELECT * FROM position"), whole.rows("SELECT count(*) FROM entries")
        whole.tamper("ALTER TABLE rounds ADD CHECK (voted < 0) NOT VALID")
        whole.pin(eventful().entries)
        with pytest.raises(StoreError) as caught:
            current.catch_up()
        assert code(caught) == "STORE_FAILED"
    assert (whole.rows("SELECT * FROM position"), whole.rows("SELECT count(*) FROM entries")) == before


def test_tables_have_one_writer(whole: Tabled) -> None:
    with whole.site.store() as store, live(store) as current:
        with pytest.raises(StoreError) as caught, live(store):
            pass
        assert code(caught) == "TABLES_IN_USE"
        whole.tamper("UPDATE position SET size = 5")
        with pytest.raises(ConflictError) as moved:
            current.tables.move(Image(), ())
        assert code(moved) == "TABLES_MOVED"


def test_what_the_tables_need_is_installed_by_an_administrator(new_site: Callable[[], Site]) -> None:
    site = new_site()
    install_readers(site.admin_dsn, SCHEMA, SERVICE)
    site.execute(SQL("REVOKE {} FROM {}").format(Identifier(projector_role(SCHEMA)), Identifier(SERVICE)))
    with site.store() as store:
        with pytest.raises(StoreError) as caught, open_tables(store):
            pass
        assert code(caught) == "TABLES_NOT_INSTALLED"
        for _ in range(2):
            install_readers(site.admin_dsn, SCHEMA, SERVICE)
        with open_tables(store) as tables:
            assert tables.position() is None
            with pytest.raises(StoreError) as missing:
                compare(tables, store)
            assert code(missing) == "TABLES_MISSING"
        assert store.guards() == []
    with pytest.raises(StoreError) as refused:
        install_readers(site.service_dsn, "other_log", SERVICE)
    assert code(refused) == "STORE_PRIVILEGE"


def test_tables_of_another_version_are_not_called_tampered_with(whole: Tabled) -> None:
    with whole.site.store() as store, live(store):
        pass
    whole.tamper("UPDATE position SET layout = 'another version'")
    with whole.opened() as (store, tables), pytest.raises(StoreError) as caught:
        compare(tables, store)
    assert code(caught) == "TABLES_OUTDATED"


# --- who may read ---


def refused(log: Tabled, role: str, statement: str) -> bool:
    try:
        log.rows(statement, role)
    except errors.InsufficientPrivilege:
        return True
    return False


@pytest.fixture
def inspector(whole: Tabled) -> Iterator[str]:
    """The connection string of an inspector, who is one of the readers and nothing else."""
    with whole.site.store() as store, live(store):
        pass
    name = f"inspector_{secrets.token_hex(4)}"
    with psycopg.connect(whole.site.admin_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN IN ROLE {reader_role(SCHEMA)}".encode())
        yield make_conninfo(whole.site.admin_dsn, user=name)
        connection.execute(f"DROP ROLE {name}".encode())


def test_readers_read_the_tables(inspector: str) -> None:
    with psycopg.connect(inspector) as connection:
        for one in (*ALL_TABLES, *VIEWS):
            row = connection.execute(f"SELECT count(*) FROM {SCHEMA}_tables.{one.name}".encode()).fetchone()
            assert row is not None
            assert row[0] >= 0


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM ledger.entries",
        "SELECT * FROM ledger.attempts",
        "UPDATE ledger_tables.results SET rank = 1",
        "DELETE FROM ledger_tables.ballots",
        "TRUNCATE ledger_tables.findings",
        "INSERT INTO ledger_tables.named SELECT * FROM ledger_tables.named",
        "CREATE TABLE ledger_tables.more (a int)",
        "CREATE SCHEMA more",
        "SET ROLE ledger_projector",
        "SET ROLE ledger_service",
        "ALTER TABLE ledger_tables.results DISABLE TRIGGER ALL",
        "SELECT ledger.record_attempt(1, 'a', '', 't', 'c', '{}', '')",
    ],
)
def test_readers_do_nothing_else(inspector: str, statement: str) -> None:
    with psycopg.connect(inspector) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_the_public_reads_what_is_public(whole: Tabled) -> None:
    with whole.site.store() as store, live(store):
        pass
    public = public_role(SCHEMA)
    for view in VIEWS:
        assert refused(whole, public, f"SELECT * FROM {view.name}") is not view.public
    for table in ALL_TABLES:
        assert refused(whole, public, f"SELECT * FROM {table.name}")
    state = eventful().state
    titles, final = state.naming.titles, state.rounds.final
    assert titles is not None
    assert final is not None
    assert {person for (person,) in whole.rows("SELECT person FROM public_named", public)} == set(titles.candidates)
    ranked = [one for (one,) in whole.rows("SELECT candidate FROM public_results WHERE rank > 0 ORDER BY rank", public)]
    assert ranked == [*final.nominees, *final.alternates]
    shown = {person for (person,) in whole.rows("SELECT person FROM public_notices", public)}
    assert shown == set(state.notices.of_person)


def test_before_it_is_certified_the_public_sees_no_result(site: Site) -> None:
    log = tabled(site, history(), eventful().marks["final:certified"] - 4)
    with site.store() as store, live(store) as current:
        assert log.rows("SELECT * FROM public_results", public_role(SCHEMA)) == []
        log.pin(eventful().entries[: eventful().marks["final:certified"]])
        current.catch_up()
    assert len(log.rows("SELECT * FROM public_results", public_role(SCHEMA))) == 14


def test_the_projector_has_no_power_over_the_log(whole: Tabled) -> None:
    for statement in ("SELECT * FROM ledger.entries", "DELETE FROM ledger.entries", "DROP SCHEMA ledger CASCADE"):
        assert refused(whole, projector_role(SCHEMA), statement)


# --- following ---


@contextmanager
def following(log: Tabled) -> Iterator[Callable[[int], None]]:
    """Follow the log in a thread; gives a wait until the tables know a size."""
    with log.site.store() as store, live(store) as current:
        current.catch_up()
        thread = threading.Thread(target=current.follow)
        thread.start()

        def until(size: int) -> None:
            deadline = time.monotonic() + 20
            while log.rows("SELECT size FROM position") != [(size,)]:
                assert time.monotonic() < deadline
                time.sleep(0.02)

        try:
            yield until
        finally:
            current.stop()
            thread.join()


def test_the_tables_follow_the_pin_and_not_the_log(site: Site) -> None:
    """What is committed and not released yet is in no table."""
    entries = eventful().entries
    log = tabled(site, history(), 300)
    with following(log) as until:
        until(300)
        for size in (301, 1500, len(entries)):
            log.pin(entries[:size])
            until(size)
    with log.opened() as (store, tables):
        assert compare(tables, store).drifts == ()


def test_the_tables_follow_a_running_sequencer(site: Site) -> None:
    start = eventful().histories["shortlist"]
    log = tabled(site, start)
    with site.sequencer() as sequencer, following(log) as until:
        world = resume(start, SequencedLedger(sequencer))
        for number in range(5):
            world.enrol(f"newcomer-{number}")
        until(world.state.size)
        people = {person for (person,) in log.rows("SELECT person FROM people")}
        assert {world.person(f"newcomer-{number}") for number in range(5)} <= people


def test_following_may_be_over_before_it_begins(whole: Tabled) -> None:
    with whole.site.store() as store, live(store) as current:
        current.stop()
        current.follow()


def test_a_log_that_lost_entries_is_not_followed(whole: Tabled) -> None:
    pin = PinFile(whole.site.pin_path)
    pin.advance(len(eventful().entries) + 1, bytes(32))
    pin.close()
    with whole.site.store() as store:
        with pytest.raises(StoreError) as caught:
            released_size(store)
        assert code(caught) == "ROLLBACK_DETECTED"


def test_whoever_reads_keeps_what_they_read_while_the_tables_are_swapped(whole: Tabled) -> None:
    with whole.site.store() as store, live(store):
        pass
    whole.tamper("UPDATE results SET rank = 99")
    with psycopg.connect(whole.site.admin_dsn) as reader:
        query = b"SELECT DISTINCT rank FROM ledger_tables.results"
        assert reader.execute(query).fetchall() == [(99,)]
        oid = reader.execute("SELECT 'ledger_tables.results'::regclass::oid").fetchone()

        def rebuild() -> None:
            with whole.site.store() as store, live(store, anew=True):
                pass

        thread = threading.Thread(target=rebuild)
        thread.start()
        deadline = time.monotonic() + 20
        while whole.rows("SELECT 'ledger_tables.results'::regclass::oid") == [oid]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert thread.is_alive()  # it waits for this reader before it drops the old tables
        reader.rollback()
        thread.join()
    assert (99,) not in whole.rows("SELECT rank FROM results")
    assert whole.rows("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'ledger_tables_%'") == [(0,)]


def test_the_catalogue_is_sound() -> None:
    for table in (*TABLES, POSITION, CONTENTS):
        names = [column.name for column in table.columns]
        assert len(set(names)) == len(names)
        assert {*table.key, table.part} <= set(names)
        assert table.column(table.part).name == table.part
