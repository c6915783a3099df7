"""A report told to people is short where thousands of failures are of one kind; machines get every one."""

import pytest

from projections.audit.report import Check, Report
from projections.audit.telling import MOST_OF_ONE_KIND, failure_lines, lines, told


def failing(count: int, index: int = 7) -> Report:
    """A report with so many altered entries, one more failure among them."""
    report = Report()
    for number in range(count):
        place = index + number if index >= 0 else -1
        report.fail(Check.TREE, "EVENT_ALTERED", place, "", f"core/tile/entries/{number}", reason="leaf")
        if number == 1:
            report.fail(Check.SIGNATURES, "SIGNATURE_INVALID", 8)
    return report


@pytest.mark.parametrize("language", ["zh", "en"])
def test_many_of_one_kind_are_told_in_two_lines(language: str) -> None:
    report = failing(3000)
    shown = list(failure_lines(report, language))
    assert len(shown) == 3
    assert shown[0].startswith("3.3  #7  core/tile/entries/0  EVENT_ALTERED")
    assert all(number in shown[1] for number in ("3000", "7", "3006"))
    assert shown[2].startswith("2.3  #8  SIGNATURE_INVALID")
    assert [line for line in lines(report, language) if line in shown] == shown
    assert len(told(report, language)["failures"]) == 3001


def test_a_few_are_told_one_by_one() -> None:
    assert len(list(failure_lines(failing(MOST_OF_ONE_KIND), "en"))) == MOST_OF_ONE_KIND + 1


def test_failures_at_no_entry_have_no_first_and_last() -> None:
    shown = list(failure_lines(failing(MOST_OF_ONE_KIND + 1, -1), "en"))
    assert shown[1].strip() == f"{MOST_OF_ONE_KIND + 1} of this kind"
