"""Draws by lot: commitments, reveals, and an order that anyone can repeat."""

from collections import Counter
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.procedure.draws import DrawFault, DrawProblem, commitment, draw_problems, matches, order

SEEDS = {"union": bytes(range(32)), "discipline": bytes(range(32, 64))}
COMMITMENTS = {party: commitment(seed, party) for party, seed in SEEDS.items()}
POOL = ("li", "wang", "zhao", "qian", "sun")
GOLDEN = ("qian", "wang", "zhao", "li", "sun")


def framed(*parts: bytes) -> bytes:
    """The format in other words: every part after its length, eight bytes, big end first."""
    joined = bytearray()
    for part in parts:
        joined += bytes(7) + bytes([len(part)]) + part
    return sha256(joined).digest()


def test_the_order_is_what_the_format_says() -> None:
    joint = framed(b"ballot-ledger/draw-seeds/1", b"discipline", SEEDS["discipline"], b"union", SEEDS["union"])
    keys = {one: framed(b"ballot-ledger/draw-place/1", joint, b"draw:7", one.encode()) for one in POOL}

    assert order(SEEDS, POOL, "draw:7") == tuple(sorted(POOL, key=keys.__getitem__))
    assert COMMITMENTS["union"] == framed(b"ballot-ledger/draw-commitment/1", b"union", SEEDS["union"])


def test_golden_order() -> None:
    assert order(SEEDS, POOL, "draw:7") == GOLDEN
    assert order(SEEDS, POOL, "draw:8") != GOLDEN
    assert order({**SEEDS, "union": bytes(32)}, POOL, "draw:7") != GOLDEN


@pytest.mark.parametrize(
    ("commitments", "seeds", "expected"),
    [
        (COMMITMENTS, SEEDS, ()),
        (
            {"union": COMMITMENTS["union"]},
            {"union": SEEDS["union"]},
            (DrawProblem(DrawFault.TOO_FEW_PARTIES),),
        ),
        (COMMITMENTS, {"union": SEEDS["union"]}, (DrawProblem(DrawFault.NOT_REVEALED, "discipline"),)),
        (COMMITMENTS, {**SEEDS, "guest": bytes(32)}, (DrawProblem(DrawFault.NOT_COMMITTED, "guest"),)),
        (COMMITMENTS, {**SEEDS, "union": bytes(32)}, (DrawProblem(DrawFault.REVEAL_MISMATCH, "union"),)),
        (
            COMMITMENTS,
            {"union": SEEDS["discipline"], "discipline": SEEDS["union"]},
            (
                DrawProblem(DrawFault.REVEAL_MISMATCH, "discipline"),
                DrawProblem(DrawFault.REVEAL_MISMATCH, "union"),
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_draw(
    commitments: dict[str, bytes], seeds: dict[str, bytes], expected: tuple[DrawProblem, ...]
) -> None:
    assert draw_problems(commitments, seeds, 2) == expected


def test_a_commitment_cannot_be_copied_by_another_party() -> None:
    assert matches(COMMITMENTS["union"], SEEDS["union"], "union")
    assert not matches(COMMITMENTS["union"], SEEDS["union"], "discipline")
    assert commitment(b"ab", "c") != commitment(b"b", "ca")


@pytest.mark.parametrize(("seeds", "pool"), [({}, POOL), (SEEDS, ("li", "wang", "li"))])
def test_no_seed_or_an_id_twice_is_an_error(seeds: dict[str, bytes], pool: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="a draw needs"):
        order(seeds, pool, "draw:7")


@given(st.permutations(POOL), st.permutations(list(SEEDS.items())))
def test_the_order_of_pool_and_parties_leaves_no_trace(pool: list[str], seeds: list[tuple[str, bytes]]) -> None:
    assert order(dict(seeds), pool, "draw:7") == GOLDEN


def test_a_smaller_pool_keeps_the_order_of_the_rest() -> None:
    assert order(SEEDS, POOL[1:], "draw:7") == tuple(one for one in GOLDEN if one != POOL[0])


def test_everybody_has_a_chance_of_the_first_place() -> None:
    firsts = Counter(order(SEEDS, POOL, f"draw:{number}")[0] for number in range(500))

    assert all(firsts[one] > 60 for one in POOL)
