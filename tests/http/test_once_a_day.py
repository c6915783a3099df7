"""Where the programme lets a credential vote once a day: through the door, in batches, in totals, audit and export.

The day is the civil day of the programme: it turns at midnight by its offset, to the millisecond, and not by UTC.
"""

from functools import cache
from pathlib import Path

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_rounds import certify, play_people
from ledger.poll_receipt import parse, verify
from ledger.poll_rows import MINUTE_MS, Block, make_block
from ledger.state.poll_book import Poll
from projections.audit.export import Trust, verify_export
from projections.disclosure import Audience
from projections.poll_audit import audit
from tests import public_ballots as public
from tests.exports.stored import export_of
from tests.http.conftest import served
from tests.http.test_polls import asking, ballot, cast, code, receipt_of, refused, with_boxes
from tests.http.test_polls_shown import settled
from tests.public_ballots import OPERATOR, STAGE
from tests.sequenced import Site
from tests.simulator import LOG_VKEY, History, freeze
from tests.voting import changed, play_until, prepared

DAY_MS = 86_400_000


@cache
def history(offset: int) -> History:
    """The play until the public vote may open, of a programme whose civil day is at this offset (minutes)."""
    programme = changed(readings={"public_ballot": "up_to_seats_once_a_day"}, utc_offset_minutes=offset)
    world = prepared(programme)
    play_until(world, STAGE)
    play_people(world, STAGE)
    return freeze(world)


def midnight_after(at: int, offset: int) -> int:
    """The first instant (UTC ms) of the next civil day."""
    return ((at + offset * MINUTE_MS) // DAY_MS + 1) * DAY_MS - offset * MINUTE_MS


def rows(world: World, poll: Poll, voter: int, at: int) -> Block:
    """A batch of the channel's own system with one ballot, cast at a time."""
    cast_then = public.vote(world, poll, (voter % 3,), voter)._replace(minute=at // MINUTE_MS)
    return make_block({public.tags(poll.id, [voter])[0]: cast_then}, bytes([voter]) * 16)


@pytest.mark.parametrize("offset", [480, -210])
def test_F05_a_code_votes_once_on_each_civil_day_to_the_millisecond(site: Site, tmp_path: Path, offset: int) -> None:
    (tmp_path / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')
    with served(site, history(offset), tmp_path) as plain:
        service = with_boxes(plain)
        world = service.world
        poll = public.opened(world)
        turns = midnight_after(world.now, offset)
        utc = midnight_after(turns, 0)
        someone, other = [poll.candidates[0]], [poll.candidates[1]]
        times = (turns - 1, turns, turns + 59_999, utc, turns + DAY_MS - 1, turns + DAY_MS)
        answers = [cast(service, poll, ballot(0, someone if at < turns else other), at=at)[0] for at in times]
        assert [one.status_code for one in answers] == [201, 201, 200, 200, 200, 201]
        receipts = [receipt_of(one) for one in answers]
        assert len({one.encode() for one in receipts}) == 3
        assert len({one.row.tag for one in receipts}) == 1, "one credential, a ballot on each of three days"
        assert receipts[1].encode() == receipts[2].encode() == receipts[3].encode() == receipts[4].encode()
        # Each day's receipt is given again for its day, and holds for ever.
        path = f"/v1/polls/{poll.id}/receipts"
        found = asking(service, *(("POST", f"{path}?at={at}", {"code": code(0)}) for at in (times[0], times[3])))
        assert [one.json()["receipt"] for one in found] == [answers[0].json()["receipt"], answers[1].json()["receipt"]]
        for one in receipts:
            verify(parse(one.encode()), [LOG_VKEY])

        # Beside them the batches of a channel's own system, judged by when each ballot was cast, not handed in.
        settled(world)
        world.now = turns + DAY_MS + 60_000
        for voter, at in ((1, turns - 1), (1, turns), (2, turns)):
            block = rows(world, poll, voter, at)
            world.must(OPERATOR, public.batch(world, poll, block), block.encode())
        for voter, at in ((1, turns + 60_000), (0, turns - 60_000), (0, turns + DAY_MS)):
            block = rows(world, poll, voter, at)
            refusal = world.refused(OPERATOR, public.batch(world, poll, block), block.encode())
            assert refusal.code == "ALREADY_VOTED_PUBLIC"
        shown = asking(service, ("GET", f"/v1/polls/{poll.id}", None))[0].json()["poll"]
        assert (shown["rule"], shown["taken"]) == ("once_a_day", 6)

        settled(world)
        public.close(world, poll)
        refused(cast(service, poll, ballot(3, someone))[0], 409, "POLL_CLOSED")
        public.open_totals(world, poll, service.context.store)
        certify(world, f"poll:{poll.id}")
        report = audit(world.state, poll.id, site.ballots())
        assert (report.problems, report.ballots) == ((), 6)
        totals = world.state.polls.by_id[poll.id].totals[public.CHANNEL].totals
        assert sum(totals.values()) == 6
    export_of(site, tmp_path / "full.zip", Audience.AUDITOR)
    assert verify_export(tmp_path / "full.zip", Trust(LOG_VKEY)).clean
