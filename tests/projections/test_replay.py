"""What replay shows is what live shows, byte for byte, at any size and any time; nothing depends on the hash seed."""

import hashlib
import os
import subprocess
import sys

import pytest

from ledger.selection import Selection
from projections.replay import replay
from tests.projections.views import all_views
from tests.projections.worlds import PROGRAMMES, Played, eventful, smooth

POINTS = ("enrolled", "shortlist:open", "shortlist:reopened", "final:certified", "objection:open", "end")


def plays() -> list[Played]:
    return [*map(smooth, PROGRAMMES), eventful()]


@pytest.mark.parametrize("number", range(3))
def test_replay_of_everything_shows_what_live_shows(number: int) -> None:
    played = plays()[number]
    live, acts = played.state, played.acts
    again = replay(played.entries)
    assert all_views(again, acts, live.at) == all_views(live, acts, live.at)


def test_at_every_point_replay_shows_what_was_live_then() -> None:
    played = eventful()
    acts = played.acts
    live = Selection()
    sizes = sorted(played.marks[name] for name in POINTS)
    for act in acts:
        live.apply(act)
        if live.size in sizes:
            again = replay(played.entries, size=live.size)
            shown = all_views(live, acts[: live.size], live.at)
            assert all_views(again, acts[: live.size], live.at) == shown
            assert all_views(again, acts, live.at)["history"] == shown["history"]
            assert again.size == live.size


def test_a_time_shows_what_was_known_then() -> None:
    played = eventful()
    size = played.marks["objection:open"]
    at = played.acts[size - 1].at
    by_time, by_size = replay(played.entries, until=at), replay(played.entries, size=size)
    assert by_time.size == size
    assert all_views(by_time, played.acts, at) == all_views(by_size, played.acts, at)
    assert replay(played.entries, until=at - 1).size == size - 1


def test_looking_changes_nothing() -> None:
    played = eventful()
    before = all_views(played.state, played.acts, played.state.at)
    assert all_views(played.state, played.acts, played.state.at) == before
    assert played.state.size == len(played.entries)


def test_nothing_depends_on_the_hash_seed() -> None:
    digests = {_digest_under(seed) for seed in ("1", "77")}
    assert digests == {digest_of(smooth(PROGRAMMES[1]))}


def digest_of(played: Played) -> str:
    views = all_views(played.state, played.acts, played.state.at)
    return hashlib.sha256(b"".join(views[name] for name in sorted(views))).hexdigest()


def _digest_under(seed: str) -> str:
    code = (
        "from tests.projections.test_replay import digest_of\n"
        "from tests.projections.worlds import PROGRAMMES, smooth\n"
        "print(digest_of(smooth(PROGRAMMES[1])))\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return done.stdout.strip()
