"""Cosignatures: the published vector, both key types, who counts, and every line that must not hold."""

import base64
import builtins
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ledger import cosignature as co
from ledger.checkpoint import Checkpoint, Note, Signature, VerifierKey, parse_note, sign_checkpoint
from ledger.errors import LedgerError, MalformedError, VerificationError
from ledger.merkle import EMPTY_ROOT, leaf_hash
from ledger.signing import SigningKey
from tests.test_signing import vectors

LOG_KEY = SigningKey.from_seed(bytes(range(1, 33)))
ORIGIN = "ledger.example/test"
LOG = VerifierKey(ORIGIN, LOG_KEY.public)
EMPTY_TEXT = b"ledger.example/test\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
W1 = co.Ed25519Cosigner("witness.example/w1", SigningKey.from_seed(bytes(range(32))))
W1_VKEY = "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
W1_LINE = (
    "— witness.example/w1 519lMgAAAABpUkfAhrqlceNSBKaS2vGE6lIizzwKHO2BgNK4Rv6UYeGNYsYVdXBsjkeXLnx2D0v3MZamXCiTnlZy"
    "CDoBZWlMbcvUBQ==\n"
).encode()
W2 = co.Ed25519Cosigner("witness.example/w2", SigningKey.from_seed(bytes(range(2, 34))))
PQ = co.MlDsaCosigner("witness.example/pq", MLDSA44PrivateKey.from_seed_bytes(bytes(range(32))))
AT = 1_767_000_000
GROWN = Checkpoint(ORIGIN, 3, leaf_hash(b"root"))
NOTE = sign_checkpoint(GROWN, LOG_KEY)


def cosigned(*cosigners: co.Cosigner, note: bytes = NOTE, at: int = AT) -> bytes:
    parsed = parse_note(note)
    return note + b"".join(co.cosign(parsed.text, at, one).line() for one in cosigners)


def test_vector() -> None:
    assert W1.key.encode() == W1_VKEY
    assert co.parse_witness_vkey(W1_VKEY) == W1.key
    assert co.cosign(EMPTY_TEXT, AT, W1).line() == W1_LINE
    note = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), LOG_KEY) + W1_LINE
    opened = co.open_cosigned(note, LOG, [W1.key])
    assert [(one.name, one.time, one.key_id.hex()) for one in opened.by] == [("witness.example/w1", AT, "e75f6532")]


def test_message_of_ml_dsa_byte_by_byte() -> None:
    message = co.message_of(PQ.key, GROWN.text(), AT)
    assert message == (
        b"subtree/v1\n\0\x12witness.example/pq"
        + AT.to_bytes(8, "big")
        + b"\x13ledger.example/test"
        + bytes(8)
        + (3).to_bytes(8, "big")
        + GROWN.root
    )


def test_both_types_cosign_one_note_and_keys_survive_their_text() -> None:
    note = cosigned(W1, PQ, W2)
    opened = co.open_cosigned(note, LOG, [PQ.key, W1.key])
    assert opened.checkpoint == GROWN
    assert [one.name for one in opened.by] == ["witness.example/w1", "witness.example/pq"]
    assert opened.keys == {W1.key.public, PQ.key.public}
    assert co.parse_witness_vkey(PQ.key.encode()) == PQ.key


def test_a_log_may_bring_keys_of_its_own() -> None:
    class Keys:
        def open(self, note: bytes) -> Checkpoint:
            assert note == NOTE
            return GROWN

    assert co.open_cosigned(NOTE, Keys(), [W1.key]) == co.Cosigned(GROWN, ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "witness.example/w1",
        "witness.example/w1+e75f6532+",
        W1_VKEY.replace("e75f6532", "e75f6533"),
        W1_VKEY.replace("e75f6532", "E75F6532"),
        W1_VKEY.replace("w1", "w 1"),
        W1_VKEY.replace("w1", "w2"),
        W1_VKEY[:-1],
        W1_VKEY + "\n",
        LOG.encode(),
        W1_VKEY.replace("+BAO", "+BgO"),
    ],
)
def test_other_spellings_of_a_witness_key_are_refused(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        co.parse_witness_vkey(text)
    assert caught.value.code == "VKEY_MALFORMED"


@pytest.mark.parametrize("public", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32])
def test_weak_keys_are_refused(public: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        co.parse_witness_vkey(co.WitnessKey("w", public).encode())
    assert caught.value.facts == {"where": "weak key"}


def _flip(at: int) -> Callable[[bytes], bytes]:
    return lambda value: value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


@pytest.mark.parametrize("who", [W1, PQ])
@pytest.mark.parametrize(
    "change",
    [
        _flip(0),
        _flip(7),
        _flip(8),
        _flip(70),
        lambda value: value[:-1],
        lambda value: value + b"\0",
        lambda value: value[:8],
    ],
)
def test_a_known_witness_whose_line_does_not_hold_spoils_the_note(
    who: co.Cosigner, change: Callable[[bytes], bytes]
) -> None:
    line = co.cosign(GROWN.text(), AT, who)
    note = NOTE + Signature(line.name, line.key_id, change(line.value)).line()
    with pytest.raises(VerificationError) as caught:
        co.open_cosigned(note, LOG, [who.key])
    assert (caught.value.code, caught.value.facts) == ("NOTE_SIGNATURE_INVALID", {"key": who.key.name})
    assert co.open_cosigned(note, LOG, [W2.key]).by == ()


@pytest.mark.parametrize("who", [W1, PQ])
def test_a_cosignature_is_for_one_tree(who: co.Cosigner) -> None:
    other = Checkpoint(ORIGIN, 4, GROWN.root)
    note = sign_checkpoint(other, LOG_KEY) + co.cosign(GROWN.text(), AT, who).line()
    with pytest.raises(VerificationError):
        co.open_cosigned(note, LOG, [who.key])


def test_ml_dsa_signs_its_name_and_ed25519_does_not() -> None:
    for key, alias in ((PQ, co.MlDsaCosigner("other", PQ.private)), (W1, co.Ed25519Cosigner("other", W1.signer))):
        line = co.cosign(GROWN.text(), AT, key)
        note = NOTE + Signature("other", alias.key.key_id, line.value).line()
        if key is PQ:
            with pytest.raises(VerificationError):
                co.open_cosigned(note, LOG, [alias.key])
        else:
            assert co.open_cosigned(note, LOG, [alias.key]).keys == {W1.key.public}


def test_a_key_counts_once_under_whatever_name() -> None:
    alias = co.Ed25519Cosigner("another.example/name", W1.signer)
    for note in (cosigned(W1, W1), cosigned(W1, alias)):
        with pytest.raises(VerificationError) as caught:
            co.open_cosigned(note, LOG, [W1.key, alias.key])
        assert caught.value.code == "NOTE_KEY_REPEATED"


def test_two_keys_of_one_name_and_id_are_not_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(co.WitnessKey, "key_id", b"same")
    with pytest.raises(MalformedError) as caught:
        co.open_cosigned(NOTE, LOG, [co.WitnessKey("w", W1.key.public), co.WitnessKey("w", W2.key.public)])
    assert caught.value.code == "VKEY_AMBIGUOUS"


@pytest.mark.parametrize("who", [W1, PQ])
def test_a_line_without_a_time_counts_for_nobody(who: co.Cosigner) -> None:
    signature = who.sign(co.message_of(who.key, GROWN.text(), 0))
    line = Signature(who.key.name, who.key.key_id, bytes(8) + signature)
    assert co.open_cosigned(NOTE + line.line(), LOG, [who.key]).by == ()


@pytest.mark.parametrize("at", [0, -1, 2**63])
def test_no_cosignature_without_a_time(at: int) -> None:
    with pytest.raises(ValueError, match="time"):
        co.cosign(GROWN.text(), at, W1)


def test_a_time_above_the_most_does_not_hold() -> None:
    at = 2**63
    line = Signature(W1.key.name, W1.key.key_id, at.to_bytes(8, "big") + W1.sign(co.message_of(W1.key, EMPTY_TEXT, at)))
    with pytest.raises(VerificationError):
        co.read_line(W1.key, line, EMPTY_TEXT)


@pytest.mark.parametrize("text", [b"", b"only one line\n", EMPTY_TEXT + b"an extension\n"])
def test_only_checkpoints_are_cosigned(text: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        co.cosign(text, AT, W1)
    assert caught.value.code == "CHECKPOINT_MALFORMED"


def test_the_log_must_have_signed() -> None:
    line = co.cosign(GROWN.text(), AT, W1)
    with pytest.raises(LedgerError) as caught:
        co.open_cosigned(Note(GROWN.text(), (line,)).encode(), LOG, [W1.key])
    assert caught.value.code == "NOTE_UNSIGNED"


def test_without_the_library_an_ml_dsa_line_is_neither_good_nor_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    note = cosigned(W1, PQ)
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> ModuleType:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    opened = co.open_cosigned(note, LOG, [W1.key, PQ.key])
    assert [one.name for one in opened.by] == ["witness.example/w1"]
    assert opened.not_checkable == (PQ.key,)
    assert not PQ.key.verify(GROWN.text(), AT, bytes(2420))


def test_reading_keys_and_policies_needs_no_compiled_library() -> None:
    program = (
        "import sys\n"
        "for name in ('nacl', 'cryptography', 'msgspec'): sys.modules[name] = None\n"
        "from ledger.cosignature import WitnessKey\n"
        "from ledger.witness_policy import parse_policy\n"
        "assert parse_policy('quorum none\\n').satisfied_by(())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_line_has_one_spelling() -> None:
    line = co.cosign(GROWN.text(), AT, W1).line()
    value = base64.b64decode(line.split(b" ")[2])
    assert len(value) == 4 + 8 + 64


def test_support_that_is_missing_counts_as_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(data: bytes) -> None:
        raise UnsupportedAlgorithm("ML-DSA")

    class Without:
        from_public_bytes = staticmethod(unsupported)

    monkeypatch.setattr(mldsa, "MLDSA44PublicKey", Without)
    assert co.ml_dsa() is None
    assert not PQ.key.checkable
    assert W1.key.checkable


def test_ml_dsa_vectors_of_others() -> None:
    """Wycheproof: whatever is signed without a context and is valid holds, everything else does not."""
    found = vectors("wycheproof_mldsa44_verify.json")
    checked = 0
    for group in found["testGroups"] if found else ():
        public = bytes.fromhex(group["publicKey"])
        for one in group["tests"]:
            if one.get("ctx"):
                continue
            signature, message = bytes.fromhex(one["sig"]), bytes.fromhex(one["msg"])
            assert co.verify_ml_dsa(public, message, signature) is (one["result"] == "valid"), one["tcId"]
            checked += 1
    assert not found or checked > 100
