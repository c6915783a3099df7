"""Keys change under a client: the log's, which it follows as far as the log proves it, and a member's own."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api.client import Client, Declined, ProblemError, Receipted
from api.log_key_following import KnownKeys, Shown
from api.rehearsal.driver import World
from api.rehearsal.steps_rounds import ballot
from ledger.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from ledger.errors import VerificationError
from ledger.log_keys import LogKeys
from ledger.merkle import Frontier, inclusion_proof, leaf_hash, root_at
from ledger.receipt import Receipt
from ledger.signing import SigningKey
from tests.clauses.founding import SPONSORS, rotate_log_key
from tests.http.conftest import Service
from tests.http.test_client import OTHER, client_of, through
from tests.http.test_forms import answered_by
from tests.http.test_statements import open_round_history, service, vote
from tests.simulator import LOG_KEY, LOG_VKEY, NEXT_LOG_KEY, ORIGIN, MemoryLedger, entries_of, new_world
from tests.voting import PANEL

__all__ = ["service"]
NEXT = VerifierKey(ORIGIN, NEXT_LOG_KEY.public)
Answer = Callable[[httpx.Request], httpx.Response]


def told(client: Client) -> list[dict[str, Any]]:
    """The keys as the service tells them."""
    found: list[dict[str, Any]] = client.read("/v1/log-keys")["log_keys"]
    return found


def test_given_only_the_old_key_a_client_goes_on_with_what_the_log_proves(service: Service) -> None:
    before, after = vote(service.world), PANEL[1]
    with answered_by(service) as client:
        first = client.submit(before, service.world.now)
        assert isinstance(first, Receipted)
        rotate_log_key(service.world)
        # A retry after the rotation gets the receipt of before it, under the old key.
        again = client.submit(before, service.world.now)
        assert isinstance(again, Receipted)
        assert (again.again, again.receipt) == (True, first.receipt)
        later = client.submit(vote(service.world, after), service.world.now)
        assert isinstance(later, Receipted)
        with pytest.raises(VerificationError):
            LogKeys.of(LOG_VKEY).open(later.receipt.partition(b"\n\n")[2])
        assert client.checkpoint() is not None
        form = client.ballot_form(open_round_history()[1], service.world.actor(PANEL[2]).key)
        assert form["header"]["seen"]["size"] == later.index + 1
        assert [one["vkey"] for one in told(client)] == [LOG_VKEY.encode(), NEXT.encode()]


def test_given_the_new_key_alone_nothing_has_to_be_followed(service: Service) -> None:
    rotate_log_key(service.world)
    client, _ = client_of(through(service), (NEXT,))
    assert isinstance(client.submit(vote(service.world), service.world.now), Receipted)


def altered(service: Service, change: Callable[[str, Any], Any]) -> Client:
    """A client whose answers are changed on their way."""
    real = through(service)

    def answer(request: httpx.Request) -> httpx.Response:
        given = real(request)
        if given.headers.get("content-type", "").startswith("application/json"):
            return httpx.Response(given.status_code, json=change(request.url.path, given.json()))
        return given

    return client_of(answer)[0]


def another_key(path: str, value: Any) -> Any:
    """The service names a key of its own as the log's."""
    if path == "/v1/log-keys":
        value["log_keys"][-1]["vkey"] = VerifierKey(ORIGIN, OTHER.public).encode()
    return value


def other_entries(path: str, value: Any) -> Any:
    """The service names other entries as the rotation."""
    if path == "/v1/log-keys":
        value["log_keys"][-1]["stated"] -= 1
    return value


def no_rotation(path: str, value: Any) -> Any:
    """The service tells of no rotation."""
    if path == "/v1/log-keys":
        value["log_keys"] = value["log_keys"][:1]
    return value


def later_tree(path: str, value: Any) -> Any:
    """The proof is against a tree that the new key has signed itself."""
    if path == "/v1/log-keys":
        value["log_keys"][-1]["effective"] += 1
    return value


def nonsense(path: str, value: Any) -> Any:
    """The service tells nothing that could be read."""
    return {"log_keys": [{"vkey": 1}]} if path == "/v1/log-keys" else value


@pytest.mark.parametrize("change", [another_key, other_entries, no_rotation, later_tree, nonsense])
def test_a_key_that_the_log_does_not_prove_is_not_believed(service: Service, change: Callable[[str, Any], Any]) -> None:
    rotate_log_key(service.world)
    code = "SERVER_ANSWER_INVALID" if change is no_rotation else "LOG_KEY_UNPROVEN"
    with pytest.raises(VerificationError, match=code):
        altered(service, change).submit(vote(service.world), service.world.now)
    known = KnownKeys([LOG_VKEY])
    with answered_by(service) as client:
        terms = change("/v1/log-keys", {"log_keys": told(client)})["log_keys"]
        if change is no_rotation:
            assert known.follow(terms, client._shown) is False
            return
        with pytest.raises(VerificationError, match="LOG_KEY_UNPROVEN"):
            known.follow(terms, client._shown)
    assert known.open(note(7, LOG_KEY)).size == 7, "nothing was learnt"


def shown_by(world: World) -> Callable[[int, int], Shown]:
    """What a log in memory shows, signed by the old key whatever it is asked for."""
    entries, nodes, frontier = entries_of(world), dict[tuple[int, int], bytes](), Frontier()
    for entry in entries:
        nodes |= {(level, place): value for level, place, value in frontier.append(leaf_hash(entry))}

    def show(index: int, size: int) -> Shown:
        node = lambda level, place: nodes[level, place]  # noqa: E731
        note = sign_checkpoint(Checkpoint(ORIGIN, size, root_at(size, node)), LOG_KEY)
        return Shown(entries[index], Receipt(index, inclusion_proof(index, size, node), note).encode())

    return show


@pytest.mark.parametrize("stolen", [(), (SPONSORS[0],), (SPONSORS[0], SPONSORS[1])])
def test_a_thief_of_the_logs_old_key_makes_up_no_rotation_without_two_sponsors_keys(stolen: tuple[str, ...]) -> None:
    world = new_world()
    ledger = world.ledger
    assert isinstance(ledger, MemoryLedger)
    ledger.honest = False
    for alias in set(SPONSORS[:2]) - set(stolen):
        world.actor(alias).key = OTHER
    rotate_log_key(world)
    terms = [
        {"effective": 0, "since": 0, "stated": 0, "vkey": LOG_VKEY.encode()},
        {"effective": world.state.size - 1, "since": 0, "stated": world.state.size - 2, "vkey": NEXT.encode()},
    ]
    known = KnownKeys([LOG_VKEY])
    if len(stolen) == 2:
        assert known.follow(terms, shown_by(world)) is True
        assert known.open(note(99, NEXT_LOG_KEY)).size == 99
        with pytest.raises(VerificationError):
            known.open(note(99, LOG_KEY))
        return
    with pytest.raises(VerificationError, match="LOG_KEY_UNPROVEN"):
        known.follow(terms, shown_by(world))


def note(size: int, key: SigningKey) -> bytes:
    """A checkpoint of any size by any key."""
    return sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), key)


def test_a_members_new_key_reads_the_old_ones_receipt_and_gives_no_second_vote(service: Service) -> None:
    world, (round_id, member) = service.world, (open_round_history()[1], PANEL[0])
    old, new = world.actor(member).key, OTHER
    with answered_by(service) as client:
        form = client.ballot_form(round_id, old)
        chosen = [world.alias_of(one) for one in form["candidates"][:1]]
        voted = client.sign(form, ballot(world, round_id, chosen), old)
        first = client.submit(voted, world.now + 1000)
        assert isinstance(first, Receipted)
        # A ballot that was signed before the rotation and is still on its way when the key changes.
        late = client.sign(client.ballot_form(round_id, old), ballot(world, round_id, ()), old)
        rotated = client.rotate(old, new, world.now + 2000)
        assert isinstance(rotated, Receipted)
        again = client.submit(voted, world.now + 3000)
        assert isinstance(again, Receipted)
        assert (again.again, again.index, again.receipt) == (True, first.index, first.receipt)
        stopped = client.submit(late, world.now + 3000)
        assert isinstance(stopped, Declined)
        assert stopped.refusal.code == "KEY_REVOKED"
        form = client.ballot_form(round_id, new)
        assert form["header"]["person"] == world.person(member)
        second = client.submit(client.sign(form, ballot(world, round_id, chosen), new), world.now + 4000)
        assert isinstance(second, Declined)
        assert second.refusal.code == "ALREADY_VOTED"
        back = client.rotate(old, new, world.now + 5000)
        assert isinstance(back, Declined)
    assert len(service.sequencer.state.rounds.by_id[round_id].ballots) == 1


def test_a_rotation_whose_answer_is_lost_is_asked_for_again(service: Service) -> None:
    real, lost = through(service), list[bytes]()

    def losing(request: httpx.Request) -> httpx.Response:
        answer = real(request)
        if request.method == "POST" and not lost:
            lost.append(request.content)
            raise httpx.ReadTimeout("the answer is lost")
        return answer

    client, _ = client_of(losing)
    rotated = client.rotate(service.world.actor(PANEL[0]).key, OTHER, service.world.now + 1000)
    assert isinstance(rotated, Receipted)
    assert (rotated.again, len(lost)) == (True, 1)


def test_nobody_known_rotates_nothing(service: Service) -> None:
    with answered_by(service) as client:
        with pytest.raises(VerificationError, match="KEY_UNKNOWN"):
            client.rotate(OTHER, NEXT_LOG_KEY)
        with pytest.raises(ProblemError, match="SIGN_IN_FAILED"):
            client.sign_in(OTHER)
