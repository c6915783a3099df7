"""Statements to plain JSON values and back by the standard library alone, with msgspec's field constraints."""

import re
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ledger.errors import MalformedError
from ledger.statements.fields import Pattern


def to_plain(value: Any) -> Any:
    """Return `value` as dicts, lists, strings, integers, booleans and None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: to_plain(member) for name, member in value.items()}
    return value


def from_plain(expected: Any, value: Any, where: str = "$") -> Any:
    """Return `value` as an instance of the type `expected`; raises `MalformedError` `FIELD_INVALID` with the place."""
    origin = get_origin(expected)
    if expected is Any:
        return value
    if origin is Annotated:
        return _constrained(expected, value, where)
    if origin is Literal:
        return value if isinstance(value, str) and value in get_args(expected) else _invalid(where)
    if origin in (Union, types.UnionType):
        return _optional(expected, value, where)
    if origin is tuple:
        return _sequence(expected, value, where)
    if origin is not None and issubclass(origin, Mapping):
        return value if isinstance(value, dict) else _invalid(where)
    if is_dataclass(origin or expected):
        return _record(expected, value, where)
    return value if type(value) is expected else _invalid(where)


def _invalid(where: str) -> Any:
    raise MalformedError("FIELD_INVALID", where=where)


def _constrained(expected: Any, value: Any, where: str) -> Any:
    base, *metas = get_args(expected)
    value = from_plain(base, value, where)
    for meta in metas:
        if isinstance(meta, Pattern):
            if not re.fullmatch(meta.pattern, value):
                _invalid(where)
            continue
        if (meta.ge is not None and value < meta.ge) or (meta.le is not None and value > meta.le):
            _invalid(where)
        if meta.min_length is not None and len(value) < meta.min_length:
            _invalid(where)
        if meta.max_length is not None and len(value) > meta.max_length:
            _invalid(where)
    return value


def _optional(expected: Any, value: Any, where: str) -> Any:
    if value is None:
        return None
    (kind,) = (member for member in get_args(expected) if member is not type(None))
    return from_plain(kind, value, where)


def _sequence(expected: Any, value: Any, where: str) -> Any:
    if not isinstance(value, list):
        _invalid(where)
    item = get_args(expected)[0]
    return tuple(from_plain(item, member, f"{where}[{place}]") for place, member in enumerate(value))


@cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def _record(expected: Any, value: Any, where: str) -> Any:
    cls = get_origin(expected) or expected
    if not isinstance(value, dict) or value.keys() != {field.name for field in fields(cls)}:
        _invalid(where)
    argument = get_args(expected)
    return cls(
        **{
            name: from_plain(argument[0] if isinstance(hint, TypeVar) else hint, value[name], f"{where}.{name}")
            for name, hint in _hints(cls).items()
        }
    )
