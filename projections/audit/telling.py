"""A report told: as plain values for machines, and as plain lines of text in Chinese or English."""

from collections.abc import Iterator, Sequence
from typing import Any

from ledger.messages import text
from projections.audit.catalogue import Check, group_title, title, word
from projections.audit.report import Failure, Report

MOST_OF_ONE_KIND = 5
"""So many failures of one check and code are each told to people in a line of their own; machines get all."""


def told(report: Report, language: str) -> dict[str, Any]:
    """Return a report as plain values; every sentence in `language`."""
    return {
        "checks": [
            {
                "check": check.value,
                "failures": _failed(report, check),
                "hidden": report.hidden.get(check, 0),
                "looked_at": looked_at,
                "not_checked": report.not_checked.get(check),
                "skipped": report.skipped.get(check),
            }
            for check, looked_at in report.looked_at.items()
        ],
        "clean": report.clean,
        "erased": report.erased,
        "failures": [
            {
                "check": one.check.value,
                "clause": one.clause,
                "code": one.code,
                "facts": dict(one.facts),
                "index": one.index if one.index >= 0 else None,
                "place": one.place,
                "text": sentence(one, language),
                "texts": {known: sentence(one, known) for known in ("zh", "en")},
            }
            for one in report.failures
        ],
        "first_bad_index": report.first_bad_index,
        "grades": report.grades,
        "out_of_scope": [check.value for check in report.out_of_scope],
        "root": report.root.hex(),
        "size": report.size,
    }


def sentence(failure: Failure, language: str) -> str:
    """Return what a failure says, without its place."""
    return text(failure.code, failure.facts, language, section="findings")


def verdict(report: Report, check: Check, language: str) -> str:
    """Return what came of one check."""
    failed = _failed(report, check)
    parts = [word("failed", language, failed=failed)] if failed else []
    if check in report.not_checked:
        parts.append(word("not-checked", language, since=report.not_checked[check]))
    elif check in report.skipped:
        parts.append(word("skipped", language, reason=word(f"reason-{report.skipped[check]}", language)))
    elif not failed:
        parts.append(word("ok", language))
    if report.hidden.get(check):
        parts.append(word("hidden", language, hidden=report.hidden[check]))
    return " · ".join(parts)


def check_name(check: Check, language: str) -> str:
    """Return number, group and title of a check."""
    return f"{check.number} {group_title(check.group, language)} · {title(check, language)}"


def failure_line(failure: Failure, language: str) -> str:
    """Return one failure in one line: entry, file, code, clause and sentence."""
    at = f"#{failure.index}  " if failure.index >= 0 else ""
    place = f"{failure.place}  " if failure.place else ""
    facts = " ".join(f"{name}={fact}" for name, fact in failure.facts.items())
    facts = f"  ({facts})" if facts else ""
    sentence_of = sentence(failure, language)
    return f"{failure.check.number}  {at}{place}{failure.code}  {failure.clause}  {sentence_of}{facts}"


def failure_lines(report: Report, language: str) -> Iterator[str]:
    """Give the failures for people: of many of one check and code only the first, how many, and from where to where."""
    kinds: dict[tuple[Check, str], list[Failure]] = {}
    for failure in report.failures:
        kinds.setdefault((failure.check, failure.code), []).append(failure)
    for failures in kinds.values():
        if len(failures) <= MOST_OF_ONE_KIND:
            yield from (failure_line(failure, language) for failure in failures)
            continue
        yield failure_line(failures[0], language)
        yield f"    {_kind(failures, language)}"


def _kind(failures: Sequence[Failure], language: str) -> str:
    places = [failure.index for failure in failures if failure.index >= 0]
    if not places:
        return word("grouped-files", language, count=len(failures))
    return word("grouped", language, count=len(failures), first=min(places), last=max(places))


def closing(report: Report, language: str) -> str:
    """Return the verdict on the whole."""
    facts = {"root": report.root.hex(), "size": report.size}
    if report.failures:
        first = report.first_bad_index
        return word("findings", language, failures=len(report.failures), first="-" if first is None else first)
    if report.not_checked:
        return word("incomplete", language, checks=", ".join(check.value for check in report.not_checked))
    if report.out_of_scope:
        outside = ", ".join(check.value for check in report.out_of_scope)
        return word("clean-in-scope", language, outside=outside, **facts)
    return word("clean", language, **facts)


def counted(report: Report, language: str) -> Iterator[str]:
    """Give what is said besides the checks: ballots by grade, evidence that is gone."""
    if report.grades:
        yield word("grades", language, **report.grades)
    if report.erased:
        yield word("erased", language, erased=report.erased)


def lines(report: Report, language: str) -> Iterator[str]:
    """Give the whole report as plain lines."""
    for check, looked_at in report.looked_at.items():
        yield f"{check_name(check, language)}: {looked_at} · {verdict(report, check, language)}"
    for check in report.out_of_scope:
        yield f"{check_name(check, language)}: {word('out-of-scope', language)}"
    yield from failure_lines(report, language)
    yield from counted(report, language)
    yield closing(report, language)


def _failed(report: Report, check: Check) -> int:
    return sum(failure.check is check for failure in report.failures)
