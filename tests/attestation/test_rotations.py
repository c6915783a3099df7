"""Files that stand alone over a rotation of the log's key: they carry it, and it is proven by the key before."""

import json
from typing import Any

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_naming import play_approval, play_naming
from ledger import canonical
from ledger.checkpoint import VerifierKey
from ledger.errors import LedgerError, MalformedError, VerificationError
from ledger.statements import Act, decode_own_entry
from projections.certificate import certify, verify_certificate
from projections.proven import rotations_of
from tests.attestation.sources import FirstReceipts
from tests.clauses.founding import rotate_log_key
from tests.projections.worlds import eventful
from tests.simulator import LOG_VKEY, NEXT_LOG_KEY, ORIGIN, entries_of, resume


@pytest.fixture(scope="module")
def world() -> World:
    """A selection whose log got another key before anybody was named."""
    world = resume(eventful().histories["approval"])
    rotate_log_key(world)
    play_approval(world)
    play_naming(world)
    return world


@pytest.fixture(scope="module")
def acts(world: World) -> tuple[Act, ...]:
    return tuple(decode_own_entry(entry) for entry in entries_of(world))


@pytest.fixture(scope="module")
def data(world: World, acts: tuple[Act, ...]) -> bytes:
    titles = world.state.naming.titles
    assert titles is not None
    source = FirstReceipts([act.entry for act in acts], world.state.log.keys)
    return certify(world.state, acts, source, titles.candidates[0])


def changed(data: bytes, **members: Any) -> bytes:
    value: dict[str, Any] = json.loads(data)
    return canonical.encode(value | members) + b"\n"


def test_the_founding_key_alone_is_trusted_and_leads_to_the_next(
    world: World, acts: tuple[Act, ...], data: bytes
) -> None:
    ((rotation, signature),) = rotations_of(acts)
    assert world.state.log.keys.terms[1].since == signature + 2 > rotation
    found = verify_certificate(data, LOG_VKEY)
    assert found.named > signature
    assert verify_certificate(data, world.state.log.keys) == found
    with pytest.raises(VerificationError, match="CERTIFICATE_NOT_IN_LOG"):
        verify_certificate(data, VerifierKey(ORIGIN, NEXT_LOG_KEY.public))


def test_a_rotation_left_out_half_signed_or_of_something_else_proves_no_key(data: bytes) -> None:
    value = json.loads(data)
    ((rotation, signature),) = value["rotations"]
    for rotations in (
        [],
        [[signature, rotation]],
        [[rotation, value["charter"]]],
        [[rotation, rotation]],
        [[value["charter"], signature]],
        [[rotation, signature], [rotation, signature]],
    ):
        with pytest.raises(LedgerError) as caught:
            verify_certificate(changed(data, rotations=rotations), LOG_VKEY)
        assert caught.value.code in {"CERTIFICATE_NOT_IN_LOG", "LOG_KEYS_INVALID"}
    with pytest.raises(MalformedError):
        verify_certificate(changed(data, rotations=[[rotation]]), LOG_VKEY)
