"""A small programme file is filled up to a whole one; what it states stays, and what is wrong with it is said."""

import tomllib
from typing import Any

import pytest

from ledger.errors import MalformedError
from ledger.import_programme import expanded, read_programme
from ledger.procedure.programme import StageKind
from ledger.procedure.programme_value import InvalidProgrammeError, problems, programme_from_value, warnings
from ledger.procedure.readings import CATALOGUE
from ledger.programmes import load_shipped

SMALL = """
label = "club-2026"
title = "年度评选"
year = 2026
seats = 3
[[stages]]
id = "groups"
kind = "group_round"
total = 6
groups = [{ id = "east", name = "东区", covers = ["east"] }, { id = "west", name = "西区", covers = ["west"] }]
score_items = [{ id = "skill", name = "技能", most_hundredths = 10000 }]
[[stages]]
id = "final"
kind = "panel_round"
takes = "nominees"
"""


def test_what_is_left_out_is_filled_in() -> None:
    value = read_programme(b"\xef\xbb\xbf" + SMALL.encode())
    assert warnings(value) == ()
    programme = programme_from_value(value)
    kinds = [stage.kind for stage in programme.stages]
    assert kinds == [
        StageKind.APPLICATIONS,
        StageKind.SCREENING,
        StageKind.GROUP_ROUND,
        StageKind.PANEL_ROUND,
        StageKind.DELIBERATION,
        StageKind.NOTICE,
        StageKind.APPROVAL,
    ]
    assert [stage.tie_reading for stage in programme.stages[2:4]] == ["tie_expert", "tie_final"]
    assert {one.id: one.chosen for one in programme.readings} == {one.id: one.values[0] for one in CATALOGUE}


@pytest.mark.parametrize("label", ["zhuyuan-2022", "labour-medal-2024"])
def test_a_whole_programme_stays_as_it_is(label: str) -> None:
    value = load_shipped(label)
    assert {key: expanded(value)[key] for key in value if key != "readings"} == {
        key: value[key] for key in value if key != "readings"
    }
    assert expanded(value)["readings"][: len(value["readings"])] == value["readings"]
    assert problems(expanded(value)) == ()


@pytest.mark.parametrize(
    ("stages", "order"),
    [
        (["notice"], ["deliberation", "notice", "approval"]),
        (["approval"], ["deliberation", "notice", "approval"]),
        (["notice", "deliberation"], ["notice", "deliberation", "approval"]),
        (["aftermath"], ["deliberation", "notice", "approval", "aftermath"]),
    ],
)
def test_missing_stages_go_where_they_belong(stages: list[str], order: list[str]) -> None:
    value: dict[str, Any] = tomllib.loads(SMALL)
    value["stages"] += [{"id": kind, "kind": kind} for kind in stages]
    whole = expanded(value)
    assert [stage["kind"] for stage in whole["stages"]][4:] == order
    assert problems(whole) == ()


def test_what_a_file_states_is_kept() -> None:
    text = SMALL.replace(
        "seats = 3", "seats = 3\nrunoffs_most = 1\nquorum = { numerator = 1, denominator = 2, floor = 1 }"
    )
    text += '[[readings]]\nid = "min_approval"\nclause = "二"\nquestion = "？"\nchosen = "majority_of_valid"\n'
    programme = programme_from_value(read_programme(text.encode()))
    assert (programme.runoffs_most, programme.quorum_floor) == (1, 1)
    assert programme.reading("min_approval") == "majority_of_valid"


@pytest.mark.parametrize("text", [b"label = ", b"\xff\xfe"])
def test_what_is_no_toml_is_said(text: bytes) -> None:
    with pytest.raises(MalformedError, match="PROGRAMME_NOT_TOML"):
        read_programme(text)


@pytest.mark.parametrize(
    "text",
    [
        'label = "x"',
        "stages = 1",
        "stages = [1]",
        'stages = [{ kind = "party" }]',
        SMALL.replace("seats = 3", "seats = 0"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(text: str) -> None:
    with pytest.raises(InvalidProgrammeError):
        read_programme(text.encode())
