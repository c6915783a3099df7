"""`ballot-ledger programme`: what somebody who writes a programme asks."""

from pathlib import Path

from ledger.programmes import load_shipped, programme_hash, shipped
from tests.api.calling import call

SOURCE = Path(__file__).parents[2] / "ledger" / "programmes" / "zhuyuan-2022.toml"


def _changed(folder: Path, old: str, new: str) -> Path:
    text = SOURCE.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file = folder / "my-city.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def test_the_shipped_programmes_are_listed_and_sound() -> None:
    listed = call("programme", "list", "--json").value["programmes"]
    assert tuple(one["label"] for one in listed) == shipped()
    for label in shipped():
        answer = call("programme", "check", label, "--json")
        assert answer.code == 0
        assert answer.value["hash"] == programme_hash(load_shipped(label))
        assert answer.value["warnings"] == []


def test_every_error_of_a_file_is_named_with_key_and_line(tmp_path: Path) -> None:
    file = _changed(tmp_path, "seats = 10\n", "seats = 0\nplaces = 3\n")
    line = file.read_text(encoding="utf-8").splitlines().index("seats = 0") + 1
    answer = call("programme", "check", file, "--json")
    assert answer.code == 2
    found = {(one["code"], one["path"], one["line"]) for one in answer.value["error"]["problems"]}
    assert found == {("PROGRAMME_OUT_OF_RANGE", "seats", line), ("PROGRAMME_UNKNOWN_KEY", "places", line + 1)}


def test_what_a_programme_says_is_shown_in_both_languages() -> None:
    for lang, word in (("zh", "读法"), ("en", "Reading")):
        answer = call("programme", "show", "zhuyuan-2022", "--lang", lang)
        assert answer.code == 0
        assert word in answer.out
        assert "shortlist_rounding" in answer.out


def test_the_difference_of_two_files_names_the_stages_it_touches(tmp_path: Path) -> None:
    file = _changed(tmp_path, "notice_days = 5\n", "notice_days = 7\n")
    answer = call("programme", "difference", "zhuyuan-2022", file, "--json").value
    assert [(one["before"], one["after"]) for one in answer["difference"]] == [("5", "7")]
    assert answer["stages"] == ["notice"]
