"""A rehearsal's ledger on a real database: every statement goes through the sequencer and waits for its receipt."""

from ledger.procedure.reasons import Refusal
from ledger.receipt import Receipt
from ledger.selection import Selection
from ledger.sequencer import Refused, Sequencer
from ledger.statements import Act, Seen


class SequencedLedger:
    """The driver's view of a running sequencer; keeps every receipt that was handed out."""

    def __init__(self, sequencer: Sequencer) -> None:
        """Act on a started sequencer of a rehearsal log."""
        self.sequencer = sequencer
        self.receipts: dict[int, Receipt] = {}

    @property
    def state(self) -> Selection:
        """The state after the last entry."""
        return self.sequencer.state

    def submit(self, envelope: bytes, at: int, attached: bytes | None = None) -> Act | Refusal:
        """Submit one envelope at the simulated time `at` (UTC ms) and wait for the answer."""
        answer = self.sequencer.answer(envelope, at, attached)
        if isinstance(answer, Refused):
            return answer.refusal
        self.receipts.setdefault(answer.act.index, answer.receipt)
        return answer.act

    def seen(self) -> Seen | None:
        """Return the newest published checkpoint."""
        return self.sequencer.seen()
