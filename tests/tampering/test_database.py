"""Rows changed by a superuser, every guard down: service start, audit and offline verifier each name the first one.

At its start the service reads every entry, and holds them against the pin, the newest checkpoint and the peaks of the
tree. Inner nodes, earlier checkpoints and the columns beside an entry decide nothing then: they are for the audit.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.tampering.scene import SIZE, STARTED, Scene, named

CUT = 12


class Case(NamedTuple):
    """What is changed; what keeps the service from starting; the first bad index; a code there by audit and verifier.

    None for the verifier: what was changed is no part of an export, which derives it from the entries.
    """

    statements: tuple[str, ...]
    start: str
    place: int
    audit: str
    verifier: str | None


def flip(table: str, column: str, byte: int, where: str) -> tuple[str, ...]:
    """Return a statement that changes one bit."""
    return (
        f"UPDATE {{0}}.{table} SET {column} = set_byte({column}, {byte}, get_byte({column}, {byte}) # 1) WHERE {where}",
    )


def again(position: int) -> str:
    """Return a statement that puts a copy of an early row at another position."""
    early = f"SELECT {position}, state, topic, sha256(state) FROM {{0}}.entries WHERE position = 3"
    return f"INSERT INTO {{0}}.entries (position, state, topic, statement_id) {early}"


SWAPPED = tuple(
    f"UPDATE {{0}}.entries SET position = {new} WHERE position = {old}" for old, new in ((7, 99), (8, 7), (99, 8))
)
ROOM = tuple(
    f"UPDATE {{0}}.entries SET position = position {by} WHERE position {which}"
    for by, which in (("+ 1000", ">= 6"), ("- 999", "> 1000"))
)
TAIL = tuple(
    f"DELETE FROM {{0}}.{table} WHERE {column} > {CUT}"
    for table, column in (("entries", "position"), ("nodes", "position"), ("checkpoints", "size"))
)
ALTERED, MISSING, MOVED = "EVENT_ALTERED", "EVENT_MISSING", "EVENT_MOVED"
FORGED, CUT_OFF = "CHECKPOINT_FORGED", "LOG_TRUNCATED"

CASES: dict[str, Case] = {
    "a byte of an entry": Case(flip("entries", "state", 40, "position = 8"), ALTERED, 7, ALTERED, ALTERED),
    "a byte of a signature": Case(
        flip("entries", "state", 1100, "position = 8"), "HISTORY_REWRITTEN", 7, "SIGNATURE_INVALID", "SIGNATURE_INVALID"
    ),
    "a row deleted": Case(("DELETE FROM {0}.entries WHERE position = 5",), "STORE_GAP", 4, MISSING, MOVED),
    "the first row deleted": Case(("DELETE FROM {0}.entries WHERE position = 1",), "STORE_GAP", 0, MISSING, MOVED),
    "rows swapped": Case(SWAPPED, ALTERED, 6, MOVED, MOVED),
    "a row inserted": Case((*ROOM, again(6)), "HISTORY_REWRITTEN", 5, MOVED, MOVED),
    "a row added": Case((again(SIZE + 1),), "STORE_NODE_MISSING", SIZE, MOVED, MISSING),
    "the last rows cut off": Case((TAIL[0],), "ROLLBACK_DETECTED", CUT, CUT_OFF, MISSING),
    "the tail cut off everywhere": Case(TAIL, "ROLLBACK_DETECTED", CUT, CUT_OFF, CUT_OFF),
    "a leaf's hash": Case(flip("nodes", "hashes", 3, "position = 6"), STARTED, 5, ALTERED, ALTERED),
    "a node": Case(flip("nodes", "hashes", 40, "position = 6"), STARTED, 5, "NODE_ALTERED", None),
    "a peak of the tree": Case(flip("nodes", "hashes", 100, "position = 8"), "NODE_ALTERED", 7, "NODE_ALTERED", None),
    "a node deleted": Case(("DELETE FROM {0}.nodes WHERE position = 3",), STARTED, 2, "NODE_MISSING", ALTERED),
    "an old checkpoint": Case(flip("checkpoints", "note", 30, "size = 8"), STARTED, 7, FORGED, FORGED),
    "the newest checkpoint": Case(
        flip("checkpoints", "note", 150, f"size = {SIZE}"), "NOTE_SIGNATURE_INVALID", SIZE - 1, FORGED, FORGED
    ),
    "a checkpoint deleted": Case(
        ("DELETE FROM {0}.checkpoints WHERE size = 9",), STARTED, 8, "CHECKPOINT_MISSING", "CHECKPOINT_MISSING"
    ),
    "the last checkpoints deleted": Case((TAIL[2],), "CHECKPOINT_MISMATCH", CUT, "NOT_PUBLISHED", CUT_OFF),
    "the column of a kind": Case(
        ("UPDATE {0}.entries SET topic = 'ballot.cast' WHERE position = 5",), STARTED, 4, "COLUMN_ALTERED", None
    ),
}  # fmt: skip


def test_a_sound_log_is_clean_everywhere(scene: Scene, tmp_path: Path) -> None:
    assert scene.start() == STARTED
    assert scene.audit().clean
    report = scene.verify(tmp_path / "export")
    assert report.clean, report.failures[:5]


@pytest.mark.parametrize("name", CASES)
def test_what_a_superuser_changes_is_found_by_start_audit_and_verifier(name: str, scene: Scene, tmp_path: Path) -> None:
    case = CASES[name]
    scene.site.tamper(*case.statements)
    assert scene.start() == case.start
    index, codes = named(scene.audit())
    assert index == case.place
    assert case.audit in codes
    report = scene.verify(tmp_path / "export")
    index, codes = named(report)
    if case.verifier is None:
        assert report.clean
    else:
        assert index == case.place, report.failures[:5]
        assert case.verifier in codes
