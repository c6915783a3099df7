"""Sessions, scores, rounds and ballots."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.state.matters import Folds


@dataclass(slots=True)
class Rounds:
    """Sessions, scores, rounds and ballots."""

    by_id: dict[str, Any] = field(default_factory=dict)

    def ballots_by_key(self, key: str, start: int, stop: int) -> tuple[int, ...]:
        """Return the entries of ballots signed with a key between two indices."""
        return ()


FOLDS: "Folds" = {}
