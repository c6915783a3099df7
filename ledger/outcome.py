"""Results as a certification signs them, row by row, and the order that the last of them fixes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ledger import canonical
from ledger.merkle import leaf_hash, tree_root

RANKING = "ranking@1"
POLL_TOTALS = "poll-totals@1"
POLL_BALLOTS = "poll-totals@2"
"""As `poll-totals@1`, for a poll in which a channel gave ballots: what was cast stands beside what counts."""

Row: TypeAlias = Mapping[str, Any]
"""One row of a result: plain JSON values with ASCII names; fractions are written `numerator/denominator`."""


@dataclass(frozen=True, slots=True)
class FinalOrder:
    """What the nominees' round fixed: nominees by place, alternates (备选人员) in order, the certifying entry."""

    nominees: tuple[str, ...]
    alternates: tuple[str, ...]
    index: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result: its subject, way of counting and rows; who is taken and who follows, in order. `index` certifies it."""

    subject: str
    projection: str
    rows: tuple[Row, ...]
    taken: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    index: int = -1

    @property
    def rows_root(self) -> str:
        """The Merkle root over the canonical bytes of the rows, in hexadecimal."""
        return rows_root(self.rows)

    def row(self, candidate: str) -> Row | None:
        """Return the row of a candidate."""
        return next((row for row in self.rows if row["candidate"] == candidate), None)


def rows_root(rows: Sequence[Row]) -> str:
    """Return the root of the tree whose leaves are the canonical bytes of the rows, in hexadecimal."""
    return tree_root(leaf_hash(canonical.encode(row)) for row in rows).hex()
