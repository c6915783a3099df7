"""The state of a selection held elsewhere: the log as it is, and after its last entry the acts that imported rows are.

Such an act has no entry of its own, nobody signed it by itself, and it is effective at once: two clerks signed for all
rows together. It is numbered on from the log's last entry, and comes at the time that the clerks attest.
"""

from dataclasses import dataclass

from ledger.selection import EFFECTIVE, Selection
from ledger.state.finding_book import Findings
from ledger.statements import Act
from projections.elsewhere.facts import FOLDS

_FOLDS = {**EFFECTIVE, **FOLDS}


@dataclass(slots=True)
class HeldElsewhere(Selection):
    """A selection that goes on after its entries with the acts that imported rows are."""

    def apply(self, act: Act) -> None:
        """Fold an entry, or a row."""
        if act.entry:
            Selection.apply(self, act)
            return
        # What is conspicuous about the rows was found when the import was completed, and stands in the log's findings.
        kept, self.findings = self.findings, Findings()
        try:
            _FOLDS[type(act.body)](self, act, act)
        finally:
            self.findings = kept
        self.size = act.index + 1
