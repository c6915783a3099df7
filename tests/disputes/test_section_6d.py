"""Section 6: a receipt whose entry is gone is proof of the operator's fault (F10)."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from api.client import Receipted
from api.receipt_checking import CODE, Standing, check
from api.rehearsal.driver import World
from api.rehearsal.steps_rounds import NO_PLAN, ballot, certification, choices_of, close_round
from ledger.errors import VerificationError
from ledger.forks import verify_fork
from ledger.log_keys import LogKeys
from ledger.poll_receipt import Paths
from ledger.procedure.reasons import Refusal
from ledger.statements.naming import FindingRaised
from ledger.statements.plain import from_plain
from tests import public_ballots as public
from tests.api.calling import call
from tests.http.conftest import served
from tests.http.live import listening
from tests.http.test_client import client_of
from tests.http.test_forms import answered_by
from tests.http.test_statements import open_round_history, vote
from tests.sequenced import Site, StoredLedger
from tests.simulator import LOG_VKEY, History, freeze, resume
from tests.voting import PANEL, history_before


@pytest.fixture(autouse=True)
def sequenced() -> None:
    """Each test puts its plays into databases of its own."""


@pytest.fixture
def receipt(new_site: Callable[[], Site], tmp_path: Path) -> tuple[bytes, bytes, History]:
    """A member's ballot, as the service received it: receipt and entry; and the play before it."""
    history = open_round_history()[0]
    with served(new_site(), history, tmp_path / "first") as service, answered_by(service) as client:
        given = client.submit(vote(service.world), service.world.now)
        assert isinstance(given, Receipted)
        later = client.submit(vote(service.world, PANEL[1]), service.world.now)
        assert isinstance(later, Receipted)
        kept = check(client, given.receipt, given.entry)
        assert (kept.standing, kept.evidence) == (Standing.INCLUDED, None)
    return given.receipt, given.entry, history


def another_history() -> History:
    """The same play, in which others voted and the first ballot never was."""
    history, round_id = open_round_history()
    world = resume(history)
    listed = [world.alias_of(one) for one in world.state.rounds.by_id[round_id].candidates]
    world.now += 5000
    for member in PANEL[2:]:
        world.must(member, ballot(world, round_id, listed[:1]))
    return freeze(world)


@pytest.mark.parametrize(("shown", "proven"), [(another_history, "SPLIT_VIEW"), (None, "ROLLBACK_DETECTED")])
def test_F10_a_receipt_whose_entry_is_gone_proves_the_operators_fault(
    receipt: tuple[bytes, bytes, History],
    new_site: Callable[[], Site],
    tmp_path: Path,
    shown: Callable[[], History] | None,
    proven: str,
) -> None:
    proof, entry, before = receipt
    history = shown() if shown is not None else before
    (tmp_path / "b.tlog-proof").write_bytes(proof)
    (tmp_path / "b.entry").write_bytes(entry)
    evidence, statement = tmp_path / "evidence.json", tmp_path / "finding.json"
    with served(new_site(), history, tmp_path / "second") as service, listening(service) as live:
        answer = call(
            "check-receipt", tmp_path / "b.tlog-proof", "--entry", tmp_path / "b.entry", "--server", live.url,
            "--vkey", LOG_VKEY.encode(), "--evidence", evidence, "--statement", statement, "--wait", 0, "--json",
        )  # fmt: skip
        assert answer.code == 1
        told = answer.value["receipt"]
        assert (told["standing"], told["finding"]["code"], told["finding"]["severity"]) == (
            "not_included",
            CODE,
            "breach",
        )
        # Anybody who knows the log's key sees from the file alone that the log signed two histories.
        assert verify_fork(evidence.read_bytes(), LogKeys.of(LOG_VKEY)).code == proven
        offline = call("fork", evidence, "--vkey", LOG_VKEY.encode(), "--json")
        assert (offline.code, offline.value["forks"][0]["code"]) == (1, proven)
        # On the record: an open breach, without whose end no result is certified.
        made = json.loads(statement.read_text())
        body = from_plain(FindingRaised, made["body"], "body")
        world = service.world
        world.must("discipline", body)
        (found,) = (one for one in world.state.findings.by_id.values() if one.code == CODE)
        assert (found.severity, found.closed) == ("breach", None)
        if shown is None:
            assert certified(world).code == "FINDING_OPEN"


def certified(world: World) -> Refusal:
    """Let everybody vote, close the round, and try to certify what came of it."""
    played = world.state.rounds.by_id[open_round_history()[1]]
    for member, approve in choices_of(world, played, NO_PLAN, {}).items():
        world.must(member, ballot(world, played.id, approve))
    close_round(world, played.id)
    return world.refused("organiser", certification(world, "stage:shortlist"))


def test_F10_a_public_voters_receipt_is_held_against_the_log_as_well(
    new_site: Callable[[], Site], tmp_path: Path
) -> None:
    before = history_before(public.STAGE)
    with served(new_site(), before, tmp_path / "first") as service, answered_by(service) as client:
        world = service.world
        ledger = world.ledger
        assert isinstance(ledger, StoredLedger)
        poll = public.opened(world)
        block = public.block_of(world, poll, {0: (0, 1), 1: (1,)})
        act = world.must(public.OPERATOR, public.batch(world, poll, block), block.encode())
        given = Paths(block).receipt(
            public.tags(poll.id, [1])[0], ledger.entries[act.index], ledger.receipts[act.index].encode()
        )
        assert given is not None
        assert check(client, given.encode()).standing is Standing.INCLUDED
    with served(new_site(), before, tmp_path / "second") as service, answered_by(service) as client:
        gone = check(client, given.encode())
        assert (gone.standing, gone.held.index) == (Standing.NOT_INCLUDED, act.index)
        assert gone.evidence is not None
        assert verify_fork(gone.evidence, LogKeys.of(LOG_VKEY)).code == "ROLLBACK_DETECTED"
        with pytest.raises(VerificationError, match="RECEIPT_NOT_INCLUDED"):
            check(client, given.encode().replace(b'"serial":0', b'"serial":9').replace(b'"serial":1', b'"serial":0'))


def test_F10_a_service_that_proves_nothing_is_not_believed_and_a_cache_is_asked_once_more(
    receipt: tuple[bytes, bytes, History], new_site: Callable[[], Site], tmp_path: Path
) -> None:
    proof, entry, before = receipt
    with served(new_site(), another_history(), tmp_path / "second") as service, answered_by(service) as client:
        inner = client._http

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/consistency"):
                return httpx.Response(404, json={"code": "NOT_FOUND", "facts": {}})
            return inner.send(request)

        silent, _ = client_of(answer)
        found = check(silent, proof, entry)
        assert (found.standing, found.evidence) == (Standing.UNPROVEN, None)
    with served(new_site(), before, tmp_path / "third") as service, answered_by(service) as client:
        again = client._http
        waiting, pauses = client_of(again.send)
        assert check(waiting, proof, entry, wait=7).standing is Standing.NOT_INCLUDED
        assert pauses == [7]
