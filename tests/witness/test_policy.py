"""The policy file: what it says, every line that it cannot have, and the quorum against a naive count."""

from contextlib import suppress
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import Checkpoint, VerifierKey, parse_note, sign_checkpoint
from ledger.cosignature import Ed25519Cosigner, cosign, open_cosigned
from ledger.merkle import leaf_hash
from ledger.messages import catalogue
from ledger.signing import SigningKey
from ledger.witness_policy import MAX_POLICY_BYTES, Policy, PolicyError, parse_policy

LOG_KEY = SigningKey.from_seed(bytes(32))
LOG = VerifierKey("ledger.example/test", LOG_KEY.public)
WITNESSES = {
    name: Ed25519Cosigner(f"witness.example/{name}", SigningKey.from_seed(bytes([number]) * 32))
    for number, name in enumerate(("x1", "x2", "x3", "y1", "y2"), 1)
}
NAMES = tuple(WITNESSES)
LINES = [f"witness {name} {one.key.encode()}" for name, one in WITNESSES.items()]
TWO_LEVELS = "\n".join(
    [
        "# 两级法定数",
        f"log {LOG.encode()} https://ledger.example/log",
        "",
        *LINES[:2],
        f"\twitness  x3\t{WITNESSES['x3'].key.encode()}   https://x3.example/w  ",
        *LINES[3:],
        "group X 2 x1 x2 x3",
        "group Y any y1 y2",
        "group both all X Y",
        "quorum both",
        "",
    ]
)


def problems(text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text)
    assert caught.value.facts["count"] == len(caught.value.problems)
    for problem in caught.value.problems:
        assert all(problem.code in catalogue()[language]["errors"] for language in ("zh", "en"))
    return [(problem.line, problem.code) for problem in caught.value.problems]


def test_two_levels() -> None:
    policy = parse_policy(TWO_LEVELS)
    assert [(log.key, log.url) for log in policy.logs] == [(LOG, "https://ledger.example/log")]
    assert policy.witnesses["x3"].url == "https://x3.example/w"
    assert policy.witnesses["x1"].url is None
    assert policy.keys == tuple(one.key for one in WITNESSES.values())
    for count in range(len(NAMES) + 1):
        for names in combinations(NAMES, count):
            expected = sum(name[0] == "x" for name in names) >= 2 and any(name[0] == "y" for name in names)
            assert policy.satisfied_by(names) is expected, names


def test_a_quorum_of_nobody_of_one_and_of_a_group() -> None:
    assert parse_policy("quorum none\n").satisfied_by(())
    one = parse_policy(LINES[0] + "\nquorum x1\n")
    assert (one.satisfied_by(["x1"]), one.satisfied_by([]), one.satisfied_by(["X", "quorum", "none"])) == (
        True,
        False,
        False,
    )


def test_names_that_are_no_witnesses_count_nothing() -> None:
    policy = parse_policy(TWO_LEVELS)
    assert not policy.satisfied_by(["both", "X", "Y"])


def test_a_cosigned_note_is_held_against_it() -> None:
    policy = parse_policy(TWO_LEVELS)
    note = sign_checkpoint(Checkpoint(LOG.name, 1, leaf_hash(b"")), LOG_KEY)
    text = parse_note(note).text
    seen = []
    for name in ("x1", "y2", "x3"):
        note += cosign(text, 1, WITNESSES[name]).line()
        cosigned = open_cosigned(note, LOG, policy.keys)
        seen.append((sorted(policy.cosigners(cosigned)), policy.accepts(cosigned)))
    assert seen == [(["x1"], False), (["x1", "y2"], False), (["x1", "x3", "y2"], True)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], [(1, "POLICY_QUORUM")]),
        (["quorum none", "quorum none"], [(2, "POLICY_QUORUM")]),
        (["quorum x1", LINES[0]], [(1, "POLICY_NAME_UNKNOWN")]),
        (["quorum"], [(1, "POLICY_LINE"), (2, "POLICY_QUORUM")]),
        (["Quorum none", "quorum none"], [(1, "POLICY_LINE")]),
        ([LINES[0] + " url more", "quorum none"], [(1, "POLICY_LINE")]),
        ([f"log {WITNESSES['x1'].key.encode()}", "quorum none"], [(1, "POLICY_KEY")]),
        ([f"witness x1 {LOG.encode()}", "quorum x1"], [(1, "POLICY_KEY")]),
        ([LINES[0], LINES[1].replace(" x2 ", " x1 "), "quorum x1"], [(2, "POLICY_NAME_TWICE")]),
        ([LINES[0], LINES[0].replace(" x1 ", " x2 "), "quorum x1"], [(2, "POLICY_KEY_DUPLICATE")]),
        (
            [LINES[0], f"witness x2 {Ed25519Cosigner('other', WITNESSES['x1'].signer).key.encode()}", "quorum x1"],
            [(2, "POLICY_KEY_DUPLICATE")],
        ),
        (
            [f"log {LOG.encode()}", f"witness own {Ed25519Cosigner('own', LOG_KEY).key.encode()}", "quorum none"],
            [(2, "POLICY_KEY_DUPLICATE")],
        ),
        ([f"log {LOG.encode()}", f"log {LOG.encode()}", "quorum none"], [(2, "POLICY_KEY_DUPLICATE")]),
        ([LINES[0].replace(" x1 ", " none "), "quorum none"], [(1, "POLICY_NAME_TWICE")]),
        ([LINES[0], "group x1 any x1", "quorum x1"], [(2, "POLICY_NAME_TWICE")]),
        ([LINES[0], "group g any g", "quorum g"], [(2, "POLICY_NAME_UNKNOWN")]),
        ([LINES[0], "group g any none x1", "quorum g"], [(2, "POLICY_NAME_UNKNOWN")]),
        (["group g any x1", LINES[0], "quorum g"], [(1, "POLICY_NAME_UNKNOWN")]),
        ([LINES[0], "group g any x1 x1", "quorum g"], [(2, "POLICY_MEMBER_TWICE")]),
        ([LINES[0], "group g any x1", "group h any x1", "quorum g"], [(3, "POLICY_MEMBER_TWICE")]),
        ([LINES[0], "group g any", "quorum x1"], [(2, "POLICY_LINE")]),
        *(
            ([LINES[0], LINES[1], f"group g {k} x1 x2", "quorum g"], [(3, "POLICY_THRESHOLD")])
            for k in ("0", "3", "01", "+1", "1_0", "\uff11", "-1", "ALL", "1.0", "9" * 30)
        ),
        (["\x00quorum none"], [(1, "POLICY_CHARACTER"), (2, "POLICY_QUORUM")]),
        (["quorum none\r"], [(1, "POLICY_CHARACTER"), (2, "POLICY_QUORUM")]),
        (["# del \x7f", "quorum none"], [(1, "POLICY_CHARACTER")]),
        (["quorum\u3000none"], [(1, "POLICY_LINE"), (2, "POLICY_QUORUM")]),
    ],
)
def test_what_a_policy_cannot_say(lines: list[str], expected: list[tuple[int, str]]) -> None:
    assert problems("".join(line + "\n" for line in lines)) == expected


def test_everything_wrong_is_told_at_once_with_its_line() -> None:
    text = "nonsense\n\n# fine\nlog key\ngroup g 5 nobody\nquorum nobody\nquorum none"
    assert problems(text) == [
        (1, "POLICY_LINE"),
        (4, "POLICY_KEY"),
        (5, "POLICY_NAME_UNKNOWN"),
        (5, "POLICY_THRESHOLD"),
        (6, "POLICY_NAME_UNKNOWN"),
        (7, "POLICY_LINE"),
    ]


def test_bytes_that_are_no_text() -> None:
    assert problems(b"witness \xff key\nquorum none\n") == [(1, "POLICY_CHARACTER")]
    assert parse_policy(b"# \xff\nquorum none\n").quorum is None
    assert problems("quorum \ud800\n")[0] == (1, "POLICY_CHARACTER")


def test_sizes_are_bounded() -> None:
    assert problems(b"#" * MAX_POLICY_BYTES + b"\n") == [(0, "POLICY_TOO_LARGE")]
    keys = (Ed25519Cosigner("w", SigningKey.from_seed(bytes([1, n]) + bytes(30))).key.encode() for n in range(256))
    many = "".join(f"witness w{number} {key}\n" for number, key in enumerate(keys))
    assert len(parse_policy(many + "quorum none\n").witnesses) == 256
    assert problems(many + LINES[0] + "\nquorum none\n") == [(0, "POLICY_TOO_LARGE")]


@given(st.binary(max_size=200) | st.text(max_size=100))
def test_any_bytes_are_a_policy_or_have_problems(data: bytes | str) -> None:
    with suppress(PolicyError):
        assert isinstance(parse_policy(data), Policy)
