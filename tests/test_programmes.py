"""Programme files: what ships loads, what is wrong is said with its line, and no rule knows a city."""

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ledger
from ledger.canonical import digest
from ledger.procedure.programme import StageKind
from ledger.procedure.programme_value import problems, programme_from_value, warnings
from ledger.programmes import (
    ProgrammeError,
    load_bytes,
    load_file,
    load_shipped,
    programme_hash,
    shipped,
)
from ledger.programmes.toml_lines import line_of, lines


def source(label: str) -> str:
    return resources.files("ledger.programmes").joinpath(f"{label}.toml").read_text(encoding="utf-8")


def test_two_programmes_ship() -> None:
    assert shipped() == ("labour-medal-2024", "zhuyuan-2022")


@pytest.mark.parametrize("label", ["labour-medal-2024", "zhuyuan-2022"])
def test_a_shipped_programme_is_sound_and_named_after_its_label(label: str) -> None:
    value = load_shipped(label)
    assert problems(value) == ()
    assert warnings(value) == ()
    assert value["label"] == label
    assert programme_hash(value) == digest(value)
    assert len(programme_hash(value)) == 64


def test_the_two_programmes_differ_in_kind() -> None:
    one, other = (programme_from_value(load_shipped(label)) for label in shipped())
    kinds = [[stage.kind for stage in programme.stages] for programme in (one, other)]
    assert StageKind.PUBLIC_VOTE not in kinds[0]
    assert kinds[0].index(StageKind.NOTICE) < kinds[0].index(StageKind.DELIBERATION)
    assert kinds[1].index(StageKind.NOTICE) > kinds[1].index(StageKind.DELIBERATION)
    assert not any(stage.scored for stage in one.stages)
    assert {stage.id for stage in one.stages}.isdisjoint(stage.id for stage in other.stages)
    assert {body.id for body in one.bodies}.isdisjoint(body.id for body in other.bodies)
    differing = {item.id for item in one.readings if other.reading(item.id) not in {None, item.chosen}}
    assert differing == {"min_approval", "recusal_ranking", "runoff_exhausted", "deliberation_rule"}


def test_a_file_is_read_like_a_shipped_one(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(source("zhuyuan-2022"), encoding="utf-8")
    assert load_file(file) == load_shipped("zhuyuan-2022")
    assert load_file(str(file)) == load_shipped("zhuyuan-2022")


def test_all_errors_of_a_file_come_at_once_with_key_and_line() -> None:
    text = source("zhuyuan-2022")
    wrong = (
        text.replace("seats = 10", 'seats = "ten"')
        .replace('body = "experts"', 'body = "nobody"')
        .replace("total = 20", "total = 20\ncolour = 3")
        .replace('chosen = "ceil"', 'chosen = "upwards"')
        .replace('honour = "珠源工匠"\n', "")
        .replace('name = "技艺水平"', 'name = "技艺\\u202e水平"')
    )
    with pytest.raises(ProgrammeError) as raised:
        load_bytes(wrong.encode(), "own.toml")
    at = dict(enumerate(wrong.splitlines(), 1))
    reported = {(one.code, one.path): at[one.line] for one in raised.value.problems}
    assert reported == {
        ("PROGRAMME_MISSING_KEY", "honour"): at[1],
        ("PROGRAMME_WRONG_TYPE", "seats"): 'seats = "ten"',
        ("PROGRAMME_UNKNOWN_REFERENCE", "stages[2].body"): 'body = "nobody"',
        ("TEXT_FORBIDDEN", "stages[2].score_items[0].name"): 'name = "技艺\\u202e水平"',
        ("PROGRAMME_UNKNOWN_KEY", "stages[3].colour"): "colour = 3",
        ("PROGRAMME_READING_VALUE", "readings[7].chosen"): 'chosen = "upwards"',
    }
    numbers = [one.line for one in raised.value.problems]
    assert numbers == sorted(numbers)
    assert raised.value.code == "PROGRAMME_INVALID"
    assert raised.value.facts == {"file": "own.toml", "problems": 6}


@pytest.mark.parametrize(
    ("data", "line", "code"),
    [
        (b'label = "a"\ntitle = ', 2, "PROGRAMME_NOT_TOML"),
        (b'label = "a"\nlabel = "b"\ntitle = "c"\n', 2, "PROGRAMME_NOT_TOML"),
        (b'label = "a"\n\n# \xff\n', 3, "PROGRAMME_NOT_TOML"),
        (b"[[stages]\n", 1, "PROGRAMME_NOT_TOML"),
        (b"text = '''\n\n", 3, "PROGRAMME_NOT_TOML"),
    ],
)
def test_what_is_no_toml_is_reported_with_its_line(data: bytes, line: int, code: str) -> None:
    with pytest.raises(ProgrammeError) as raised:
        load_bytes(data, "own.toml")
    assert [(one.code, one.line) for one in raised.value.problems] == [(code, line)]


def test_a_file_that_is_not_there_is_a_problem_without_a_path(tmp_path: Path) -> None:
    with pytest.raises(ProgrammeError) as raised:
        load_file(tmp_path / "absent.toml")
    (problem,) = raised.value.problems
    assert (problem.code, problem.line) == ("PROGRAMME_UNREADABLE", 0)
    assert str(tmp_path) not in f"{raised.value} {problem}"


def test_an_unknown_label_names_those_that_ship() -> None:
    with pytest.raises(ProgrammeError) as raised:
        load_shipped("../zhuyuan-2022")
    (problem,) = raised.value.problems
    assert problem.facts == {"known": "labour-medal-2024, zhuyuan-2022"}


ODD_TOML = '''\
# comment with [brackets] and "quotes"
a = 1 # = [
b.c."d e" = "x # = y"
'lit=eral' = 'a\\'

text = """
not = a key
[nor.a.table] \\" """ # three quotes, then
quoted = """two at the end""\"""
raw = \'\'\'
x = '1'
\'\'\'
list = [ # comment, ]
  1,
  "two, ]",
  [ 3,
    4 ],
  { k = "]", m.n = 2 },
]
inline = { p = [1, { q = 2 }], r = "}" }
when = 2022-09-23T00:00:00+08:00
spaced  .  out   =   true

[ table . sub ]
key = -1
[[things]]
id = "one"
[[things.parts]]
id = "p1"
[[things.parts]]
id = "p2"
[things.parts.deep]
z = 0
[[things]]
[[things.parts]]
id = "p3"
'''


def test_the_locator_finds_keys_in_every_corner_of_the_language() -> None:
    value = tomllib.loads(ODD_TOML)
    assert value["b"]["c"]["d e"] == "x # = y"
    where = lines(ODD_TOML)
    expected = {
        "a": 2,
        "b.c.d e": 3,
        "lit=eral": 4,
        "text": 6,
        "quoted": 9,
        "raw": 10,
        "list": 13,
        "list[0]": 14,
        "list[1]": 15,
        "list[2][1]": 17,
        "list[3].m.n": 18,
        "inline.p[1].q": 20,
        "when": 21,
        "spaced.out": 22,
        "table.sub": 24,
        "table.sub.key": 25,
        "things": 26,
        "things[0]": 26,
        "things[0].parts[1].id": 31,
        "things[0].parts[1].deep.z": 33,
        "things[1]": 34,
        "things[1].parts[0].id": 36,
    }
    assert {path: where[path] for path in expected} == expected
    assert not any("nor" in path or "not" in path for path in where)


def paths(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [one for key, item in value.items() for one in paths(item, f"{path}.{key}" if path else key)]
    if isinstance(value, list):
        return [one for place, item in enumerate(value) for one in paths(item, f"{path}[{place}]")]
    return [path]


@pytest.mark.parametrize("text", [ODD_TOML, source("zhuyuan-2022"), source("labour-medal-2024")], ids=["odd", "z", "m"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_leaf_of_a_value_has_a_line_that_states_it(text: str, end: str) -> None:
    text = text.replace("\n", end)
    where = lines(text)
    split = text.split("\n")
    for path in paths(tomllib.loads(text)):
        assert path in where
        last = re.sub(r"(\[\d+\])+$", "", path).rsplit(".", 1)[-1]
        assert path.endswith("]") or last in split[where[path] - 1]


@given(
    st.lists(
        st.tuples(
            st.text("abc", min_size=1, max_size=3),
            st.sampled_from(["1", '"#[]="', "'''\n\n'''", '["]",\n 2]', "{ x = 1 }", '"""\na = 1\n"""', "[\n]"]),
            st.sampled_from(["", "\n", "# [[no]]\n", "\n\n"]),
        ),
        unique_by=lambda row: row[0],
    )
)
def test_lines_are_counted_through_values_of_several_lines(rows: list[tuple[str, str, str]]) -> None:
    text, expected = "", {}
    for key, written, gap in rows:
        expected[key] = text.count("\n") + 1
        text += f"{key} = {written}\n{gap}"
    assert set(tomllib.loads(text)) == set(expected)
    where = lines(text)
    assert {key: where[key] for key in expected} == expected


def test_a_missing_key_is_shown_at_the_table_around_it() -> None:
    where = lines(ODD_TOML)
    assert line_of(where, "things[0].parts[1].absent.more") == 30
    assert line_of(where, "absent") == 1
    assert line_of({}, "") == 1


def rule_sources() -> list[Path]:
    root = Path(ledger.__file__).parent
    rooms = [root / "procedure", root / "state", root / "decisions", root / "statements", root.parent / "projections"]
    return [file for room in rooms for file in room.rglob("*.py")] + list(root.glob("*.py"))


def own_words(label: str) -> set[str]:
    """What only this programme says: names, titles, and the ids that are no common word of the field."""
    value = load_shipped(label)
    words = {label, value["title"], value["reference"], value["honour"]}
    words |= {office["name"] for office in value["offices"]} | {body["name"] for body in value["bodies"]}
    words |= {group["name"] for stage in value["stages"] for group in stage.get("groups", ())}
    ids = [office["id"] for office in value["offices"]] + [body["id"] for body in value["bodies"]]
    ids += [group["id"] for stage in value["stages"] for group in stage.get("groups", ())]
    ids += [channel for stage in value["stages"] for channel in stage.get("channels", ())]
    ids += [item["id"] for item in value["criteria"]] + [stage["id"] for stage in value["stages"]]
    return words | {one for one in ids if "-" in one}


@pytest.mark.parametrize("label", ["labour-medal-2024", "zhuyuan-2022"])
def test_no_rule_knows_a_city(label: str) -> None:
    words = own_words(label) | {"曲靖", "珠源", "澜州", "Qujing", "qujing", "zhuyuan", "Zhuyuan", "labour-medal"}
    files = rule_sources()
    assert len(files) > 20
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert [word for word in sorted(words) if word in text] == [], file.name
