"""A public vote by single ballots, as far as entries alone decide: commitments, rules, order and size of batches."""

from dataclasses import replace

from api.rehearsal.driver import World
from api.rehearsal.steps_polls import open_poll, play_channels, totals
from api.rehearsal.steps_rounds import certify
from ledger.poll_rows import MOST_ROWS
from ledger.statements.foundation import StageOpened
from ledger.statements.poll_ballots import PollBatch, VotesReinstated
from tests import public_ballots as public
from tests.public_ballots import CHANNEL, CLAUSE, OPERATOR, STAGE, VOTERS, batch, block_of, cast, opened
from tests.voting import changed, play_until, prepared, refused, replayed, world_before


def test_credentials_and_rules_are_fixed_once_and_before_the_poll_opens() -> None:
    world = world_before(STAGE)
    body = public.commitment(world)
    refused(world, OPERATOR, replace(body, channel="elsewhere"), "UNKNOWN_CHANNEL", CLAUSE)
    refused(world, "organiser", body, "NOT_AUTHORISED", CLAUSE)
    world.enrol("another-operator", "channel")
    refused(world, "another-operator", body, "NOT_AUTHORISED", CLAUSE)
    world.must(OPERATOR, body)
    refused(world, OPERATOR, replace(body, count=99), "CREDENTIALS_COMMITTED", CLAUSE)
    world.must("organiser", public.rule(world))
    refused(world, "organiser", replace(public.rule(world), text="另一种说法"), "POLL_RULE_KNOWN", CLAUSE)
    world.must("organiser", StageOpened(STAGE))
    open_poll(world, STAGE)
    refused(world, OPERATOR, body, "CREDENTIALS_AFTER_OPENING", CLAUSE)
    other = replace(public.rule(world), rule="afterwards")
    refused(world, "organiser", other, "RULE_NOT_DECLARED_BEFORE", CLAUSE)


def test_a_channel_that_cannot_be_checked_gives_no_ballots() -> None:
    world = prepared(changed(readings={}), channels=False)
    play_channels(world, STAGE, (CHANNEL,))
    refused(world, OPERATOR, public.commitment(world), "CHANNEL_UNVERIFIABLE", CLAUSE)
    play_until(world, STAGE)
    world.must("organiser", StageOpened(STAGE))
    poll = open_poll(world, STAGE)
    refused(world, OPERATOR, first(world), "CREDENTIALS_NOT_COMMITTED", CLAUSE)
    public.close(world, poll)
    body, _ = public.opening(poll, [], {})
    refused(world, OPERATOR, body, "CREDENTIALS_NOT_COMMITTED", CLAUSE)


def first(world: World, **changes: object) -> PollBatch:
    poll = world.state.polls.by_id[public.poll_id(world)]
    return batch(world, poll, block_of(world, poll, {0: (0,)}), **changes)


def test_batches_come_in_order_within_the_window_and_no_more_than_there_are_credentials() -> None:
    world = world_before(STAGE)
    poll = opened(world)
    refused(world, OPERATOR, first(world, channel="elsewhere"), "UNKNOWN_CHANNEL", CLAUSE)
    refused(world, OPERATOR, replace(first(world), poll="no-poll"), "UNKNOWN_POLL", CLAUSE)
    refused(world, OPERATOR, first(world, sequence=1), "BATCH_OUT_OF_ORDER", CLAUSE)
    for count in (0, MOST_ROWS + 1):
        refused(world, OPERATOR, first(world, count=count), "BATCH_SIZE", CLAUSE)
    refused(world, OPERATOR, first(world, count=VOTERS + 1), "CREDENTIALS_EXCEEDED", CLAUSE)
    world.enrol("another-operator", "channel")
    refused(world, "another-operator", first(world), "NOT_AUTHORISED", CLAUSE)
    cast(world, poll, {0: (0,), 1: (1, 2)})
    refused(world, OPERATOR, first(world, sequence=0), "BATCH_OUT_OF_ORDER", CLAUSE)
    refused(world, OPERATOR, first(world, count=VOTERS - 1), "CREDENTIALS_EXCEEDED", CLAUSE)
    world.now = poll.closes_at - 1000
    refused(world, OPERATOR, first(world), "POLL_CLOSED", CLAUSE)
    ballots = replayed(world).polls.ballots_of(poll.id)
    assert ballots == world.state.polls.ballots_of(poll.id)
    assert (ballots.counts, len(ballots.of_channel(CHANNEL))) == ({CHANNEL: 2}, 1)


def test_totals_are_opened_once_and_votes_left_out_and_in_again_until_they_are_certified() -> None:
    world = world_before(STAGE)
    poll = opened(world)
    choices = {0: (0, 1), 1: (1,), 2: (1,)}
    block = block_of(world, poll, choices)
    cast(world, poll, choices)
    totals_body, _ = public.opening(poll, [block], {0: 1, 1: 3})
    body, _ = public.invalidation(poll, [(0, public.serial_of(block, poll, 2))], {1: 1})
    refused(world, OPERATOR, totals_body, "POLL_NOT_CLOSED", CLAUSE)
    refused(world, "organiser", body, "POLL_NOT_CLOSED", CLAUSE)
    public.close(world, poll)
    refused(world, OPERATOR, totals(world, poll.id, CHANNEL), "CHANNEL_GIVES_BALLOTS", CLAUSE)
    refused(world, OPERATOR, replace(totals_body, totals=totals_body.totals[1:]), "TOTALS_INVALID", CLAUSE)
    refused(world, "organiser", body, "TOTALS_MISSING", CLAUSE)
    world.must(OPERATOR, totals_body)
    refused(world, OPERATOR, totals_body, "TOTALS_OPENED", CLAUSE)
    refused(world, "organiser", replace(body, rule="made-up"), "RULE_NOT_DECLARED_BEFORE", CLAUSE)
    for wrong in (replace(body, count=4), replace(body, count=0), public.invalidation(poll, [(0, 0)], {0: 2})[0]):
        refused(world, "organiser", wrong, "INVALIDATION_TOO_LARGE", CLAUSE)

    act = world.must("organiser", body)
    refused(world, "organiser", body, "ALREADY_PENDING", CLAUSE)
    world.cosign(act, "scrutineer-1")
    assert poll.totals[CHANNEL].totals[poll.candidates[1]] == 2
    again = VotesReinstated(act.index, poll.id, "逐一核实")
    refused(world, "organiser", replace(again, index=0), "UNKNOWN_INVALIDATION", CLAUSE)
    twice = world.must("organiser", again)
    world.cosign(twice, "discipline")
    refused(world, "organiser", again, "ALREADY_REINSTATED", CLAUSE)
    assert poll.totals[CHANNEL].totals == poll.totals[CHANNEL].raw
    certify(world, f"poll:{poll.id}")
    for author, late in ((OPERATOR, totals_body), ("organiser", body), ("organiser", again)):
        refused(world, author, late, "PUBLIC_CERTIFIED", CLAUSE)
    assert replayed(world).polls.by_id[poll.id].outcome == poll.outcome
