"""Seats of groups: worked tables, and what holds for every table."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.procedure.groups import Group, GroupShare, ImpossibleReason, ShareReason, SharesImpossible, group_shares

ONE, SIZE, SPREAD = ShareReason.AT_LEAST_ONE, ShareReason.AT_MOST_SIZE, ShareReason.REDISTRIBUTED
LARGEST, SMALLER = ShareReason.LARGEST_REMAINDER, ShareReason.SMALLER_REMAINDER
LARGER, DRAWN = ShareReason.LARGER_GROUP, ShareReason.DRAWN

Rows = dict[str, tuple[int, int]]
Expected = dict[str, tuple[int, tuple[ShareReason, ...]]]

TABLES: dict[str, tuple[Rows, int, tuple[str, ...], Expected]] = {
    "shares come out whole": (
        {"lathe": (20, 20), "weld": (10, 10)},
        6,
        (),
        {"lathe": (4, ()), "weld": (2, ())},
    ),
    "5.25, 3.25 and 1.5 of ten": (
        {"lathe": (21, 21), "pottery": (13, 13), "weld": (6, 6)},
        10,
        (),
        {"lathe": (5, (SMALLER,)), "pottery": (3, (SMALLER,)), "weld": (2, (LARGEST,))},
    ),
    "small groups get one, the large one pays": (
        {"lathe": (30, 30), "pottery": (1, 1), "weld": (2, 2)},
        10,
        (),
        {"lathe": (8, (SPREAD,)), "pottery": (1, (ONE,)), "weld": (1, (ONE,))},
    ),
    "a group gives no more than it has": (
        {"lathe": (40, 2), "pottery": (10, 10), "weld": (5, 5)},
        9,
        (),
        {"lathe": (2, (SIZE,)), "pottery": (5, (SPREAD, LARGEST)), "weld": (2, (SPREAD, SMALLER))},
    ),
    "one bound lifts another": (
        {"lathe": (90, 1), "pottery": (9, 9), "weld": (1, 1)},
        5,
        (),
        {"lathe": (1, (SIZE,)), "pottery": (3, (SPREAD,)), "weld": (1, (ONE,))},
    ),
    "as many seats as groups": (
        {"lathe": (9, 9), "weld": (3, 3)},
        2,
        (),
        {"lathe": (1, (SPREAD,)), "weld": (1, (ONE,))},
    ),
    "fewer candidates than seats": (
        {"lathe": (5, 2), "weld": (3, 1)},
        10,
        (),
        {"lathe": (2, (SIZE,)), "weld": (1, (SIZE,))},
    ),
    "4.5 and 1.5: the larger group": (
        {"lathe": (9, 9), "weld": (3, 3)},
        6,
        (),
        {"lathe": (5, (LARGER,)), "weld": (1, (LARGER,))},
    ),
    "equal in everything: the draw": (
        {"lathe": (5, 5), "pottery": (5, 5), "weld": (10, 10)},
        6,
        ("weld", "pottery", "lathe"),
        {"lathe": (1, (DRAWN,)), "pottery": (2, (DRAWN,)), "weld": (3, ())},
    ),
    "the larger group, then the draw": (
        {"lathe": (7, 7), "pottery": (3, 3), "tea": (3, 3), "weld": (3, 3)},
        8,
        ("tea", "lathe", "weld", "pottery"),
        {"lathe": (4, (LARGER,)), "pottery": (1, (DRAWN,)), "tea": (2, (DRAWN,)), "weld": (1, (DRAWN,))},
    ),
}


def build(rows: Rows) -> list[Group]:
    return [Group(group, received, size) for group, (received, size) in rows.items()]


def shares(groups: list[Group], total: int, draw_order: tuple[str, ...] = ()) -> tuple[GroupShare, ...]:
    answer = group_shares(groups, total, draw_order)
    assert not isinstance(answer, SharesImpossible)
    return answer


@pytest.mark.parametrize("name", TABLES)
def test_tables(name: str) -> None:
    rows, total, draw_order, expected = TABLES[name]
    result = shares(build(rows), total, draw_order)

    assert {line.group: (line.seats, line.reasons) for line in result} == expected


def test_a_line_shows_the_whole_computation() -> None:
    lathe, weld = shares(build({"weld": (3, 3), "lathe": (9, 9)}), 7)

    assert lathe == GroupShare("lathe", 9, Fraction(21, 4), Fraction(21, 4), 5, Fraction(1, 4), 0, 5, (SMALLER,))
    assert weld == GroupShare("weld", 3, Fraction(7, 4), Fraction(7, 4), 1, Fraction(3, 4), 1, 2, (LARGEST,))


def test_fewer_seats_than_groups_is_impossible() -> None:
    rows: Rows = {"weld": (3, 3), "lathe": (9, 9), "tea": (1, 1)}

    assert group_shares(build(rows), 2) == SharesImpossible(ImpossibleReason.TOO_FEW_SEATS, 2, ("lathe", "tea", "weld"))
    assert [line.seats for line in shares(build(rows), 3)] == [1, 1, 1]


def test_an_equal_remainder_needs_the_draw_only_where_it_decides() -> None:
    rows: Rows = {"lathe": (5, 5), "pottery": (5, 5), "weld": (10, 10)}

    assert group_shares(build(rows), 6, ("weld", "lathe")) == SharesImpossible(
        ImpossibleReason.DRAW_MISSING, 6, ("lathe", "pottery")
    )
    assert [line.seats for line in shares(build(rows), 8)] == [2, 2, 4]


def test_no_groups_no_shares() -> None:
    assert shares([], 0) == shares([], 5) == ()


@pytest.mark.parametrize(("received", "size"), [(0, 1), (1, 0), (-1, 2)])
def test_an_empty_group_cannot_be_built(received: int, size: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Group("lathe", received, size)


def test_two_groups_of_one_id_are_an_error() -> None:
    with pytest.raises(ValueError, match="same id"):
        group_shares([Group("weld", 3, 3), Group("weld", 4, 4)], 6)


def plain_largest_remainder(received: list[int], total: int) -> list[int]:
    """The textbook method without bounds; equal remainders by larger group, then by place in the list."""
    whole = sum(received)
    seats = [total * each // whole for each in received]
    queue = sorted(range(len(received)), key=lambda i: (-(total * received[i] % whole), -received[i], i))
    for i in queue[: total - sum(seats)]:
        seats[i] += 1
    return seats


counts = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=9)


@pytest.mark.parametrize("total", range(1, 61))
def test_without_bounds_it_is_the_textbook_method(total: int) -> None:
    received = [31, 24, 24, 17, 9][: min(total, 5)]
    groups = [Group(f"g{i}", each, 60) for i, each in enumerate(received)]
    result = shares(groups, total, tuple(f"g{i}" for i in range(5)))
    plain = plain_largest_remainder(received, total)

    assert sum(line.seats for line in result) == total
    if min(line.exact for line in result) >= 1:
        assert [line.seats for line in result] == plain


@given(counts, st.integers(1, 120), st.data())
def test_every_table_adds_up_and_keeps_its_bounds(rows: list[tuple[int, int]], total: int, data: st.DataObject) -> None:
    groups = [Group(f"g{i}", *row) for i, row in enumerate(rows)]
    total += len(groups) - 1
    draw_order = tuple(data.draw(st.permutations([group.id for group in groups])))
    result = shares(groups, total, draw_order)

    assert sum(line.seats for line in result) == min(total, sum(group.size for group in groups))
    assert sum(line.bounded for line in result) == min(total, sum(group.size for group in groups))
    for group, line in zip(groups, result, strict=True):
        assert 1 <= line.seats <= group.size
        assert line.seats == line.floor + line.extra
        assert line.floor + line.remainder == line.bounded
        assert 0 <= line.remainder < 1
        assert line.remainder or not line.extra
    assert shares(data.draw(st.permutations(groups)), total, draw_order) == result


@given(counts, st.integers(0, 100))
def test_all_that_no_bound_holds_keep_one_proportion(rows: list[tuple[int, int]], more: int) -> None:
    groups = [Group(f"g{i}", *row) for i, row in enumerate(rows)]
    result = shares(groups, len(groups) + more, tuple(group.id for group in groups))
    pairs = list(zip(groups, result, strict=True))

    for group, line in pairs:
        for other, others in pairs:
            if line.bounded < group.size and others.bounded > 1:
                # Nobody below their size stands worse, seat by application, than one above the minimum.
                assert line.bounded * other.received >= others.bounded * group.received


@given(counts, st.data())
def test_more_applications_never_mean_fewer_seats_in_groups_of_one_size(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    groups = [Group(f"g{i}", received, 60) for i, (received, _) in enumerate(rows)]
    total = data.draw(st.integers(len(groups), 60 * len(groups)))
    result = shares(groups, total, tuple(group.id for group in groups))

    by_size = sorted(result, key=lambda line: (line.received, line.seats))
    assert [line.seats for line in by_size] == sorted(line.seats for line in result)
