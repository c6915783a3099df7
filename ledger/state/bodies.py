"""Draws, rosters, declarations, recusals, groups and their seats."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.state.matters import Folds


@dataclass(slots=True)
class Bodies:
    """Draws, rosters, declarations, recusals, groups and their seats."""


FOLDS: "Folds" = {}
