"""The shape of a programme's value: which keys each part has, of which type, within which bounds.

The value is plain JSON without floats and without null; what is optional is left out. Instants are text,
`YYYY-MM-DDTHH:MM` with an offset or, without one, at the programme's own. Whether the parts fit together is
`programme_checks`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any, TypeAlias

Value: TypeAlias = Mapping[str, Any]

_ID = re.compile(r"[a-z0-9][a-z0-9:._-]{0,95}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TEXT_MOST = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a programme: a stable code, the path of the key (`stages[3].total`) and what shows it."""

    code: str
    path: str
    facts: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """What may stand under a key: a type by name, and its bounds, permitted words or the table it holds.

    `type` is `text`, `id`, `day`, `instant`, `integer`, `boolean`, `ids`, `table` or `tables`. For `ids` and `tables`
    `least` and `most` bound how many there are.
    """

    type: str
    least: int = 0
    most: int = 2**53 - 1
    words: tuple[str, ...] = ()
    table: str = ""
    optional: bool = False


def _text() -> Part:
    return Part("text", least=1, most=_TEXT_MOST)


def _ids(least: int = 0, *, optional: bool = False) -> Part:
    return Part("ids", least=least, most=1000, optional=optional)


def _tables(table: str, least: int = 1, *, optional: bool = False) -> Part:
    return Part("tables", least=least, most=1000, table=table, optional=optional)


_FLAG = Part("boolean", optional=True)

TABLES: dict[str, dict[str, Part]] = {
    "programme": {
        "label": Part("id"),
        "title": _text(),
        "honour": _text(),
        "reference": _text(),
        "year": Part("integer", 1949, 9999),
        "seats": Part("integer", 1, 10_000),
        "utc_offset_minutes": Part("integer", -1080, 1080),
        "eligibility_date": Part("day"),
        "evidence_until": Part("day", optional=True),
        "leaders_least": Part("integer", 1, 1000),
        "runoffs_most": Part("integer", 0, 10),
        "appeals_most": Part("integer", 0, 10),
        "quorum": Part("table", table="quorum"),
        "paper": Part("table", table="paper"),
        "offices": _tables("office"),
        "roles": _tables("role"),
        "bodies": _tables("body"),
        "stages": _tables("stage"),
        "criteria": _tables("criterion"),
        "materials": _tables("material"),
        "ways": _tables("way"),
        "benefits": _tables("benefit", least=0),
        "readings": _tables("reading", least=0),
    },
    "quorum": {
        "numerator": Part("integer", 1, 1000),
        "denominator": Part("integer", 1, 1000),
        "floor": Part("integer", 1, 1000),
    },
    "surplus": {"numerator": Part("integer", 1, 1000), "denominator": Part("integer", 1, 1000)},
    "paper": {
        "forms": Part("integer", 0, 100),
        "proof_sets": Part("integer", 0, 100),
        "grace_days": Part("integer", 0, 366),
    },
    "office": {"id": Part("id"), "name": _text(), "sponsor": _FLAG},
    "role": {"id": Part("id"), "name": _text(), "incompatible": _ids(optional=True)},
    "body": {"id": Part("id"), "name": _text(), "role": Part("id"), "least_members": Part("integer", 1, 1000)},
    "stage": {
        "id": Part("id"),
        "kind": Part("text"),  # the permitted words are the names of `StageKind`, which `programme_checks` holds
        "title": _text(),
        "clause": _text(),
        "opens_at": Part("instant", optional=True),
        "closes_at": Part("instant", optional=True),
        "body": Part("id", optional=True),
        "group_by": Part("text", words=("occupation", "industry"), optional=True),
        "groups": _tables("group", optional=True),
        "total": Part("integer", 1, 100_000, optional=True),
        "score_items": _tables("score_item", optional=True),
        "takes": Part("text", words=("shortlist", "nominees"), optional=True),
        "surplus": Part("table", table="surplus", optional=True),
        "tie_reading": Part("id", optional=True),
        "notice_days": Part("integer", 1, 366, optional=True),
        "channels": _ids(1, optional=True),
    },
    "group": {"id": Part("id"), "name": _text(), "covers": _ids(1)},
    "score_item": {"id": Part("id"), "name": _text(), "most_hundredths": Part("integer", 1, 1_000_000)},
    "criterion": {
        "id": Part("id"),
        "clause": _text(),
        "title": _text(),
        "exclusion": _FLAG,
        "supporting": _FLAG,
        "heads_only": _FLAG,
        "lookback_years": Part("integer", 1, 100, optional=True),
        "joint_check": _FLAG,
        "required": _FLAG,
        "while_running": _FLAG,
        "facts_required": _FLAG,
    },
    "material": {"id": Part("id"), "name": _text(), "required": _FLAG},
    "way": {"id": Part("id"), "name": _text(), "levels": _ids(optional=True), "special": _FLAG},
    "benefit": {
        "id": Part("id"),
        "name": _text(),
        "clause": _text(),
        "on_application": _FLAG,
        "inspected": _FLAG,
        "grant_cents": Part("integer", 0, 10**12, optional=True),
    },
    "reading": {
        "id": Part("id"),
        "clause": _text(),
        "question": _text(),
        "chosen": Part("id"),
        "alternatives": _ids(optional=True),
    },
}


def sound_parts(value: object, table: str = "programme", path: str = "") -> tuple[dict[str, Any], list[Problem]]:
    """Return what of a table has the right shape, and a problem for each key that has not."""
    if not isinstance(value, Mapping):
        return {}, [Problem("PROGRAMME_WRONG_TYPE", path, {"expected": "table", "found": _found(value)})]
    sound: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, part in TABLES[table].items():
        here = f"{path}.{key}" if path else key
        if key in value:
            kept, found = _part(value[key], part, here)
            problems += found
            if kept is not None:
                sound[key] = kept
        elif not part.optional:
            problems.append(Problem("PROGRAMME_MISSING_KEY", here, {}))
    for key in value:
        if key not in TABLES[table]:
            problems.append(Problem("PROGRAMME_UNKNOWN_KEY", f"{path}.{key}" if path else str(key), {}))
    return sound, problems


def instant(text: str, offset_minutes: int) -> int | None:
    """Return UTC milliseconds of an instant's text, at `offset_minutes` where it states none; None for other text."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    return (moment - datetime.fromisoformat("1970-01-01T00:00:00+00:00")) // timedelta(milliseconds=1)


def _part(value: object, part: Part, path: str) -> tuple[Any, list[Problem]]:
    if part.type == "table":
        return sound_parts(value, part.table, path)
    if part.type in {"tables", "ids"}:
        return _several(value, part, path)
    expected, check = _SINGLE[part.type]
    if type(value) is not expected:
        return None, [Problem("PROGRAMME_WRONG_TYPE", path, {"expected": part.type, "found": _found(value)})]
    problem = check(value, part, path)
    return (value, []) if problem is None else (None, [problem])


def _several(value: object, part: Part, path: str) -> tuple[Any, list[Problem]]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None, [Problem("PROGRAMME_WRONG_TYPE", path, {"expected": part.type, "found": _found(value)})]
    problems = []
    if not part.least <= len(value) <= part.most:
        problems.append(_out_of_range(len(value), part, path))
    kept: list[Any] = []
    for place, item in enumerate(value):
        here = f"{path}[{place}]"
        sound, found = sound_parts(item, part.table, here) if part.table else _part(item, Part("id"), here)
        problems += found
        # A place is kept for what is wrong, so that later paths still count as the file does.
        kept.append(sound)
    return kept, problems


def _check_integer(value: Any, part: Part, path: str) -> Problem | None:
    return None if part.least <= value <= part.most else _out_of_range(value, part, path)


def _check_text(value: Any, part: Part, path: str) -> Problem | None:
    if part.words and value not in part.words:
        return Problem("PROGRAMME_NOT_A_CHOICE", path, {"value": value[:96], "permitted": ", ".join(part.words)})
    return None if part.least <= len(value) <= part.most else _out_of_range(len(value), part, path)


def _check_id(value: Any, _part: Part, path: str) -> Problem | None:
    return None if _ID.fullmatch(value) else Problem("PROGRAMME_BAD_ID", path, {"value": value[:96]})


def _check_day(value: Any, _part: Part, path: str) -> Problem | None:
    try:
        sound = _DAY.fullmatch(value) is not None and date.fromisoformat(value) is not None
    except ValueError:
        sound = False
    return None if sound else Problem("PROGRAMME_BAD_DATE", path, {"value": value[:96]})


def _check_instant(value: Any, _part: Part, path: str) -> Problem | None:
    return Problem("PROGRAMME_BAD_DATE", path, {"value": value[:96]}) if instant(value, 0) is None else None


_Check: TypeAlias = Callable[[Any, Part, str], Problem | None]

_SINGLE: dict[str, tuple[type, _Check]] = {
    "text": (str, _check_text),
    "id": (str, _check_id),
    "day": (str, _check_day),
    "instant": (str, _check_instant),
    "integer": (int, _check_integer),
    "boolean": (bool, lambda _value, _part, _path: None),
}


def _out_of_range(number: int, part: Part, path: str) -> Problem:
    return Problem("PROGRAMME_OUT_OF_RANGE", path, {"value": number, "least": part.least, "most": part.most})


def _found(value: object) -> str:
    names = {str: "text", bool: "boolean", int: "integer", list: "list", dict: "table", type(None): "null"}
    return names.get(type(value), type(value).__name__)
