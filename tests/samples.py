"""A full and a bare statement of every kind, made from nothing but the kind's own fields; always the same.

Run as `python -m tests.samples` to write the golden bytes of kinds that are new. Those that are written never change: a
statement that was signed is read for ever, so another form is another version.
"""

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ledger.signing import SigningKey, encode_base64, key_id, statement_id
from ledger.statements import Seen, Statement
from ledger.statements.codec import encode_payload
from ledger.statements.deliberation import MatterId
from ledger.statements.fields import Base64, Count, Day, Digest, Id, Integer, Nonce, Text
from ledger.statements.kinds import all_kinds, name_of, payload_type_of

GOLDEN = Path(__file__).parent / "vectors" / "statements.json"
KEY = SigningKey.from_seed(bytes(range(32)))

_MADE: dict[Any, Any] = {
    Id: lambda where: f"id:{where}".lower().replace("_", "-")[:96],
    Digest: lambda where: sha256(where.encode()).hexdigest(),
    Nonce: lambda where: sha256(where.encode()).hexdigest()[:32],
    Text: lambda where: f'文本 “{where}” \\ "é𠮷"',
    Day: lambda where: f"2022-10-{10 + len(where) % 20}",
    Count: len,
    Integer: lambda where: -len(where),
    MatterId: lambda where: f"objection:{where}".replace("_", "-"),
    Base64: lambda where: encode_base64(sha256(where.encode()).digest()),
    str: lambda where: f"choice-{where}",
    int: len,
    bool: lambda where: len(where) % 2 == 0,
}
_FREE = {"b": [1, None, True, {"name": "珠源工匠"}], "a": -(2**53) + 1}


def _value(hint: Any, where: str, full: bool) -> Any:
    if hint in _MADE:
        return _MADE[hint](where)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (kind,) = (one for one in inner if one is not types.NoneType)
        return _value(kind, where, full) if full else None
    if origin is Literal:
        return inner[-1] if full else inner[0]
    if origin is tuple:
        return tuple(_value(inner[0], f"{where}.{place}", full) for place in range(2 if full else 0))
    if origin is Mapping:
        return _FREE if full else {}
    if origin is Annotated:
        raise TypeError(f"{where}: a constraint that has no sample yet")
    if is_dataclass(hint):
        return _record(hint, where, full)
    raise TypeError(f"{where}: {hint}")


def _record(cls: Any, where: str, full: bool) -> Any:
    hints = get_type_hints(cls, include_extras=True)
    return cls(**{field.name: _value(hints[field.name], f"{where}.{field.name}", full) for field in fields(cls)})


def sample(cls: type[Any], full: bool) -> Statement[Any]:
    """Return the statement of a kind with everything that may be there, or with nothing that may be missing."""
    name, version = name_of(cls)
    seen = Seen(encode_base64(sha256(b"root").digest()), encode_base64(bytes(68)), 7)
    return Statement(
        body=_record(cls, name, full),
        claimed_at=1_663_894_800_000 if full else None,
        counter=2**53 - 1 if full else 0,
        key=key_id(KEY.public),
        nonce="0f" * 16,
        on_behalf_of="somebody-else" if full else None,
        person="somebody",
        programme="ab" * 32 if full else None,
        rules="cd" * 32 if full else None,
        seen=seen if full else None,
        type=name,
        version=version,
    )


@cache
def all_samples() -> tuple[tuple[str, str, Statement[Any]], ...]:
    """Return (payload type, which sample, statement) of every kind."""
    return tuple(
        (payload_type, which, sample(cls, which == "full"))
        for payload_type, cls in sorted(all_kinds().items())
        for which in ("bare", "full")
    )


def golden(statement: Statement[Any]) -> dict[str, str]:
    """Return the exact bytes and the identity of a statement."""
    payload = encode_payload(statement)
    identity = statement_id(payload_type_of(type(statement.body)), payload).hex()
    return {"id": identity, "payload": payload.decode()}


def known() -> dict[str, dict[str, dict[str, str]]]:
    """Read the golden bytes, by payload type and sample."""
    if not GOLDEN.exists():
        return {}
    loaded: dict[str, dict[str, dict[str, str]]] = json.loads(GOLDEN.read_text())
    return loaded


def write() -> None:
    """Add the golden bytes of kinds that have none yet."""
    written = known()
    for payload_type, which, statement in all_samples():
        written.setdefault(payload_type, {}).setdefault(which, golden(statement))
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(written, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    write()
