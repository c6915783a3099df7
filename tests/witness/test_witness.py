"""The witness's answers: the table of statuses, in its order, and what it may never forget."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.witness import memory as memory_module
from api.witness.memory import WitnessMemory, origin_name
from api.witness.message import MAX_BODY_BYTES, encode, parse
from api.witness.witness import Answer, Witness
from ledger.checkpoint import Note, Signature, VerifierKey, parse_note
from ledger.cosignature import Ed25519Cosigner, open_cosigned
from ledger.errors import LedgerError, MalformedError, StoreError
from ledger.merkle import EMPTY_ROOT
from ledger.signing import SigningKey
from tests.witness.trees import LOG, ORIGIN, Tree

TREE = Tree(20)
FORK = Tree(20, "x", same=4)
W = Ed25519Cosigner("witness.example/w", SigningKey.from_seed(bytes(range(32))))
SECOND = Ed25519Cosigner("witness.example/second", SigningKey.from_seed(bytes(32)))
NOW = 1_767_000_000


class Clock:
    """A clock that stands where a test puts it."""

    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[WitnessMemory]:
    with WitnessMemory(tmp_path / "state", tmp_path / "w.key") as made:
        yield made


@pytest.fixture
def witness(memory: WitnessMemory, clock: Clock) -> Witness:
    return Witness(memory, [LOG], [W], clock)


def grow(witness: Witness, old: int, new: int, tree: Tree = TREE) -> Answer:
    return witness.add(encode(old, tree.proof(old, new), tree.note(new)))


def evidence(memory: WitnessMemory) -> list[dict[str, object]]:
    return [json.loads(path.read_bytes()) for path in (memory.folder / "evidence").iterdir()]


def test_it_cosigns_what_grows(witness: Witness) -> None:
    for old, new in ((0, 0), (0, 3), (3, 3), (3, 8), (8, 20)):
        answer = grow(witness, old, new)
        assert answer.status == 200
        cosigned = open_cosigned(TREE.note(new) + answer.body, LOG, [W.key])
        assert [(one.name, one.time) for one in cosigned.by] == [(W.name, NOW)]
        assert witness.checkpoint(origin_name(ORIGIN)) == TREE.note(new) + answer.body


def test_it_signs_with_every_key_it_has(memory: WitnessMemory, clock: Clock) -> None:
    answer = grow(Witness(memory, [LOG], [W, SECOND], clock), 0, 5)
    assert len(open_cosigned(TREE.note(5) + answer.body, LOG, [W.key, SECOND.key]).by) == 2


BODY = encode(3, TREE.proof(3, 8), TREE.note(8))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 3\n",
        b"\n\n",
        BODY[1:],
        BODY[:-1],
        BODY + b"\n",
        *(
            BODY.replace(b"old 3\n", b"old " + text + b"\n")
            for text in (b"03", b"+3", b"3 ", b"", b"-1", b"1_0", b"9" * 20)
        ),
        BODY.replace(b"old 3\n", b"old 3\r\n"),
        BODY.replace(b"old 3\n", b"Old 3\n"),
        BODY.replace(b"old 3\n", "old \uff13\n".encode()),
        BODY.replace(b"=\n", b"\n", 1),
        encode(3, (bytes(31),), TREE.note(8)),
        encode(3, (bytes(32),) * 64, TREE.note(8)),
        encode(9, (), TREE.note(8)),
        encode(3, (), TREE.note(8)).replace(b"\n8\n", b"\n08\n"),
        encode(3, (), TREE.note(8)).replace(b"\n8\n", b"\n8\nan extension\n"),
        encode(3, (), TREE.note(8)).replace(b"ledger.example/test\n", b"ledger example\n", 1),
        encode(3, (), TREE.note(8)[:-1]),
        encode(3, (), b"\xff" + TREE.note(8)),
        b"\xff" + BODY,
        BODY + b" " * MAX_BODY_BYTES,
    ],
)
def test_400_for_everything_that_is_no_request(witness: Witness, memory: WitnessMemory, body: bytes) -> None:
    assert witness.add(body) == Answer(400)
    assert memory.newest(ORIGIN) is None


def test_63_hashes_are_read() -> None:
    assert len(parse(encode(3, (bytes(32),) * 63, TREE.note(8))).proof) == 63
    with pytest.raises(MalformedError):
        parse(encode(3, (bytes(32),) * 64, TREE.note(8)))


def test_404_for_a_log_it_does_not_know(witness: Witness) -> None:
    other = Tree(3, key=SigningKey.from_seed(bytes(32)), origin="ledger.example/other")
    assert witness.add(encode(0, (), other.note(3))) == Answer(404)
    assert witness.add(encode(4, (), other.note(3))) == Answer(400)


@pytest.mark.parametrize(
    "note",
    [
        Tree(3, key=SigningKey.from_seed(bytes(32))).note(3),
        TREE.note(3).replace(b"\n3\n", b"\n4\n"),
        TREE.note(3) + parse_note(TREE.note(3)).signatures[0].line(),
        TREE.note(3) + Signature(LOG.name, LOG.key_id, bytes(64)).line(),
    ],
)
def test_403_unless_a_trusted_key_signed_and_none_failed(witness: Witness, memory: WitnessMemory, note: bytes) -> None:
    assert witness.add(encode(0, (), note)) == Answer(403)
    # Without a valid signature nothing is evidence, whatever size or proof it claims.
    assert witness.add(encode(2, (bytes(32),), note)) == Answer(403)
    assert evidence(memory) == []


def test_403_for_one_log_speaking_of_another(memory: WitnessMemory, clock: Clock) -> None:
    other_key = SigningKey.from_seed(bytes(32))
    witness = Witness(memory, [LOG, VerifierKey("ledger.example/other", other_key.public)], [W], clock)
    text = TREE.note(3)
    line = Signature("ledger.example/other", VerifierKey("ledger.example/other", other_key.public).key_id, b"")
    signed = Signature(line.name, line.key_id, other_key.sign(parse_note(text).text))
    assert witness.add(encode(0, (), Note(parse_note(text).text, (signed,)).encode())) == Answer(403)


def test_409_tells_the_size_it_knows(witness: Witness, memory: WitnessMemory) -> None:
    assert grow(witness, 3, 8) == Answer(409, b"0\n", "text/x.tlog.size")
    grow(witness, 0, 8)
    for old, new in ((0, 8), (0, 20), (3, 8), (9, 20)):
        assert grow(witness, old, new) == Answer(409, b"8\n", "text/x.tlog.size")
    assert evidence(memory) == []


def test_409_for_a_smaller_tree(witness: Witness) -> None:
    grow(witness, 0, 8)
    assert witness.add(encode(5, (), TREE.note(5))) == Answer(409, b"8\n", "text/x.tlog.size")


@pytest.mark.parametrize(
    ("known", "body"),
    [
        (0, encode(0, (bytes(32),), TREE.note(8))),
        (0, encode(0, (), TREE.note(0, bytes(32)))),
        (8, encode(8, (), FORK.note(8))),
        (8, encode(8, (bytes(32),), TREE.note(8))),
        (8, encode(8, (), TREE.note(20))),
        (8, encode(8, TREE.proof(8, 20)[:-1], TREE.note(20))),
        (8, encode(8, (*TREE.proof(8, 20), bytes(32)), TREE.note(20))),
        (8, encode(8, TREE.proof(8, 19), TREE.note(20))),
        (8, encode(8, FORK.proof(8, 20), FORK.note(20))),
    ],
)
def test_422_is_kept_as_evidence_and_changes_nothing(
    witness: Witness, memory: WitnessMemory, known: int, body: bytes
) -> None:
    if known:
        grow(witness, 0, known)
    before = witness.checkpoint(origin_name(ORIGIN))
    assert [witness.add(body) for _ in range(3)] == [Answer(422)] * 3
    assert witness.checkpoint(origin_name(ORIGIN)) == before
    kept = evidence(memory)
    assert len(kept) == 1
    notes = kept[0]["notes"]
    assert isinstance(notes, list)
    assert notes[-1].encode() == body.partition(b"\n\n")[2]
    assert (notes[0].encode() == before) if known else len(notes) == 1


def test_a_fork_is_evidence_even_where_the_old_size_is_wrong(witness: Witness, memory: WitnessMemory) -> None:
    grow(witness, 0, 8)
    assert witness.add(encode(0, (), FORK.note(8))).status == 409
    assert [one["kind"] for one in evidence(memory)] == ["same size, other root"]


def test_evidence_is_bounded_and_told(witness: Witness, memory: WitnessMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "MOST_EVIDENCE", 2)
    grow(witness, 0, 8)
    for size in (9, 10):
        assert witness.add(encode(8, (), TREE.note(size))).status == 422
    with pytest.raises(StoreError) as caught:
        witness.add(encode(8, (), TREE.note(11)))
    assert caught.value.code == "WITNESS_STATE_UNUSABLE"
    assert witness.add(encode(8, (), TREE.note(9))).status == 422


def test_two_keys_of_a_log_while_it_is_rotated(memory: WitnessMemory, clock: Clock) -> None:
    new_key = SigningKey.from_seed(bytes([7]) * 32)
    witness = Witness(memory, [LOG, VerifierKey(ORIGIN, new_key.public)], [W], clock)
    assert grow(witness, 0, 8).status == 200
    assert grow(witness, 8, 20, Tree(20, key=new_key)).status == 200


def test_lines_of_strangers_are_not_kept(witness: Witness) -> None:
    stranger = Signature("stranger.example", b"1234", bytes(72)).line()
    assert witness.add(encode(0, (), TREE.note(3) + stranger)).status == 200
    assert b"stranger" not in (witness.checkpoint(origin_name(ORIGIN)) or b"")


def test_times_never_go_back(witness: Witness, clock: Clock) -> None:
    grow(witness, 0, 3)
    clock.now = NOW - 200
    answer = grow(witness, 3, 8)
    assert open_cosigned(TREE.note(8) + answer.body, LOG, [W.key]).by[0].time == NOW
    clock.now = NOW - 301
    with pytest.raises(StoreError) as caught:
        grow(witness, 8, 8)
    assert caught.value.code == "CLOCK_REGRESSION"


def test_a_crash_between_store_and_answer_is_mended_by_asking_again(
    witness: Witness, memory: WitnessMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step of storing fails in turn, before and after it took effect; no signature leaves, nothing rolls back."""
    grow(witness, 0, 3)
    for name in ("fsync", "open"):
        real = getattr(os, name)
        for failing in range(4):
            calls = iter(range(100))

            def broken(*arguments: object, _real: Callable[..., int] = real, _failing: int = failing) -> int:
                done = _real(*arguments)
                if next(calls) == _failing:  # noqa: B023
                    raise OSError(28, "No space left on device")
                return done

            monkeypatch.setattr(os, name, broken)
            try:
                answer: Answer | None = grow(witness, 3, 8)
            except StoreError:
                answer = None
            monkeypatch.setattr(os, name, real)
            known = memory.newest(ORIGIN)
            assert known is not None
            assert known[0].size in (3, 8)
            if answer is not None or known[0].size == 8:
                assert grow(witness, 8, 8).status == 200
                assert memory.newest(ORIGIN) is not None
                (memory.folder / "logs" / origin_name(ORIGIN)).write_bytes(TREE.note(3))
    assert grow(witness, 3, 20).status == 200


def test_concurrent_requests_never_roll_back(memory: WitnessMemory, clock: Clock) -> None:
    witness = Witness(memory, [LOG], [W], clock)
    grow(witness, 0, 3)
    start = threading.Barrier(8)
    answers: dict[int, int] = {}

    def ask(size: int) -> None:
        start.wait()
        answers[size] = grow(witness, 3, size).status

    threads = [threading.Thread(target=ask, args=(size,)) for size in range(10, 18)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers.values()) == [200] + [409] * 7
    known = memory.newest(ORIGIN)
    assert known is not None
    assert answers[known[0].size] == 200


def test_state_that_is_lost_retires_the_key(tmp_path: Path, clock: Clock) -> None:
    state, key = tmp_path / "state", tmp_path / "w.key"
    with WitnessMemory(state, key) as memory:
        grow(Witness(memory, [LOG], [W], clock), 0, 8)
        assert memory.origins() == [ORIGIN]
    (state / "logs" / origin_name(ORIGIN)).unlink()
    for folder in (state, tmp_path / "another"):
        with pytest.raises(StoreError) as caught:
            WitnessMemory(folder, key)
        assert caught.value.code == "WITNESS_STATE_LOST"


def test_state_survives_a_restart(tmp_path: Path, clock: Clock) -> None:
    for old, new in ((0, 3), (3, 8), (8, 20)):
        with WitnessMemory(tmp_path / "state", tmp_path / "w.key") as memory:
            assert grow(Witness(memory, [LOG], [W], clock), old, new).status == 200


def test_one_process_holds_the_state(tmp_path: Path, memory: WitnessMemory) -> None:
    with pytest.raises(StoreError) as caught:
        WitnessMemory(tmp_path / "state", tmp_path / "w.key")
    assert caught.value.code == "WITNESS_STATE_BUSY"


@pytest.mark.parametrize("content", [b"", b"garbage", TREE.note(3)[:-1], Tree(1, origin="another").note(1)])
def test_damaged_state_signs_nothing(witness: Witness, memory: WitnessMemory, content: bytes) -> None:
    grow(witness, 0, 3)
    (memory.folder / "logs" / origin_name(ORIGIN)).write_bytes(content)
    with pytest.raises(StoreError) as caught:
        grow(witness, 3, 8)
    assert caught.value.code == "WITNESS_STATE_UNUSABLE"


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError) as caught:
        WitnessMemory(tmp_path / "file" / "state", tmp_path / "w.key")
    assert caught.value.code == "WITNESS_STATE_UNUSABLE"


@pytest.mark.parametrize("name", ["", "..", "lock", origin_name(ORIGIN).upper(), "../" + origin_name(ORIGIN)])
def test_only_hashes_are_looked_up(witness: Witness, name: str) -> None:
    grow(witness, 0, 3)
    assert witness.checkpoint(name) is None


def test_the_empty_tree_is_known_by_its_root(witness: Witness) -> None:
    assert TREE.roots[0] == EMPTY_ROOT
    assert grow(witness, 0, 0).status == 200
