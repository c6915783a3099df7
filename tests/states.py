"""Comparing states: everything that a state holds as plain values, whatever refers to what."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def shape(value: Any) -> Any:
    """Return `value` as nested tuples; an object met before is its number, so that circles end and sharing shows."""
    return _Shaper().shape(value)


class _Shaper:
    def __init__(self) -> None:
        self._met: dict[int, int] = {}
        self._kept: list[Any] = []

    def shape(self, value: Any) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            return self._object(value)
        if isinstance(value, Mapping):
            return tuple((self.shape(key), self.shape(item)) for key, item in value.items())
        if isinstance(value, set | frozenset):
            return tuple(sorted(value, key=repr))
        if isinstance(value, tuple | list):
            return tuple(self.shape(item) for item in value)
        return value

    def _object(self, value: Any) -> Any:
        if id(value) in self._met:
            return ("met", self._met[id(value)])
        self._met[id(value)] = len(self._met)
        self._kept.append(value)
        name = type(value).__name__
        return (name, *((field.name, self.shape(getattr(value, field.name))) for field in fields(value)))
