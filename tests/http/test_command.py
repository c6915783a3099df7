"""`submit` and `countersign` with `--server`: by key files, over HTTP, receipts kept once they hold."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.rehearsal.steps_rounds import ballot, closing
from ledger.keyfile import write_key
from ledger.receipt import parse, verify
from ledger.statements.plain import to_plain
from tests.api.calling import PASSPHRASE, call
from tests.http.test_serving import home, serving
from tests.http.test_statements import open_round_history, vote
from tests.sequenced import Site
from tests.simulator import LOG_VKEY, resume
from tests.voting import PANEL

__all__ = ["home"]


def told(at: int) -> str:
    """An instant as it is written on the command line."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


def test_a_ballot_and_a_close_by_command(
    site: Site, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = resume(open_round_history()[0])
    round_id = open_round_history()[1]
    monkeypatch.chdir(tmp_path)
    for alias in (PANEL[0], "organiser", "scrutineer-1"):
        write_key(tmp_path / f"{alias}.key", world.actor(alias).key, PASSPHRASE.encode())
    listed = world.state.rounds.by_id[round_id].candidates
    cast = to_plain(ballot(world, round_id, [world.alias_of(listed[0])]))
    (tmp_path / "ballot.json").write_text(json.dumps({"kind": "ballot.cast", "body": cast}))
    with serving(site, home, 1) as (_, url):
        there = ("--server", url, "--vkey", LOG_VKEY.encode(), "--json")
        given = call("submit", "ballot.json", "--key", f"{PANEL[0]}.key", *there, "--now", told(world.now + 5_000))
        assert given.code == 0, given.out
        entry = given.value["entry"]
        kept = tmp_path / entry["receipt"]
        verify(parse(kept.read_bytes()), kept.with_suffix(".entry").read_bytes(), [LOG_VKEY])
        again = call("submit", "ballot.json", "--key", f"{PANEL[0]}.key", *there, "--now", told(world.now + 6_000))
        assert (again.code, again.value["refusal"]["code"]) == (1, "ALREADY_VOTED")
        assert (tmp_path / again.value["refusal"]["receipt"]).with_suffix(".attempt").exists()
        for member in PANEL[1:6]:
            (tmp_path / "envelope.json").write_bytes(vote(world, member))
            ready = call("submit", "envelope.json", *there, "--now", told(world.now + 7_000))
            assert ready.code == 0, ready.out
        balance = to_plain(closing(world, round_id, returned=6, unreturned=len(PANEL) - 6))
        (tmp_path / "close.json").write_text(json.dumps({"kind": "round.closed", "body": balance}))
        later = told(world.now + 5 * 3_600_000)
        close = call("submit", "close.json", "--key", "organiser.key", *there, "--now", later)
        assert close.code == 0, close.out
        assert close.value["entry"]["needs"] == 2
        index = close.value["entry"]["index"]
        agreed = call("countersign", index, "--key", "scrutineer-1.key", *there, "--now", later)
        assert agreed.code == 0, agreed.out
        declined = call("countersign", index, "--key", "scrutineer-1.key", "--decline", "不符", *there, "--now", later)
        assert declined.code == 1
        without = call("submit", "ballot.json", "--key", f"{PANEL[0]}.key", "--server", url, "--json")
        assert (without.code, without.value["error"]["code"]) == (2, "VKEY_NEEDED")
        keyless = call("submit", "ballot.json", *there)
        assert (keyless.code, keyless.value["error"]["code"]) == (2, "KEY_NEEDED")
