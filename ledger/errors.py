"""The tree of errors: what went wrong, as a stable code and the facts that show it.

A rule's "no" is not an error: it is a `ledger.procedure.reasons.Refusal`, a value. What stands here are bytes that are
not well formed, signatures and proofs that do not hold, races that were lost and a store that does not answer.
The sentences for people (Chinese and English) live in `ledger/messages`, keyed by the code.
"""


class LedgerError(Exception):
    """Base of every error of the ledger: a stable `code` and plain `facts` (names to strings or integers)."""

    def __init__(self, code: str, **facts: str | int) -> None:
        """Remember the code and the facts; facts never hold secrets or personal data."""
        shown = ", ".join(f"{name}={value}" for name, value in facts.items())
        super().__init__(f"{code} ({shown})" if shown else code)
        self.code = code
        self.facts: dict[str, str | int] = dict(facts)


class MalformedError(LedgerError):
    """Bytes or values that do not have the one form they must have."""


class VerificationError(LedgerError):
    """A signature or proof that does not hold. It is evidence, and never retried."""


class ConflictError(LedgerError):
    """A race that was lost; the caller reads again and may retry."""


class StoreError(LedgerError):
    """The database, a data folder or the pin cannot be used."""
