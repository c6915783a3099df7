"""Comparing two looks at a log: every relation, what proves it, and evidence that anybody can check."""

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from ledger.errors import LedgerError, MalformedError, StoreError, VerificationError
from ledger.merkle import Address, Frontier, inclusion_proof, leaf_hash, verify_consistency
from ledger.receipt import Receipt
from ledger.signing import SigningKey
from ledger.statements import decode_own_entry
from projections.bundle import write_export
from projections.comparing import Comparison, Look, Relation, compare, evidence_of, look_at, open_evidence, worst
from projections.comparing_memory import MOST_NOTES, Known, Memory, remembered
from projections.comparing_sources import showing
from projections.disclosure import Audience
from tests.api.calling import Answer, call
from tests.exports.making import MemorySource
from tests.projections.test_secrecy import vote
from tests.projections.worlds import eventful
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, History, MemoryLedger, freeze, resume

OTHER_KEY = SigningKey.from_seed(bytes(range(1, 33)))


class Tree:
    """A tree of made-up leaves, signed at any size, with all its nodes."""

    def __init__(self, leaves: list[bytes], key: SigningKey = LOG_KEY, origin: str = ORIGIN) -> None:
        self._frontier = Frontier()
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._notes = []
        for leaf in leaves:
            nodes = self._frontier.append(leaf_hash(leaf))
            self._nodes |= {(level, place): value for level, place, value in nodes}
            checkpoint = Checkpoint(origin, self._frontier.size, self._frontier.root())
            self._notes.append(sign_checkpoint(checkpoint, key))

    def look(self, size: int, tiles: bool = True) -> Look:
        def get_node(level: int, place: int) -> bytes:
            return self._nodes[level, place]

        return look_at(f"{size}", self._notes[size - 1], (LOG_VKEY,), get_node if tiles else None)


def leaves(count: int, other_from: int | None = None) -> list[bytes]:
    return [b"other" if other_from is not None and place >= other_from else b"%d" % place for place in range(count)]


@given(st.integers(1, 40), st.integers(1, 40))
def test_of_one_tree_a_larger_look_extends_and_a_smaller_one_is_a_rollback(one: int, other: int) -> None:
    tree = Tree(leaves(40))
    found = compare(tree.look(one), tree.look(other))
    expected = Relation.SAME if one == other else Relation.PREFIX if one < other else Relation.ROLLBACK
    assert found.relation is expected
    assert found.proof is not None
    small, large = (look.checkpoint for look in found.looks)
    assert verify_consistency(small.size, large.size, small.root, large.root, found.proof)


@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 23))
def test_of_two_trees_a_contradiction_is_shown_by_what_was_signed_alone(one: int, other: int, fork: int) -> None:
    first, second = Tree(leaves(24)), Tree(leaves(24, fork))
    found = compare(first.look(one), second.look(other))
    if fork < min(one, other):
        assert found.relation is Relation.SPLIT_VIEW
        again = open_evidence(evidence_of(found), (LOG_VKEY,))
        assert [look.note for look in again.looks] == [look.note for look in found.looks]
    else:
        assert found.relation in (Relation.SAME, Relation.PREFIX, Relation.ROLLBACK)


def test_without_the_larger_trees_tiles_nothing_is_claimed() -> None:
    tree = Tree(leaves(9))
    assert compare(tree.look(4), tree.look(9, tiles=False)).relation is Relation.UNPROVEN
    assert compare(tree.look(4, tiles=False), tree.look(9)).relation is Relation.PREFIX
    assert compare(tree.look(9, tiles=False), tree.look(4)).relation is Relation.ROLLBACK
    other = Tree(leaves(9, 2))
    assert compare(tree.look(9, tiles=False), other.look(9, tiles=False)).relation is Relation.SPLIT_VIEW


def test_tiles_of_another_tree_prove_nothing() -> None:
    tree, other = Tree(leaves(9)), Tree(leaves(9, 2))
    foreign = replace(tree.look(9), get_node=other.look(9).get_node)
    assert compare(tree.look(4), foreign).relation is Relation.UNPROVEN


def test_looks_at_two_logs_are_not_compared() -> None:
    key = VerifierKey("other.example/log", OTHER_KEY.public)
    (note,) = Tree(leaves(1), OTHER_KEY, key.name)._notes
    with pytest.raises(VerificationError, match="COMPARE_OTHER_LOG"):
        compare(Tree(leaves(1)).look(1), look_at("b", note, (key,)))


def test_the_gravest_relation_is_the_verdict() -> None:
    tree, other = Tree(leaves(9)), Tree(leaves(9, 2))
    same, prefix = compare(tree.look(4), tree.look(4)), compare(tree.look(4), tree.look(9))
    unproven, back = compare(tree.look(4), tree.look(9, tiles=False)), compare(tree.look(9), tree.look(4))
    split = compare(tree.look(9), other.look(9))
    found: list[Comparison] = []
    assert worst(found) is Relation.SAME
    for one in (same, prefix, unproven, back, split):
        found.append(one)
        assert worst(found) is one.relation
    with pytest.raises(ValueError, match="same"):
        evidence_of(same)


def split_evidence(sizes: tuple[int, int] = (11, 17)) -> bytes:
    first, second = Tree(leaves(20)), Tree(leaves(20, 6))
    return evidence_of(compare(first.look(sizes[0]), second.look(sizes[1])))


@pytest.mark.parametrize("sizes", [(11, 17), (17, 11), (16, 17), (9, 9), (8, 20)])
def test_every_changed_byte_of_the_evidence_is_found(sizes: tuple[int, int]) -> None:
    data = split_evidence(sizes)
    assert open_evidence(data, (LOG_VKEY,)).relation is Relation.SPLIT_VIEW
    for place in range(len(data)):
        for changed in (data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :], data[:place]):
            with pytest.raises(LedgerError):
                open_evidence(changed, (LOG_VKEY,))


def test_evidence_counts_only_by_the_logs_own_key_and_only_where_there_is_a_contradiction() -> None:
    with pytest.raises(VerificationError, match="NOTE_UNSIGNED"):
        open_evidence(split_evidence(), (VerifierKey(ORIGIN, OTHER_KEY.public),))
    tree = Tree(leaves(20))
    for one, other in ((9, 9), (11, 17)):
        true = compare(tree.look(one), tree.look(other))
        root_then = None if one == other else true.earlier.checkpoint.root
        claimed = replace(true, relation=Relation.SPLIT_VIEW, root_then=root_then)
        with pytest.raises(VerificationError, match="SPLIT_VIEW_UNPROVEN"):
            open_evidence(evidence_of(claimed), (LOG_VKEY,))
    for data in (b"", b"ballot-ledger-split-view@1\n", split_evidence() + b"\n", b"x" + split_evidence()):
        with pytest.raises(MalformedError):
            open_evidence(data, (LOG_VKEY,))


def test_only_what_a_later_look_extends_is_forgotten(tmp_path: Path) -> None:
    tree, other = Tree(leaves(20)), Tree(leaves(20, 6))
    known = Known((LOG_VKEY,))
    four, nine, split = tree.look(4), tree.look(9), other.look(9)
    known = remembered(known, [], [four])
    known = remembered(known, [compare(four, nine)], [nine])
    assert known.looks == (nine,)
    known = remembered(known, [compare(nine, split)], [split])
    assert {look.note for look in known.looks} == {nine.note, split.note}
    known = remembered(known, [], [tree.look(20, tiles=False)])
    assert len(known.looks) == 3
    memory = Memory(tmp_path / "sub" / "seen.json")
    assert memory.keys == ()
    memory.keep(ORIGIN, known)
    again = Memory(tmp_path / "sub" / "seen.json")
    assert again.keys == (LOG_VKEY,)
    assert [look.note for look in again.known(ORIGIN).looks] == [look.note for look in known.looks]
    assert (tmp_path / "sub" / "seen.json").stat().st_mode & 0o777 == 0o600
    many = remembered(known, [], [Tree(leaves(40, 30 - n)).look(20 + n) for n in range(20)])
    assert len(many.looks) == MOST_NOTES


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format":"x","logs":{}}', '{"format":"ballot-ledger-seen@1","logs":{"a":{}}}']
)
def test_a_file_that_is_no_memory_is_not_used_and_not_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "seen.json"
    path.write_text(text)
    with pytest.raises(StoreError, match="SEEN_UNUSABLE"):
        Memory(path)
    assert path.read_text() == text


@cache
def forked() -> tuple[History, History, int]:
    """Two histories of one log that both its key signed, and up to where they are the same."""
    made = []
    for choice in (True, False):
        world = resume(eventful().histories["shortlist"])
        vote(world, choice)
        made.append(freeze(world))
    common = next(
        place for place, pair in enumerate(zip(made[0].entries, made[1].entries, strict=False)) if pair[0] != pair[1]
    )
    return made[0], made[1], common


class Put(Protocol):
    def __call__(self, name: str, size: int, other: bool) -> Path: ...


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Export one of the two histories (`other`: the second) at a size, in the form that the name says."""

    def make(name: str, size: int, other: bool = False) -> Path:
        history = forked()[1] if other else forked()[0]
        target = tmp_path / name
        match target.suffix:
            case ".note":
                target.write_bytes(history.notes[size])
            case ".published":
                write_export(MemorySource.of(history), tmp_path / "whole", Audience.PUBLIC, size)
                (tmp_path / "whole" / "core").rename(target)
                shutil.rmtree(tmp_path / "whole")
            case ".tlog-proof":
                ledger = MemoryLedger(history.entries[:size], history.notes)
                target.write_bytes(receipt_of(ledger))
            case _:
                write_export(MemorySource.of(history), target, Audience.PUBLIC, size)
        return target

    return make


def receipt_of(ledger: MemoryLedger) -> bytes:
    frontier = Frontier()
    nodes: dict[Address, bytes] = {}
    for entry in ledger.entries:
        added = frontier.append(decode_own_entry(entry).leaf)
        nodes |= {(level, place): value for level, place, value in added}
    proof = inclusion_proof(3, len(ledger.entries), lambda level, place: nodes[level, place])
    return Receipt(3, proof, ledger.note()).encode()


def told(tmp_path: Path, *arguments: str | Path) -> Answer:
    return call("compare", *arguments, "--vkey", LOG_VKEY.encode(), "--state", tmp_path / "seen.json", "--json")


FORMS = ("x", "x.zip", "x.published")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("earlier", ["a", "a.zip", "a.published", "a.note", "a.tlog-proof"])
def test_any_two_forms_are_compared(put: Put, tmp_path: Path, earlier: str, form: str) -> None:
    common = forked()[2]
    old, new = put(earlier, common - 300, False), put(form, common + 3, False)
    answer = told(tmp_path, old, new)
    assert (answer.code, answer.value["verdict"]) == (0, "prefix")
    (one,) = answer.value["comparisons"]
    assert (one["earlier"]["size"], one["later"]["size"]) == (common - 300, common + 3)
    assert one["proof"]
    assert told(tmp_path, new, new).value["verdict"] == "same"


def test_notes_alone_are_not_enough_to_tell(put: Put, tmp_path: Path) -> None:
    answer = told(tmp_path, put("a.note", 100, False), put("b.tlog-proof", 200, False))
    assert (answer.code, answer.value["verdict"]) == (2, "unproven")


def test_a_shorter_log_than_before_is_a_rollback_even_if_only_remembered(put: Put, tmp_path: Path) -> None:
    old, new = put("a.zip", 300, False), put("b", 500, False)
    assert told(tmp_path, old, new).code == 0
    back = told(tmp_path, new, old)
    assert (back.code, back.value["verdict"], back.value["finding"]["code"]) == (1, "rollback", "LOG_TRUNCATED")
    alone = told(tmp_path, old)
    assert (alone.code, alone.value["verdict"]) == (1, "rollback")
    archived = call("compare", old, old, "--no-memory", "--vkey", LOG_VKEY.encode(), "--json")
    assert (archived.code, archived.value["verdict"]) == (0, "same")


def test_a_split_view_is_found_against_what_was_seen_before_and_its_evidence_is_checked_by_others(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    common = forked()[2]
    assert told(tmp_path, put("a.note", common + 4, False)).code == 0
    answer = told(tmp_path, put("b.zip", common + 9, True))
    assert (answer.code, answer.value["verdict"]) == (1, "split_view")
    assert answer.value["finding"] == {"code": "SPLIT_VIEW", "severity": "breach"}
    evidence = tmp_path / answer.value["evidence"]
    checked = call("compare", evidence, "--vkey", LOG_VKEY.encode(), "--no-memory", "--lang", "en")
    assert (checked.code, "SPLIT VIEW" in checked.out) == (1, True)
    evidence.write_bytes(evidence.read_bytes().replace(b"then ", b"them "))
    assert call("compare", evidence, "--vkey", LOG_VKEY.encode(), "--no-memory").code == 2
    again = told(tmp_path, tmp_path / "b.zip", "--evidence", "elsewhere.txt")
    assert (again.code, again.value["evidence"]) == (1, "elsewhere.txt"), "neither side is forgotten"


def test_what_cannot_be_compared_is_said(put: Put, tmp_path: Path) -> None:
    note = put("a.note", 10, False)
    state = ("--state", tmp_path / "none.json", "--json")
    assert call("compare", note, note, *state).value["error"]["code"] == "COMPARE_KEY_NEEDED"
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("hello\n")
    for path, code in (
        ("empty", "COMPARE_UNKNOWN"),
        ("text", "NOTE_MALFORMED"),
        ("missing", "FILE_UNREADABLE"),
    ):
        answer = told(tmp_path, note, tmp_path / path)
        assert (answer.code, answer.value["error"]["code"]) == (2, code)
    other = VerifierKey("other.example/log", OTHER_KEY.public)
    wrong = call("compare", note, note, "--vkey", other.encode(), *state)
    assert (wrong.code, wrong.value["error"]["code"]) == (2, "COMPARE_KEY_NEEDED")


def test_keys_given_once_are_remembered(put: Put, tmp_path: Path) -> None:
    note = put("a.note", 10, False)
    first = told(tmp_path, note)
    assert (first.code, first.value["verdict"], first.value["comparisons"]) == (0, None, [])
    assert call("compare", note, "--state", tmp_path / "seen.json").code == 0


def test_a_partial_tile_given_up_for_the_full_one_is_read_from_it(put: Put, tmp_path: Path) -> None:
    old, new = put("a.published", 300, False), put("b.published", 600, False)
    partial = old / "tile" / "0" / "001.p"
    shutil.rmtree(partial)
    shutil.copy(new / "tile" / "0" / "001", old / "tile" / "0" / "001")
    assert told(tmp_path, put("c.note", 280, False), old).value["verdict"] == "prefix"
    with showing(old) as shown:
        assert shown.get_node is not None
        assert len(shown.get_node(0, 299)) == 32
