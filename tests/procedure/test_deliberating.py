"""When a group objects or agrees, whose step comes first, and who has been heard."""

import pytest

from ledger.procedure.deliberating import carried, has_objection, voters_needed
from ledger.procedure.hearing import heard
from ledger.procedure.programme import StageKind
from ledger.procedure.programme_value import programme_from_value
from ledger.procedure.steps import only_stage, steps_before
from ledger.programmes import load_shipped

DELIBERATION, NOTICE, APPROVAL = StageKind.DELIBERATION, StageKind.NOTICE, StageKind.APPROVAL


@pytest.mark.parametrize(
    ("reading", "against", "members", "objects"),
    [
        ("majority", 5, 10, False),
        ("majority", 6, 10, True),
        ("majority", 5, 11, False),
        ("majority", 6, 11, True),
        ("majority", 0, 10, False),
        ("any_objection", 0, 10, False),
        ("any_objection", 1, 10, True),
        (None, 1, 10, False),
    ],
)
def test_five_6_an_objection_is_counted_against_all_members(
    reading: str | None, against: int, members: int, objects: bool
) -> None:
    assert has_objection(reading, against, members) is objects


@pytest.mark.parametrize(
    ("votes", "members", "is_carried"), [(0, 0, False), (1, 1, True), (5, 10, False), (6, 10, True)]
)
def test_five_8_more_than_half_of_all_members_must_agree(votes: int, members: int, is_carried: bool) -> None:
    assert carried(votes, members) is is_carried


@pytest.mark.parametrize(
    ("least", "members", "conflicted", "needed"),
    [(10, 12, 0, 10), (10, 12, 1, 10), (10, 12, 3, 9), (10, 10, 1, 9), (10, 9, 0, 10), (10, 9, 1, 10)],
)
def test_one_only_those_who_must_keep_out_lower_the_number_of_voters(
    least: int, members: int, conflicted: int, needed: int
) -> None:
    assert voters_needed(least, members, conflicted) == needed


@pytest.mark.parametrize(
    ("label", "kind", "before"),
    [
        ("zhuyuan-2022", DELIBERATION, ()),
        ("zhuyuan-2022", NOTICE, (DELIBERATION,)),
        ("zhuyuan-2022", APPROVAL, (DELIBERATION, NOTICE)),
        ("labour-medal-2024", NOTICE, ()),
        ("labour-medal-2024", DELIBERATION, (NOTICE,)),
        ("labour-medal-2024", APPROVAL, (NOTICE, DELIBERATION)),
        ("labour-medal-2024", StageKind.PUBLIC_VOTE, ()),
    ],
)
def test_the_programme_orders_the_steps(label: str, kind: StageKind, before: tuple[StageKind, ...]) -> None:
    assert steps_before(programme_from_value(load_shipped(label)), kind) == before


def test_a_stage_that_the_programme_lacks_is_none() -> None:
    assert only_stage(programme_from_value(load_shipped("labour-medal-2024")), StageKind.PUBLIC_VOTE) is None


@pytest.mark.parametrize(
    ("replied", "at", "was_heard"), [(False, 999, False), (False, 1000, True), (True, 1, True), (True, 1000, True)]
)
def test_five_7_somebody_is_heard_by_their_reply_or_once_their_time_is_over(
    replied: bool, at: int, was_heard: bool
) -> None:
    assert heard(1000, replied, at) is was_heard
