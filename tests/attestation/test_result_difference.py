"""What changed a ranking: which rows, by which entries; without those the result is as before."""

import json
from typing import Any

import pytest

from api.rehearsal.driver import World
from ledger import canonical
from ledger.errors import ConflictError, LedgerError, MalformedError, VerificationError
from ledger.statements import Act, decode_own_entry
from ledger.statements.rounds import BallotDisputed, BallotInvalidated
from projections.attestation import certified_outcome
from projections.result_difference import (
    Point,
    ResultDifference,
    certified_point,
    check_difference,
    difference,
    difference_file,
)
from tests.attestation.sources import MemoryReceipts
from tests.projections.worlds import Played, eventful
from tests.simulator import LOG_VKEY, MemoryLedger, resume

SHORTLIST, FINAL = "stage:shortlist", "stage:final"


@pytest.fixture(scope="module")
def played() -> Played:
    return eventful()


@pytest.fixture(scope="module")
def source(played: Played) -> MemoryReceipts:
    return MemoryReceipts(played.entries)


def certified(played: Played, subject: str) -> Point:
    outcome = certified_outcome(played.state, subject)
    assert outcome is not None
    return certified_point(played.acts, outcome.index)


@pytest.fixture(scope="module")
def voted_again(played: Played) -> ResultDifference:
    """The shortlist as it was before its vote was reopened, and as certified."""
    before = Point(SHORTLIST, played.marks["shortlist:reopened"] - 2)
    return difference(played.acts, before, certified(played, SHORTLIST))


@pytest.fixture(scope="module")
def two_votes(played: Played) -> ResultDifference:
    """The shortlist and the final result."""
    return difference(played.acts, certified(played, SHORTLIST), certified(played, FINAL))


def test_a_vote_held_again_moved_the_rows_and_without_it_the_result_is_as_before(
    played: Played, voted_again: ResultDifference
) -> None:
    assert voted_again.moved
    assert voted_again.as_before
    assert voted_again.undetermined is None
    kinds = [played.acts[index].statement.type for index in voted_again.causes]
    again = played.state.rounds.session("shortlist", None).current
    assert again is not None
    assert kinds.count("ballot.cast") == len(again.ballots)
    assert {"round.reopened", "round.opened", "round.closed", "act.countersigned", "result.certified"} <= set(kinds)
    assert set(voted_again.causes) <= set(voted_again.left_out)
    for row in voted_again.moved:
        assert row.before != row.after


def test_between_two_votes_the_second_is_the_cause(played: Played, two_votes: ResultDifference) -> None:
    first, second = two_votes.first, two_votes.second
    assert (first.subject, second.subject) == (SHORTLIST, FINAL)
    assert (first.certified, second.certified) == (first.size - 1, second.size - 1)
    assert played.acts[second.size - 1].body.rows_root == second.root
    assert two_votes.as_before
    voted = [index for index in two_votes.causes if played.acts[index].statement.type == "ballot.cast"]
    assert {played.acts[index].body.round for index in voted} == {
        one.id for one in played.state.rounds.session("final", None).rounds
    }


def test_a_ballot_that_was_invalidated_is_a_cause() -> None:
    world = resume(eventful().histories["public"])
    acts, entries = invalidated(world)
    session = world.state.rounds.session("shortlist", None)
    assert session.outcome is not None
    after = Point(SHORTLIST, len(acts))
    found = difference(acts, certified_point(acts, session.outcome.index), after)
    assert set(found.causes) == set(entries)
    assert found.as_before
    assert {one.candidate for one in found.moved} <= {row["candidate"] for row in session.outcome.rows}
    data = difference_file(acts, MemoryReceipts([act.entry for act in acts]), found)
    assert check_difference(data, LOG_VKEY, acts) == found


def invalidated(world: World) -> tuple[tuple[Act, ...], list[int]]:
    """A member disowns a ballot for the shortlist, which is invalidated; return acts and decision."""
    played = world.state.rounds.session("shortlist", None).current
    assert played is not None
    cast = next(one for one in played.ballots.values() if world.alias_of(one.member).startswith("panel"))
    world.must(world.alias_of(cast.member), BallotDisputed(cast.index, "非本人所投"))
    act = world.must("organiser", BallotInvalidated(cast.index, "查实非本人所投"))
    last = world.cosign(act, "discipline")
    assert isinstance(world.ledger, MemoryLedger)
    acts = tuple(decode_own_entry(entry) for entry in world.ledger.entries)
    return acts, [act.index, last.index]


def test_nothing_moved_needs_no_cause(played: Played) -> None:
    point = certified(played, FINAL)
    found = difference(played.acts, point, point)
    assert (found.moved, found.causes, found.left_out, found.as_before) == ((), (), (), True)
    later = difference(played.acts, point, Point(FINAL, point.size + 5))
    assert later.moved == ()


def test_only_results_are_compared_and_only_forwards(played: Played) -> None:
    with pytest.raises(ConflictError, match="NOT_A_CERTIFICATION"):
        certified_point(played.acts, 0)
    with pytest.raises(ConflictError, match="NOT_A_CERTIFICATION"):
        certified_point(played.acts, 10**9)
    early = Point(FINAL, played.marks["shortlist:open"])
    with pytest.raises(ConflictError, match="RESULT_NOT_COUNTED"):
        difference(played.acts, early, certified(played, FINAL))
    with pytest.raises(ValueError, match="out of order"):
        difference(played.acts, certified(played, FINAL), certified(played, SHORTLIST))


def test_totals_of_a_poll_are_compared_too(played: Played) -> None:
    (poll,) = played.state.polls.by_id
    outcome = certified_outcome(played.state, f"poll:{poll}")
    assert outcome is not None
    point = certified_point(played.acts, outcome.index)
    assert difference(played.acts, point, Point(point.subject, point.size + 3)).moved == ()


def changed(data: bytes, **members: Any) -> bytes:
    value: dict[str, Any] = json.loads(data)
    return canonical.encode(value | members) + b"\n"


def test_a_third_party_checks_it_with_the_entries_at_hand(
    played: Played, source: MemoryReceipts, voted_again: ResultDifference, two_votes: ResultDifference
) -> None:
    for found in (voted_again, two_votes):
        data = difference_file(played.acts, source, found)
        assert check_difference(data, LOG_VKEY, played.acts) == found
        # No choice is in it: only hashes of ballots.
        for cause in json.loads(data)["causes"]:
            assert set(cause) == {"index", "kind", "leaf", "receipt"}


def test_what_does_not_follow_is_refused(
    played: Played, source: MemoryReceipts, voted_again: ResultDifference, two_votes: ResultDifference
) -> None:
    data = difference_file(played.acts, source, voted_again)
    value = json.loads(data)
    first, causes = value["first"], value["causes"]
    members: dict[str, Any]
    for members in (
        {"as_before": False},
        {"causes": causes[1:]},
        {"causes": causes[::-1]},
        {"causes": [causes[0] | {"kind": "ballot.cast"}, *causes[1:]]},
        {"first": first | {"root": value["second"]["root"]}},
        {"first": first | {"certified": first["size"]}},
        {"left_out": []},
        {"moved": value["moved"][1:]},
        {"undetermined": 7},
    ):
        with pytest.raises((VerificationError, ConflictError), match=r"DIFFERENCE_NOT_DERIVED|NOT_A_CERTIFICATION"):
            check_difference(changed(data, **members), LOG_VKEY, played.acts)
    for members in (
        {"causes": [causes[0] | {"receipt": "x"}]},
        {"causes": [{}]},
        {"first": value["second"], "second": first},
        {"first": first | {"subject": 1}},
        {"second": value["second"] | {"size": -1}},
        {"more": 1},
    ):
        with pytest.raises(MalformedError):
            check_difference(changed(data, **members), LOG_VKEY, played.acts)
    with pytest.raises(VerificationError, match="RECEIPT_NOT_INCLUDED"):
        check_difference(
            changed(data, causes=[causes[0] | {"leaf": causes[1]["leaf"]}, *causes[1:]]), LOG_VKEY, played.acts
        )


def test_entries_that_are_not_the_logs_prove_nothing(
    played: Played, source: MemoryReceipts, voted_again: ResultDifference
) -> None:
    data = difference_file(played.acts, source, voted_again)
    swapped = list(played.acts)
    swapped[5], swapped[6] = swapped[6], swapped[5]
    with pytest.raises(VerificationError, match="HISTORY_REWRITTEN"):
        check_difference(data, LOG_VKEY, swapped)
    with pytest.raises(VerificationError, match="LOG_TRUNCATED"):
        check_difference(data, LOG_VKEY, played.acts[:-1])
    with pytest.raises(LedgerError):
        check_difference(data, LOG_VKEY, played.acts[:10])
