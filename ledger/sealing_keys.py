"""Where objections are sealed to: the two public keys, as the discipline office announces them over its own signature.

A server that gave out keys of its own could read every objection. So what it gives out bears the signature of an
enrolled key of discipline; the founding ones stand in the charter, which is public and covered by the log's signature.
"""

from dataclasses import dataclass
from typing import Any

from ledger import canonical
from ledger.errors import MalformedError, VerificationError
from ledger.procedure.acts import DISCIPLINE
from ledger.roll import Roll
from ledger.sealing import SealTo
from ledger.signing import PAYLOAD_TYPE_PREFIX, SigningKey, encode_base64, key_id, pae, strict_b64decode, verify_ed25519
from ledger.statements.foundation import CharterSealed

FILE = "sealing-keys.json"
"""The announcement in a ledger's folder."""
_TYPE = f"{PAYLOAD_TYPE_PREFIX}sealing-keys.v1+json"
_MEMBERS = frozenset({"key", "office", "programme", "recovery", "signature"})


@dataclass(frozen=True, slots=True)
class SealingKeys:
    """An announcement: to whom, for which programme, and the signature of the key with id `key` over both."""

    to: SealTo
    programme: str
    key: str
    signature: bytes

    def encode(self) -> bytes:
        """Return its canonical bytes."""
        return canonical.encode(self.plain())

    def plain(self) -> dict[str, str]:
        """Return it as plain values, bytes in base64."""
        signature = {"key": self.key, "signature": encode_base64(self.signature)}
        return _signed_value(self.to, self.programme) | signature

    def verify(self, public: bytes, programme: str) -> None:
        """Hold it against a key of discipline; raises `VerificationError` `SEALING_KEYS_UNPROVEN`."""
        message = pae(_TYPE, canonical.encode(_signed_value(self.to, self.programme)))
        own = self.key == key_id(public) and self.programme == programme
        if not own or not verify_ed25519(public, message, self.signature):
            raise VerificationError("SEALING_KEYS_UNPROVEN", key=self.key)


def announce(to: SealTo, programme: str, key: SigningKey) -> SealingKeys:
    """Return the announcement of two sealing keys, signed by discipline's `key`; `MalformedError` as `read`."""
    signature = key.sign(pae(_TYPE, canonical.encode(_signed_value(to, programme))))
    made = SealingKeys(to, programme, key_id(key.public), signature)
    return read(made.plain())


def read(value: Any) -> SealingKeys:
    """Return the announcement of plain values; raises `MalformedError` `SEALING_KEY_INVALID`."""
    try:
        if value.keys() != _MEMBERS or not all(type(one) is str for one in value.values()):
            raise MalformedError("SEALING_KEY_INVALID")
        to = SealTo(*(strict_b64decode(value[one], one) for one in ("office", "recovery")))
        signature = strict_b64decode(value["signature"], "signature")
    except (AttributeError, MalformedError):
        raise MalformedError("SEALING_KEY_INVALID") from None
    if {len(to.office), len(to.recovery)} != {32} or to.office == to.recovery:
        raise MalformedError("SEALING_KEY_INVALID")
    return SealingKeys(to, value["programme"], value["key"], signature)


def decode(data: bytes) -> SealingKeys:
    """Return the announcement of canonical bytes; raises `MalformedError`."""
    return read(canonical.decode(data))


def verify_by_roll(keys: SealingKeys, roll: Roll, programme: str) -> None:
    """Hold an announcement against the roll as it is now: a key in force of somebody who is discipline.

    Raises `VerificationError` `SEALING_KEYS_UNPROVEN`.
    """
    known = roll.keys.get(keys.key)
    stopped = known is None or known.blocked is not None or known.revoked is not None
    if known is None or stopped or not roll.has_role(known.person, (DISCIPLINE,)):
        raise VerificationError("SEALING_KEYS_UNPROVEN", key=keys.key)
    keys.verify(known.public, programme)


def verify_by_charter(keys: SealingKeys, charter: CharterSealed, programme: str) -> None:
    """Hold an announcement against the founding keys of discipline; raises `VerificationError` as `verify_by_roll`."""
    for founder in charter.founders:
        public = strict_b64decode(founder.public_key, "public_key")
        if founder.role == DISCIPLINE and key_id(public) == keys.key:
            keys.verify(public, programme)
            return
    raise VerificationError("SEALING_KEYS_UNPROVEN", key=keys.key)


def _signed_value(to: SealTo, programme: str) -> dict[str, str]:
    return {"office": encode_base64(to.office), "programme": programme, "recovery": encode_base64(to.recovery)}
