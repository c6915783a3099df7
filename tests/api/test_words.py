"""The labels of the command line: both languages say the same, and every one that is asked for exists."""

import re
import string
from pathlib import Path

import pytest

import api.cli
from api.cli.words import word, words

ASKED = re.compile(r"""(?:\bword|\bprogress)\(\s*f?["']([a-z][A-Za-z0-9_-]*)["']""")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", sorted(words()))
def test_both_languages_show_the_same_facts(name: str) -> None:
    label = words()[name]
    assert sorted(label) == ["en", "zh"]
    assert placeholders(label["zh"]) == placeholders(label["en"])


def test_every_label_that_is_asked_for_exists() -> None:
    folder = Path(next(iter(api.cli.__path__)))
    asked = {name for file in folder.glob("*.py") for name in ASKED.findall(file.read_text(encoding="utf-8"))}
    assert len(asked) > 60
    beginnings = {name for name in asked if name.endswith("-")}
    assert asked - beginnings - words().keys() == set()
    assert all(any(name.startswith(beginning) for name in words()) for beginning in beginnings)


def test_a_name_without_a_label_is_shown_as_it_is() -> None:
    assert word("unheard-of", "zh") == "unheard-of"
    assert word("rehearsal", "fr") == word("rehearsal", "zh") == "演练"
