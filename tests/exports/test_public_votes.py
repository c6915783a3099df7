"""Public ballots in exports: rows for everybody, votes for auditors after the close; every change is named."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from typing import cast as cast_to

import pytest

from ledger.poll_rows import Block, Place, choice_of, encode_places, make_block, parse_block, parse_openings
from ledger.state.poll_book import Poll
from ledger.statements import Act
from ledger.statements.foundation import ProgrammeAmended
from ledger.statements.poll_ballots import CredentialsCommitted, PollBatch
from projections.audit.export import Trust, verify_export
from projections.disclosure import Audience
from projections.public_votes import PublicVotes, block_path, rows_path, tags_path
from tests import public_ballots as public
from tests.exports.stored import export_of
from tests.public_ballots import CHANNEL, cast, close, opened
from tests.sequenced import Site, WorldFrom
from tests.simulator import LOG_VKEY
from tests.voting import history_before

TRUST = Trust(key=LOG_VKEY)


@dataclass(frozen=True)
class Voted:
    """A poll that is over, in exports for both audiences; the entries of its batches and of what opened its totals."""

    folder: Path
    poll: Poll
    commitment: int
    batches: tuple[int, int]
    opened: int
    invalidated: int

    def export(self, audience: Audience) -> Path:
        return self.folder / audience

    def path(self, name: str, audience: Audience = Audience.AUDITOR) -> Path:
        return self.export(audience) / name


def findings(path: Path, prefix: str = "core/ballots/") -> set[tuple[str, str, str]]:
    """Name what does not hold of ballots: check, code and file or entry."""
    failures = verify_export(path, TRUST).failures
    return {
        (one.check.number, one.code, one.place.removeprefix(prefix))
        for one in failures
        if one.check.short in ("ballots", "totals")
    }


@pytest.fixture
def running(world_from: WorldFrom, site: Site, tmp_path: Path) -> tuple[Path, int]:
    """The auditors' export of a poll that runs, and the entry of its batch."""
    world = world_from(history_before(public.STAGE))
    poll = opened(world)
    act = cast(world, poll, {0: (0,), 1: (1,), 2: (0,)})
    export_of(site, tmp_path / "running", Audience.AUDITOR)
    return tmp_path / "running", act.index


def test_while_a_poll_runs_auditors_get_rows_without_votes(running: tuple[Path, int]) -> None:
    folder, index = running
    assert not (folder / block_path(index)).exists()
    data = (folder / rows_path(index)).read_bytes()
    assert findings(folder) == set()
    (folder / rows_path(index)).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert findings(folder) == {("4.3", "ROWS_ALTERED", f"{index}.rows")}


@pytest.fixture
def voted(world_from: WorldFrom, site: Site, tmp_path: Path) -> Voted:
    world = world_from(history_before(public.STAGE))
    poll = opened(world)
    first = cast(world, poll, {number: (number % 3,) for number in range(20)})
    second = cast(world, poll, dict.fromkeys(range(20, 30), (1,)))
    close(world, poll)
    with site.store() as store:
        act = public.open_totals(world, poll, store)
    body, places = public.invalidation(poll, [(1, 0), (1, 3)], {1: 2})
    out = world.must("organiser", body, places)
    world.cosign(out, "scrutineer-1")
    for audience in Audience:
        export_of(site, tmp_path / audience, audience)
    commitment = world.state.polls.ballots_of(poll.id).credentials[CHANNEL].index
    return Voted(tmp_path, poll, commitment, (first.index, second.index), act.index, out.index)


def test_everybody_gets_the_rows_and_auditors_the_votes(voted: Voted) -> None:
    for audience in Audience:
        report = verify_export(voted.export(audience), TRUST)
        assert (report.failures, report.not_checked) == ([], {})
        assert report.looked_at[next(check for check in report.looked_at if check.short == "ballots")] == 30
    names = {path.name for path in voted.path("core/ballots", Audience.PUBLIC).iterdir()}
    assert names == {f"{voted.commitment}.tags", *(f"{index}.rows" for index in voted.batches)}
    block = parse_block(voted.path(block_path(voted.batches[0])).read_bytes())
    shown = voted.path(rows_path(voted.batches[0]), Audience.PUBLIC).read_bytes()
    assert shown == block.shown()
    everything = b"".join(path.read_bytes() for path in voted.export(Audience.PUBLIC).rglob("*") if path.is_file())
    assert not any(vote.salt in everything for vote in block.votes())


def remade(data: bytes, change: Callable[[list[tuple[bytes, bytes]]], object]) -> bytes:
    """Change the rows of a block."""
    block = parse_block(data)
    pairs = list(block.pairs())
    change(pairs)
    return Block(block.width, block.salt, len(pairs), b"".join(head + vote for head, vote in pairs)).encode()


def other_choice(data: bytes) -> bytes:
    """Give the votes of a block to somebody else, commitments and all."""
    block = parse_block(data)
    votes = dict(zip(block.tags(), block.votes(), strict=True))
    choice = choice_of([4], 8 * block.width)
    return make_block({tag: vote._replace(choice=choice) for tag, vote in votes.items()}, block.salt).encode()


def test_any_change_of_ballots_is_named_with_its_file(voted: Voted) -> None:
    first, second = voted.batches
    changes: list[tuple[Audience, str, Callable[[bytes], bytes | None], set[tuple[str, str, str]]]] = [
        (
            Audience.AUDITOR, block_path(first), lambda data: data[:-40] + bytes([data[-40] ^ 1]) + data[-39:],
            {("4.3", "ROWS_ALTERED", f"{first}")},
        ),
        (
            Audience.AUDITOR, block_path(second), lambda data: remade(data, lambda pairs: pairs.pop(4)),
            {("4.3", "ROWS_ALTERED", f"{second}"), ("5.5", "TOTALS_NOT_DERIVED", f"{voted.opened}")},
        ),
        (
            Audience.AUDITOR, block_path(second), lambda data: remade(data, lambda pairs: pairs.insert(4, pairs[4])),
            {
                ("4.3", "ROWS_ALTERED", f"{second}"),
                ("4.3", "ALREADY_VOTED_PUBLIC", f"{voted.commitment}.tags"),
                ("5.5", "TOTALS_NOT_DERIVED", f"{voted.opened}"),
            },
        ),
        (
            Audience.AUDITOR, block_path(second), other_choice,
            {
                ("4.3", "ROWS_ALTERED", f"{second}"),
                ("5.5", "TOTALS_NOT_DERIVED", f"{voted.opened}"),
                ("5.5", "TOTALS_NOT_DERIVED", f"{voted.invalidated}"),
            },
        ),
        (
            Audience.AUDITOR, block_path(first), lambda _: None,
            {("4.3", "ROWS_MISSING", f"{first}.rows"), ("5.5", "TOTALS_NOT_DERIVED", f"{voted.opened}")},
        ),
        (
            Audience.AUDITOR, block_path(voted.opened), lambda data: data.replace(b"1", b"2", 1),
            {("4.3", "ROWS_ALTERED", f"{voted.opened}")},
        ),
        (
            Audience.AUDITOR, block_path(voted.invalidated), lambda _: encode_places([Place(1, 0)]),
            {("4.3", "ROWS_ALTERED", f"{voted.invalidated}")},
        ),
        (
            Audience.PUBLIC, rows_path(first), lambda data: data[:-64],
            {("4.3", "ROWS_ALTERED", f"{first}.rows")},
        ),
        (
            Audience.PUBLIC, tags_path(voted.commitment), lambda data: data[32:],
            {
                ("4.3", "CREDENTIALS_MISMATCH", f"{voted.commitment}.tags"),
            },
        ),
    ]  # fmt: skip
    for audience, name, change, expected in changes:
        path = voted.path(name, audience)
        before = path.read_bytes()
        after = change(before)
        if after is None:
            path.unlink()
        else:
            path.write_bytes(after)
        assert findings(voted.export(audience)) >= expected, name
        path.write_bytes(before)
    assert len(parse_openings(voted.path(block_path(voted.opened)).read_bytes())) == 2
    shutil.copy(voted.path(block_path(first)), voted.path(block_path(first), Audience.PUBLIC))
    assert ("4.3", "EXPORT_ALTERED", f"{first}") in findings(voted.export(Audience.PUBLIC))


def test_rules_that_are_no_programme_stop_nobody() -> None:
    def act(body: Any, index: int) -> Act:
        return cast_to(Act, SimpleNamespace(body=body, index=index))

    votes = PublicVotes()
    votes.take(act(ProgrammeAmended((), {"seats": "many"}, "-"), 3))
    votes.take(act(CredentialsCommitted(CHANNEL, 3, "poll", "00" * 32), 5))
    votes.take(act(PollBatch(CHANNEL, 1, "poll", "00" * 32, 0, "00" * 32), 9))
    (one,) = votes.votes()
    assert (one.only_once, one.judged, [batch.index for batch in one.batches]) == (False, None, [9])
