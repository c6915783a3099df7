"""Holding the patterned texts of a typed value (identifiers, digests, days) against their patterns, a record at once.

msgspec could do it while it decodes, by one call of the regular-expression engine for each text; joined, the header of
a statement costs one call, and entries that the tree vouches for none.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import Annotated, Any, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from ledger.errors import MalformedError
from ledger.statements.fields import Pattern

Check: TypeAlias = Callable[[Any], None]

_ABSENT = "\0"
"""Stands for a text that is not there; no text that is there can hold it (`canonical.check_text`)."""


def check_patterns(record: Any) -> None:
    """Raise `MalformedError` `FIELD_INVALID` unless every text in a typed record, however deep, fits its pattern."""
    cls: Any = type(record)
    for check in _checks(cls):
        check(record)


@cache
def _checks(cls: Any) -> tuple[Check, ...]:
    """Return the checks of a class of records: one for its own texts, one for each field that holds further values."""
    hints = get_type_hints(cls, include_extras=True)
    texts = {name: pattern for name, hint in hints.items() if (pattern := _pattern(hint))}
    inner = {name: check for name, hint in hints.items() if name not in texts and (check := _check(hint, name))}
    if len(texts) == 1:
        inner |= {name: _text(pattern, name) for name, pattern in texts.items()}
    own = [_texts(texts)] if len(texts) > 1 else []
    return (*own, *(_member(name, check) for name, check in inner.items()))


def _pattern(hint: Any) -> str | None:
    """Return what a text must fit, `_ABSENT` included where it may be missing; None for other types."""
    if get_origin(hint) is Annotated:
        return next((meta.pattern for meta in get_args(hint)[1:] if isinstance(meta, Pattern)), None)
    kinds = get_args(hint)
    if NoneType not in kinds:
        return None
    pattern = next((found for kind in kinds if (found := _pattern(kind))), None)
    return f"{pattern}|{_ABSENT}" if pattern else None


def _texts(patterns: dict[str, str]) -> Check:
    # No pattern admits a line feed, so as many lines as fields are the fields.
    matches = re.compile("\n".join(f"(?:{pattern})" for pattern in patterns.values())).fullmatch
    texts_of = attrgetter(*patterns)

    def check(record: Any) -> None:
        texts: Sequence[Any] = texts_of(record)
        if None in texts:
            texts = [_ABSENT if text is None else text for text in texts]
        if not matches("\n".join(texts)):
            pairs = zip(patterns.items(), texts, strict=True)
            raise _invalid(next(name for (name, pattern), text in pairs if not re.fullmatch(pattern, text)))

    return check


def _check(hint: Any, name: str) -> Check | None:
    """Return the check of a value of an annotated type; None if nothing in such a value has a pattern."""
    pattern = _pattern(hint)
    if pattern is not None:
        return _text(pattern, name)
    if isinstance(hint, TypeVar):
        return check_patterns
    if isinstance(hint, type) and is_dataclass(hint):
        checks = _checks(hint)
        return checks[0] if len(checks) == 1 else check_patterns if checks else None
    inner = next((check for kind in get_args(hint) if (check := _check(kind, name))), None)
    return _each(inner) if inner and get_origin(hint) is tuple else inner


def _text(pattern: str, name: str) -> Check:
    matches = re.compile(pattern).fullmatch

    def check(value: str) -> None:
        if not matches(value):
            raise _invalid(name)

    return check


def _invalid(name: str) -> MalformedError:
    return MalformedError("FIELD_INVALID", where=name)


def _each(inner: Check) -> Check:
    def check(values: tuple[Any, ...]) -> None:
        for value in values:
            inner(value)

    return check


def _member(name: str, inner: Check) -> Check:
    value_of = attrgetter(name)

    def check(record: Any) -> None:
        value = value_of(record)
        if value is not None:
            inner(value)

    return check
