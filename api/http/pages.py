"""Long lists a page at a time: a cursor holds the size that the list was read at, so that no page sees another list."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Query

from api.http.context import Context, context_of
from api.problems import HttpError

_CURSOR = re.compile(r"(0|[1-9]\d{0,15})\.([1-9]\d{0,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: up to `most` members from `first` on; `index` is the entry it was read at, None for now."""

    most: int
    first: int = 0
    index: int | None = None

    def at(self, asked: str | None) -> str | None:
        """Return the point to read at: that of the first page."""
        return asked if self.index is None else str(self.index)

    def cut(self, members: Sequence[Any], size: int) -> tuple[Sequence[Any], str | None]:
        """Return this page of a list that was read at `size` entries, and the cursor of the next page."""
        stop = self.first + self.most
        return members[self.first : stop], _written(max(size - 1, 0), stop) if stop < len(members) else None

    def told(self, name: str, members: Sequence[Any], size: int) -> dict[str, Any]:
        """Return the members of an answer: the list under its name, and `next`."""
        part, following = self.cut(members, size)
        return {name: part, "next": following}


def _written(index: int, first: int) -> str:
    return base64.urlsafe_b64encode(f"{index}.{first}".encode()).decode().rstrip("=")


def page(
    context: Annotated[Context, Depends(context_of)],
    limit: Annotated[int | None, Query(ge=1, le=10_000, description="members of a page")] = None,
    cursor: Annotated[str | None, Query(max_length=60, description="`next` of the page before")] = None,
) -> Page:
    """Read which page is asked for. Raises `HttpError` `REQUEST_INVALID` for a cursor that we never gave."""
    bound = context.settings.limits.page_size
    most = min(limit or bound, bound)
    if cursor is None:
        return Page(most)
    try:
        found = _CURSOR.fullmatch(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode())
    except (binascii.Error, ValueError):
        found = None
    if found is None or _written(int(found[1]), int(found[2])) != cursor:
        raise HttpError("REQUEST_INVALID", HTTPStatus.UNPROCESSABLE_ENTITY, where="query.cursor")
    return Page(most, int(found[2]), int(found[1]))


Paged = Annotated[Page, Depends(page)]
