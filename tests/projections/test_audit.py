"""The audit finds what was changed in the store and what a dishonest log admitted, and names the first entry."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import filing, outcome
from api.rehearsal.steps_bodies import groups_table
from api.rehearsal.steps_deliberation import inspection
from api.rehearsal.steps_naming import naming
from api.rehearsal.steps_notice import notice
from api.rehearsal.steps_objections import receive
from api.rehearsal.steps_polls import poll_opening
from api.rehearsal.steps_rounds import ballot, certification, close_round
from api.rehearsal.steps_stages import enter, stage_of
from ledger.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from ledger.merkle import Frontier, leaf_hash
from ledger.pin import Pin, PinFile
from ledger.procedure.programme import StageKind
from ledger.signing import SigningKey
from ledger.statements import decode_entry, encode_entry
from ledger.statements.foundation import ActCountersigned, CalendarRecorded, StageOpened
from ledger.statements.roll import RoleGranted
from projections.audit.catalogue import OF_LOG
from projections.audit.report import Check, Report
from projections.audit.verify import Row, verify_log
from tests import finalists, plays, voting
from tests.sequenced import Site
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, History, MemoryLedger, freeze, new_world, resume


@dataclass
class Doctored:
    """A stored log in memory that tests may change at will."""

    stored: list[Row]
    notes: list[tuple[int, bytes]]
    pinned: Pin | None
    log_key: VerifierKey = field(default=LOG_VKEY)

    def rows(self) -> Iterator[Row]:
        return iter(self.stored)

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        return iter(self.notes)

    def pin(self) -> Pin | None:
        return self.pinned

    def audit(self) -> Report:
        return verify_log(self, self.log_key)

    def admit(self, envelope: bytes, at: int) -> None:
        """Store a statement as a log that decides nothing and folds nothing would, with all that belongs to it."""
        frontier = Frontier()
        for row in self.stored:
            frontier.append(leaf_hash(row.entry))
        act = decode_entry(encode_entry(frontier.size, at, envelope))
        nodes = b"".join(value for _, _, value in frontier.append(act.leaf))
        entry = encode_entry(act.index, at, envelope)
        self.stored.append(Row(act.index, entry, act.statement.type, act.signed.id, nodes))
        self.notes.append((frontier.size, sign_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root()), LOG_KEY)))
        self.pinned = Pin(frontier.size, frontier.root())


def doctored(history: History) -> Doctored:
    """Return a sound log that holds a history."""
    ledger = MemoryLedger(history.entries, history.notes)
    return Doctored(list(ledger.rows()), list(ledger.checkpoints()), ledger.pin())


def small() -> History:
    """Return a play of ten entries: a charter, its endorsements, two people enrolled."""
    world = new_world()
    world.enrol("甲")
    world.enrol("乙")
    return freeze(world)


SMALL = small()
SOUND = doctored(SMALL)
SIZE = len(SMALL.rows)


def codes(report: Report) -> set[str]:
    """Return the codes of all failures."""
    return {failure.code for failure in report.failures}


def first(report: Report) -> tuple[int | None, set[str]]:
    """Return the first bad index and the codes that name it."""
    bad = report.first_bad_index
    return bad, {failure.code for failure in report.failures if failure.index == bad}


@pytest.mark.parametrize("programme", finalists.PROGRAMMES)
def test_a_sound_log_is_clean_and_everything_was_looked_at(programme: str) -> None:
    ledger = finalists.at_approval(programme).ledger
    assert isinstance(ledger, MemoryLedger)
    progress: list[int] = []
    report = verify_log(ledger, LOG_VKEY, progress=progress.append)
    size = len(ledger.entries)
    assert report.clean, report.failures[:3]
    assert report.first_bad_index is None
    assert (report.size, progress[-1]) == (size, size)
    assert report.root == doctored(freeze(resume(freeze(finalists.at_approval(programme))))).audit().root
    results = sum(decode_entry(entry).statement.type == "result.certified" for entry in ledger.entries)
    assert results
    assert report.looked_at == dict.fromkeys(OF_LOG, size) | {
        Check.PIN: 1,
        Check.RESULTS: results,
        Check.SEEN: size - 1,
    }
    assert report.grades["signed"] > 0


def test_an_empty_log_is_clean_but_for_its_missing_pin() -> None:
    report = Doctored([], [], None).audit()
    assert (report.failures, report.not_checked, report.clean) == ([], {Check.PIN: "-"}, False)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_is_found(data: st.DataObject) -> None:
    log = replace(SOUND, stored=list(SOUND.stored), notes=list(SOUND.notes))
    place = data.draw(st.integers(0, SIZE - 1), "row")
    what = data.draw(st.sampled_from(["entry", "topic", "statement_id", "nodes", "checkpoint", "pin"]), "what")
    row = log.stored[place]
    if what == "checkpoint":
        size, note = log.notes[place]
        log.notes[place] = size, _flip(data, note)
        expected, allowed = size - 1, {"CHECKPOINT_FORGED"}
    elif what == "pin":
        assert log.pinned is not None
        log.pinned = replace(log.pinned, root=_flip(data, log.pinned.root))
        expected, allowed = SIZE - 1, {"HISTORY_REWRITTEN"}
    elif what == "topic":
        log.stored[place] = row._replace(topic=f"{row.topic}s")
        expected, allowed = place, {"COLUMN_ALTERED"}
    else:
        flipped: Any = {what: _flip(data, getattr(row, what))}
        log.stored[place] = row._replace(**flipped)
        expected = place
        allowed = {
            "entry": {"EVENT_ALTERED"},
            "statement_id": {"COLUMN_ALTERED"},
            "nodes": {"EVENT_ALTERED", "NODE_ALTERED"},
        }[what]
    report = log.audit()
    assert not report.clean
    bad, named = first(report)
    assert (bad, bool(named & allowed)) == (expected, True), (what, report.failures)


def _flip(data: st.DataObject, stored: bytes) -> bytes:
    place, bit = data.draw(st.integers(0, len(stored) - 1), "byte"), data.draw(st.integers(0, 7), "bit")
    return stored[:place] + bytes([stored[place] ^ 1 << bit]) + stored[place + 1 :]


# --- A superuser on a real database ---

COLUMNS = "(position, state, topic, statement_id)"


FLIP = "set_byte({column}, {place}, get_byte({column}, {place}) # 1)"
MOVES = ((7, 99), (8, 7), (99, 8))
KEYS = (("entries", "position"), ("nodes", "position"), ("checkpoints", "size"))
TAMPERED: list[tuple[tuple[str, ...], int, str]] = [
    (
        (f"UPDATE {{0}}.nodes SET hashes = {FLIP.format(column='hashes', place=40)} WHERE position = 6",),
        5,
        "NODE_ALTERED",
    ),
    (
        (f"UPDATE {{0}}.nodes SET hashes = {FLIP.format(column='hashes', place=3)} WHERE position = 6",),
        5,
        "EVENT_ALTERED",
    ),
    (("DELETE FROM {0}.nodes WHERE position = 3",), 2, "NODE_MISSING"),
    (
        (f"UPDATE {{0}}.checkpoints SET note = {FLIP.format(column='note', place=30)} WHERE size = 8",),
        7,
        "CHECKPOINT_FORGED",
    ),
    (("UPDATE {0}.checkpoints SET size = 70 WHERE size = 7",), 6, "CHECKPOINT_MISSING"),
    (("DELETE FROM {0}.checkpoints WHERE size = 9",), 8, "CHECKPOINT_MISSING"),
    (("DELETE FROM {0}.checkpoints WHERE size > 8",), 8, "NOT_PUBLISHED"),
    (("UPDATE {0}.entries SET statement_id = sha256('other') WHERE position = 5",), 4, "COLUMN_ALTERED"),
    (("UPDATE {0}.entries SET topic = 'ballot.cast' WHERE position = 5",), 4, "COLUMN_ALTERED"),
    (("DELETE FROM {0}.entries WHERE position = 5",), 4, "EVENT_MISSING"),
    (("DELETE FROM {0}.entries WHERE position = 1",), 0, "EVENT_MISSING"),
    (
        tuple(f"UPDATE {{0}}.entries SET position = {new} WHERE position = {old}" for old, new in MOVES),
        6,
        "EVENT_MOVED",
    ),
    (
        (
            "INSERT INTO {0}.entries (position, state, topic, statement_id)"
            " SELECT 11, state, topic, sha256(state) FROM {0}.entries WHERE position = 3",
        ),
        10,
        "EVENT_MOVED",
    ),
    (
        ("INSERT INTO {0}.entries (position, state, topic, statement_id) VALUES (11, 'x', 'x', sha256('x'))",),
        10,
        "EVENT_ALTERED",
    ),
    (("DELETE FROM {0}.entries WHERE position > 7",), 7, "LOG_TRUNCATED"),
    (tuple(f"DELETE FROM {{0}}.{table} WHERE {column} > 7" for table, column in KEYS), 7, "LOG_TRUNCATED"),
]


@pytest.mark.parametrize(("statements", "expected", "named"), TAMPERED)
def test_what_a_superuser_changes_is_found(site: Site, statements: tuple[str, ...], expected: int, named: str) -> None:
    """Disputes D01, H07, H09: below the interface, with every guard taken down."""
    site.preload(SMALL)
    with site.sequencer() as sequencer:
        assert sequencer.size == SIZE
    assert site.audit().clean
    site.tamper(*statements)
    bad, found_codes = first(site.audit())
    assert bad == expected
    assert named in found_codes


def test_flipped_bytes_of_entries_in_the_database(site: Site) -> None:
    """Dispute D01, sampled over a whole entry and restored each time."""
    site.preload(SMALL)
    with site.sequencer():
        pass
    flip = "UPDATE {0}.entries SET state = set_byte(state, %s, get_byte(state, %s) # 4) WHERE position = 8"
    length = len(SMALL.rows[7].entry)
    for place in range(0, length, length // 24):
        site.tamper(flip, values=(place, place))
        bad, named = first(site.audit())
        assert (bad, "EVENT_ALTERED" in named) == (7, True)
        site.tamper(flip, values=(place, place))
    assert site.audit().clean


@pytest.mark.parametrize(
    ("size", "root", "expected"),
    [
        (SIZE, bytes(32), (SIZE - 1, {"HISTORY_REWRITTEN"})),
        (SIZE + 3, bytes(32), (SIZE, {"LOG_TRUNCATED"})),
    ],
)
def test_a_pin_that_says_otherwise(site: Site, size: int, root: bytes, expected: tuple[int, set[str]]) -> None:
    site.preload(SMALL)
    pin = PinFile(site.pin_path)
    pin.advance(size, root)
    pin.close()
    assert first(site.audit()) == expected


def test_without_a_pin_the_audit_says_what_it_could_not_check(site: Site) -> None:
    site.preload(SMALL)
    report = site.audit()
    assert (report.failures, report.not_checked) == ([], {Check.PIN: "-"})


# --- Whoever holds the log's key and rewrites everything ---


def rewrite(history: History, entries: list[bytes]) -> Doctored:
    """Return a log of these entries with every node made anew and every checkpoint signed anew by the log's key."""
    frontier, rows, notes = Frontier(), [], []
    for place, entry in enumerate(entries):
        nodes = frontier.append(leaf_hash(entry))
        act = decode_entry(entry)
        rows.append(Row(place, entry, act.statement.type, act.signed.id, b"".join(value for _, _, value in nodes)))
        notes.append((place + 1, sign_checkpoint(Checkpoint(ORIGIN, place + 1, frontier.root()), LOG_KEY)))
    return Doctored(rows, notes, Pin(frontier.size, frontier.root()))


def test_history_rewritten_by_whoever_holds_the_logs_key() -> None:
    """Dispute H08: one statement altered, all later hashes recomputed, every checkpoint signed again."""
    entries = list(SMALL.entries)
    act = decode_entry(entries[6])
    other = resume(SMALL).envelope("registrar", act.body)
    altered = decode_entry(encode_entry(6, act.at, other)).signed
    forged = act.signed.envelope.replace(_base64(act.signed.payload), _base64(altered.payload))
    entries[6] = encode_entry(6, act.at, forged)
    log = rewrite(SMALL, entries)
    report = log.audit()
    bad, named = first(report)
    assert bad == 6
    assert named >= {"SIGNATURE_INVALID", "HISTORY_REWRITTEN"}
    # The pin that the old log left outside says so too.
    log.pinned = Pin(SIZE, doctored(SMALL).audit().root)
    assert [failure.index for failure in log.audit().failures if failure.check is Check.PIN] == [6]


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data)


def test_a_statement_left_out_and_everything_after_it_renumbered() -> None:
    """Members' signatures are all whole; what they had seen shows the gap."""
    kept = [decode_entry(entry) for place, entry in enumerate(SMALL.entries) if place != 8]
    log = rewrite(SMALL, [encode_entry(place, act.at, act.signed.envelope) for place, act in enumerate(kept)])
    bad, named = first(log.audit())
    assert bad == 8
    assert "PIN_INVALID" in named


def test_another_tail_after_a_common_beginning() -> None:
    """Dispute H11: the later part was replaced by another play; the pin outside tells."""
    world = resume(freeze(new_world()))
    world.enrol("丙")
    world.enrol("丁")
    log = doctored(freeze(world))
    assert log.audit().clean
    log.pinned = doctored(SMALL).pinned
    bad, named = first(log.audit())
    assert named == {"HISTORY_REWRITTEN"}
    assert bad == SIZE - 1


def test_the_wrong_log_key() -> None:
    log = doctored(SMALL)
    log.log_key = VerifierKey(ORIGIN, SigningKey.from_seed(bytes(32)).public)
    assert {"CHARTER_INVALID", "CHECKPOINT_FORGED", "PIN_INVALID"} <= codes(log.audit())


def test_a_sealed_statement_that_stands_twice() -> None:
    """A one-time key has no counter, so a copy is found by its identity."""
    world = finalists.at_notice()
    receive(world, finalists.nominees(world)[0], anonymous=True)
    ledger = world.ledger
    assert isinstance(ledger, MemoryLedger)
    (act,) = [decode_entry(entry) for entry in ledger.entries if decode_entry(entry).person.startswith("sealed:")]
    ledger.honest = False
    ledger.submit(act.signed.envelope, world.now + 1000)
    report = verify_log(ledger, LOG_VKEY)
    bad, named = first(report)
    assert bad == len(ledger.entries) - 1
    assert "STORE_DUPLICATE_STATEMENT" in named


# --- A log that signs everything correctly and breaks one rule ---


def test_an_entry_that_no_fold_can_take_ends_deciding_and_nothing_else() -> None:
    world = resume(SMALL)
    log = doctored(SMALL)
    weekend = CalendarRecorded(("2022-10-01",), (), "国务院办公厅通知", 2022)
    log.admit(world.envelope("organiser", weekend), world.now + 1000)
    log.admit(world.envelope("registrar", world.enrolment("丙")), world.now + 2000)
    report = log.audit()
    assert [(failure.code, failure.clause, failure.index) for failure in report.failures] == [
        ("CALENDAR_INVALID", "五(七)", SIZE),
        ("REPLAY_DIVERGES", "", SIZE),
    ]
    assert report.not_checked == {Check.DECISIONS: str(SIZE)}
    assert report.looked_at[Check.SIGNATURES] == SIZE + 2


Crime = Callable[[], tuple[World, str, Any]]


def _stage_order() -> tuple[World, str, Any]:
    return new_world(), "organiser", StageOpened("screening")


def _enrolled_by_oneself() -> tuple[World, str, Any]:
    world = new_world()
    return world, "registrar", world.enrolment("registrar")


def _confirmed_by_the_author() -> tuple[World, str, Any]:
    world = new_world()
    act = world.must("registrar", world.enrolment("甲"))
    return world, "registrar", ActCountersigned(act.index, act.leaf.hex())


def _two_roles() -> tuple[World, str, Any]:
    world = new_world()
    return world, "registrar", RoleGranted(world.person("organiser"), "工作需要", "discipline")


def _late_application() -> tuple[World, str, Any]:
    world = resume(plays.history_at("filed"))
    one = plays.PLAN.applicants[0]
    return world, one.alias, filing(world, one)


def _screened_without_criteria() -> tuple[World, str, Any]:
    world = resume(plays.history_at("screening"))
    stage = stage_of(world, StageKind.SCREENING)
    return world, "organiser", outcome(world, plays.PLAN.applicants[0], stage, plays.PROGRAMME)


def _seats_moved() -> tuple[World, str, Any]:
    world = resume(plays.history_at("experts"))
    stage = world.state.charter.stage("experts")
    assert stage is not None
    table = groups_table(world, stage)
    one, other, *rest = table.groups
    return (
        world,
        "organiser",
        replace(table, groups=(replace(one, seats=one.seats + 1), replace(other, seats=other.seats - 1), *rest)),
    )


def _voted_twice() -> tuple[World, str, Any]:
    world, opened = voting.voting()
    world.must(voting.PANEL[0], ballot(world, opened.id, ()))
    return world, voting.PANEL[0], ballot(world, opened.id, voting.PEOPLE[:1])


def _too_many_approvals() -> tuple[World, str, Any]:
    world, opened = voting.voting()
    return world, voting.PANEL[0], ballot(world, opened.id, voting.PEOPLE[:15])


def _result_typed() -> tuple[World, str, Any]:
    world, opened = voting.voting()
    for member in voting.PANEL:
        world.must(member, ballot(world, opened.id, voting.PEOPLE[:14]))
    close_round(world, opened.id)
    return world, "organiser", replace(certification(world, "stage:shortlist"), rows_root="0" * 64)


def _poll_on_another_list() -> tuple[World, str, Any]:
    world = voting.world_before("public")
    world.must("organiser", StageOpened("public"))
    return world, "organiser", replace(poll_opening(world, "public"), list_hash="0" * 64)


def _inspected_by_name() -> tuple[World, str, Any]:
    world = finalists.at_final()
    enter(world, StageKind.DELIBERATION)
    return world, "inspector-1", inspection(world, finalists.alternates(world)[0])


def _published_without_the_first() -> tuple[World, str, Any]:
    world = resume(finalists.final_history(finalists.MEDAL))
    enter(world, StageKind.NOTICE)
    body = notice(world)
    return world, "organiser", replace(body, candidates=body.candidates[1:])


def _named_unapproved() -> tuple[World, str, Any]:
    world = finalists.at_approval()
    return world, "organiser", naming(world, candidates=finalists.nominees(world))


CRIMES: list[tuple[Crime, str, str]] = [
    (_stage_order, "STAGE_ORDER", "四"),
    (_enrolled_by_oneself, "ENROLMENT_NEEDS_TWO", "七(三)"),
    (_confirmed_by_the_author, "SECOND_SIGNER_NEEDED", "七(三)"),
    (_two_roles, "ROLE_CONFLICT", "七(三)"),
    (_late_application, "APPLICATION_EXISTS", "六(二)"),
    (_screened_without_criteria, "SCREENING_INCOMPLETE", "四"),
    (_seats_moved, "QUOTA_DERIVATION", "五(一)"),
    (_voted_twice, "ALREADY_VOTED", "五(三)"),
    (_too_many_approvals, "OVERVOTE", "五(三)"),
    (_result_typed, "RESULT_NOT_DERIVED", "五(三)"),
    (_poll_on_another_list, "LIST_NOT_DERIVED", "五(四)"),
    (_inspected_by_name, "NOT_A_NOMINEE", "五(六)"),
    (_published_without_the_first, "RESULT_NOT_DERIVED", "第七条"),
    (_named_unapproved, "PREREQUISITE_MISSING", "五(八)"),
]


@pytest.mark.parametrize(("crime", "code", "clause"), CRIMES)
def test_a_dishonest_log_is_told_its_clause_and_index(crime: Crime, code: str, clause: str) -> None:
    world, alias, body = crime()
    voting.dishonest(world, alias, body)
    index = world.state.size - 1
    assert isinstance(world.ledger, MemoryLedger)
    report = verify_log(world.ledger, LOG_VKEY)
    found = [(failure.check, failure.code, failure.clause, failure.index) for failure in report.failures]
    also = [(Check.RESULTS, "REPLAY_DIVERGES", clause, index)] if code == "RESULT_NOT_DERIVED" else []
    assert found == [(Check.DECISIONS, code, clause, index), *also]
