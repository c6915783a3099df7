"""五(四), 五(五): the public vote by certified totals, and the panel's second ballot."""

from dataclasses import replace

from api.rehearsal.driver import World
from api.rehearsal.steps_polls import import_totals, poll_opening, totals
from api.rehearsal.steps_rounds import (
    certify,
    closing,
    open_round,
    opening,
)
from ledger.poll_rows import Block
from ledger.state.poll_book import Poll
from ledger.statements.foundation import StageClosed, StageOpened
from ledger.statements.poll import ChannelRegistered, PollClosed, PollOpened
from ledger.statements.poll_ballots import VotesReinstated
from tests import public_ballots as public
from tests.clauses.row import Forbidden, Row
from tests.clauses.voting import close, current


def poll(world: World) -> Poll:
    return world.state.polls.by_id[world.identifier("poll/public")]


def channel(world: World, name: str) -> ChannelRegistered:
    return ChannelRegistered(name, world.person("operator"), "网上投票平台", verifiable=True)


def register(world: World) -> None:
    world.enrol("operator", "channel", unit="unit-operator")
    world.must("organiser", channel(world, "union-wechat"))


def unknown_channel(world: World) -> Forbidden:
    return Forbidden("organiser", replace(channel(world, "somebodys-blog"), operator=world.person("inspector-1")))


def public_votes(world: World) -> None:
    world.now = poll(world).closes_at
    world.must("organiser", PollClosed(poll(world).id))
    import_totals(world, poll(world).id, "union-wechat")
    certify(world, f"poll:{poll(world).id}")
    world.must("organiser", StageClosed("public"))


def typed_totals(world: World) -> Forbidden:
    world.now = poll(world).closes_at
    world.must("organiser", PollClosed(poll(world).id))
    return Forbidden("organiser", totals(world, poll(world).id, "union-wechat"))


def short_list(world: World) -> Forbidden:
    body: PollOpened = poll_opening(world, "public")
    return Forbidden("organiser", replace(body, candidates=body.candidates[1:]))


def open_public(world: World) -> None:
    world.must("organiser", StageOpened("public"))
    world.must("organiser", poll_opening(world, "public"))


def open_public_short(world: World) -> Forbidden:
    world.must("organiser", StageOpened("public"))
    return short_list(world)


def final_result(world: World) -> None:
    close(world)
    certify(world, "stage:final")
    final = world.state.rounds.final
    assert final is not None
    assert len(final.nominees) == 10
    assert len(final.alternates) == 4


def eleven_nominees(world: World) -> Forbidden:
    return Forbidden("organiser", opening(world, "final", None, seats=11))


def cast(world: World) -> Block:
    public.enter(world, poll(world))
    block = public.block_of(world, poll(world), {0: (0, 1), 1: (1,), 2: (1,)})
    world.must(public.OPERATOR, public.batch(world, poll(world), block), block.encode())
    return block


def left_out_and_in_again(world: World) -> None:
    block = cast(world)
    public.close(world, poll(world))
    world.must(public.OPERATOR, *public.opening(poll(world), [block], {0: 1, 1: 3}))
    body, listed = public.invalidation(poll(world), [(0, public.serial_of(block, poll(world), 2))], {1: 1})
    act = world.must("organiser", body, listed)
    world.cosign(act, "discipline")
    assert poll(world).totals[public.CHANNEL].totals[poll(world).candidates[1]] == 2
    again = world.must("organiser", VotesReinstated(act.index, poll(world).id, "核实为不同选民"))
    world.cosign(again, "discipline")
    assert poll(world).totals[public.CHANNEL].totals[poll(world).candidates[1]] == 3


def left_out_while_it_runs(world: World) -> Forbidden:
    return Forbidden("organiser", public.invalidation(poll(world), [(0, 0)], {1: 1})[0])


ROWS = (
    Row(
        "五(四)",
        "A channel that gives ballots says before the poll opens who may vote.",
        "before:public",
        lambda world: world.must(public.OPERATOR, public.commitment(world)),
        lambda world: Forbidden("organiser", public.commitment(world)),
        "NOT_AUTHORISED",
    ),
    Row(
        "五(四)",
        "By which rule votes may be left out is said before the poll opens.",
        "before:public",
        lambda world: world.must("organiser", public.rule(world)),
        lambda world: Forbidden(public.OPERATOR, public.rule(world)),
        "NOT_AUTHORISED",
    ),
    Row(
        "五(四)",
        "The ballots of a channel come in batches that it signs.",
        "polling by ballots",
        cast,
        lambda world: Forbidden(
            "organiser", public.batch(world, poll(world), public.block_of(world, poll(world), {0: (0,)}))
        ),
        "NOT_AUTHORISED",
    ),
    Row(
        "五(四)",
        "Votes are left out by a declared rule, after the close, by two, and may count again.",
        "polling by ballots",
        left_out_and_in_again,
        left_out_while_it_runs,
        "POLL_NOT_CLOSED",
    ),
    Row(
        "五(四)",
        "The channels are those that the programme names.",
        "staffed",
        register,
        unknown_channel,
        "UNKNOWN_CHANNEL",
    ),
    Row(
        "五(四)",
        "The whole shortlist goes to the public.",
        "before:public",
        open_public,
        open_public_short,
        "LIST_NOT_DERIVED",
    ),
    Row(
        "五(四)",
        "For the declared window.",
        "polling",
        public_votes,
        lambda world: Forbidden("organiser", PollClosed(poll(world).id)),
        "POLL_NOT_ELAPSED",
    ),
    Row(
        "五(四)",
        "Its totals are the channel's own, under two signers.",
        "polling",
        public_votes,
        typed_totals,
        "NOT_AUTHORISED",
    ),
    Row(
        "五(五)",
        "The panel decides with regard to the certified public vote: the stage waits for it.",
        "polling",
        public_votes,
        lambda world: Forbidden("organiser", StageClosed("public")),
        "PUBLIC_NOT_CERTIFIED",
    ),
    Row(
        "五(五)",
        "As many nominees as seats; the rest of the shortlist are alternates, in order.",
        "final voting",
        final_result,
        lambda world: Forbidden("organiser", replace(closing(world, current(world).id), issued=99)),
        "EARLY_CLOSE",
    ),
    Row(
        "五(五)",
        "A second named ballot for ten places.",
        "final sitting",
        lambda world: open_round(world, "final", None),
        eleven_nominees,
        "LIST_NOT_DERIVED",
    ),
)
