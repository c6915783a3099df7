"""A candidate's own row of a certified result: provable alone, nothing in the file to be changed unseen."""

import base64
import json
from typing import Any

import pytest

from ledger import canonical
from ledger.checkpoint import VerifierKey
from ledger.errors import ConflictError, LedgerError, MalformedError, VerificationError
from ledger.signing import SigningKey
from projections.attestation import attest, certified_outcome, named_in, verify_row
from tests.attestation.sources import MemoryReceipts
from tests.projections.worlds import Played, eventful
from tests.simulator import LOG_VKEY, ORIGIN

SUBJECT = "stage:final"


@pytest.fixture(scope="module")
def played() -> Played:
    return eventful()


@pytest.fixture(scope="module")
def source(played: Played) -> MemoryReceipts:
    return MemoryReceipts(played.entries)


def candidates(played: Played, subject: str = SUBJECT) -> list[str]:
    outcome = certified_outcome(played.state, subject)
    assert outcome is not None
    return [row["candidate"] for row in outcome.rows]


def attested(played: Played, source: MemoryReceipts, candidate: str, subject: str = SUBJECT) -> bytes:
    return attest(played.state, played.acts, source, subject, candidate)


def changed(data: bytes, **members: Any) -> bytes:
    value: dict[str, Any] = json.loads(data)
    return canonical.encode(value | members) + b"\n"


@pytest.mark.parametrize("subject", [SUBJECT, "stage:shortlist", "stage:experts:power"])
def test_everybody_proves_their_own_row(played: Played, source: MemoryReceipts, subject: str) -> None:
    outcome = certified_outcome(played.state, subject)
    assert outcome is not None
    for index, row in enumerate(outcome.rows):
        found = verify_row(attested(played, source, row["candidate"], subject), LOG_VKEY)
        assert (found.row, found.index, found.count) == (json.loads(canonical.encode(row)), index, len(outcome.rows))
        assert (found.subject, found.certified, found.origin) == (subject, outcome.index, ORIGIN)
        assert found.signers == (played.person("organiser"),)
        assert found.at == played.acts[outcome.index].at
        assert found.rehearsal


def test_totals_of_a_poll_are_proven_alike(played: Played, source: MemoryReceipts) -> None:
    (poll,) = played.state.polls.by_id.values()
    candidate = poll.candidates[3]
    found = verify_row(attested(played, source, candidate, f"poll:{poll.id}"), LOG_VKEY)
    assert found.row["votes"] == sum(counted.totals[candidate] for counted in poll.totals.values())


def test_no_row_of_another_candidate_is_in_the_file(played: Played, source: MemoryReceipts) -> None:
    everybody, outcome = candidates(played), certified_outcome(played.state, SUBJECT)
    assert outcome is not None
    for candidate in everybody:
        data = attested(played, source, candidate)
        value = json.loads(data)
        named = {one for one in everybody if one in json.dumps(value["row"])} - {candidate}
        assert named == set(verify_row(data, LOG_VKEY).others)
        del value["row"], value["charter"]
        assert not any(one in json.dumps(value) for one in everybody if one != candidate)
        for row in outcome.rows:
            assert row["candidate"] == candidate or canonical.encode(row) not in data
    tied = next(row for row in outcome.rows if row["tied_with"] or row["separated_from"])
    assert set(named_in(tied)) >= {*tied["tied_with"], *tied["separated_from"]}


def test_every_flipped_byte_is_refused(played: Played, source: MemoryReceipts) -> None:
    data = attested(played, source, candidates(played)[4])
    # The charter is most of the file; its entry is held to one hash, so that a flip every so often will do.
    value = json.loads(data)
    start = data.index(value["charter"]["entry"].encode())
    stop = start + len(value["charter"]["entry"])
    places = [place for place in range(len(data)) if not start + 64 <= place < stop - 64 or place % 211 == 0]
    for place in places:
        for flip in (0x01, 0x20) if place % 3 else (0x80,):
            flipped = data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :]
            with pytest.raises(LedgerError):
                verify_row(flipped, LOG_VKEY)


def test_nothing_is_cut_off_added_or_respelt(played: Played, source: MemoryReceipts) -> None:
    data = attested(played, source, candidates(played)[0])
    for other in (b"", data[:-1], data + b"\n", data + b" ", b" " + data, data[: len(data) // 2] + b"\n"):
        with pytest.raises(MalformedError):
            verify_row(other, LOG_VKEY)
    spaced = json.dumps(json.loads(data), ensure_ascii=False, sort_keys=True).encode() + b"\n"
    with pytest.raises(MalformedError, match="NOT_CANONICAL"):
        verify_row(spaced, LOG_VKEY)


def test_another_row_place_or_entry_is_not_what_was_certified(played: Played, source: MemoryReceipts) -> None:
    mine, other = candidates(played)[:2]
    data, others = attested(played, source, mine), json.loads(attested(played, source, other))
    value = json.loads(data)
    better = value["row"] | {"rank": 1, "approve": value["row"]["approve"] + 1}
    elsewhere = json.loads(attested(played, source, candidates(played, "stage:shortlist")[0], "stage:shortlist"))
    for members in (
        {"row": better},
        {"row": others["row"]},
        {"index": value["index"] + 1},
        {"count": value["count"] + 1},
        {"path": value["path"][1:]},
        {"path": [*value["path"], value["path"][0]]},
        {"certified": elsewhere["certified"]},
        {"certified": value["charter"]},
    ):
        with pytest.raises(VerificationError, match="ROW_NOT_CERTIFIED"):
            verify_row(changed(data, **members), LOG_VKEY)
    for members in (
        {"row": []},
        {"row": {"rank": 1}},
        {"index": -1},
        {"index": True},
        {"count": "14"},
        {"path": ["x"]},
        {"path": {}},
        {"path": value["path"] * 30},
        {"format": "ballot-ledger-row@2"},
        {"more": 1},
        {"rotations": [[]]},
        {"rotations": {}},
        {"charter": {"entry": value["charter"]["entry"]}},
        {"charter": value["charter"] | {"entry": 7}},
    ):
        with pytest.raises(MalformedError):
            verify_row(changed(data, **members), LOG_VKEY)
    for members in ({"charter": value["certified"]}, {"countersigned": [value["charter"]]}):
        with pytest.raises(VerificationError, match="GROUND_NOT_PROVEN"):
            verify_row(changed(data, **members), LOG_VKEY)


def test_a_line_that_nobody_checks_does_not_ride_along(played: Played, source: MemoryReceipts) -> None:
    data = attested(played, source, candidates(played)[0])
    value = json.loads(data)["certified"]
    receipt = base64.b64decode(value["receipt"])
    line = receipt.splitlines(keepends=True)[-1].replace(ORIGIN.encode(), b"witness.example/w1")
    more = base64.b64encode(receipt + line).decode()
    with pytest.raises(MalformedError, match="signature lines"):
        verify_row(changed(data, certified=value | {"receipt": more}), LOG_VKEY)


def test_another_log_says_nothing_here(played: Played, source: MemoryReceipts) -> None:
    data = attested(played, source, candidates(played)[0])
    stranger = SigningKey.from_seed(b"\x07" * 32)
    for key in (VerifierKey(ORIGIN, stranger.public), VerifierKey("elsewhere.example/log", LOG_VKEY.public)):
        with pytest.raises(VerificationError):
            verify_row(data, key)
    forged = attested(played, MemoryReceipts(played.entries, signer=stranger), candidates(played)[0])
    with pytest.raises(VerificationError, match="NOTE_UNSIGNED"):
        verify_row(forged, LOG_VKEY)


def test_only_what_is_certified_and_only_who_is_in_it(played: Played, source: MemoryReceipts) -> None:
    for subject in ("stage:nothing", "stage:experts", "poll:nothing", "anything"):
        with pytest.raises(ConflictError, match="RESULT_NOT_CERTIFIED"):
            attested(played, source, candidates(played)[0], subject)
    with pytest.raises(ConflictError, match="NOT_IN_RESULT"):
        attested(played, source, "nobody")
