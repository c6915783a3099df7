"""What an application lacks, by clause: two people, one with everything, one with one thing missing at a time."""

from dataclasses import replace

import pytest

from ledger.procedure.formalities import Dossier, Lack, lacking, next_level, paper_complete, paper_deadline
from ledger.procedure.programme import Programme
from ledger.procedure.programme_value import programme_from_value
from ledger.programmes import load_shipped


@pytest.fixture(scope="module")
def programme() -> Programme:
    return programme_from_value(load_shipped("zhuyuan-2022"))


COMPLETE = Dossier(
    way="unit",
    consented=True,
    reviewed=True,
    levels=("unit", "county", "city"),
    materials=frozenset({"form", "story", "proof"}),
    on_paper=True,
)
OWN_ACCORD = replace(COMPLETE, way="self", reviewed=False, levels=())


@pytest.mark.parametrize("dossier", [COMPLETE, OWN_ACCORD])
def test_nothing_is_missing(programme: Programme, dossier: Dossier) -> None:
    assert lacking(programme, dossier) == ()


@pytest.mark.parametrize(
    ("dossier", "lacks"),
    [
        (replace(COMPLETE, consented=False), [Lack("NO_APPLICANT_CONSENT", "六(二)")]),
        (replace(OWN_ACCORD, consented=False), [Lack("NO_APPLICANT_CONSENT", "六(二)")]),
        (replace(COMPLETE, reviewed=False), [Lack("REVIEW_MISSING", "七(二)")]),
        (
            replace(COMPLETE, levels=("unit",)),
            [
                Lack("RECOMMENDATION_MISSING", "六(二)1", "county"),
                Lack("RECOMMENDATION_MISSING", "六(二)1", "city"),
            ],
        ),
        (replace(COMPLETE, materials=frozenset({"form", "proof"})), [Lack("MATERIAL_MISSING", "六(三)", "story")]),
        (replace(OWN_ACCORD, materials=frozenset({"form", "story"})), []),
        (replace(COMPLETE, on_paper=False), [Lack("PAPER_MISSING", "七(四)2")]),
    ],
)
def test_one_thing_is_missing(programme: Programme, dossier: Dossier, lacks: list[Lack]) -> None:
    assert list(lacking(programme, dossier)) == lacks


def test_a_programme_without_paper_asks_for_none(programme: Programme) -> None:
    electronic = replace(programme, paper=replace(programme.paper, forms=0))
    assert lacking(electronic, replace(COMPLETE, on_paper=False)) == ()


@pytest.mark.parametrize(
    ("recommended", "level"), [((), "unit"), (("unit",), "county"), (("unit", "county", "city"), None)]
)
def test_levels_follow_from_below_upward(programme: Programme, recommended: tuple[str, ...], level: str | None) -> None:
    way = programme.way("unit")
    assert way is not None
    assert next_level(way, recommended) == level


@pytest.mark.parametrize(
    ("filed", "forms", "sets", "complete"),
    [
        ({"form", "story", "proof"}, 3, 2, True),
        ({"form", "story", "proof"}, 3, 1, False),
        ({"form", "story"}, 3, 0, True),
        ({"form", "story"}, 2, 0, False),
    ],
)
def test_paper_is_three_forms_and_two_sets_of_proofs_where_claimed(
    programme: Programme, filed: set[str], forms: int, sets: int, complete: bool
) -> None:
    assert paper_complete(programme.paper, programme.materials, filed, forms, sets) is complete


def test_paper_has_five_days_of_grace(programme: Programme) -> None:
    assert paper_deadline(programme.paper, 1_666_627_200_000) == 1_666_627_200_000 + 5 * 24 * 3_600_000
