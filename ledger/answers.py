"""What waits for the sequencer, and what it answers: sequenced, with a receipt, or refused, with one too."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ledger.attached import Attached
from ledger.errors import LedgerError, StoreError
from ledger.procedure.reasons import Refusal
from ledger.receipt import Receipt
from ledger.statements import Act, Signed


@dataclass(frozen=True, slots=True)
class Sequenced:
    """A statement that is in the log: its act, whether it was there before, and its receipt."""

    act: Act
    again: bool
    _receipt: Callable[[], Receipt]

    @property
    def receipt(self) -> Receipt:
        """The inclusion proof against the first checkpoint that covers the entry."""
        return self._receipt()


@dataclass(frozen=True, slots=True)
class Refused:
    """A statement that the rules refuse; nothing was sequenced. `signed` is what was refused.

    `attempt` is the entry that keeps it in the log of attempts; None for somebody unknown, or who has been refused too
    often.
    """

    refusal: Refusal
    signed: Signed
    attempt: bytes | None = None
    _receipt: Callable[[], Receipt] | None = None

    @property
    def receipt(self) -> Receipt | None:
        """The proof that `attempt` is in the log of attempts, None where it was not kept."""
        return self._receipt() if self._receipt is not None else None


Answer: TypeAlias = Sequenced | Refused


class Request(NamedTuple):
    """A statement that waits: its time on a simulated clock, if any, and the key it was already checked with.

    `attached` are the bytes that its body names by their digest or root, or what was already read of them.
    """

    signed: Signed
    at: int | None
    verified_by: bytes | None
    answer: "Future[Answer]"
    attached: Attached | None = None


def fail(waiting: Sequence[Request], error: Exception, held: Mapping[bytes, Sequenced]) -> None:
    """Answer requests that `error` stopped: it is told to all but those whose statements are in the log (`held`).

    What is no `LedgerError` is told as `SEQUENCER_FAULT`, with no word of its text.
    """
    told = error
    if not isinstance(error, LedgerError):
        told = StoreError("SEQUENCER_FAULT", reason=type(error).__name__)
        told.__cause__ = error
    for request in waiting:
        answer = held.get(request.signed.id)
        if answer is None:
            request.answer.set_exception(told)
        else:
            request.answer.set_result(answer)
