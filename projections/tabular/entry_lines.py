"""One line for every entry: when, what kind, who signed, and what it is about; nothing of what it says.

This runs for each of a million entries, so it is written for speed: what a kind of statement has is looked up once.
"""

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any

from ledger.selection import Selection
from ledger.statements import Act
from projections.history import masked
from projections.tabular.model import NULL, Line, cell, stamp

_ABOUT = ("candidate", "applicant", "member", "vacated_by", "predecessor")
_MATTER = ("matter", "objection", "notice", "submission", "subject", "poll", "draw", "finding")


@cache
def _reader(body: Any) -> Callable[[Any], tuple[Any, ...]]:
    """Return what reads the members of a kind that its line shows, None for those it does not have."""
    names = {field.name for field in fields(body)}

    def first(*wanted: str) -> str | None:
        return next((name for name in wanted if name in names), None)

    chosen = (
        first("stage"),
        first("group"),
        first("round"),
        first("application"),
        first(*_ABOUT),
        first(*_MATTER),
        first("index", "naming", "request"),
    )

    def read(value: Any) -> tuple[Any, ...]:
        return tuple([getattr(value, name) if name else None for name in chosen])

    return read


def entry_line(state: Selection, act: Act) -> Line:
    """Return the line of an entry, once `state` has taken it."""
    statement = act.signed.statement
    body = statement.body
    kind: Any = type(body)
    stage, group, played, application, about, matter, refers_to = _reader(kind)(body)
    if stage is None and played is not None and (known := state.rounds.by_id.get(played)) is not None:
        stage, group = known.session.stage, known.session.group
    claimed = NULL if statement.claimed_at is None else stamp(statement.claimed_at)
    rest = "\t".join(
        [
            NULL if one is None else one if one.__class__ is str and "\\" not in one else cell(one)
            for one in (statement.on_behalf_of, stage, group, played, application, about, matter, refers_to)
        ]
    )
    behalf, _, rest = rest.partition("\t")
    return (
        f"{act.index}\t{stamp(act.at)}\t{statement.type}\t{statement.version}\t{masked(statement.person)}\t{behalf}"
        f"\t{claimed}\t{rest}\n"
    ).encode()
