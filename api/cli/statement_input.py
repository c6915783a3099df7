"""What a person hands in: a ready envelope, or a kind and a body that the command line signs with the person's key.

A body is given as `{"kind": "ballot.cast", "body": {…}}` (with `"version"` where it is not 1), or as the body alone
together with the kind. The header is filled in from the ledger: counter, newest checkpoint, governing rules, a nonce.
"""

import json
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.cli.terminal import CliError
from ledger.decisions.gate import governing_hash
from ledger.procedure.acts import ACTS
from ledger.roll import SEALED_PREFIX
from ledger.selection import Selection
from ledger.signing import PAYLOAD_TYPE_PREFIX, SigningKey, encode_base64, key_id
from ledger.statements import Seen, Statement, sign
from ledger.statements.foundation import CharterSealed
from ledger.statements.kinds import body_class, name_of
from ledger.statements.notices import ObjectionReceived
from ledger.statements.plain import from_plain

_ENVELOPE = {"payload", "payloadType", "signatures"}


@dataclass(frozen=True, slots=True)
class Input:
    """What was handed in: an envelope's bytes, or a body to be signed."""

    envelope: bytes | None
    body: Any


def read_input(source: str, kind: str | None) -> Input:
    """Read a file, or standard input for `-`; `CliError` `FILE_UNREADABLE`, `INPUT_INVALID` or `KIND_UNKNOWN`."""
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise CliError("FILE_UNREADABLE", path=source, reason=error.strerror or "-") from None
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise CliError("INPUT_INVALID", reason="JSON") from None
    if not isinstance(value, dict):
        raise CliError("INPUT_INVALID", reason="object")
    if value.keys() == _ENVELOPE:
        return Input(data.rstrip(b"\r\n"), None)
    return Input(None, _body(value, kind))


def _body(value: dict[str, Any], kind: str | None) -> Any:
    wrapped = value.keys() <= {"kind", "version", "body"} and "body" in value
    name = kind or (value.get("kind") if wrapped else None)
    if not isinstance(name, str):
        raise CliError("INPUT_INVALID", reason="kind")
    version = value.get("version", 1) if wrapped else 1
    cls = body_class(f"{PAYLOAD_TYPE_PREFIX}{name}.v{version}+json")
    if cls is None:
        raise CliError("KIND_UNKNOWN", kind=name[:80], version=str(version)[:20])
    return from_plain(cls, value["body"] if wrapped else value, "body")


def signed_envelope(
    state: Selection, seen: Seen | None, body: Any, key: SigningKey, one_time: bool, claimed_at: int | None
) -> bytes:
    """Sign a body as the person whose key this is. Raises `CliError` `KEY_NOT_ENROLLED`."""
    charter = isinstance(body, CharterSealed)
    person = _signer(state, body, key, one_time)
    known = state.roll.people.get(person)
    name, version = name_of(type(body))
    behalf = ACTS[name].behalf
    return sign(
        Statement(
            body=body,
            claimed_at=claimed_at,
            counter=max(known.counter + 1, 1) if known else 1,
            key=key_id(key.public),
            nonce=secrets.token_hex(16),
            on_behalf_of=getattr(body, behalf) if behalf else None,
            person=person,
            programme=None if charter or state.sealed is None else state.charter.id,
            rules=None if charter or state.sealed is None else governing_hash(state, body),
            seen=None if charter else seen,
            type=name,
            version=version,
        ),
        key,
    )


def _signer(state: Selection, body: Any, key: SigningKey, one_time: bool) -> str:
    public = key_id(key.public)
    if one_time:
        return SEALED_PREFIX + public
    if isinstance(body, CharterSealed):
        text = encode_base64(key.public)
        found = [founder.person for founder in body.founders if founder.public_key == text]
    else:
        found = [state.roll.keys[public].person] if public in state.roll.keys else []
    if not found:
        # What an objector hands in by mistake is not named in any output.
        raise CliError("KEY_NOT_ENROLLED", key="-" if isinstance(body, ObjectionReceived) else public)
    return found[0]
