"""The JSON Schema of what is answered, read off the types of the views: as `projections.plain.to_json` writes them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from fractions import Fraction
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]
_PLAIN: Mapping[Any, Schema] = {
    NoneType: {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    str: {"type": "string"},
    bytes: {"type": "string", "pattern": "^([0-9a-f]{2})*$"},
    date: {"type": "string", "format": "date"},
    Fraction: {"type": "string", "pattern": "^-?[0-9]+/[1-9][0-9]*$"},
}


class Shapes:
    """Schemas of types; each dataclass is a component of its own, under its name."""

    def __init__(self, without: Mapping[type, frozenset[str]]) -> None:
        """Leave out `without` of a dataclass: members that are never part of an answer."""
        self._without = without
        self.components: dict[str, Schema] = {}

    def members(self, members: Mapping[str, Any]) -> Schema:
        """Return the schema of an object with these members, by their types."""
        return {
            "type": "object",
            "required": sorted(members),
            "properties": {name: self.of(kind) for name, kind in members.items()},
        }

    def of(self, kind: Any) -> Schema:
        """Return the schema of a type, of an object by its members, or of a list `[of this]`.

        Raises `TypeError` for a type that has no plain form.
        """
        if kind is Any or kind is object:
            return {}
        if isinstance(kind, Mapping):
            return self.members(kind)
        if isinstance(kind, list):
            return {"type": "array", "items": self.of(kind[0])}
        if isinstance(kind, NewType):
            return self.of(kind.__supertype__)
        if get_origin(kind) is not None:
            return self._composed(get_origin(kind), get_args(kind))
        return self._single(kind)

    def _single(self, kind: type) -> Schema:
        if issubclass(kind, Enum):
            return _one_of([one.value for one in kind])
        if is_dataclass(kind):
            return self._component(kind)
        for base in kind.__mro__:
            if base in _PLAIN:
                return dict(_PLAIN[base])
        raise TypeError(f"no plain form: {kind}")

    def _composed(self, origin: Any, of: tuple[Any, ...]) -> Schema:
        if origin is Annotated:
            return self.of(of[0])
        if origin is Literal:
            return _one_of(list(of))
        if origin in (Union, UnionType):
            return _any_of([self.of(one) for one in of])
        if issubclass(origin, tuple) and of[-1:] != (Ellipsis,):
            size = len(of)
            return {"type": "array", "prefixItems": [self.of(one) for one in of], "minItems": size, "maxItems": size}
        if issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(of[1])}
        if issubclass(origin, Sequence | AbstractSet):
            return {"type": "array", "items": self.of(of[0])}
        raise TypeError(f"no plain form: {origin}")

    def _component(self, kind: Any) -> Schema:
        name = kind.__name__
        if name not in self.components:
            self.components[name] = {}
            hints, gone = get_type_hints(kind, include_extras=True), self._without.get(kind, frozenset())
            shown = {field.name: hints[field.name] for field in fields(kind) if field.name not in gone}
            told = (kind.__doc__ or "").strip().partition("\n")[0]
            self.components[name] = {"description": told} | self.members(shown)
        return {"$ref": f"#/components/schemas/{name}"}


def _one_of(values: list[Any]) -> Schema:
    types = sorted({"integer" if isinstance(one, int) else "string" for one in values})
    return {"type": types[0] if len(types) == 1 else types, "enum": values}


def _any_of(found: list[Schema]) -> Schema:
    """Join alternatives; those that are a type and no more become one list of types."""
    plain = [one["type"] for one in found if one.keys() == {"type"}]
    rest = [one for one in found if one.keys() != {"type"}]
    joined = [{"type": plain[0] if len(plain) == 1 else plain}] if plain else []
    return joined[0] if not rest else {"anyOf": [*rest, *joined]}
