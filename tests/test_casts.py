"""Packed ballots against the plain dictionary they stand for."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.state.casts import MOST_CANDIDATES, Cast, Casts, Grade, PackedBallots, first_entry
from ledger.state.rounds import Round, Rounds, RoundStatus, Session

CANDIDATES = tuple(f"c{number}" for number in range(5))
NAMES = (*CANDIDATES, "nobody")


def a_round(candidates: tuple[str, ...] = CANDIDATES, issued: Iterator[str] | tuple[str, ...] = ()) -> Round:
    """Return a round that nobody has voted in."""
    session = Session("final", None)
    made = Round("r", session, 0, 1, candidates, frozenset(candidates), 2, 2, "00", 0, 1, 0, set(issued))
    session.rounds.append(made)
    return made


def began() -> tuple[Rounds, Round]:
    played = a_round()
    return Rounds({played.id: played}), played


@st.composite
def castings(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Ballots of different members: whole partitions of the list mostly, but whatever a dishonest log may hold, too."""
    found = []
    for member in range(draw(st.integers(0, 6))):
        named = draw(st.one_of(st.permutations(CANDIDATES), st.lists(st.sampled_from(NAMES), max_size=7)))
        first, second = sorted((draw(st.integers(0, len(named))), draw(st.integers(0, len(named)))))
        found.append(
            {
                "index": draw(st.integers(2, 8)) * 10 + member,
                "member": f"m{member}",
                "key": draw(st.sampled_from(("k1", "k2"))),
                "approve": tuple(named[:first]),
                "against": tuple(named[first:second]),
                "abstain": tuple(named[second:]),
                "grade": draw(st.sampled_from((Grade.SIGNED, Grade.SIGNED, Grade.PAPER))),
                "void": draw(st.sampled_from((False, False, True))),
                "invalid": draw(st.sampled_from((None, None, 99))),
            }
        )
    return found


@given(castings(), st.sampled_from(("k1", "k2")), st.integers(20, 90), st.integers(20, 90))
def test_a_packed_round_is_its_ballots(given_: list[dict[str, Any]], key: str, start: int, stop: int) -> None:
    rounds, played = began()
    for one in given_:
        rounds.put(Cast(round=played.id, **one))
    plain = {one["member"]: Cast(round=played.id, **one) for one in sorted(given_, key=lambda one: int(one["index"]))}
    by_key, grades = rounds.ballots_by_key(key, start, stop), rounds.cast.grades()
    played.status = RoundStatus.CLOSED
    rounds.over(played)
    packed = played.ballots
    assert isinstance(packed, PackedBallots)
    assert (list(packed), list(packed.values())) == (list(plain), list(plain.values()))
    assert (dict(packed.items()), len(packed), packed.keys()) == (plain, len(plain), plain.keys())
    assert first_entry(packed) == min((cast.index for cast in plain.values()), default=None)
    assert [rounds.cast.get(cast.index) for cast in plain.values()] == list(plain.values())
    assert (rounds.ballots_by_key(key, start, stop), +rounds.cast.grades()) == (by_key, +grades)
    assert "m9" not in packed
    assert rounds.cast.get(7) is None
    with pytest.raises(KeyError):
        packed["m9"]
    with pytest.raises(KeyError):
        rounds.cast.held(7)


def test_what_is_decided_about_a_packed_ballot_stays_with_it() -> None:
    rounds, played = began()
    for number in range(3):
        rounds.put(Cast(10 + number, f"m{number}", "k", played.id, CANDIDATES[:2], (), CANDIDATES[2:]))
    rounds.over(played)
    rounds.cast.held(11).invalid = 40
    found = rounds.cast.get(11)
    assert found is not None
    assert (found.invalid, played.ballots["m1"].invalid, rounds.cast.held(11)) == (40, 40, found)
    assert [cast.invalid for cast in played.ballots.values()] == [None, 40, None]
    assert rounds.cast.grades() == {Grade.SIGNED: 3}
    rounds.over(played)
    assert played.ballots["m1"].invalid == 40


def test_a_dishonest_log_may_vote_in_a_round_that_is_over() -> None:
    rounds, played = began()
    rounds.put(Cast(10, "m0", "k", played.id, CANDIDATES, (), ()))
    rounds.over(played)
    rounds.put(Cast(20, "m1", "k", played.id, (), CANDIDATES, ()))
    assert {member: cast.index for member, cast in played.ballots.items()} == {"m0": 10, "m1": 20}
    assert [cast is not None for cast in map(rounds.cast.get, (10, 20, 30))] == [True, True, False]


def test_two_ballots_of_one_member_are_both_found() -> None:
    rounds, played = began()
    for index in (10, 20):
        rounds.put(Cast(index, "m0", "k", played.id, CANDIDATES, (), ()))
    rounds.over(played)
    assert played.ballots["m0"].index == 20
    assert [cast is not None for cast in map(rounds.cast.get, (10, 20))] == [True, True]
    assert rounds.ballots_by_key("k", 0, 100) == (10, 20)


def test_a_list_too_long_for_bytes_is_kept_as_values() -> None:
    many = tuple(f"c{number}" for number in range(MOST_CANDIDATES + 1))
    played, casts = a_round(many), Casts()
    cast = Cast(10, "m0", "k", played.id, many, (), ())
    played.ballots = {"m0": cast}
    casts.add(cast)
    played.ballots = casts.pack(played.id, played.candidates, played.ballots)
    assert played.ballots["m0"] is cast
    assert casts.get(10) is cast


def test_rounds_issued_to_the_same_members_keep_them_once() -> None:
    rounds, first = Rounds(), a_round(issued=("m0", "m1"))
    second = Round("s", first.session, 0, 2, CANDIDATES, frozenset(), 2, 2, "00", 0, 5, 0, {"m0", "m1"})
    first.session.rounds.append(second)
    for played in (first, second):
        assert "m0" in played.issued
        played.status = RoundStatus.REOPENED
        rounds.over(played)
    assert first.issued is second.issued
