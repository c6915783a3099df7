"""Views as plain JSON values and as their one byte string, so that two of them can be compared byte for byte."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from fractions import Fraction
from typing import Any

from ledger import canonical


def to_json(view: Any) -> Any:
    """Return a view as dicts, lists, strings, integers, booleans and None.

    Fractions are written `numerator/denominator`, dates as ISO, sets sorted; names of members are sorted by the
    encoder. Raises `TypeError` for a value that has no plain form, such as a float.
    """
    if isinstance(view, Enum):
        return view.value
    if view is None or isinstance(view, str | int):
        return view
    if is_dataclass(view) and not isinstance(view, type):
        return {field.name: to_json(getattr(view, field.name)) for field in fields(view)}
    if isinstance(view, Mapping):
        return {str(to_json(name)): to_json(member) for name, member in view.items()}
    if isinstance(view, tuple | list):
        return [to_json(item) for item in view]
    if isinstance(view, AbstractSet):
        return sorted(to_json(item) for item in view)
    return _scalar(view)


def _scalar(value: Any) -> str:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"no plain form: {type(value).__name__}")


def to_bytes(view: Any) -> bytes:
    """Return the canonical JSON bytes of a view."""
    return canonical.encode(to_json(view))
