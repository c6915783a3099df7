"""Channels, polls and their certified totals."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.state.matters import Folds


@dataclass(slots=True)
class Polls:
    """Channels, polls and their certified totals."""


FOLDS: "Folds" = {}
