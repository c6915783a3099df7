"""Approval, naming, revocation and the year after."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.state.matters import Folds


@dataclass(slots=True)
class Naming:
    """Approval, naming, revocation and the year after."""


FOLDS: "Folds" = {}
