"""The length of the shortlist for 1 to 60 seats under every rounding."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from ledger.procedure.shortlist import Rounding, ShortlistPlaces, ShortlistSize, shortlist_places, shortlist_size

A_THIRD = Fraction(1, 3)


@pytest.mark.parametrize(
    ("reading", "of_ten", "of_nine", "of_one", "of_eleven"),
    [
        (Rounding.CEIL, 14, 12, 2, 15),
        (Rounding.STRICTLY_MORE, 14, 13, 2, 15),
        (Rounding.FLOOR, 13, 12, 1, 14),
        (Rounding.ROUND, 13, 12, 1, 15),
    ],
)
def test_a_third_more(reading: Rounding, of_ten: int, of_nine: int, of_one: int, of_eleven: int) -> None:
    assert shortlist_size(10, A_THIRD, reading) == ShortlistSize(10, Fraction(40, 3), reading, of_ten)
    assert shortlist_size(9, A_THIRD, reading).size == of_nine
    assert shortlist_size(1, A_THIRD, reading).size == of_one
    assert shortlist_size(11, A_THIRD, reading).size == of_eleven


@pytest.mark.parametrize("seats", range(1, 61))
@pytest.mark.parametrize("surplus", [A_THIRD, Fraction(1, 2), Fraction(1, 5), Fraction(2, 3), Fraction(1)])
def test_every_number_of_seats(seats: int, surplus: Fraction) -> None:
    # Sixths and fifths of whole numbers have to be told from halves and wholes only; 20 digits do.
    exact = Decimal(seats * surplus.numerator) / surplus.denominator
    exact = exact.quantize(Decimal(1).scaleb(-20))
    expected = {
        Rounding.CEIL: int(exact.to_integral_value(ROUND_CEILING)),
        Rounding.STRICTLY_MORE: int(exact.to_integral_value(ROUND_FLOOR)) + 1,
        Rounding.FLOOR: int(exact.to_integral_value(ROUND_FLOOR)),
        Rounding.ROUND: int(exact.to_integral_value(ROUND_HALF_UP)),
    }

    for reading, more in expected.items():
        assert shortlist_size(seats, surplus, reading).size == seats + more
    assert shortlist_size(seats, surplus, Rounding.STRICTLY_MORE).size > seats + seats * surplus
    assert shortlist_size(seats, surplus, Rounding.CEIL).size >= seats + seats * surplus


@pytest.mark.parametrize(("seats", "surplus"), [(0, A_THIRD), (-1, A_THIRD), (10, Fraction(0)), (10, Fraction(-1, 3))])
def test_no_seats_or_no_surplus_is_an_error(seats: int, surplus: Fraction) -> None:
    with pytest.raises(ValueError, match="positive surplus"):
        shortlist_size(seats, surplus, Rounding.CEIL)


@pytest.mark.parametrize(
    ("candidates", "places", "short"), [(20, 14, False), (14, 14, False), (13, 13, True), (0, 0, True)]
)
def test_too_few_candidates_all_pass(candidates: int, places: int, short: bool) -> None:
    assert shortlist_places(14, candidates) == ShortlistPlaces(14, candidates, places, short)
