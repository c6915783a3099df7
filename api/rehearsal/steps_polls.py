"""The play of the public vote: channels, the poll and its window, each channel's totals, and their certification."""

from collections.abc import Mapping

from api.rehearsal.driver import World
from api.rehearsal.steps_rounds import HOUR, certify, programme_of
from ledger.decisions.polls import poll_list
from ledger.state.poll_book import Poll
from ledger.statements import Act
from ledger.statements.foundation import StageClosed, StageOpened
from ledger.statements.poll import ChannelRegistered, PollClosed, PollOpened, Total, TotalsImported

WINDOW = 7 * 24 * HOUR


def play_channels(world: World, stage_id: str, unverifiable: tuple[str, ...] = ()) -> None:
    """Enrol somebody to sign for each of a stage's channels, and register the channels; best before any stage opens."""
    for channel in programme_of(world, stage_id)[1].channels:
        operator = operator_of(channel)
        if world.person(operator) not in world.state.roll.people:
            world.enrol(operator, "channel", unit=f"unit-{operator}")
        if channel not in world.state.polls.channels:
            body = ChannelRegistered(channel, world.person(operator), "网上投票平台", channel not in unverifiable)
            world.must("organiser", body)


def operator_of(channel: str) -> str:
    """Return the alias of who signs for a channel."""
    return f"operator-{channel}"


def play_public_vote(
    world: World, stage_id: str, votes: Mapping[str, int] | None = None, unverifiable: tuple[str, ...] = ()
) -> None:
    """Play a public vote from its opening to its close; `votes` by alias, the same in every channel."""
    play_channels(world, stage_id, unverifiable)
    world.must("organiser", StageOpened(stage_id))
    poll = open_poll(world, stage_id)
    world.now = max(world.now, poll.closes_at)
    world.must("organiser", PollClosed(poll.id))
    for channel in poll.channels:
        import_totals(world, poll.id, channel, votes)
    certify(world, f"poll:{poll.id}")
    world.must("organiser", StageClosed(stage_id))


def poll_opening(world: World, stage_id: str, **changes: object) -> PollOpened:
    """Return the opening of a stage's poll on all its channels, a week long."""
    poll = world.identifier(f"poll/{stage_id}")
    candidates, hashed = poll_list(world.state, programme_of(world, stage_id)[1], poll)
    values: dict[str, object] = {
        "candidates": candidates,
        "channels": programme_of(world, stage_id)[1].channels,
        "closes_at": world.now + WINDOW,
        "list_hash": hashed,
        "page": world.digest(f"page/{stage_id}"),
        "poll": poll,
        "stage": stage_id,
    }
    return PollOpened(**(values | changes))  # type: ignore[arg-type]


def open_poll(world: World, stage_id: str) -> Poll:
    """Open the poll of a stage."""
    act = world.must("organiser", poll_opening(world, stage_id))
    return world.state.polls.by_id[act.body.poll]


def totals(world: World, poll_id: str, channel: str, votes: Mapping[str, int] | None = None) -> TotalsImported:
    """Return a channel's totals: the votes planned by alias, for the others some that follow from the seed."""
    poll, planned = world.state.polls.by_id[poll_id], votes or {}
    rows = tuple(
        Total(person, planned.get(alias, 1000 + int(world.digest(f"votes/{alias}")[:4], 16)))
        for person, alias in sorted((person, world.alias_of(person)) for person in poll.candidates)
    )
    return TotalsImported(channel, world.digest(f"totals/{poll_id}/{channel}"), poll_id, "平台后台导出", rows)


def import_totals(world: World, poll_id: str, channel: str, votes: Mapping[str, int] | None = None) -> Act:
    """Let a channel's operator give its totals and a scrutineer countersign."""
    act = world.must(operator_of(channel), totals(world, poll_id, channel, votes))
    world.cosign(act, "scrutineer-1")
    return act
