"""What a worker checks before it hands a statement on: that it is well formed, and that its signature holds.

The public key is the one that the worker's own roll has for the key that the statement names; an id is the hash of its
key, so that no later entry makes another key of it. A statement whose key the worker does not know (yet) goes on as it
is: the sequencer's roll may be ahead, and what is wrong with it is for the sequencer to say.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from ledger.admission import check_signature, public_key_of
from ledger.errors import LedgerError, VerificationError
from ledger.selection import Selection
from ledger.statements import open_envelope

Check: TypeAlias = Callable[[bytes], bytes | None]
"""Gives the public key under which an envelope's signature holds, None where its key is not known; else raises."""


def checking(state: Selection) -> Check:
    """Return the check by the roll of `state`, as it is whenever it is asked; safe from any thread.

    The check raises `MalformedError` for what is no statement, `VerificationError` `SIGNATURE_INVALID`.
    """

    def check(envelope: bytes) -> bytes | None:
        signed = open_envelope(envelope)
        try:
            public = public_key_of(state, signed)
        except VerificationError:
            return None
        if public is not None:
            check_signature(signed, public)
        return public

    return check


def check_nothing(envelope: bytes) -> None:
    """Know no key: every statement goes on as it is."""


def check_all(check: Check, envelopes: Sequence[bytes]) -> list[bytes | LedgerError | None]:
    """Return for each envelope the key it was verified by, None if none is known here, or why it goes no further."""
    found: list[bytes | LedgerError | None] = []
    for envelope in envelopes:
        try:
            found.append(check(envelope))
        except LedgerError as error:
            found.append(error.with_traceback(None))
    return found
