"""Rows of ballots that a dishonest log admitted, signed as they are: each fault is named, and nothing but it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

import pytest

from ledger.poll_rows import Block, Vote, check_block, choice_of, credentials_root, make_block, seal_subtotals
from ledger.state.poll_book import Credentials, PublicBatch
from projections import ballot_rows
from projections.ballot_rows import ChannelVote, Found, Judged, check_channel, processes

CANDIDATES, MOST, MINUTE = 14, 10, 29_000_000
JUDGED = Judged(CANDIDATES, MOST, (MINUTE, MINUTE + 3000), 480)
SALT = bytes(16)


def tags(*numbers: int) -> list[bytes]:
    return [sha256(b"%d" % number).digest() for number in numbers]


def vote(place: int, minute: int = MINUTE) -> Vote:
    return Vote(choice_of([place], CANDIDATES), sha256(b"%d" % place).digest()[:16], minute)


@dataclass(frozen=True)
class Memory:
    """Blocks by entry and one list of credentials."""

    data: Mapping[int, bytes]
    listed: Sequence[bytes]

    def blocks(self, entries: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        return ((index, self.data.get(index)) for index in entries)

    def credentials(self, commitment: int) -> Iterator[bytes]:
        rest = iter(self.listed)
        return iter(lambda: b"".join(islice(rest, 7)), b"")


def signed(
    blocks: Sequence[Block], voters: Sequence[bytes], *, only_once: bool = True, shown: bool = False
) -> ChannelVote:
    """Return what an honest hand would have signed of these blocks."""
    batches = []
    for index, block in enumerate(blocks):
        found = check_block(block, CANDIDATES, MOST, (0, 2**32 - 1))
        batches.append(PublicBatch(index, block.count, found.root.hex(), seal_subtotals(block.salt, found.subtotals)))
    committed = Credentials(len(set(voters)), credentials_root(voters).hex(), 90)
    return ChannelVote(committed, tuple(batches), only_once, None if shown else JUDGED)


def checked(blocks: Sequence[Block], voters: Sequence[bytes], *, only_once: bool = True, shown: bool = False) -> Found:
    source = Memory({index: block.encode() for index, block in enumerate(blocks)}, sorted(voters))
    return check_channel(signed(blocks, voters, only_once=only_once, shown=shown), source)


def codes(found: Found) -> list[tuple[str, int, str]]:
    return [(one.code, one.entry, one.where) for one in found.problems]


def ballots(*numbers: int, place: int = 0) -> Block:
    return make_block({tag: vote(place) for tag in tags(*numbers)}, SALT)


@pytest.mark.parametrize("shown", [False, True])
def test_what_holds_is_counted(shown: bool) -> None:
    found = checked([ballots(*range(40)), ballots(*range(40, 60), place=3)], tags(*range(70)), shown=shown)
    assert (codes(found), found.ballots) == ([], 60)
    assert found.sums == ([] if shown else [40, 0, 0, 20, *[0] * 10])


@pytest.mark.parametrize("shown", [False, True])
def test_a_credential_in_two_batches_is_found_although_both_are_signed(shown: bool) -> None:
    found = checked([ballots(1, 2, 3), ballots(3, 4), ballots(2, 5)], tags(*range(70)), shown=shown)
    assert codes(found) == [("ALREADY_VOTED_PUBLIC", 90, "2")]


def test_once_a_day_is_judged_by_the_civil_day() -> None:
    day = MINUTE + 1440 - (MINUTE + JUDGED.offset_minutes) % 1440
    late, next_day = (make_block({tags(1)[0]: vote(0, minute)}, SALT) for minute in (day - 1, day))
    assert codes(checked([late, next_day], tags(*range(9)), only_once=False)) == []
    assert codes(checked([late, late], tags(*range(9)), only_once=False)) == [("ALREADY_VOTED_PUBLIC", 90, "1")]


@pytest.mark.parametrize("shown", [False, True])
def test_an_invented_voter_is_found(shown: bool) -> None:
    found = checked([ballots(1, 2, 99, 98)], tags(*range(70)), shown=shown)
    assert codes(found) == [("CREDENTIAL_UNKNOWN", 90, "2")]


@pytest.mark.parametrize("change", [lambda one: one[1:], lambda one: [*one, one[-1]], lambda one: one[::-1]])
def test_another_list_is_not_the_one_that_was_committed_to(change: object) -> None:
    voters = sorted(tags(*range(70)))
    source = Memory({0: ballots(5).encode()}, change(voters))  # type: ignore[operator]
    assert ("CREDENTIALS_MISMATCH", 90, "list") in codes(check_channel(signed([ballots(5)], voters), source))


def test_faults_of_rows_are_named() -> None:
    good, voters = ballots(1, 2, 3), tags(*range(70))
    vouched = signed([good], voters)
    swapped = Block(good.width, SALT, 3, b"".join(head + sealed for head, sealed in reversed(list(good.pairs()))))
    early = make_block({tag: vote(0, MINUTE - 1) for tag in tags(1, 2, 3)}, SALT)
    crowded = make_block({tag: vote(0)._replace(choice=b"\x07\xff") for tag in tags(1, 2, 3)}, SALT)
    for block, where in (
        (ballots(1, 2), "root"),
        (swapped, "order"),
        (early, "minute"),
        (crowded, "choice"),
        (Block(good.width, bytes(15) + b"1", 3, good.body), "subtotals"),
        (Block(good.width, SALT, 3, good.body[:-1] + b"1"), "commitment"),
    ):
        found = check_channel(vouched, Memory({0: block.encode()}, sorted(voters)))
        assert codes(found) == [("ROWS_ALTERED", 0, where)]
    assert codes(check_channel(vouched, Memory({}, sorted(voters)))) == [("ROWS_MISSING", 0, "-")]
    assert codes(check_channel(vouched, Memory({0: b"x"}, sorted(voters)))) == [("ROWS_ALTERED", 0, "head")]


def test_several_processes_find_what_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [ballots(*range(start, start + 30)) for start in range(0, 90, 30)] + [ballots(7, 99)]
    voters = tags(*range(95))
    source = Memory({index: block.encode() for index, block in enumerate(blocks)}, sorted(voters))
    vouched = signed(blocks, voters)
    alone = check_channel(vouched, source)
    monkeypatch.setattr(ballot_rows, "WORTH_PROCESSES", 1)
    with processes(2, 92) as pool:
        assert pool is not None
        together = check_channel(vouched, source, pool)
    assert (together.sums, together.ballots, together.problems) == (alone.sums, alone.ballots, alone.problems)
    assert {one.code for one in alone.problems} == {"ALREADY_VOTED_PUBLIC", "CREDENTIAL_UNKNOWN"}
