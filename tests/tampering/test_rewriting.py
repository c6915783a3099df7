"""The whole history rewritten, every hash made anew, every checkpoint signed again with the server's own key.

Such a log agrees with itself, and the pin can be rewritten with it. What gives it away lies outside: what members
signed, each signature over a checkpoint of the history before it, and what witnesses cosigned.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import VerificationError
from ledger.logstore import Witnessed
from ledger.opening import open_sequencer
from ledger.signing import encode_base64
from ledger.statements import decode_entry, encode_entry
from tests.simulator import freeze, new_world, resume
from tests.tampering.scene import PLAYED, SIZE, STARTED, Scene, named, renumbered, tree_of, what_witnesses_hold

AT = 8
"""The entry that the rewriter does away with: minutes put on file, on which no later act rests."""


def one_altered() -> list[bytes]:
    """One statement says something else, under the signature that it had."""
    entries = list(PLAYED.entries)
    act = decode_entry(entries[AT])
    other = decode_entry(encode_entry(AT, act.at, resume(PLAYED).envelope("organiser", act.body))).signed
    old, new = (encode_base64(payload).encode() for payload in (act.signed.payload, other.payload))
    entries[AT] = encode_entry(AT, act.at, act.signed.envelope.replace(old, new))
    return entries


def one_left_out() -> list[bytes]:
    """One statement is gone, and all after it have moved up; every signature holds."""
    return list(renumbered([*PLAYED.entries[:AT], *PLAYED.entries[AT + 1 :]]))


def two_swapped() -> list[bytes]:
    """Two statements stand in the other order."""
    first, second = PLAYED.entries[AT : AT + 2]
    return list(renumbered([*PLAYED.entries[:AT], second, first, *PLAYED.entries[AT + 2 :]]))


def another_end() -> list[bytes]:
    """From some point on everybody whose key is needed signed something else: nothing inside gives that away."""
    world = resume(freeze(new_world()))
    world.enrol("丁")
    world.enrol("戊")
    world.enrol("己")
    world.enrol("庚")
    world.enrol("辛")
    return list(freeze(world).entries)[:SIZE]


INSIDE: dict[str, tuple[Callable[[], list[bytes]], int, set[str]]] = {
    "one altered": (one_altered, AT, {"SIGNATURE_INVALID", "HISTORY_REWRITTEN"}),
    "one left out": (one_left_out, AT, {"PIN_INVALID"}),
    "two swapped": (two_swapped, AT, {"PIN_INVALID"}),
}


@pytest.mark.parametrize("name", INSIDE)
def test_a_rewritten_history_is_found_by_the_members_own_signatures(name: str, scene: Scene, tmp_path: Path) -> None:
    rewriting, index, codes = INSIDE[name]
    scene.rewrite(rewriting())
    found, told = named(scene.audit())
    assert found == index
    assert told >= codes
    offline, told = named(scene.verify(tmp_path / "export", witnesses=False))
    assert offline == index
    assert told >= codes


@pytest.mark.parametrize("rewriting", [one_altered, two_swapped, another_end])
def test_with_the_pin_in_place_the_service_does_not_start(rewriting: Callable[[], list[bytes]], scene: Scene) -> None:
    scene.rewrite(rewriting(), pin=False)
    assert scene.start() == "HISTORY_REWRITTEN"
    assert "HISTORY_REWRITTEN" in {one.code for one in scene.audit().failures}


def test_what_agrees_with_itself_in_everything_is_found_by_the_witnesses(scene: Scene, tmp_path: Path) -> None:
    entries = another_end()
    scene.rewrite(entries)
    assert len(entries) == SIZE
    assert scene.audit().clean
    assert scene.start() == STARTED
    assert scene.start(what_witnesses_hold()) == "HISTORY_REWRITTEN"
    report = scene.verify(tmp_path / "export")
    cosigned = [one for one in report.failures if one.place.startswith("attest/cosigned/")]
    assert {one.code for one in cosigned} == {"HISTORY_REWRITTEN"}
    # Witnesses know the trees they cosigned: what they saw last that holds is the empty one.
    assert named(report)[0] == 0
    assert {"QUORUM_OF_WITNESSES_MISSING"} < {one.code for one in report.failures}


def test_a_prefix_that_was_signed_anew_is_a_rollback_to_a_witness(scene: Scene, tmp_path: Path) -> None:
    cut = SIZE - 2
    scene.rewrite(PLAYED.entries[:cut])
    assert scene.audit().clean
    assert scene.start(what_witnesses_hold()) == "ROLLBACK_DETECTED"
    assert named(scene.verify(tmp_path / "export")) == (cut, {"LOG_TRUNCATED"})


def test_a_member_who_saw_the_old_history_stops_the_new_one(scene: Scene) -> None:
    """The member's own software pins the checkpoint it saw: the log's signature over a tree that this log denies."""
    member = resume(PLAYED)
    envelope = member.envelope("registrar", member.enrolment("壬"))
    scene.rewrite(another_end())
    with scene.site.store() as store, open_sequencer(scene.home, store) as sequencer:
        with pytest.raises(VerificationError, match="SPLIT_VIEW"):
            sequencer.submit(envelope, member.now + 1000).result()
        assert sequencer.fork is not None
    # What proves the fork is on file, and the log does not start again before it is explained.
    assert scene.start() == "HISTORY_REWRITTEN"


def test_witnesses_that_agree_change_nothing(scene: Scene) -> None:
    earlier = Witnessed("earlier", 5, tree_of(PLAYED.entries[:5]).root())
    assert scene.start((*what_witnesses_hold(), earlier)) == STARTED
