"""Texts in pictures: how wide they are, how they are cut, and that nothing in them breaks the picture."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.svg import document, element, fitted, label, width_of, words


@pytest.mark.parametrize(
    ("said", "size", "width"),
    [("", 10, 0), ("工匠", 10, 20), ("abcde", 10, 30), ("第 1 名", 10, 38), ("a", 11, 7), ("“a”", 10, 26)],
)
def test_a_chinese_character_is_as_wide_as_high(said: str, size: int, width: int) -> None:
    assert width_of(said, size) == width


@pytest.mark.parametrize(
    ("said", "room", "shown"),
    [("工匠选树", 40, "工匠选树"), ("工匠选树", 39, "工匠…"), ("ab cdef", 30, "ab…"), ("工匠", 5, "…")],
)
def test_a_text_is_cut_to_its_room(said: str, room: int, shown: str) -> None:
    assert fitted(said, 10, room) == shown


@given(st.text(), st.text())
def test_any_text_keeps_the_picture_well_formed(said: str, attribute: str) -> None:
    drawn = document(9, 9, "zh", said, said, [label(said, 1, 2, 3), element("g", fill=attribute), words(said)])
    root = ET.fromstring(drawn)
    assert root.get("viewBox") == "0 0 9 9"
    assert len(list(root)) == 4


@given(st.text(), st.integers(1, 30), st.integers(0, 400))
def test_what_is_fitted_fits(said: str, size: int, room: int) -> None:
    shown = fitted(said, size, room)
    assert width_of(shown, size) <= room or shown == "…"
