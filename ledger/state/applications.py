"""Applications and their screening, by application and by person."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.state.matters import Folds


@dataclass(slots=True)
class Applications:
    """Applications and their screening, by application and by person."""

    def is_applicant(self, person: str) -> bool:
        """Say whether the person has applied."""
        return False

    def record_of(self, person: str) -> str | None:
        """Return the digest of the personal record that a person applied with."""
        return None


FOLDS: "Folds" = {}
