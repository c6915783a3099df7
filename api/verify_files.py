"""Verifying a file that stands alone, an attested row or a certificate, as `verify PATH` and `verify.pyz` do."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ledger.checkpoint import VerifierKey
from ledger.errors import MalformedError, VerificationError
from ledger.messages import text
from projections import attestation, certificate
from projections.audit.catalogue import word
from projections.audit.report import CLEAN, FINDINGS
from projections.plain import to_json

_FORMATS = (attestation.FORMAT, certificate.FORMAT)


class Told(NamedTuple):
    """The exit code, the answer as plain values, and as lines for people."""

    code: int
    told: dict[str, Any]
    lines: Sequence[str]


def is_proof_file(data: bytes) -> bool:
    """Say whether this may be one of our files, by its format; nothing is checked."""
    return data.startswith(b"{") and any(f'"format":"{one}"'.encode() in data for one in _FORMATS)


def verify_proof_file(data: bytes, keys: Sequence[VerifierKey], language: str) -> Told:
    """Verify a file against the log's founding key, the first of `keys`. Raises `MalformedError` where it cannot be."""
    if not keys:
        raise MalformedError("TRUST_MISSING")
    is_row = f'"format":"{attestation.FORMAT}"'.encode() in data
    kind = "row" if is_row else "certificate"
    try:
        return _row(data, keys[0], language) if is_row else _certificate(data, keys[0], language)
    except VerificationError as error:
        sentence = text(error.code, error.facts, language, section="errors")
        failure = {"code": error.code, "facts": error.facts, "text": sentence}
        told = {"clean": False, "exit": FINDINGS, "failures": [failure], "kind": kind}
        return Told(FINDINGS, told, (f"{error.code}  {sentence}",))


def _row(data: bytes, key: VerifierKey, language: str) -> Told:
    found = attestation.verify_row(data, key)
    facts = {"candidate": found.row["candidate"], "entry": found.certified, "size": found.size}
    said = word("row-holds", language, subject=found.subject, place=found.index + 1, count=found.count, **facts)
    shown = "  ".join(f"{name}={value}" for name, value in found.row.items() if isinstance(value, str | int))
    lines = (*_banner(found.rehearsal, found.origin, language), said, shown)
    return Told(CLEAN, _told("row", found.origin, found.rehearsal) | {"row": to_json(found)}, lines)


def _certificate(data: bytes, key: VerifierKey, language: str) -> Told:
    found = certificate.verify_certificate(data, key)
    said = [word("certificate-holds", language, person=found.person, entry=found.named, size=found.size)]
    if found.revoked is not None:
        said.append(word("certificate-revoked", language, entry=found.revoked))
    value = to_json(found) | {"receipt": found.receipt.decode()}
    lines = (*_banner(found.rehearsal, found.origin, language), *said)
    return Told(CLEAN, _told("certificate", found.origin, found.rehearsal) | {"certificate": value}, lines)


def _told(kind: str, origin: str, rehearsal: bool) -> dict[str, Any]:
    about = {"kind": kind, "origin": origin, "rehearsal": rehearsal}
    return {"clean": True, "exit": CLEAN, "failures": []} | about


def _banner(rehearsal: bool, origin: str, language: str) -> tuple[str, ...]:
    return (word("rehearsal-file", language, origin=origin),) if rehearsal else ()
