"""Another library's DSSE reads our envelopes, verifies what we signed, and signs what we accept."""

import json
from typing import Any

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer._crypto_signer import CryptoSigner
from securesystemslib.signer._key import SSlibKey

from ledger.admission import public_key_of
from ledger.selection import Selection
from ledger.signing import SigningKey, envelope_bytes, pae, strict_b64decode, verify_ed25519
from ledger.statements import decode_own_entry, open_envelope
from ledger.statements.framing import envelope_of
from tests.projections.worlds import eventful

SEED = bytes(range(32))
EXAMPLE_TYPE, EXAMPLE_BODY = "http://example.com/HelloWorld", b"hello world"
EXAMPLE_SIGNATURE = "FDBuhhGZHrQaLnHA+xYDozNBKtORTT3EFhGJXczChh8PCqB471sDESzy2zguMGQOk8D+Ij2hb/eoUkqxc/qgCg=="


def key_of(public: bytes, keyid: str) -> SSlibKey:
    return SSlibKey(keyid, "ed25519", "ed25519", {"public": public.hex()})


def signed_by_kind() -> dict[str, tuple[bytes, bytes]]:
    """One envelope of each kind of statement in a whole selection, and the public key that signed it."""
    state = Selection()
    found = {}
    for entry in eventful().entries:
        act = decode_own_entry(entry)
        public = public_key_of(state, act.signed)
        assert public is not None
        found[act.statement.type] = (envelope_of(entry), public)
        state.apply(act)
    return found


SIGNED = signed_by_kind()


def read(envelope: bytes, **changed: Any) -> Envelope:
    return Envelope.from_dict(json.loads(envelope) | changed)


@pytest.mark.parametrize("kind", sorted(SIGNED))
def test_their_library_verifies_our_envelopes(kind: str) -> None:
    envelope, public = SIGNED[kind]
    ours, theirs = open_envelope(envelope), read(envelope)
    key = key_of(public, ours.statement.key)
    assert theirs.verify([key], 1) == {key.keyid: key}
    assert (theirs.payload, theirs.payload_type) == (ours.payload, ours.payload_type)
    assert theirs.pae() == pae(ours.payload_type, ours.payload)
    assert json.dumps(theirs.to_dict(), sort_keys=True, separators=(",", ":")).encode() == envelope


def test_their_library_refuses_what_was_changed_or_signed_by_another() -> None:
    envelope, public = SIGNED["ballot.cast"]
    keyid = open_envelope(envelope).statement.key
    key, other = key_of(public, keyid), key_of(SigningKey.from_seed(SEED).public, keyid)
    whole = json.loads(envelope)
    changed = [{"payloadType": whole["payloadType"] + "x"}, {"payload": whole["payload"][:-4]}]
    for spoiled in (read(envelope, **one) for one in changed):
        with pytest.raises(VerificationError):
            spoiled.verify([key], 1)
    with pytest.raises(VerificationError):
        read(envelope).verify([other], 1)


def test_we_accept_what_their_library_signs() -> None:
    envelope, _ = SIGNED["ballot.cast"]
    ours = open_envelope(envelope)
    signer = CryptoSigner.generate_ed25519()
    made = Envelope(ours.payload, ours.payload_type, {})
    signature = made.sign(signer)
    public = bytes.fromhex(signer.public_key.keyval["public"])
    again = open_envelope(
        envelope_bytes(ours.payload_type, ours.payload, ours.statement.key, bytes.fromhex(signature.signature))
    )
    assert again.id == ours.id
    assert verify_ed25519(public, made.pae(), again.signature)
    assert not verify_ed25519(public, made.pae() + b" ", again.signature)


def test_the_published_example() -> None:
    key = SigningKey.from_seed(SEED)
    message = pae(EXAMPLE_TYPE, EXAMPLE_BODY)
    assert message == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert key.sign(message) == strict_b64decode(EXAMPLE_SIGNATURE, "signature")
    envelope = read(envelope_bytes(EXAMPLE_TYPE, EXAMPLE_BODY, "any", key.sign(message)))
    assert envelope.pae() == message
    assert envelope.verify([key_of(key.public, "any")], 1)
