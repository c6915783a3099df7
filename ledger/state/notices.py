"""Notices and objections."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.state.matters import Folds


@dataclass(slots=True)
class Notices:
    """Notices and objections."""

    def running(self, at: int) -> tuple[tuple[date, int], ...]:
        """Return the notices running at `at` as (civil day of publication, working days)."""
        return ()


FOLDS: "Folds" = {}
