"""Vacancies: who moves up, who is passed over and why, and places that stay empty."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.procedure.vacancies import (
    DropOut,
    Filling,
    Holder,
    Removal,
    Skipped,
    SkipReason,
    Vacancy,
    fill_vacancies,
    holders,
    next_alternate,
    vacancies_open,
)

NOMINEES = ("n1", "n2", "n3")
ALTERNATES = ("a1", "a2", "a3")
OBJECTION = Removal("n2", DropOut.STRUCK_OFF, 100)


def test_the_first_alternate_moves_up() -> None:
    (filling,) = fill_vacancies(NOMINEES, ALTERNATES, [OBJECTION], [Vacancy("n2", 110)])

    assert filling == Filling(2, "n2", OBJECTION, 110, "a1", ())


def test_two_vacancies_take_two_alternates_in_the_order_of_their_entries() -> None:
    removals = [OBJECTION, Removal("n1", DropOut.NOT_AGREED, 101)]
    vacancies = [Vacancy("n1", 120), Vacancy("n2", 110)]
    fillings = fill_vacancies(NOMINEES, ALTERNATES, removals, vacancies)

    assert [(filling.vacated_by, filling.seat, filling.filled_by) for filling in fillings] == [
        ("n2", 2, "a1"),
        ("n1", 1, "a2"),
    ]
    assert fillings[1].skipped == (Skipped("a1", SkipReason.MOVED_UP_BEFORE, None, 110),)


def test_an_alternate_who_dropped_out_by_then_is_passed_over_and_one_later_is_not() -> None:
    early, late = Removal("a1", DropOut.WITHDRAWN, 109), Removal("a2", DropOut.DECLINED, 111)
    (filling,) = fill_vacancies(NOMINEES, ALTERNATES, [OBJECTION, early, late], [Vacancy("n2", 110)])

    assert filling.filled_by == "a2"
    assert filling.skipped == (Skipped("a1", SkipReason.DROPPED_OUT, DropOut.WITHDRAWN, 109),)


def test_one_who_moved_up_and_drops_out_leaves_the_same_place() -> None:
    removals = [OBJECTION, Removal("a1", DropOut.FAILED_INSPECTION, 115)]
    fillings = fill_vacancies(NOMINEES, ALTERNATES, removals, [Vacancy("n2", 110), Vacancy("a1", 116)])

    assert [(filling.seat, filling.filled_by) for filling in fillings] == [(2, "a1"), (2, "a2")]
    assert fillings[1].removal == Removal("a1", DropOut.FAILED_INSPECTION, 115)
    assert fillings[1].skipped == (Skipped("a1", SkipReason.MOVED_UP_BEFORE, None, 110),)
    assert holders(NOMINEES, fillings) == (Holder(1, "n1"), Holder(2, "a2"), Holder(3, "n3"))
    assert holders(NOMINEES, reversed(fillings)) == holders(NOMINEES, fillings)


def test_with_no_alternate_left_the_place_stays_empty() -> None:
    removals = [OBJECTION, Removal("n3", DropOut.TERMINATED, 100), Removal("a2", DropOut.STRUCK_OFF, 90)]
    first, second = fill_vacancies(NOMINEES, ALTERNATES[:2], removals, [Vacancy("n2", 110), Vacancy("n3", 111)])

    assert first.filled_by == "a1"
    assert second.filled_by is None
    assert second.skipped == (
        Skipped("a1", SkipReason.MOVED_UP_BEFORE, None, 110),
        Skipped("a2", SkipReason.DROPPED_OUT, DropOut.STRUCK_OFF, 90),
    )
    assert holders(NOMINEES, [second, first]) == (Holder(1, "n1"), Holder(2, "a1"), Holder(3, None))


def test_the_first_cause_counts() -> None:
    removals = [Removal("n2", DropOut.WITHDRAWN, 105), OBJECTION]
    (filling,) = fill_vacancies(NOMINEES, ALTERNATES, removals, [Vacancy("n2", 110)])

    assert filling.removal == OBJECTION


@pytest.mark.parametrize(
    "vacancy",
    [Vacancy("n1", 110), Vacancy("n2", 99), Vacancy("a1", 110), Vacancy("stranger", 110)],
    ids=["still stands", "not yet", "never moved up", "unknown"],
)
def test_a_place_nobody_left_cannot_be_filled(vacancy: Vacancy) -> None:
    removals = [OBJECTION, Removal("a1", DropOut.DECLINED, 100), Removal("stranger", DropOut.DECLINED, 100)]

    with pytest.raises(ValueError, match="no place vacant"):
        fill_vacancies(NOMINEES, ALTERNATES, removals, [vacancy])


def test_a_place_is_not_filled_twice() -> None:
    with pytest.raises(ValueError, match="no place vacant"):
        fill_vacancies(NOMINEES, ALTERNATES, [OBJECTION], [Vacancy("n2", 110), Vacancy("n2", 111)])


@pytest.mark.parametrize("alternates", [("n1",), ("a1", "a1")])
def test_nobody_is_listed_twice(alternates: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="different people"):
        fill_vacancies(NOMINEES, alternates, [], [])


def test_who_is_next_without_filling_anything() -> None:
    removals = [Removal("a1", DropOut.DECLINED, 50)]

    assert next_alternate(ALTERNATES, removals, [], 40) == ("a1", ())
    assert next_alternate(ALTERNATES, removals, [("a2", 45)], 60) == (
        "a3",
        (
            Skipped("a1", SkipReason.DROPPED_OUT, DropOut.DECLINED, 50),
            Skipped("a2", SkipReason.MOVED_UP_BEFORE, None, 45),
        ),
    )
    assert next_alternate((), removals, [], 60) == (None, ())


def test_open_vacancies_and_their_preview() -> None:
    removals = [Removal("n3", DropOut.WITHDRAWN, 90), OBJECTION, Removal("n1", DropOut.DECLINED, 130)]
    held = holders(NOMINEES, [])
    open_now = vacancies_open(held, removals, 120)

    assert open_now == (Vacancy("n2", 120), Vacancy("n3", 120))
    preview = fill_vacancies(NOMINEES, ALTERNATES, removals, open_now)
    assert [(filling.seat, filling.filled_by) for filling in preview] == [(2, "a1"), (3, "a2")]
    assert vacancies_open(holders(NOMINEES, preview), removals, 120) == ()
    assert vacancies_open((Holder(1, None),), removals, 120) == ()


people = st.sampled_from((*NOMINEES, *ALTERNATES))
removal_lists = st.lists(st.builds(Removal, people, st.sampled_from(DropOut), st.integers(0, 30)), max_size=8)


@given(removal_lists, st.data())
def test_nobody_moves_up_twice_or_out_of_order(removals: list[Removal], data: st.DataObject) -> None:
    """Fill whatever is open, as late as it takes, in one place after the other."""
    vacancies: list[Vacancy] = []
    for at in range(0, 40, 3):
        held = holders(NOMINEES, fill_vacancies(NOMINEES, ALTERNATES, removals, vacancies))
        vacancies.extend(vacancies_open(held, removals, at))
    fillings = fill_vacancies(NOMINEES, ALTERNATES, removals, vacancies)
    moved_up = [filling.filled_by for filling in fillings if filling.filled_by is not None]

    assert moved_up == sorted(set(moved_up), key=ALTERNATES.index)
    gone = {removal.person for removal in removals}
    everybody_left = [holder.person for holder in holders(NOMINEES, fillings) if holder.person is not None]
    assert not gone & set(everybody_left)
    empty = len(NOMINEES) - len(everybody_left)
    assert not empty or set(ALTERNATES) <= gone | set(everybody_left)
    assert fill_vacancies(NOMINEES, ALTERNATES, data.draw(st.permutations(removals)), vacancies) == fillings
