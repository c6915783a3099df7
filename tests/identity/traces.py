"""The forms in which a secret could have been left behind, and a search for them in bytes and in folders."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b", "blake2s", "sm3")


@dataclass(frozen=True)
class Trace:
    """One form of one secret, as bytes to look for."""

    secret: str
    form: str
    needle: bytes


def traces_of(secrets: dict[str, str]) -> tuple[Trace, ...]:
    """Every form of every secret: plain, escaped, hexadecimal, Base64 at each alignment, unsalted hashes."""
    return tuple(
        Trace(name, form, needle) for name, secret in secrets.items() for form, needle in dict(_forms(secret)).items()
    )


def _forms(secret: str) -> Iterator[tuple[str, bytes]]:
    data = secret.encode()
    yield "plain", data
    yield "upper", secret.upper().encode()
    for encoding in ("utf-16-le", "utf-16-be", "gb18030"):
        yield encoding, secret.encode(encoding)
    yield "escaped", json.dumps(secret)[1:-1].encode()
    yield "hex", data.hex().encode()
    yield "HEX", data.hex().upper().encode()
    yield from _base64(data, "text")
    for name in HASHES:
        try:
            digest = hashlib.new(name, data).digest()
        except ValueError:
            continue  # this build of the library has no such hash
        yield name, digest
        yield f"{name} hex", digest.hex().encode()
        yield f"{name} HEX", digest.hex().upper().encode()
        yield from _base64(digest, name)


def _base64(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """The characters that depend on nothing but `data`, wherever it begins within the encoded bytes."""
    for shift in range(3):
        first, last = -(-shift * 8 // 6), (shift + len(data)) * 8 // 6
        for kind, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            yield f"{kind} of {name} at {shift}", encode(bytes(shift) + data)[first:last]


def found_in(data: bytes, traces: tuple[Trace, ...]) -> set[tuple[str, str]]:
    """Which secrets are in some bytes, and in what form."""
    return {(one.secret, one.form) for one in traces if one.needle in data}


def found_below(folder: Path, traces: tuple[Trace, ...]) -> dict[str, set[tuple[str, str]]]:
    """Which secrets are in the files below a folder, their names included."""
    found: dict[str, set[tuple[str, str]]] = {}
    for path in sorted(folder.rglob("*")):
        told = str(path.relative_to(folder)).encode() + b"\n"
        there = found_in(told + (path.read_bytes() if path.is_file() else b""), traces)
        if there:
            found[str(path.relative_to(folder))] = there
    return found
