"""Disputes F01 to F09: the public vote by single ballots, on a real PostgreSQL."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_polls import totals
from api.rehearsal.steps_rounds import certification, certify
from ledger.errors import VerificationError
from ledger.logstore import first_receipt
from ledger.poll_box import Cast, PollBox
from ledger.poll_credentials import enter_credentials
from ledger.poll_receipt import parse, verify
from ledger.poll_rows import Vote, make_block, parse_block
from ledger.procedure.reasons import Refusal
from ledger.state.poll_book import Poll
from ledger.statements.foundation import ActCountersigned
from ledger.statements.naming import FindingRaised
from ledger.statements.poll_ballots import VotesReinstated
from ledger.store import Store
from projections.poll_audit import audit
from projections.poll_findings import findings_of
from tests import public_ballots as public
from tests.public_ballots import CHANNEL, CLAUSE, OPERATOR, RULE, STAGE, batch, block_of, cast, close, opened
from tests.sequenced import Site, WorldFrom
from tests.simulator import LOG_VKEY
from tests.voting import finding, history_before, refused, replayed


@pytest.fixture
def store(site: Site) -> Iterator[Store]:
    with site.store() as one:
        yield one


@pytest.fixture
def world(world_from: WorldFrom) -> World:
    return world_from(history_before(STAGE))


def attack(world: World, poll: Poll, bots: int = 40) -> list[tuple[int, int]]:
    """Ordinary ballots over two days, then many equal ones at once from one origin; return where those stand."""
    draw, block = Random(1), {}
    for number in range(200):
        minute = poll.opened_at // 60_000 + number * 14
        places = tuple(draw.sample(range(len(poll.candidates)), 3))
        block[public.tags(poll.id, [number])[0]] = public.vote(world, poll, places, number)._replace(minute=minute)
    for number in range(200, 200 + bots):
        forged = Vote(public.vote(world, poll, (5,)).choice, bytes([number % 256]) * 16, minute, b"one phone".ljust(16))
        block[public.tags(poll.id, [number])[0]] = forged
    world.now = minute * 60_000 + 60_000
    made = make_block(block, bytes(16))
    world.must(OPERATOR, batch(world, poll, made), made.encode())
    return sorted((0, public.serial_of(made, poll, number)) for number in range(200, 200 + bots))


def test_F01_a_burst_is_found_with_its_rows_and_its_votes_are_kept(world: World, site: Site, store: Store) -> None:
    poll = opened(world, 240)
    planted = attack(world, poll)
    with pytest.raises(VerificationError, match="POLL_RUNNING"):
        findings_of(world.state, poll.id, CHANNEL, store.attached)
    close(world, poll)
    found = {one.pattern.code: one for one in findings_of(world.state, poll.id, CHANNEL, store.attached)}

    assert found.keys() == {"BURST", "SERIES_BREAK", "SHARED_ORIGIN"}
    burst = found["BURST"]
    assert {burst.pattern.candidate} == {5}
    assert set(planted) <= set(burst.rows)
    assert sorted(found["SHARED_ORIGIN"].rows) == planted
    body = FindingRaised("BURST", (world.state.size - 2,), "十分钟内票数异常", "warn")
    act = world.must("discipline", body)
    assert world.state.findings.by_id[f"BURST:{act.index}"].severity == "warn"
    public.open_totals(world, poll, store)
    assert poll.totals[CHANNEL].totals[poll.candidates[5]] > 40


def test_F02_a_series_that_breaks_names_window_candidate_and_rows(world: World, store: Store) -> None:
    poll = opened(world, 240)
    planted = attack(world, poll)
    close(world, poll)
    (broken,) = (
        one for one in findings_of(world.state, poll.id, CHANNEL, store.attached) if one.pattern.code == "SERIES_BREAK"
    )
    assert broken.pattern.candidate == 5
    assert broken.pattern.last_minute - broken.pattern.first_minute == 119
    assert set(planted) <= set(broken.rows)
    public.open_totals(world, poll, store)
    assert sum(broken.pattern.series) == poll.totals[CHANNEL].totals[poll.candidates[5]]


def test_F03_votes_are_left_out_by_a_rule_from_before_by_two_and_come_back(world: World, store: Store) -> None:
    poll = opened(world)
    refused(world, "organiser", public.rule(world), "RULE_NOT_DECLARED_BEFORE", CLAUSE)
    act = cast(world, poll, {0: (0, 1), 1: (1,), 2: (1,)})
    data = store.attached(act.index)
    assert data is not None
    block = block_of(world, poll, {0: (0, 1), 1: (1,), 2: (1,)})
    places = [(0, public.serial_of(block, poll, voter)) for voter in (1, 2)]
    refused(world, "organiser", public.invalidation(poll, places, {1: 2})[0], "POLL_NOT_CLOSED", CLAUSE)
    close(world, poll)
    refused(world, "organiser", public.invalidation(poll, places, {1: 2})[0], "TOTALS_MISSING", CLAUSE)
    public.open_totals(world, poll, store)

    body, listed = public.invalidation(poll, places, {1: 2})
    refused(world, "organiser", replace(body, rule="made-up-afterwards"), "RULE_NOT_DECLARED_BEFORE", CLAUSE)
    refused(world, "organiser", body, "ROWS_MISSING", CLAUSE)
    refused(world, "organiser", replace(body, totals=body.totals[1:]), "TOTALS_INVALID", CLAUSE)
    for wrong in ({1: 1}, {0: 1, 1: 2}):
        lie, _ = public.invalidation(poll, places, wrong)
        refusal = world.refused("organiser", lie, listed)
        assert (refusal.code, refusal.facts["where"]) == ("TOTALS_NOT_DERIVED", "totals")
    assert world.refused("organiser", replace(body, rows="00" * 32), listed).code == "ROWS_INVALID"
    assert world.refused("organiser", replace(body, count=9), listed).code == "INVALIDATION_TOO_LARGE"
    gone = public.invalidation(poll, [(0, 99), (7, 0)], {1: 2})
    assert world.refused("organiser", *gone).code == "ROWS_INVALID"

    invalidated = world.must("organiser", body, listed)
    candidate = poll.candidates[1]
    assert poll.totals[CHANNEL].totals[candidate] == 3
    refused(world, "organiser", body, "ALREADY_PENDING", CLAUSE)
    own = ActCountersigned(invalidated.index, invalidated.leaf.hex())
    refused(world, "organiser", own, "SECOND_SIGNER_NEEDED", CLAUSE)
    world.cosign(invalidated, "discipline")
    raw = poll.totals[CHANNEL].raw
    assert raw is not None
    assert (raw[candidate], poll.totals[CHANNEL].totals[candidate]) == (3, 1)
    assert finding(world, "VOTES_INVALIDATED", "warn").facts["rule"] == RULE
    assert world.refused("organiser", *public.invalidation(poll, places[:1], {1: 1})).code == "ALREADY_INVALIDATED"

    reinstated = VotesReinstated(invalidated.index, poll.id, "逐一核实")
    refused(world, "organiser", replace(reinstated, index=1), "UNKNOWN_INVALIDATION", CLAUSE)
    back = world.must("organiser", reinstated)
    refused(world, "organiser", reinstated, "ALREADY_PENDING", CLAUSE)
    world.cosign(back, "scrutineer-1")
    refused(world, "organiser", reinstated, "ALREADY_REINSTATED", CLAUSE)
    assert poll.totals[CHANNEL].totals == raw
    assert store.attached(act.index) == data
    again = replayed(world)
    assert again.polls.by_id[poll.id].totals == poll.totals
    assert again.polls.ballots == world.state.polls.ballots


def test_F03_what_is_certified_shows_raw_and_valid_totals(world: World, site: Site, store: Store) -> None:
    poll = opened(world)
    cast(world, poll, {0: (0,), 1: (1,), 2: (1,)})
    close(world, poll)
    public.open_totals(world, poll, store)
    block = block_of(world, poll, {0: (0,), 1: (1,), 2: (1,)})
    act = world.must("organiser", *public.invalidation(poll, [(0, public.serial_of(block, poll, 2))], {1: 1}))
    world.cosign(act, "discipline")
    certify(world, f"poll:{poll.id}")
    assert poll.outcome is not None
    assert poll.outcome.projection == "poll-totals@2"
    row = poll.outcome.row(poll.candidates[1])
    assert row is not None
    assert (row["raw_votes"], row["votes"], row["deciding_votes"]) == (2, 1, 1)
    refused(world, "organiser", VotesReinstated(act.index, poll.id, "迟了"), "PUBLIC_CERTIFIED", CLAUSE)
    report = audit(world.state, poll.id, site.ballots())
    assert report.problems == ()
    assert (report.raw[CHANNEL], report.valid[CHANNEL]) == (
        poll.totals[CHANNEL].raw,
        poll.totals[CHANNEL].totals,
    )


def test_F04_votes_left_out_leave_the_candidate_where_they_were(world: World, store: Store) -> None:
    poll = opened(world)
    cast(world, poll, dict.fromkeys(range(30), (5,)))
    close(world, poll)
    public.open_totals(world, poll, store)
    before = dict(world.state.out)
    act = world.must("organiser", *public.invalidation(poll, [(0, serial) for serial in range(30)], {5: 30}))
    world.cosign(act, "discipline")
    assert world.state.out == before
    assert poll.candidates[5] in poll.candidates
    assert poll.totals[CHANNEL].totals[poll.candidates[5]] == 0
    certify(world, f"poll:{poll.id}")
    assert poll.outcome is not None
    assert {row["candidate"] for row in poll.outcome.rows} == set(poll.candidates)


def test_F05_a_credential_votes_once_and_only_if_it_was_committed_to(world: World, store: Store) -> None:
    poll = opened(world)
    cast(world, poll, {0: (0,), 1: (1,)})
    size = world.state.size
    twice = block_of(world, poll, {1: (2,), 2: (2,), 3: (3,)})
    refusal = world.refused(OPERATOR, batch(world, poll, twice), twice.encode())
    assert (refusal.code, refusal.facts["ballots"]) == ("ALREADY_VOTED_PUBLIC", 1)
    assert refusal.facts["serials"] == str(public.serial_of(twice, poll, 1))
    stranger = block_of(world, poll, {2: (2,), 999: (2,)})
    refusal = world.refused(OPERATOR, batch(world, poll, stranger), stranger.encode())
    assert (refusal.code, refusal.facts["serials"]) == (
        "CREDENTIAL_UNKNOWN",
        str(public.serial_of(stranger, poll, 999)),
    )
    assert world.state.size == size
    cast(world, poll, {2: (2,), 3: (3,)})
    assert world.state.polls.ballots_of(poll.id).counts == {CHANNEL: 4}


def test_F05_credentials_are_those_that_were_committed_to_before(world: World, store: Store) -> None:
    poll = opened(world)
    tags = public.tags(poll.id, range(public.VOTERS))
    for wrong in (tags[1:], [*tags[1:], bytes(32)], [*tags[1:], b"short"]):
        with pytest.raises(VerificationError, match="CREDENTIALS_MISMATCH"):
            enter_credentials(store, world.state, poll.id, CHANNEL, wrong)
    assert enter_credentials(store, world.state, poll.id, CHANNEL, tags[::-1]) == public.VOTERS
    refused(world, OPERATOR, public.commitment(world), "CREDENTIALS_AFTER_OPENING", CLAUSE)


def box(world: World, store: Store, poll: Poll) -> PollBox:
    ledger = world.ledger
    key = world.actor(OPERATOR).key
    return PollBox(
        ledger.sequencer,  # type: ignore[attr-defined]
        store,
        lambda index: first_receipt(store, index),
        poll.id,
        CHANNEL,
        key,
        clock=lambda: world.now,
    )


def test_F06_a_retry_and_a_second_door_count_once(world: World, store: Store, site: Site) -> None:
    """Two threads hand in every ballot; half of the retries choose somebody else."""
    poll = opened(world)
    tags = public.tags(poll.id, range(40))
    answers: dict[int, list[object]] = {0: [], 1: []}

    with box(world, store, poll) as doors:

        def hand_in(door: int) -> None:
            waiting = [
                doors.cast(tag, [poll.candidates[(number + door * (number % 2)) % len(poll.candidates)]])
                for number, tag in enumerate(tags)
            ]
            answers[door] = [one.result(30) for one in waiting]

        threads = [threading.Thread(target=hand_in, args=(door,)) for door in answers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert doors.taken == 40
        strange = doors.cast(bytes(32), poll.candidates[:1]).result(30)
        assert isinstance(strange, Refusal)
        assert strange.code == "CREDENTIAL_UNKNOWN"
        for invalid in ([], ["nobody"], [poll.candidates[0]] * 2, poll.candidates[:11]):
            answer = doors.cast(tags[0], invalid).result(30)
            assert isinstance(answer, Refusal)
            assert answer.code == "PUBLIC_BALLOT_INVALID"
        late = doors.receipt(tags[3])
    assert late is not None
    for one, other in zip(answers[0], answers[1], strict=True):
        assert isinstance(one, Cast)
        assert isinstance(other, Cast)
        assert {one.again, other.again} == {False, True}
        assert one.receipt.row == other.receipt.row
    assert late.row == answers[0][3].receipt.row  # type: ignore[attr-defined]
    world.actor(OPERATOR).counter = world.state.roll.people[world.person(OPERATOR)].counter
    close(world, poll)
    public.open_totals(world, poll, store)
    assert sum(poll.totals[CHANNEL].totals.values()) == 40
    assert audit(world.state, poll.id, site.ballots()).problems == ()


def test_F07_who_gives_ballots_types_no_totals(world: World, store: Store) -> None:
    poll = opened(world)
    close(world, poll)
    typed = totals(world, poll.id, CHANNEL)
    refused(world, OPERATOR, typed, "CHANNEL_GIVES_BALLOTS", CLAUSE)


def test_F08_totals_are_what_the_ballots_give_and_change_no_more(world: World, store: Store, site: Site) -> None:
    poll = opened(world)
    cast(world, poll, {0: (0, 1), 1: (1,)})
    blocks = [block_of(world, poll, {0: (0, 1), 1: (1,)})]
    honest, openings = public.opening(poll, blocks, {0: 1, 1: 2})
    refused(world, OPERATOR, honest, "POLL_NOT_CLOSED", CLAUSE)
    close(world, poll)
    late = block_of(world, poll, {5: (0,)})
    assert world.refused(OPERATOR, batch(world, poll, late), late.encode()).code == "POLL_CLOSED"
    for votes in ({0: 2, 1: 2}, {0: 1, 1: 1}):
        lie, _ = public.opening(poll, blocks, votes)
        assert world.refused(OPERATOR, lie, openings).code == "TOTALS_NOT_DERIVED"
    refusal = world.refused(OPERATOR, *public.opening(poll, [*blocks, *blocks], {0: 2, 1: 4}))
    assert (refusal.code, refusal.facts["where"]) == ("TOTALS_NOT_DERIVED", "openings")
    assert world.refused(OPERATOR, honest, openings + b" ").code == "TOTALS_NOT_DERIVED"
    refused(world, "organiser", certification_now(world, poll), "TOTALS_MISSING", CLAUSE)
    world.must(OPERATOR, honest, openings)
    refused(world, OPERATOR, honest, "TOTALS_OPENED", CLAUSE)
    certify(world, f"poll:{poll.id}")
    refused(world, OPERATOR, honest, "PUBLIC_CERTIFIED", CLAUSE)
    report = audit(world.state, poll.id, site.ballots())
    assert report.problems == ()
    site.tamper("UPDATE {}.attachments SET data = overlay(data placing '\\x00' from octet_length(data) - 20 for 1)")
    broken = audit(world.state, poll.id, site.ballots())
    assert {one.code for one in broken.problems} == {"ROWS_ALTERED", "TOTALS_NOT_DERIVED"}


def certification_now(world: World, poll: Poll) -> object:
    return certification(world, f"poll:{poll.id}")


def test_F09_a_receipt_proves_the_row_and_shows_no_choice(world: World, store: Store) -> None:
    poll = opened(world)
    tags = public.tags(poll.id, range(3))
    with box(world, store, poll) as doors:
        waiting = [doors.cast(tag, [poll.candidates[place]]) for place, tag in enumerate(tags)]
        receipts = [one.result(30) for one in waiting]
    for place, one in enumerate(receipts):
        assert isinstance(one, Cast)
        encoded = one.receipt.encode()
        body, checkpoint = verify(parse(encoded), [LOG_VKEY])
        assert (body.poll, body.count, one.receipt.row.tag) == (poll.id, 3, tags[place])
        assert checkpoint.size > poll.opened
        assert not any(candidate.encode() in encoded for candidate in poll.candidates)
        data = store.attached(world.state.polls.ballots_of(poll.id).of_channel(CHANNEL)[0].index)
        assert data is not None
        assert all(vote.salt.hex().encode() not in encoded for vote in parse_block(data).votes())
        moved = replace(one.receipt, row=one.receipt.row._replace(serial=(one.receipt.row.serial + 1) % 3))
        with pytest.raises(VerificationError, match="RECEIPT_NOT_INCLUDED"):
            verify(moved, [LOG_VKEY])
