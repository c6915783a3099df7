"""A public vote by single ballots, as far as entries alone decide: commitments, rules, order and size of batches."""

from dataclasses import replace

from api.rehearsal.driver import World
from api.rehearsal.steps_polls import open_poll, play_channels
from ledger.poll_rows import MOST_ROWS
from ledger.statements.foundation import StageOpened
from ledger.statements.poll_ballots import PollBatch
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
