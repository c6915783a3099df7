"""Disputes D01, H07, H08 and H09: changed below the interface, by whoever administers the database.

Every guard of the database is down, as a superuser can take it down. Each is found by the service when it starts, by
the audit of the live log, and by whoever checks an export that was taken from it, without us.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from api.rehearsal.steps_rounds import ballot
from ledger.errors import StoreError, VerificationError
from ledger.merkle import leaf_hash
from ledger.opening import open_sequencer
from ledger.signing import encode_base64
from ledger.statements import decode_entry, encode_entry
from ledger.statements.codec import encode_payload
from tests.disputes.test_section_8a import FOURTEEN, round_of, voting_history
from tests.sequenced import Site
from tests.simulator import History, freeze, resume
from tests.tampering.scene import Scene, furnish, named, tree_of
from tests.voting import PANEL


@pytest.fixture(scope="module")
def voted() -> History:
    """A play in which the panel has voted."""
    world = resume(voting_history())
    opened = round_of(world)
    for alias in PANEL:
        world.must(alias, ballot(world, opened.id, FOURTEEN))
    return freeze(world)


@pytest.fixture
def scene(voted: History, new_site: Callable[[], Site], tmp_path: Path) -> Scene:
    """The panel's log in a database, with its folder and what a witness cosigned."""
    site = replace(new_site(), pin_path=tmp_path / "home" / "pin")
    return Scene(site, furnish(site, voted))


def edited(entry: bytes) -> bytes:
    """Return a ballot's entry with one approval less, under the signature that the member gave."""
    act = decode_entry(entry)
    statement = act.signed.statement
    less = replace(statement, body=replace(statement.body, approve=statement.body.approve[:-1]))
    old, new = (encode_base64(payload).encode() for payload in (act.signed.payload, encode_payload(less)))
    return encode_entry(act.index, act.at, act.signed.envelope.replace(old, new))


def test_D01_a_ballot_edited_in_the_database_is_named_with_the_hash_it_had(
    scene: Scene, voted: History, tmp_path: Path
) -> None:
    index = len(voted.entries) - 4
    assert decode_entry(voted.entries[index]).statement.type == "ballot.cast"
    update = "UPDATE {0}.entries SET state = %s WHERE position = %s"
    scene.site.tamper(update, values=(edited(voted.entries[index]), index + 1))
    report = scene.audit()
    assert named(report)[0] == index
    assert named(report)[1] >= {"EVENT_ALTERED", "SIGNATURE_INVALID", "HISTORY_REWRITTEN"}
    (altered,) = (one for one in report.failures if one.code == "EVENT_ALTERED")
    assert altered.facts["was"] == leaf_hash(voted.entries[index]).hex()
    assert scene.start() == "HISTORY_REWRITTEN"
    offline, codes = named(scene.verify(tmp_path / "export"))
    assert offline == index
    assert codes >= {"EVENT_ALTERED", "SIGNATURE_INVALID"}


@pytest.mark.parametrize(
    ("statement", "code", "start", "offline"),
    [
        ("UPDATE {0}.entries SET state = state || '\\x20' WHERE position = 40", "EVENT_ALTERED", None, "EVENT_ALTERED"),
        ("DELETE FROM {0}.entries WHERE position = 40", "EVENT_MISSING", "STORE_GAP", "EVENT_MOVED"),
    ],
)
def test_H07_a_row_changed_or_deleted_is_named_and_nothing_more_is_written(
    scene: Scene, statement: str, code: str, start: str | None, offline: str, tmp_path: Path
) -> None:
    scene.site.tamper(statement)
    index, codes = named(scene.audit())
    assert index == 39
    assert code in codes
    with pytest.raises(StoreError) as caught, scene.site.store() as store, open_sequencer(scene.home, store):
        pass
    assert caught.value.code in {start, "EVENT_ALTERED", "HISTORY_REWRITTEN"}
    index, codes = named(scene.verify(tmp_path / "export"))
    assert index == 39
    assert offline in codes


def test_H07_a_tail_that_does_not_verify_takes_no_writes(scene: Scene, voted: History) -> None:
    """The service runs when its newest row is changed: it goes on with what it read, and never starts again."""
    last = len(voted.entries)
    scene.site.tamper(f"DELETE FROM {{0}}.entries WHERE position = {last}")
    assert scene.start() == "ROLLBACK_DETECTED"
    assert named(scene.audit()) == (last - 1, {"LOG_TRUNCATED"})


def rewritten(history: History, index: int) -> list[bytes]:
    """Return the history with one ballot edited, everything after it as it was signed."""
    return [edited(entry) if place == index else entry for place, entry in enumerate(history.entries)]


def test_H08_a_whole_history_rewritten_and_signed_again_contradicts_members_and_witnesses(
    scene: Scene, voted: History, tmp_path: Path
) -> None:
    index = len(voted.entries) - 4
    scene.rewrite(rewritten(voted, index))
    # The chain is whole again: every hash, node and checkpoint agrees, and so does the pin.
    with scene.site.store() as store:
        newest = store.newest_checkpoint()
    assert newest is not None
    assert newest.note != voted.notes[len(voted.entries)]
    assert scene.start() == "started"
    live, codes = named(scene.audit())
    assert live == index
    assert codes >= {"HISTORY_REWRITTEN", "SIGNATURE_INVALID"}
    report = scene.verify(tmp_path / "export")
    assert named(report)[0] == index
    told = [one for one in report.failures if one.code == "HISTORY_REWRITTEN"]
    assert {one.place for one in told if one.place} == {f"attest/cosigned/{len(voted.entries)}"}


def test_H08_a_member_who_voted_holds_a_pin_that_stops_the_new_history(scene: Scene, voted: History) -> None:
    member = resume(voted)
    scene.rewrite(rewritten(voted, len(voted.entries) - 4))
    with scene.site.store() as store, open_sequencer(scene.home, store) as sequencer:
        with pytest.raises(VerificationError, match="SPLIT_VIEW"):
            sequencer.submit(member.envelope("registrar", member.enrolment("新来的")), member.now + 1000).result()
        assert sequencer.fork is not None


def test_H09_the_last_ballots_cut_off(scene: Scene, voted: History, tmp_path: Path) -> None:
    size = len(voted.entries)
    cut = size - 4
    scene.rewrite(voted.entries[:cut], pin=False)
    assert scene.start() == "ROLLBACK_DETECTED"
    assert named(scene.audit()) == (cut, {"LOG_TRUNCATED"})
    # Cut off together with the pin, it is a sound log of an earlier day: only a witness remembers.
    (scene.home.pin).unlink()
    scene.rewrite(voted.entries[:cut])
    assert scene.start() == "started"
    assert named(scene.verify(tmp_path / "export")) == (cut, {"LOG_TRUNCATED"})
    assert tree_of(voted.entries[:cut]).size == cut
