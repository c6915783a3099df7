"""A programme's value: every fault of every key is named, all at once; amendments show exactly what they change."""

import copy
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from ledger.procedure.programme import StageKind
from ledger.procedure.programme_shape import TABLES, instant
from ledger.procedure.programme_value import (
    InvalidProgrammeError,
    difference,
    problems,
    programme_from_value,
    stages_touched,
    warnings,
)
from ledger.procedure.readings import CATALOGUE, needed, needed_by, rule, undeclared
from ledger.programmes import load_shipped, shipped

Edit = Callable[[Any], None]


def edited(edit: Edit, label: str = "zhuyuan-2022") -> dict[str, Any]:
    value: dict[str, Any] = copy.deepcopy(dict(load_shipped(label)))
    edit(value)
    return value


def found(edit: Edit) -> set[tuple[str, str]]:
    return {(problem.code, problem.path) for problem in problems(edited(edit))}


def setting(path: str, new: Any) -> Edit:
    def edit(value: Any) -> None:
        *way, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        for step in way:
            value = value[step]
        value[last] = new

    return edit


def dropping(path: str) -> Edit:
    def edit(value: Any) -> None:
        *way, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        for step in way:
            value = value[step]
        del value[last]

    return edit


def test_the_value_spells_the_programme() -> None:
    programme = programme_from_value(load_shipped("zhuyuan-2022"))
    assert (programme.seats, programme.quorum, programme.quorum_floor) == (10, Fraction(2, 3), 3)
    assert len(programme.sponsors) == 5
    applications = programme.stages[0]
    assert (applications.opens_at, applications.closes_at) == (1663862400000, 1666627200000)
    experts = programme.stage("experts")
    assert experts is not None
    assert sum(item.most_hundredths for item in experts.score_items) == 10_000
    assert len(experts.groups) >= 3
    assert len({covered for group in experts.groups for covered in group.covers}) >= 6
    exclusions = [item for item in programme.criteria if item.exclusion]
    assert [item.heads_only for item in exclusions] == [False, False, False, False, True, False]
    assert [item.lookback_years for item in exclusions] == [None, None, None, None, 3, None]
    assert [item.clause for item in programme.criteria if item.supporting] == ["四(四)"]
    assert [benefit.grant_cents for benefit in programme.benefits if benefit.on_application] == [1_000_000]


KEYS_OF_ONE_ITEM = {
    "office": "offices.0",
    "role": "roles.1",
    "body": "bodies.0",
    "stage": "stages.2",
    "group": "stages.2.groups.0",
    "score_item": "stages.2.score_items.0",
    "criterion": "criteria.0",
    "material": "materials.0",
    "way": "ways.0",
    "benefit": "benefits.0",
    "reading": "readings.7",
    "quorum": "quorum",
    "paper": "paper",
    "surplus": "stages.4.surplus",
}


def every_key() -> list[tuple[str, str, bool]]:
    rows = [(key, key, part.optional) for key, part in TABLES["programme"].items()]
    for table, place in KEYS_OF_ONE_ITEM.items():
        rows += [(f"{place}.{key}", key, part.optional) for key, part in TABLES[table].items()]
    return rows


def dotted(path: str) -> str:
    steps = path.split(".")
    return "".join(f"[{step}]" if step.isdecimal() else f".{step}" for step in steps).lstrip(".")


def test_every_table_is_mutated() -> None:
    assert set(KEYS_OF_ONE_ITEM) == set(TABLES) - {"programme"}


@pytest.mark.parametrize(("path", "key", "optional"), every_key(), ids=str)
def test_each_key_of_a_wrong_type_is_reported(path: str, key: str, optional: bool) -> None:
    for wrong in (None, 1.5, {"a": 1} if key not in {"quorum", "paper", "surplus"} else "text"):
        assert ("PROGRAMME_WRONG_TYPE", dotted(path)) in found(setting(path, wrong))


@pytest.mark.parametrize("path", [path for path, _, optional in every_key() if not optional])
def test_each_missing_key_is_reported(path: str) -> None:
    assert ("PROGRAMME_MISSING_KEY", dotted(path)) in found(dropping(path))


@pytest.mark.parametrize("place", ["", *KEYS_OF_ONE_ITEM.values()])
def test_an_unknown_key_is_reported_in_every_table(place: str) -> None:
    path = f"{place}.unheard_of" if place else "unheard_of"
    assert found(setting(path, 1)) == {("PROGRAMME_UNKNOWN_KEY", dotted(path))}


@pytest.mark.parametrize(
    ("path", "new", "code"),
    [
        ("seats", 0, "PROGRAMME_OUT_OF_RANGE"),
        ("seats", True, "PROGRAMME_WRONG_TYPE"),
        ("title", "", "PROGRAMME_OUT_OF_RANGE"),
        ("title", "长" * 501, "PROGRAMME_OUT_OF_RANGE"),
        ("label", "Upper", "PROGRAMME_BAD_ID"),
        ("eligibility_date", "2022-02-30", "PROGRAMME_BAD_DATE"),
        ("eligibility_date", "20220228", "PROGRAMME_BAD_DATE"),
        ("utc_offset_minutes", 1081, "PROGRAMME_OUT_OF_RANGE"),
        ("quorum.numerator", 4, "PROGRAMME_OUT_OF_RANGE"),
        ("offices", [], "PROGRAMME_OUT_OF_RANGE"),
        ("stages.0.opens_at", "2022-09-23", "PROGRAMME_BAD_DATE"),
        ("stages.0.opens_at", "2022-09-31T00:00", "PROGRAMME_BAD_DATE"),
        ("stages.0.closes_at", "2022-09-23T00:00", "PROGRAMME_WINDOW_EMPTY"),
        ("stages.0.body", "panel", "PROGRAMME_KEY_OF_OTHER_KIND"),
        ("stages.2.body", "nobody", "PROGRAMME_UNKNOWN_REFERENCE"),
        ("stages.2.kind", "raffle", "PROGRAMME_NOT_A_CHOICE"),
        ("stages.6.surplus", {"numerator": 1, "denominator": 3}, "PROGRAMME_KEY_OF_OTHER_KIND"),
        ("stages.6.takes", "shortlist", "PROGRAMME_MISSING_KEY"),
        ("stages.2.group_by", "age", "PROGRAMME_NOT_A_CHOICE"),
        ("stages.2.groups.1.covers.0", "welding", "PROGRAMME_COVERED_TWICE"),
        ("stages.2.groups.1.covers.0", "Not An Id", "PROGRAMME_BAD_ID"),
        ("stages.2.groups.1.id", "metalworking", "PROGRAMME_DUPLICATE_ID"),
        ("stages.2.score_items.1.id", "skill", "PROGRAMME_DUPLICATE_ID"),
        ("stages.2.total", 2, "PROGRAMME_TOTAL_TOO_SMALL"),
        ("stages.2.tie_reading", "quorum", "PROGRAMME_TIE_READING"),
        ("stages.2.tie_reading", "tie_final", "PROGRAMME_TIE_READING"),
        ("stages.3.tie_reading", "tie_expert", "PROGRAMME_TIE_NEEDS_SCORES"),
        ("stages.3.id", "experts", "PROGRAMME_DUPLICATE_ID"),
        ("stages.8.channels.1", "union-new-media", "PROGRAMME_DUPLICATE_ID"),
        ("bodies.0.role", "nobody", "PROGRAMME_UNKNOWN_REFERENCE"),
        ("roles.1.incompatible.0", "nobody", "PROGRAMME_UNKNOWN_REFERENCE"),
        ("roles.1.incompatible.0", "organiser", "PROGRAMME_ROLE_BARS_ITSELF"),
        ("roles.1.incompatible.1", "registrar", "PROGRAMME_DUPLICATE_ID"),
        ("criteria.1.joint_check", True, "PROGRAMME_KEY_OF_OTHER_KIND"),
        ("criteria.7.supporting", True, "PROGRAMME_KEY_OF_OTHER_KIND"),
        ("ways.0.special", True, "PROGRAMME_WAY_UNCLEAR"),
        ("ways.1.special", False, "PROGRAMME_WAY_UNCLEAR"),
        ("readings.0.id", "wholly_new", "PROGRAMME_READING_UNKNOWN"),
        ("readings.0.chosen", "outside", "PROGRAMME_READING_VALUE"),
        ("readings.7.alternatives.0", "floor", "PROGRAMME_DUPLICATE_ID"),
        ("readings.7.alternatives.0", "triple", "PROGRAMME_READING_VALUE"),
        ("readings.1.id", "deadline", "PROGRAMME_DUPLICATE_ID"),
    ],
)
def test_a_wrong_value_is_reported_under_its_code_and_place(path: str, new: Any, code: str) -> None:
    places = {one for one, _ in found(setting(path, new))}
    assert code in places
    reported = next(place for one, place in found(setting(path, new)) if one == code)
    assert reported.startswith(dotted(path).rsplit(".", 1)[0])


@pytest.mark.parametrize("name", ["opens_at", "closes_at"])
def test_the_window_of_applications_is_required(name: str) -> None:
    assert found(dropping(f"stages.0.{name}")) == {("PROGRAMME_MISSING_KEY", f"stages[0].{name}")}


def moved(source: int, target: int) -> Edit:
    def edit(value: Any) -> None:
        value["stages"].insert(target, value["stages"].pop(source))

    return edit


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (moved(0, 1), ("PROGRAMME_STAGE_ORDER", "stages[0].kind")),
        (moved(1, 3), ("PROGRAMME_STAGE_ORDER", "stages[1].kind")),
        (moved(5, 3), ("PROGRAMME_NO_SHORTLIST", "stages[3].kind")),
        (moved(5, 7), ("PROGRAMME_STAGE_ORDER", "stages[7].kind")),
        (moved(7, 2), ("PROGRAMME_STAGE_ORDER", "stages[2].kind")),
        (moved(9, 7), ("PROGRAMME_STAGE_ORDER", "stages[7].kind")),
        (moved(10, 8), ("PROGRAMME_STAGE_ORDER", "stages[8].kind")),
        (dropping("stages.1"), ("PROGRAMME_STAGE_COUNT", "stages")),
        (dropping("stages.6"), ("PROGRAMME_STAGE_COUNT", "stages")),
        (dropping("stages.4"), ("PROGRAMME_NO_SHORTLIST", "stages[4].kind")),
        (setting("stages.4.takes", "nominees"), ("PROGRAMME_STAGE_COUNT", "stages")),
    ],
)
def test_the_stages_must_lead_from_applications_to_approval(edit: Edit, expected: tuple[str, str]) -> None:
    assert expected in found(edit)


def test_notice_may_come_before_deliberation() -> None:
    assert found(moved(8, 7)) == set()


def without(key: str, keep: Callable[[Any], bool]) -> Edit:
    def edit(value: Any) -> None:
        value[key] = [item for item in value[key] if keep(item)]

    return edit


def test_what_every_programme_must_have() -> None:
    def no_bars(value: Any) -> None:
        value["roles"] = [item | {"incompatible": []} for item in value["roles"]]

    assert found(without("roles", lambda role: role["id"] != "teller")) >= {("PROGRAMME_ROLE_MISSING", "roles")}
    assert found(without("offices", lambda office: not office.get("sponsor"))) == {("PROGRAMME_NO_SPONSOR", "offices")}
    assert found(without("criteria", lambda item: item.get("exclusion"))) == {("PROGRAMME_NO_CONDITION", "criteria")}
    separated = [one for one in problems(edited(no_bars)) if one.code == "PROGRAMME_ROLES_NOT_SEPARATED"]
    assert {one.facts["other"] for one in separated} == {"registrar", "scrutineer", "discipline"}


def test_everything_wrong_is_said_at_once() -> None:
    def spoil(value: Any) -> None:
        value["seats"] = "ten"
        del value["honour"]
        value["stages"][2]["body"] = "nobody"
        value["stages"][5]["colour"] = "red"
        value["roles"] = "none"
        value["readings"][0]["chosen"] = "outside"

    assert found(spoil) == {
        ("PROGRAMME_WRONG_TYPE", "seats"),
        ("PROGRAMME_MISSING_KEY", "honour"),
        ("PROGRAMME_UNKNOWN_REFERENCE", "stages[2].body"),
        ("PROGRAMME_UNKNOWN_KEY", "stages[5].colour"),
        ("PROGRAMME_WRONG_TYPE", "roles"),
        ("PROGRAMME_READING_VALUE", "readings[0].chosen"),
    }
    with pytest.raises(InvalidProgrammeError, match=r"stages\[2\]\.body: PROGRAMME_UNKNOWN_REFERENCE") as raised:
        programme_from_value(edited(spoil))
    assert raised.value.problems == problems(edited(spoil))


def test_a_value_that_is_no_table_is_one_problem_of_type() -> None:
    assert next(problem.code for problem in problems([])) == "PROGRAMME_WRONG_TYPE"  # type: ignore[arg-type]


@pytest.mark.parametrize("label", shipped())
def test_an_absent_reading_is_a_warning_for_each_stage_that_needs_it(label: str) -> None:
    programme = programme_from_value(load_shipped(label))
    for place, reading in enumerate(programme.readings):
        value = edited(dropping(f"readings.{place}"), label)
        assert problems(value) == ()
        needing = [stage.id for stage in programme.stages if reading.id in needed_by(programme, stage)]
        assert needing, reading.id
        assert [(one.code, one.facts["id"], one.facts["stage"]) for one in warnings(value)] == [
            ("PROGRAMME_READING_ABSENT", reading.id, stage) for stage in needing
        ]
    assert warnings({}) == ()


def test_what_a_stage_needs_follows_from_its_kind_and_its_parts() -> None:
    programme = programme_from_value(load_shipped("zhuyuan-2022"))
    needs = {stage.id: set(needed_by(programme, stage)) for stage in programme.stages}
    assert needs["experts"] - needs["industry"] == {"score_rule", "tie_expert"}
    assert needs["shortlist"] - needs["final"] == {"shortlist_rounding", "shortlist_short", "tie_shortlist"}
    assert needs["final"] - needs["shortlist"] == {"tie_final", "tie_alternates"}
    assert set.union(*needs.values()) == {entry.id for entry in CATALOGUE}
    for stage in programme.stages:
        assert set(needed(stage.kind)) <= needs[stage.id]
        assert undeclared(programme, stage) == ()
    assert "deliberation_rule" in needed(StageKind.DELIBERATION)
    assert rule("no_such_reading") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T08:00", 0),
        ("1970-01-01T00:00Z", 0),
        ("1970-01-01T00:00:01+00:00", 1000),
        ("1969-12-31T23:00-01:00", 0),
        ("1970-01-01 08:00", None),
        ("1970-01-01T08:00+8", None),
        ("1970-13-01T08:00", None),
        ("1970-01-01T24:00", None),
        ("19700101T0800", None),
    ],
)
def test_instants_are_read_at_their_own_offset_or_the_programmes(text: str, expected: int | None) -> None:
    assert instant(text, 480) == expected


def test_a_difference_names_each_place_and_both_values() -> None:
    def amend(value: Any) -> None:
        value["stages"][2]["total"] = 31
        value["stages"][2]["groups"][0]["covers"].append("casting")
        del value["readings"][7]["alternatives"][2]
        value["benefits"] = []
        value["paper"]["forms"] = 4

    old = load_shipped("zhuyuan-2022")
    changes = difference(old, edited(amend))
    assert [change for change in changes if not change[0].startswith("benefits")] == [
        ("paper.forms", "3", "4"),
        ("readings[shortlist_rounding].alternatives[2]", '"round"', "-"),
        ("stages[experts].groups[metalworking].covers[3]", "-", '"casting"'),
        ("stages[experts].total", "30", "31"),
    ]
    assert ("benefits[medal].clause", '"二"', "-") in changes
    assert difference(old, old) == ()
    backwards = difference(edited(amend), old)
    assert sorted((path, after, before) for path, before, after in backwards) == sorted(changes)


def test_an_inserted_stage_shows_its_content_and_the_new_sequence() -> None:
    def insert(value: Any) -> None:
        value["stages"].insert(5, value["stages"][4] | {"id": "second-look"})

    changes = difference(load_shipped("zhuyuan-2022"), edited(insert))
    assert ("stages[second-look].takes", "-", '"shortlist"') in changes
    assert ("stages[5]", '"public"', '"second-look"') in changes
    assert not any(path.startswith("stages[public].") for path, _, _ in changes)


def test_every_text_of_a_difference_fits_a_statement() -> None:
    changes = difference(load_shipped("zhuyuan-2022"), load_shipped("labour-medal-2024"))
    assert max(len(text) for change in changes for text in change) <= 2000


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (setting("stages.2.total", 31), ("experts",)),
        (setting("readings.7.chosen", "floor"), ("shortlist",)),
        (setting("readings.14.chosen", "majority_of_valid"), ("experts", "industry", "shortlist", "final")),
        (dropping("readings.31"), ("inspection", "notice")),
        (setting("readings.32.question", "?"), ("notice",)),
        (moved(8, 7), ("inspection", "notice", "approval", "aftermath")),
        (lambda value: None, ()),
    ],
)
def test_an_amendment_touches_the_stages_whose_rules_it_changes(edit: Edit, expected: tuple[str, ...]) -> None:
    touched = stages_touched(load_shipped("zhuyuan-2022"), edited(edit))
    assert set(touched) == set(expected)


def test_anything_else_touches_every_stage_old_and_new() -> None:
    old, new = load_shipped("zhuyuan-2022"), load_shipped("labour-medal-2024")
    ids = {stage["id"] for value in (old, new) for stage in value["stages"]}
    assert set(stages_touched(old, new)) == ids
    assert len(stages_touched(old, edited(setting("seats", 11)))) == len(old["stages"])
    gone = stages_touched(old, edited(dropping("stages.3")))
    assert "industry" in gone
    assert "experts" not in gone
