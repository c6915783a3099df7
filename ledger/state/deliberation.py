"""Inspections, proposals, named votes and vacancies."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.state.matters import Folds


@dataclass(slots=True)
class Deliberation:
    """Inspections, proposals, named votes and vacancies."""


FOLDS: "Folds" = {}
