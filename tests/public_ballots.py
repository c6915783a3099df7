"""Public votes by single ballots on a play: credentials, batches signed by the channel, what is attached to them."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from api.rehearsal.driver import World
from api.rehearsal.steps_polls import open_poll, operator_of
from ledger.poll_credentials import enter_credentials, totals_of
from ledger.poll_rows import (
    MINUTE_MS,
    UNKNOWN_ORIGIN,
    Block,
    Place,
    Vote,
    check_block,
    choice_of,
    credential_tag,
    credentials_root,
    encode_openings,
    encode_places,
    make_block,
    seal_subtotals,
)
from ledger.state.poll_book import Poll
from ledger.statements import Act
from ledger.statements.foundation import StageOpened
from ledger.statements.poll import PollClosed, Total
from ledger.statements.poll_ballots import (
    CredentialsCommitted,
    PollBatch,
    PollRuleDeclared,
    PollTotalsOpened,
    VotesInvalidated,
)
from ledger.store import Store
from tests.sequenced import StoredLedger

STAGE, CHANNEL, CLAUSE = "public", "union-wechat", "五(四)"
OPERATOR = operator_of(CHANNEL)
RULE = "burst-from-one-origin"
VOTERS = 60


def credential(number: int) -> bytes:
    """Return the one-time code of a voter."""
    return sha256(b"credential/%d" % number).digest()[:16]


def tags(poll: str, numbers: Iterable[int]) -> list[bytes]:
    """Return the tags of some voters."""
    return [credential_tag(poll, credential(number)) for number in numbers]


def poll_id(world: World) -> str:
    """Return the id that the poll of the stage is going to have."""
    return world.identifier(f"poll/{STAGE}")


def commitment(world: World, voters: int = VOTERS) -> CredentialsCommitted:
    """Return the channel's commitment to so many voters."""
    poll = poll_id(world)
    return CredentialsCommitted(CHANNEL, voters, poll, credentials_root(tags(poll, range(voters))).hex())


def rule(world: World) -> PollRuleDeclared:
    """Return the declaration of the rule by which votes may be left out."""
    return PollRuleDeclared(poll_id(world), RULE, "同一来源在十分钟内投出的相同选票")


def opened(world: World, voters: int = VOTERS) -> Poll:
    """Commit to credentials, declare the rule, open the poll; enter the credentials where there is a store."""
    world.must(OPERATOR, commitment(world, voters))
    world.must("organiser", rule(world))
    world.must("organiser", StageOpened(STAGE))
    poll = open_poll(world, STAGE)
    enter(world, poll, voters)
    return poll


def enter(world: World, poll: Poll, voters: int = VOTERS) -> None:
    """Enter the credentials where there is a store."""
    if isinstance(world.ledger, StoredLedger):
        with world.ledger.store() as store:
            enter_credentials(store, world.state, poll.id, CHANNEL, tags(poll.id, range(voters)))


def vote(world: World, poll: Poll, places: Sequence[int], salt: int = 0, origin: bytes = UNKNOWN_ORIGIN) -> Vote:
    """Return a vote for the candidates at these places, cast now."""
    sealed = sha256(b"salt/%d" % salt).digest()[:16]
    return Vote(choice_of(places, len(poll.candidates)), sealed, world.now // MINUTE_MS, origin)


def block_of(world: World, poll: Poll, choices: Mapping[int, Sequence[int]]) -> Block:
    """Return the block of ballots: places in the list by number of the voter."""
    votes = {
        tag: vote(world, poll, places, number)
        for (number, places), tag in zip(choices.items(), tags(poll.id, choices), strict=True)
    }
    return make_block(votes, sha256(b"subtotals").digest()[:16])


def batch(world: World, poll: Poll, block: Block, **changes: Any) -> PollBatch:
    """Return the statement that says what a block says."""
    found = check_block(block, len(poll.candidates), len(poll.candidates), (0, 2**32 - 1))
    values: dict[str, Any] = {
        "channel": CHANNEL,
        "count": block.count,
        "poll": poll.id,
        "root": found.root.hex(),
        "sequence": len(world.state.polls.ballots_of(poll.id).of_channel(CHANNEL)),
        "subtotals": seal_subtotals(block.salt, found.subtotals),
    }
    return PollBatch(**(values | changes))


def cast(world: World, poll: Poll, choices: Mapping[int, Sequence[int]]) -> Act:
    """Let the channel hand in one batch."""
    block = block_of(world, poll, choices)
    return world.must(OPERATOR, batch(world, poll, block), block.encode())


def close(world: World, poll: Poll) -> Act:
    """Let the window run out and close the poll."""
    world.now = max(world.now, poll.closes_at)
    return world.must("organiser", PollClosed(poll.id))


def open_totals(world: World, poll: Poll, store: Store) -> Act:
    """Let the channel open its totals."""
    body, openings = totals_of(world.state, poll.id, CHANNEL, store.attached)
    return world.must(OPERATOR, body, openings)


def given(poll: Poll, votes: Mapping[int, int]) -> tuple[Total, ...]:
    """Return totals by place in the list, 0 for all others."""
    return tuple(Total(candidate, votes.get(place, 0)) for place, candidate in enumerate(poll.candidates))


def opening(poll: Poll, blocks: Sequence[Block], votes: Mapping[int, int]) -> tuple[PollTotalsOpened, bytes]:
    """Return the statement that opens the totals of these blocks, and what is attached."""
    every = len(poll.candidates)
    opened = [(one.salt, check_block(one, every, every, (0, 2**32 - 1)).subtotals) for one in blocks]
    openings = encode_openings(opened)
    return PollTotalsOpened(CHANNEL, sha256(openings).hexdigest(), poll.id, given(poll, votes)), openings


def invalidation(
    poll: Poll, places: Sequence[tuple[int, int]], votes: Mapping[int, int], **changes: Any
) -> tuple[VotesInvalidated, bytes]:
    """Return the statement that leaves rows out, by batch and serial, and what is attached."""
    listed = encode_places([Place(*one) for one in places])
    values: dict[str, Any] = {
        "channel": CHANNEL,
        "count": len(places),
        "poll": poll.id,
        "query": "来源相同、十分钟内、选择相同",
        "rows": sha256(listed).hexdigest(),
        "rule": RULE,
        "totals": given(poll, votes),
    }
    return VotesInvalidated(**(values | changes)), listed


def serial_of(block: Block, poll: Poll, voter: int) -> int:
    """Return where a voter's row stands in a block."""
    return block.tags().index(tags(poll.id, [voter])[0])
