"""The register of statement kinds: permanent names and versions, independent of where the class lives."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar, get_origin, get_type_hints

from ledger.signing import PAYLOAD_TYPE_PREFIX

C = TypeVar("C", bound=type)

_KINDS: dict[str, type[Any]] = {}
_NAMES: dict[type[Any], tuple[str, int]] = {}


def kind(name: str, version: int = 1) -> Callable[[C], C]:
    """Register a body class under its permanent `name` and `version`."""

    def register(cls: C) -> C:
        payload_type = f"{PAYLOAD_TYPE_PREFIX}{name}.v{version}+json"
        if payload_type in _KINDS:
            raise ValueError(payload_type)
        _KINDS[payload_type] = cls
        _NAMES[cls] = (name, version)
        return cls

    return register


def body_class(payload_type: str) -> type[Any] | None:
    """Return the body class of a DSSE payload type, or None for an unknown kind."""
    return _KINDS.get(payload_type)


def name_of(body: type[Any]) -> tuple[str, int]:
    """Return the permanent name and version of a body class."""
    return _NAMES[body]


def registered_name(body: type[Any]) -> tuple[str, int] | None:
    """Return the permanent name and version of a class, None if it is no statement's body."""
    return _NAMES.get(body)


def payload_type_of(body: type[Any]) -> str:
    """Return the DSSE payload type of a body class."""
    name, version = _NAMES[body]
    return f"{PAYLOAD_TYPE_PREFIX}{name}.v{version}+json"


@cache
def has_free_form(body: Any) -> bool:
    """Say whether a body has a member of free JSON, whose numbers no field constraint bounds."""
    return any(get_origin(hint) is Mapping for hint in get_type_hints(body).values())


def all_kinds() -> dict[str, type[Any]]:
    """Return every registered payload type with its body class, in the order of registration."""
    return dict(_KINDS)
