"""Margins as plain values, in which every margin also carries its label."""

from typing import Any

from projections.margin_search import Margin
from projections.margins import SessionMargins
from projections.plain import to_json


def margins_told(one: SessionMargins) -> dict[str, Any]:
    """Return the plain value of a session's margins."""
    told: dict[str, Any] = _labelled(one, to_json(one))
    return told


def _labelled(view: Any, told: Any) -> Any:
    if isinstance(view, Margin):
        return told | {"label": view.label}
    if isinstance(told, dict):
        return {name: _labelled(getattr(view, name), member) for name, member in told.items()}
    if isinstance(told, list):
        return [_labelled(each, member) for each, member in zip(view, told, strict=True)]
    return told
