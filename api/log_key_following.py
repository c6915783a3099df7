"""Which keys of a log a client believes: those it was given, and what rotations in the log prove from them.

Given an old key alone, a client goes on when the log's key is rotated: the entry that brings the new key in and the
one by which another sponsor agreed stand in the last tree that the old key signs, both are signed by sponsors whom the
charter (in the same tree) names, and the new key has signed for itself. From there on the new key alone counts; what
the old one says of larger trees counts for nothing. A key that is not proven like that is not believed.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from ledger.checkpoint import Checkpoint, VerifierKey, open_checkpoint, parse_vkey
from ledger.errors import LedgerError, VerificationError
from ledger.log_keys import LogKeys, possessed
from ledger.procedure.acts import SPONSOR
from ledger.receipt import Receipt, parse, verify
from ledger.seen import checkpoint_of
from ledger.signing import strict_b64decode
from ledger.statements import Act, Seen, decode_entry
from ledger.statements.foundation import ActCountersigned, CharterSealed
from ledger.statements.log import LogKeyRotated


class Shown(NamedTuple):
    """An entry that a log shows: its bytes, and its proof against the tree of a size that was asked for."""

    entry: bytes
    receipt: bytes


Show = Callable[[int, int], Shown]
"""Fetches an entry by its index, with its proof against the tree of a size."""


class KnownKeys:
    """The keys of one log as a client knows them; safe to ask while they grow."""

    def __init__(self, given: Iterable[VerifierKey]) -> None:
        """Begin with the keys that are known from elsewhere."""
        self.given = tuple(given)
        self._proven: LogKeys | None = None

    def __bool__(self) -> bool:
        """Whether any key is known, so that anything can be verified at all."""
        return bool(self.given)

    def open(self, note: bytes) -> Checkpoint:
        """Verify a checkpoint by the key that may have signed its size; errors as `open_checkpoint`."""
        return open_checkpoint(note, self.given) if self._proven is None else self._proven.open(note)

    def check(self, receipt: Receipt, entry: bytes) -> Checkpoint:
        """Verify a receipt by the key that may have signed its checkpoint; errors as `ledger.receipt.verify`."""
        signed = self.open(receipt.checkpoint_note)
        return verify(receipt, entry, self._signing(signed.size))

    def pinned(self, seen: Seen) -> Checkpoint:
        """Verify what a statement is to pin; errors as `checkpoint_of`."""
        *others, last = self._signing(seen.size)
        for key in others:
            with suppress(VerificationError):
                return checkpoint_of(seen, key.name, key)
        return checkpoint_of(seen, last.name, last)

    def _signing(self, size: int) -> tuple[VerifierKey, ...]:
        return self.given if self._proven is None else (self._proven.at(size),)

    def follow(self, terms: Iterable[dict[str, Any]], show: Show) -> bool:
        """Learn the rotations that the log proves from a key that is known; return whether there were any.

        `terms` are as `/v1/log-keys` tells them. Raises `VerificationError` `LOG_KEY_UNPROVEN` for one that does not
        follow; nothing is learnt from it.
        """
        try:
            told = [_told(one) for one in terms]
            known = [place for place, (_, _, key) in enumerate(told) if key in self.given]
            if not known:
                return False
            keys = LogKeys.of(told[known[-1]][2])
            for stated, effective, key in told[known[-1] + 1 :]:
                _prove(keys, stated, effective, key, show)
                keys = keys.rotated(effective, key)
        except (LedgerError, KeyError, TypeError, ValueError):
            raise VerificationError("LOG_KEY_UNPROVEN") from None
        learnt = len(keys.terms) > (len(self._proven.terms) if self._proven is not None else 1)
        if learnt:
            self._proven = keys
        return learnt


def _told(term: dict[str, Any]) -> tuple[int, int, VerifierKey]:
    stated, effective = term["stated"], term["effective"]
    if type(stated) is not int or type(effective) is not int:
        raise TypeError("an index is a number")
    return stated, effective, parse_vkey(term["vkey"])


def _prove(keys: LogKeys, stated: int, effective: int, key: VerifierKey, show: Show) -> None:
    """Hold one rotation against the last tree of the key before it. Raises `LedgerError` where it does not hold."""
    charter, first, second = (_entry(keys, index, effective + 1, show) for index in (0, stated, effective))
    body, agreed = first.body, second.body
    wanted = isinstance(body, LogKeyRotated) and body.log_key == key.encode()
    if not wanted or not isinstance(agreed, ActCountersigned):
        raise VerificationError("LOG_KEY_UNPROVEN")
    if (agreed.index, agreed.leaf) != (stated, first.leaf.hex()) or key.name != keys.name:
        raise VerificationError("LOG_KEY_UNPROVEN")
    offices = {_sponsor(charter, one) for one in (first, second)}
    if len(offices) != 2 or not possessed(keys.newest, key, body.possession):
        raise VerificationError("LOG_KEY_UNPROVEN")


def _entry(keys: LogKeys, index: int, size: int, show: Show) -> Act:
    """Fetch an entry that stands at `index` of the tree of `size` as the newest known key signed it."""
    shown = show(index, size)
    receipt = parse(shown.receipt)
    if receipt.index != index or verify(receipt, shown.entry, [keys.newest]).size != size:
        raise VerificationError("LOG_KEY_UNPROVEN")
    return decode_entry(shown.entry)


def _sponsor(charter: Act, act: Act) -> str:
    """Return the office of the founding sponsor who signed an act, whose signature holds."""
    founders = charter.body.founders if isinstance(charter.body, CharterSealed) else ()
    for one in founders:
        mine = one.role == SPONSOR and one.person == act.person
        if mine and act.signed.verify(strict_b64decode(one.public_key, "public_key")):
            return str(one.office)
    raise VerificationError("LOG_KEY_UNPROVEN")
