"""What an amendment changes: each place with its value before and after.

The difference is derived, never typed: an amendment must show exactly this list. Both values must be sound
(`programme_value.problems`). Items that have an id are named by it (`stages[experts].total`), so that an insertion does
not look like a change of everything behind it; a changed sequence shows as the places where it differs.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

NOTHING = "-"

Value: TypeAlias = Mapping[str, Any]
Change: TypeAlias = tuple[str, str, str]


def difference(old: Value, new: Value) -> tuple[Change, ...]:
    """Return (path, before, after) for each place that differs; values as canonical JSON text, `-` for none."""
    return tuple(_changes("", old, new))


def by_id(items: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a list's items by their ids, in its order."""
    return {item["id"]: item for item in items}


def _changes(path: str, before: Any, after: Any) -> Iterator[Change]:
    """Walk both values down to single texts and numbers; an absent side is None, which no sound value holds."""
    sides = [one for one in (before, after) if one is not None]
    if all(isinstance(one, Mapping) for one in sides):
        for key in sorted({key for one in sides for key in one}):
            yield from _changes(f"{path}.{key}" if path else key, *_members(key, before, after))
    elif all(isinstance(one, list) for one in sides) and any(sides):
        yield from _list_changes(path, before or [], after or [])
    elif before != after:
        yield path, _text(before), _text(after)


def _members(key: str, before: Value | None, after: Value | None) -> tuple[Any, Any]:
    return (before or {}).get(key), (after or {}).get(key)


def _list_changes(path: str, before: list[Any], after: list[Any]) -> Iterator[Change]:
    if not all(isinstance(item, Mapping) for item in before + after):
        yield from _place_changes(path, before, after)
        return
    old, new = by_id(before), by_id(after)
    for one in [*old, *(one for one in new if one not in old)]:
        yield from _changes(f"{path}[{one}]", old.get(one), new.get(one))
    yield from _place_changes(path, list(old), list(new))


def _place_changes(path: str, before: list[Any], after: list[Any]) -> Iterator[Change]:
    for place in range(max(len(before), len(after))):
        pair = [side[place] if place < len(side) else None for side in (before, after)]
        if pair[0] != pair[1]:
            yield f"{path}[{place}]", _text(pair[0]), _text(pair[1])


def _text(value: Any) -> str:
    if value is None:
        return NOTHING
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
