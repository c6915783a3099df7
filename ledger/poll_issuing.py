"""The credentials that a channel gives out: one-time codes, or keyed pseudonyms of identities that it knows.

A code is random. A pseudonym is a keyed hash of an identity (a WeChat or telephone account) under the channel's own key
and for one poll: the same person gets the same one, nobody without the key finds out whose it is, and the identity is
stored nowhere. Of both only the tag goes further, in ascending order, so that a list does not tell the order of issue.
"""

import hmac
import secrets
from collections.abc import Iterable, Iterator
from typing import IO

from ledger.errors import MalformedError
from ledger.poll_rows import CREDENTIAL_BYTES, credential_tag

PSEUDONYM_LABEL = b"ballot-ledger pseudonym v1\n"
KEY_BYTES = 32
_LONGEST = 256


def new_codes(poll: str, count: int, codes: IO[str]) -> Iterator[bytes]:
    """Write so many new codes, a line of hexadecimal each, and give the tag of each in the poll."""
    for _ in range(count):
        code = secrets.token_bytes(CREDENTIAL_BYTES)
        codes.write(f"{code.hex()}\n")
        yield credential_tag(poll, code)


def pseudonym(key: bytes, poll: str, identity: str) -> bytes:
    """Return the credential of an identity in a poll: what the channel casts with for whoever has that account.

    The identity counts as it is spelled: one spelling for each account is for the channel to see to. Raises
    `MalformedError`: `PSEUDONYM_KEY_INVALID`; `IDENTITY_INVALID` for an empty or overlong one.
    """
    if len(key) != KEY_BYTES:
        raise MalformedError("PSEUDONYM_KEY_INVALID", bytes=KEY_BYTES)
    if not 0 < len(identity) <= _LONGEST or identity != identity.strip() or not identity.isprintable():
        raise MalformedError("IDENTITY_INVALID", most=_LONGEST)
    return hmac.digest(key, PSEUDONYM_LABEL + poll.encode() + b"\n" + identity.encode(), "sha256")[:CREDENTIAL_BYTES]


def pseudonym_tags(key: bytes, poll: str, identities: Iterable[str]) -> Iterator[bytes]:
    """Give the tag of each identity's credential; raises as `pseudonym`, with the `line`."""
    for number, identity in enumerate(identities, 1):
        try:
            yield credential_tag(poll, pseudonym(key, poll, identity))
        except MalformedError as error:
            raise MalformedError(error.code, line=number, **error.facts) from None
