"""The private keys of a log that its sequencer holds: the founding one, and those that rotations bring in.

A key is looked for when it is first needed, so that one made while the ledger runs is found. The founding private key
may be gone once another signs; its public half never is.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from ledger.checkpoint import VerifierKey
from ledger.errors import StoreError
from ledger.signing import SigningKey

Loader: TypeAlias = Callable[[VerifierKey], SigningKey | None]


class Keyring:
    """The keys of the log `founding.name`; `load` finds a private key by its public one, None if it is not held."""

    def __init__(self, founding: VerifierKey, held: Iterable[SigningKey] = (), load: Loader | None = None) -> None:
        """Hold these keys, and what `load` finds later."""
        self.founding = founding
        self._load = load
        self._held = {VerifierKey(founding.name, key.public): key for key in held}

    @classmethod
    def of(cls, origin: str, *keys: SigningKey) -> "Keyring":
        """Return a keyring of these keys of the log `origin`, the founding one first."""
        return cls(VerifierKey(origin, keys[0].public), keys)

    def holds(self, key: VerifierKey) -> bool:
        """Say whether the private key of this public one is held."""
        known = self._held.get(key)
        if known is None and self._load is not None:
            known = self._load(key)
            if known is not None and known.public == key.public:
                self._held[key] = known
        return key in self._held

    def signer(self, key: VerifierKey) -> SigningKey:
        """Return the private key of this public one; raises `StoreError` `LOG_KEY_NOT_HELD`."""
        known = self._held.get(key)
        if known is None:
            if not self.holds(key):
                raise StoreError("LOG_KEY_NOT_HELD", key=key.key_id.hex())
            known = self._held[key]
        return known
