"""What every statement bears besides its body: who, under which rules, in which order, and having seen what."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from ledger.statements.fields import Base64, Count, Digest, Id, Instant, Nonce

B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint the signer had seen, with the log's own signature: the statement pins the history before it.

    `root` is the base64 of the 32-byte root, `signature` that of key id and signature as on the log's signature line.
    """

    root: Base64
    signature: Base64
    size: Count


@dataclass(frozen=True, slots=True)
class Statement(Generic[B]):
    """What a person signs.

    `programme` is the hash of the charter's PAE (absent from the charter alone), `rules` the hash of the programme
    version that governs the stage, `counter` the person's own, strictly greater each time. `claimed_at` is a time the
    signer attests for an act on paper; deadlines are judged by the ledger's own time unless the act says otherwise.
    """

    body: B
    claimed_at: Instant | None
    counter: Count
    key: Digest
    nonce: Nonce
    on_behalf_of: Id | None
    person: Id
    programme: Digest | None
    rules: Digest | None
    seen: Seen | None
    type: str
    version: Count
