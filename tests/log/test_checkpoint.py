"""Signed notes and checkpoints: published vectors, and every other spelling refused."""

import base64
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import checkpoint as cp
from ledger.errors import LedgerError, MalformedError, VerificationError
from ledger.merkle import EMPTY_ROOT, leaf_hash
from ledger.signing import SigningKey

KEY = SigningKey.from_seed(bytes(range(32)))
OTHER_KEY = SigningKey.from_seed(bytes(range(1, 33)))
ORIGIN = "ledger.example/test"
LOG = cp.VerifierKey(ORIGIN, KEY.public)
EMPTY_TEXT = b"ledger.example/test\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
EMPTY_LINE = (
    "— ledger.example/test eoZAmd08XURqNuuuTvtNFx5gPYfWqYL/EXmZbnaj5dPEXIXAVIL3Dh0f0wLTRLmiHyG7MTgutXC8MNRZGOl/L29z"
    "hAM=\n"
).encode()
WITNESS_LINE = (
    "— witness.example/w1 519lMgAAAABpUkfAhrqlceNSBKaS2vGE6lIizzwKHO2BgNK4Rv6UYeGNYsYVdXBsjkeXLnx2D0v3MZamXCiTnlZy"
    "CDoBZWlMbcvUBQ==\n"
).encode()
EMPTY_NOTE = EMPTY_TEXT + b"\n" + EMPTY_LINE
FOO_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
GROWN = cp.Checkpoint(ORIGIN, 3, leaf_hash(b"root"))


def line(name: str, key: SigningKey, text: bytes) -> bytes:
    """Sign a text as `name`."""
    return cp.Signature(name, cp.VerifierKey(name, key.public).key_id, key.sign(text)).line()


def test_verifier_key_vectors() -> None:
    assert LOG.encode() == "ledger.example/test+7a864099+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    assert cp.parse_vkey(LOG.encode()) == LOG
    assert cp.parse_vkey(FOO_VKEY).encode() == FOO_VKEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        FOO_VKEY.replace("530d903a", "530D903A"),
        FOO_VKEY.replace("530d903a", "530d903b"),
        FOO_VKEY.replace("530d903a", "0530d903a"),
        FOO_VKEY.replace("foo", "fool"),
        FOO_VKEY.replace("foo", "f oo"),
        FOO_VKEY + "\n",
        FOO_VKEY[:-1],
        FOO_VKEY[:-1] + "l",
        "+" + FOO_VKEY,
        "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
    ],
)
def test_other_spellings_of_a_verifier_key_are_refused(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        cp.parse_vkey(text)
    assert caught.value.code == "VKEY_MALFORMED"


def test_note_vector_of_another_implementation() -> None:
    note = cp.parse_note(FOO_NOTE)
    assert note.text == b"This is an example message.\n"
    assert cp.verify_note(note, [cp.parse_vkey(FOO_VKEY), LOG]) == (cp.parse_vkey(FOO_VKEY),)
    assert note.encode() == FOO_NOTE


def test_checkpoint_of_the_empty_tree() -> None:
    empty = cp.Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert empty.text() == EMPTY_TEXT
    assert cp.sign_checkpoint(empty, KEY) == EMPTY_NOTE
    assert cp.open_checkpoint(EMPTY_NOTE, [LOG]) == empty


def test_lines_of_unknown_keys_are_kept_and_ignored() -> None:
    note = EMPTY_TEXT + b"\n" + WITNESS_LINE + EMPTY_LINE + WITNESS_LINE
    assert cp.open_checkpoint(note, [LOG]).size == 0
    assert cp.parse_note(note).encode() == note


@given(
    st.text("abcdefgh./-_é匠", min_size=1, max_size=40),
    st.integers(1, cp.MAX_SIZE),
    st.binary(min_size=32, max_size=32),
)
def test_sign_and_open(origin: str, size: int, root: bytes) -> None:
    head = cp.Checkpoint(origin, size, root)
    assert cp.parse_checkpoint(head.text()) == head
    assert cp.open_checkpoint(cp.sign_checkpoint(head, KEY), [cp.VerifierKey(origin, KEY.public)]) == head


def test_every_flipped_bit_of_a_signed_note_is_refused() -> None:
    note = cp.sign_checkpoint(GROWN, KEY)
    for place in range(len(note)):
        for bit in range(8):
            broken = bytearray(note)
            broken[place] ^= 1 << bit
            with pytest.raises(LedgerError):
                cp.open_checkpoint(bytes(broken), [LOG])


def test_only_lines_of_unknown_keys_may_change_unseen() -> None:
    signed = cp.sign_checkpoint(GROWN, KEY)
    note = signed + WITNESS_LINE
    accepted = set()
    for place in range(len(note)):
        broken = bytearray(note)
        broken[place] ^= 1
        try:
            assert cp.open_checkpoint(bytes(broken), [LOG]) == GROWN
            accepted.add(place)
        except LedgerError:
            pass
    assert accepted
    assert min(accepted) >= len(signed) + len("— ".encode())


def test_cut_and_extended_notes_are_refused() -> None:
    note = cp.sign_checkpoint(GROWN, KEY)
    extended = [note + tail for tail in (b"\n", b"\x00", b" ", b"x", b"\xe2\x80\x94", b"\n\n", EMPTY_TEXT)]
    extended += [head + note for head in (b"\n", b" ", b"x\n")]
    for broken in [note[:cut] for cut in range(len(note))] + [note[cut:] for cut in range(1, len(note))] + extended:
        with pytest.raises(LedgerError):
            cp.open_checkpoint(broken, [LOG])


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (EMPTY_TEXT, "signature lines"),
        (EMPTY_TEXT + b"\n", "signature lines"),
        (EMPTY_TEXT + b"\n" + EMPTY_LINE[:-1], "signature lines"),
        (EMPTY_TEXT + b"\n" + EMPTY_LINE * (cp.MAX_SIGNATURES + 1), "signature lines"),
        (EMPTY_NOTE.replace(b"\n", b"\r\n"), "control character"),
        (EMPTY_NOTE.replace(b" ", b"\t"), "control character"),
        (EMPTY_NOTE.replace(b"0", b"\x00", 1), "control character"),
        (EMPTY_NOTE.replace(b"test", b"te\xff", 1), "encoding"),
        (EMPTY_NOTE + b"x" * cp.MAX_NOTE_BYTES, "size"),
        (EMPTY_TEXT + b"\n" + EMPTY_LINE.replace("—".encode(), b"-"), "signature line"),
        (EMPTY_TEXT + b"\n" + EMPTY_LINE.replace(b" ", b"  ", 1), "signature line"),
        (EMPTY_TEXT + b"\n" + EMPTY_LINE[:-1] + b" \n", "signature line"),
        (EMPTY_TEXT + b"\n" + EMPTY_LINE.replace(b"test", b"te+t"), "signature line"),
        (EMPTY_TEXT + b"\n" + EMPTY_LINE.replace(b"test", "te\u00a0t".encode()), "signature line"),
        (EMPTY_TEXT + b"\n" + EMPTY_LINE.replace(b"test", b"t" * 256), "signature line"),
        (EMPTY_TEXT + b"\n" + EMPTY_LINE.replace(b"=", b""), "signature"),
        (EMPTY_TEXT + b"\n" + EMPTY_LINE.replace(b"AM=", b"AN="), "signature"),
        (EMPTY_TEXT + b"\n" + EMPTY_LINE.replace(b"/EXm", b"_EXm"), "signature"),
        (EMPTY_TEXT + b"\n" + "— a é=\n".encode(), "signature"),
        (EMPTY_TEXT + b"\n" + "— a eoZAmQ==\n".encode(), "signature"),
        (EMPTY_TEXT + b"\n" + f"— a {'A' * cp.MAX_LINE_BYTES}\n".encode(), "signature line"),
    ],
)
def test_malformed_notes(data: bytes, where: str) -> None:
    with pytest.raises(MalformedError) as caught:
        cp.open_checkpoint(data, [LOG])
    assert (caught.value.code, caught.value.facts) == ("NOTE_MALFORMED", {"where": where})


ROOT = base64.b64encode(EMPTY_ROOT).decode()
SPELLINGS = ["", "00", "01", "+1", "-1", "1_0", " 1", "1 ", "\u0663", "0x1", "1.0", "1e3"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (f"{ORIGIN}\n0\n{ROOT}\nextension\n", "lines"),
        (f"{ORIGIN}\n0\n{ROOT}\n\n", "lines"),
        (f"{ORIGIN}\n0\n{ROOT}", "lines"),
        (f"{ORIGIN}\n0\n", "lines"),
        ("", "lines"),
        (f"\n0\n{ROOT}\n", "origin"),
        (f"a b\n0\n{ROOT}\n", "origin"),
        (f"a+b\n0\n{ROOT}\n", "origin"),
        (f"{'a' * 256}\n0\n{ROOT}\n", "origin"),
        *(
            (f"{ORIGIN}\n{size}\n{ROOT}\n", "size")
            for size in ["", "00", "01", "+1", "-1", "1_0", " 1", "1 ", "٣", "0x1"]
        ),
        (f"{ORIGIN}\n{2**63}\n{ROOT}\n", "size"),
        (f"{ORIGIN}\n1\n{ROOT[:-1]}\n", "root"),
        (f"{ORIGIN}\n1\n{ROOT[:-2]}V=\n", "root"),
        (f"{ORIGIN}\n1\n{ROOT} \n", "root"),
        (f"{ORIGIN}\n1\n\n", "root"),
        (f"{ORIGIN}\n1\n{ROOT[:40]}\n", "root"),
        (f"{ORIGIN}\n0\n{base64.b64encode(bytes(32)).decode()}\n", "root"),
    ],
)
def test_malformed_checkpoints_are_refused_though_signed(text: str, where: str) -> None:
    with pytest.raises(MalformedError) as caught:
        cp.parse_checkpoint(text.encode())
    assert (caught.value.code, caught.value.facts) == ("CHECKPOINT_MALFORMED", {"where": where})
    if text.endswith("\n") and not text.endswith("\n\n"):
        with pytest.raises(MalformedError) as caught:
            cp.open_checkpoint(text.encode() + b"\n" + line(ORIGIN, KEY, text.encode()), [LOG])
        assert caught.value.code == "CHECKPOINT_MALFORMED"


def test_values_that_cannot_exist() -> None:
    for size, root in [(-1, EMPTY_ROOT), (cp.MAX_SIZE + 1, EMPTY_ROOT), (1, b""), (0, leaf_hash(b""))]:
        with pytest.raises(MalformedError):
            cp.Checkpoint(ORIGIN, size, root)
    with pytest.raises(MalformedError):
        cp.Checkpoint("lone\ud800", 0, EMPTY_ROOT)
    with pytest.raises(MalformedError):
        cp.parse_checkpoint(b"\xff\n0\n" + ROOT.encode() + b"\n")
    with pytest.raises(MalformedError):
        cp.VerifierKey(ORIGIN, KEY.public[:31])


def test_who_must_have_signed() -> None:
    text = GROWN.text()
    stranger, log = line("other.example/log", OTHER_KEY, text), line(ORIGIN, KEY, text)
    other = cp.VerifierKey("other.example/log", OTHER_KEY.public)
    alias = cp.VerifierKey("alias.example/log", KEY.public)
    false_line = line(ORIGIN, KEY, EMPTY_TEXT)
    cases = [
        (stranger, [LOG], "NOTE_UNSIGNED"),
        (log, [], "NOTE_UNSIGNED"),
        (stranger, [LOG, other], "CHECKPOINT_ORIGIN_MISMATCH"),
        (false_line, [LOG], "NOTE_SIGNATURE_INVALID"),
        (stranger + false_line, [LOG, other], "NOTE_SIGNATURE_INVALID"),
        (log + false_line, [LOG], "NOTE_SIGNATURE_INVALID"),
        (log + log, [LOG], "NOTE_KEY_REPEATED"),
        (log + line(alias.name, KEY, text), [LOG, alias], "NOTE_KEY_REPEATED"),
    ]
    for lines, keys, code in cases:
        with pytest.raises(VerificationError) as caught:
            cp.open_checkpoint(text + b"\n" + lines, keys)
        assert caught.value.code == code
    assert cp.open_checkpoint(text + b"\n" + stranger + log, [other, LOG, LOG]) == GROWN


def test_a_text_with_empty_lines_is_split_at_the_last() -> None:
    text = b"first\n\nsecond\n"
    note = cp.parse_note(text + b"\n" + line(ORIGIN, KEY, text))
    assert note.text == text
    assert cp.verify_note(note, [LOG]) == (LOG,)


def test_two_keys_under_one_name_and_id_cannot_be_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = cp.VerifierKey(ORIGIN, OTHER_KEY.public)
    monkeypatch.setitem(twin.__dict__, "key_id", LOG.key_id)
    with pytest.raises(MalformedError) as caught:
        cp.verify_note(cp.parse_note(EMPTY_NOTE), [LOG, twin])
    assert caught.value.code == "VKEY_AMBIGUOUS"


def test_formats_can_be_read_without_the_signature_library() -> None:
    program = (
        "import sys; sys.modules['nacl'] = None; sys.modules['cryptography'] = None\n"
        "from ledger import merkle, checkpoint, receipt\n"
        f"print(checkpoint.parse_checkpoint(checkpoint.parse_note({EMPTY_NOTE!r}).text).size)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout == b"0\n"
