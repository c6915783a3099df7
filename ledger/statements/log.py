"""The log itself: another key for it, and that it was brought back after a loss."""

from dataclasses import dataclass

from ledger.statements.fields import Base64, Count, Digest, Text
from ledger.statements.kinds import kind


@kind("log_key.rotated")
@dataclass(frozen=True, slots=True)
class LogKeyRotated:
    """The log gets another key under its old name; `log_key` is a verifier key, as the charter states the first.

    `possession` is the new key's signature over `ledger.log_keys.possession`. By a sponsor, effective once another
    sponsor has signed; the checkpoint above that entry is the last that the old key signs.
    """

    log_key: Text
    possession: Base64
    reason: Text


@kind("log.recovered")
@dataclass(frozen=True, slots=True)
class LogRecovered:
    """The log was found with `size` entries and brought back to `recovered_to`, its lost entries verbatim.

    `sources` are the SHA-256 of the exports and receipts they came from. By the discipline office, with a sponsor. It
    changes nothing else.
    """

    reason: Text
    recovered_to: Count
    size: Count
    sources: tuple[Digest, ...]
