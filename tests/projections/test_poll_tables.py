"""Public votes by single ballots in the tables: how many ballots are in, and votes of anybody only after the close."""

from ledger.selection import Selection
from ledger.statements import decode_own_entry
from projections.tabular.image import Image
from projections.tabular.rows_votes import poll_channels, poll_totals
from tests import public_ballots as public
from tests.projections.tabled import derived
from tests.public_ballots import CHANNEL, OPERATOR, block_of, cast, close, opened
from tests.voting import world_before


def of_channel(state: Selection, poll: str) -> list[str]:
    """Return the row of the channel that gives ballots."""
    lines = (line.decode().split("\t") for line in poll_channels(state, poll))
    return next(line for line in lines if line[2] == CHANNEL)


def test_ballots_are_counted_and_votes_shown_when_they_may_be() -> None:
    world = world_before(public.STAGE)
    image = Image()

    def up_to_date() -> None:
        entries = world.ledger.entries  # type: ignore[attr-defined]
        for entry in entries[image.state.size :]:
            image.take(decode_own_entry(entry))
        image.entry_lines()
        for _ in image.changes():
            pass
        assert image.contents == derived(entries).contents

    up_to_date()
    poll = opened(world)
    up_to_date()
    choices = {0: (0,), 1: (1,), 2: (1,)}
    block = block_of(world, poll, choices)
    cast(world, poll, choices)
    up_to_date()
    channel = of_channel(image.state, poll.id)
    assert (channel[4], *channel[6:]) == (str(public.VOTERS), "1", "3", "0\n")
    assert list(poll_totals(image.state, poll.id)) == []

    close(world, poll)
    up_to_date()
    world.must(OPERATOR, *public.opening(poll, [block], {0: 1, 1: 2}))
    up_to_date()
    body, places = public.invalidation(poll, [(0, public.serial_of(block, poll, 1))], {1: 1})
    world.cosign(world.must("organiser", body, places), "scrutineer-1")
    up_to_date()
    lines = [line.decode().split("\t") for line in poll_totals(image.state, poll.id)]
    votes = {one[2]: (one[5], one[6]) for one in lines if one[3] == CHANNEL}
    assert votes[poll.candidates[1]] == ("1", "2")
    assert of_channel(image.state, poll.id)[-1] == "1\n"
