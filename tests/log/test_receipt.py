"""Receipts: golden bytes, and every spoiled variant refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle, receipt
from ledger.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from ledger.errors import LedgerError, MalformedError, VerificationError
from ledger.signing import SigningKey

KEY = SigningKey.from_seed(bytes(range(32)))
ORIGIN = "ledger.example/test"
LOG = VerifierKey(ORIGIN, KEY.public)
ENTRIES = [b"entry-%d" % index for index in range(40)]
NODES: dict[merkle.Address, bytes] = {}
NOTES: list[bytes] = []

_frontier = merkle.Frontier()
for _entry in ENTRIES:
    for _level, _index, _hash in _frontier.append(merkle.leaf_hash(_entry)):
        NODES[_level, _index] = _hash
    NOTES.append(sign_checkpoint(Checkpoint(ORIGIN, _frontier.size, _frontier.root()), KEY))


def make(index: int, size: int) -> receipt.Receipt:
    """Issue the receipt of entry `index` against the checkpoint of `size` entries."""
    proof = merkle.inclusion_proof(index, size, lambda *address: NODES[address])
    return receipt.Receipt(index, proof, NOTES[size - 1])


GOLDEN = """\
c2sp.org/tlog-proof@v1
index 2
J0ebarMh0u5HdFL2i6UndI6GPK/o+9HfK/idFXDRtpc=
LyelCCwdQq+kiKw1Cp/EOQwIT1T3Hs3/hZ6Y24QptHk=

ledger.example/test
4
JWueiCXl03CkrgBdCQHqKRl34pJ/XPjj5yZg3QlRnts=

— ledger.example/test eoZAmajrQoF/w6S21Yasd1IKHEX+Rgf3oMs4T8WBtlKLPmdVPOKAkMKJT+KIgIGZwlu4UrB5nPkxZ++RJDHCI7OlWQA=
"""


def test_golden_bytes() -> None:
    made = make(2, 4)
    assert made.encode().decode() == GOLDEN
    assert made.proof == (
        merkle.leaf_hash(b"entry-3"),
        merkle.node_hash(merkle.leaf_hash(b"entry-0"), merkle.leaf_hash(b"entry-1")),
    )
    assert receipt.verify(receipt.parse(GOLDEN.encode()), b"entry-2", [LOG]).size == 4


@given(st.integers(1, 40), st.data())
def test_round_trip_and_verification(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    encoded = make(index, size).encode()
    parsed = receipt.parse(encoded)
    assert parsed == make(index, size)
    assert parsed.encode() == encoded
    assert receipt.verify(parsed, ENTRIES[index], [LOG]).size == size


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (4, 5), (2, 7), (31, 40), (39, 40)])
def test_other_entries_indices_and_proofs_are_refused(index: int, size: int) -> None:
    made = make(index, size)
    spoiled = [receipt.Receipt(other, made.proof, made.checkpoint_note) for other in range(size + 2) if other != index]
    spoiled += [receipt.Receipt(index, made.proof[:cut], made.checkpoint_note) for cut in range(len(made.proof))]
    spoiled += [receipt.Receipt(index, made.proof[cut:], made.checkpoint_note) for cut in range(1, len(made.proof))]
    spoiled += [receipt.Receipt(index, (*made.proof, bytes(32)), made.checkpoint_note)]
    # A neighbouring size often has the very same proof; the size's own root decides.
    spoiled += [receipt.Receipt(index, made.proof, note) for note in NOTES if note != made.checkpoint_note]
    for broken in spoiled:
        with pytest.raises(VerificationError) as caught:
            receipt.verify(broken, ENTRIES[index], [LOG])
        assert caught.value.code == "RECEIPT_NOT_INCLUDED"
    for entry in (b"", ENTRIES[index] + b" ", ENTRIES[index][:-1], ENTRIES[(index + 1) % 40]):
        with pytest.raises(VerificationError):
            receipt.verify(made, entry, [LOG])


def test_a_receipt_needs_a_known_log() -> None:
    with pytest.raises(VerificationError) as caught:
        receipt.verify(make(2, 7), ENTRIES[2], [VerifierKey("other.example/log", KEY.public)])
    assert caught.value.code == "NOTE_UNSIGNED"


def test_every_flipped_bit_cut_and_addition_is_refused() -> None:
    encoded = make(2, 7).encode()
    variants = [encoded[:cut] for cut in range(len(encoded))] + [encoded + b"\n", encoded + b"x", b"\n" + encoded]
    for place in range(len(encoded)):
        for bit in range(8):
            variants.append(encoded[:place] + bytes([encoded[place] ^ 1 << bit]) + encoded[place + 1 :])
    for variant in variants:
        with pytest.raises(LedgerError):
            receipt.verify(receipt.parse(variant), ENTRIES[2], [LOG])


HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("head", "where"),
    [
        ("c2sp.org/tlog-proof@v1\n", "index"),
        ("c2sp.org/tlog-proof@v1\nextra AAAA\nindex 0\n", "index"),
        ("c2sp.org/tlog-proof@v2\nindex 0\n", "header"),
        ("index 0\n", "header"),
        ("c2sp.org/tlog-proof@v1\nindex 00\n", "index"),
        ("c2sp.org/tlog-proof@v1\nindex -1\n", "index"),
        ("c2sp.org/tlog-proof@v1\nindex 1_0\n", "index"),
        ("c2sp.org/tlog-proof@v1\nindex  1\n", "index"),
        ("c2sp.org/tlog-proof@v1\nindex 1 \n", "index"),
        ("c2sp.org/tlog-proof@v1\n1\n", "index"),
        (f"c2sp.org/tlog-proof@v1\nindex {2**63}\n", "index"),
        ("c2sp.org/tlog-proof@v1\nindex \u0661\n", "encoding"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH[:-1]}\n", "proof"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH[:40]}\n", "proof"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH[:-2]}B=\n", "proof"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n {HASH}\n", "proof"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\r\n{HASH}\n", "index"),
        (f"c2sp.org/tlog-proof@v1\nindex 0\n{(HASH + chr(10)) * 64}", "header"),
    ],
)
def test_malformed_receipts(head: str, where: str) -> None:
    with pytest.raises(MalformedError) as caught:
        receipt.parse(head.encode() + b"\n" + NOTES[0])
    assert (caught.value.code, caught.value.facts) == ("RECEIPT_MALFORMED", {"where": where})


def test_the_note_must_be_a_note() -> None:
    with pytest.raises(MalformedError) as caught:
        receipt.parse(make(0, 1).encode()[:-1])
    assert caught.value.code == "NOTE_MALFORMED"


def test_values_that_cannot_exist() -> None:
    for index, proof in [(-1, ()), (2**63, ()), (0, (bytes(31),)), (0, (bytes(32),) * 64)]:
        with pytest.raises(MalformedError) as caught:
            receipt.Receipt(index, proof, NOTES[0])
        assert caught.value.code == "RECEIPT_MALFORMED"
