"""RFC 3161 time stamps of checkpoints: asked of any authority, verified before they are kept, verified again by anyone.

Stamped is the SHA-256 of the checkpoint's text, a line feed, and the log's own signature line: so a stamp also proves
that the log's signature was there before its key could be stolen. Cosignatures come later and are not stamped. An
authority run by the log's own operator proves nothing against that operator. Needs the extra `timestamps`; where it is
not installed, stamps are not checked (`TIMESTAMPS_UNAVAILABLE`).
"""

import hashlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from api import der
from ledger.checkpoint import Note, parse_checkpoint, parse_note
from ledger.errors import LedgerError, MalformedError, VerificationError

if TYPE_CHECKING:
    from cryptography import x509
    from rfc3161_client import TimeStampResponse

MAX_STAMP_BYTES = 100_000
SECONDS = 30.0
MOST_STEPS = 3
"""An answer that comes a byte at a time is given up after so many times `SECONDS`."""
AHEAD = timedelta(minutes=5)
"""A stamp from further in the future than clocks differ was made by a clock that is wrong, or by nobody's."""

_SHA256 = "2.16.840.1.101.3.4.2.1"
_TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
_SIGNING_CERTIFICATE = bytes.fromhex("2a864886f70d010910020c")
_SIGNING_CERTIFICATE_V2 = bytes.fromhex("2a864886f70d010910022f")
_SIGNATURES = {
    bytes.fromhex("2a8648ce3d040302"): "sha256",  # ECDSA
    bytes.fromhex("2a8648ce3d040303"): "sha384",
    bytes.fromhex("2a8648ce3d040304"): "sha512",
    bytes.fromhex("2a864886f70d01010b"): "sha256",  # RSA
    bytes.fromhex("2a864886f70d01010c"): "sha384",
    bytes.fromhex("2a864886f70d01010d"): "sha512",
    bytes.fromhex("2a864886f70d010101"): "",  # RSA and its PSS, which name the digest elsewhere; Ed25519
    bytes.fromhex("2a864886f70d01010a"): "",
    bytes.fromhex("2b6570"): "",
}
"""Signature algorithms by object identifier, and the digest that the name implies."""
_DIGESTS = {
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}


class TimestampsUnavailable(LedgerError):
    """The extra `timestamps` is not installed: nothing can be said about a stamp."""


def _library() -> Any:
    try:
        import rfc3161_client  # noqa: PLC0415
    except ImportError:
        raise TimestampsUnavailable("TIMESTAMPS_UNAVAILABLE") from None
    return rfc3161_client


def available() -> bool:
    """Say whether stamps can be made and checked here."""
    try:
        _library()
    except TimestampsUnavailable:
        return False
    return True


def stamped_texts(note: bytes) -> tuple[bytes, ...]:
    """Return what a stamp of this checkpoint may cover: its text, a line feed and a line under the log's own name.

    More than one where several keys signed in that name. Raises `NOTE_MALFORMED`, `CHECKPOINT_MALFORMED`, and
    `VerificationError` `NOTE_UNSIGNED` if the log's name signed nothing.
    """
    parsed = parse_note(note)
    origin = parse_checkpoint(parsed.text).origin
    texts = tuple(Note(parsed.text, (line,)).encode() for line in parsed.signatures if line.name == origin)
    if not texts:
        raise VerificationError("NOTE_UNSIGNED")
    return texts


def request_timestamp(
    note: bytes, url: str, roots: Sequence[bytes], at: datetime, policy: str | None = None
) -> tuple[bytes, datetime]:
    """Have an authority stamp a checkpoint; return its verified response and the time it states.

    `roots` are PEM certificates that are trusted, `at` is now, `policy` the policy the stamp must be made under.
    Raises `TIMESTAMP_UNREACHABLE`, `TIMESTAMP_INVALID`, `TIMESTAMPS_UNAVAILABLE`.
    """
    library = _library()
    text = stamped_texts(note)[0]
    builder = library.TimestampRequestBuilder().data(text).hash_algorithm(library.HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    stamp = _post(url, request.as_bytes())
    return stamp, _verify((text,), stamp, roots, at, policy, request.nonce)


def _post(url: str, request: bytes) -> bytes:
    import httpx  # noqa: PLC0415

    headers = {"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"}
    body, until = bytearray(), time.monotonic() + MOST_STEPS * SECONDS
    try:
        with (
            httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", url, content=request, headers=headers) as answer,
        ):
            if answer.status_code != 200:
                raise LedgerError("TIMESTAMP_UNREACHABLE", url=url, reason=str(answer.status_code))
            for chunk in answer.iter_raw():
                body += chunk
                if len(body) > MAX_STAMP_BYTES:
                    raise LedgerError("TIMESTAMP_UNREACHABLE", url=url, reason="size")
                if time.monotonic() > until:
                    raise LedgerError("TIMESTAMP_UNREACHABLE", url=url, reason="slow")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise LedgerError("TIMESTAMP_UNREACHABLE", url=url, reason=type(error).__name__) from None
    return bytes(body)


def verify_timestamp(
    note: bytes, tsr: bytes, roots: Sequence[bytes], at: datetime, policy: str | None = None
) -> datetime:
    """Verify a stored response over a checkpoint and return the time it states (UTC).

    Granted, over this checkpoint, signed by a certificate for time stamping alone that the token itself names and that
    leads to one of `roots` (PEM) at the stated time, which is not after `at`. Raises `VerificationError`
    `TIMESTAMP_INVALID` with the reason, `TIMESTAMPS_UNAVAILABLE`, and what `stamped_texts` raises.
    """
    return _verify(stamped_texts(note), tsr, roots, at, policy, None)


def _verify(
    texts: Sequence[bytes], tsr: bytes, roots: Sequence[bytes], at: datetime, policy: str | None, nonce: int | None
) -> datetime:
    library = _library()
    if len(tsr) > MAX_STAMP_BYTES:
        raise _invalid("size")
    try:
        response = library.decode_timestamp_response(tsr)
        if response.as_bytes() != tsr:
            raise _invalid("not DER")
        if response.status != 0:
            raise _invalid(f"status {response.status}")
        digest = _imprint(response, texts)
        _verifier(library, roots, policy, nonce).verify(response, digest)
        _check_certificate(response)
    except library.VerificationError as error:
        # Without what OpenSSL tells of its own sources.
        raise _invalid(str(error).partition(":")[0]) from None
    except (ValueError, TypeError, LookupError, StopIteration, MalformedError) as error:
        # What libraries make of bytes that are no stamp, or of a certificate without an extended key usage.
        raise _invalid(type(error).__name__) from None
    made: datetime = response.tst_info.gen_time.astimezone(UTC)
    if made > at + AHEAD:
        raise _invalid("in the future")
    return made


def _verifier(library: Any, roots: Sequence[bytes], policy: str | None, nonce: int | None) -> Any:
    from cryptography import x509  # noqa: PLC0415

    return library.VerifierBuilder(
        policy_id=x509.ObjectIdentifier(policy) if policy else None,
        roots=[x509.load_pem_x509_certificate(root) for root in roots],
        nonce=nonce,
    ).build()


def _invalid(reason: str) -> VerificationError:
    return VerificationError("TIMESTAMP_INVALID", reason=reason)


def _imprint(response: "TimeStampResponse", texts: Sequence[bytes]) -> bytes:
    """Return the digest that the stamp covers, if it is that of one of `texts`."""
    imprint = response.tst_info.message_imprint
    if imprint.hash_algorithm.dotted_string != _SHA256:
        raise _invalid("digest algorithm")
    if imprint.message not in {hashlib.sha256(text).digest() for text in texts}:
        raise _invalid("another text")
    return bytes(imprint.message)


def _check_certificate(response: "TimeStampResponse") -> None:
    """The signer's certificate is for time stamping alone, and the one that the signed attributes name by its hash."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    leaf = _signer(response)
    if leaf is None:
        raise _invalid("no certificate")
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    if not usage.critical or [one.dotted_string for one in usage.value] != [_TIME_STAMPING]:
        raise _invalid("extended key usage")
    signer_info = _signer_info(response.time_stamp_token())
    digest = _DIGESTS.get(_algorithm(signer_info[2]))
    implied = _SIGNATURES.get(_algorithm(signer_info[-2]))
    if digest is None or implied not in ("", digest):
        raise _invalid("signature algorithm")
    if not _names(signer_info, leaf.public_bytes(Encoding.DER)):
        raise _invalid("signing certificate")


def _signer(response: "TimeStampResponse") -> "x509.Certificate | None":
    """Return the certificate of the one signer, which the token must bring along."""
    from cryptography import x509  # noqa: PLC0415

    signers = list(response.signed_data.signer_infos)
    if len(signers) != 1:
        raise _invalid("signers")
    certificates = map(x509.load_der_x509_certificate, response.signed_data.certificates)
    wanted = (signers[0].issuer, signers[0].serial_number)
    return next((one for one in certificates if (one.issuer, one.serial_number) == wanted), None)


def _signer_info(token: bytes) -> list[der.Element]:
    """Return the parts of the token's one SignerInfo (RFC 5652), up to the signature."""
    content_info = list(der.elements(der.only(token, der.SEQUENCE)))
    signed_data = list(der.elements(der.only(content_info[1].content, der.SEQUENCE)))
    parts = list(der.elements(der.only(signed_data[-1].content, der.SEQUENCE)))
    # No signature covers the versions and the algorithms' names: they must be what they can only be.
    if signed_data[0].content != b"\x03" or parts[0].content != b"\x01":
        raise _invalid("version")
    last = next(number for number, part in enumerate(parts) if part.tag == der.OCTETS)
    return parts[: last + 1]


def _algorithm(identifier: der.Element) -> bytes:
    """Return the object identifier of an AlgorithmIdentifier."""
    return next(der.elements(der.only(identifier.whole, der.SEQUENCE))).content


def _names(signer_info: list[der.Element], certificate: bytes) -> bool:
    """Say whether the signed attributes name this certificate (ESSCertID, RFC 2634; ESSCertIDv2, RFC 5035)."""
    attributes = next(element for element in signer_info if element.tag == der.CONTEXT_0)
    named = []
    for attribute in der.elements(attributes.content):
        kind, values = der.elements(attribute.content)
        if kind.content in (_SIGNING_CERTIFICATE, _SIGNING_CERTIFICATE_V2):
            identifiers = next(der.elements(der.only(values.content, der.SEQUENCE)))
            first = next(der.elements(identifiers.content))
            named.append(_matches(first.content, kind.content == _SIGNING_CERTIFICATE_V2, certificate))
    return bool(named) and all(named)


def _matches(identifier: bytes, second: bool, certificate: bytes) -> bool:
    parts = list(der.elements(identifier))
    algorithm = "sha256" if second else "sha1"
    if second and parts[0].tag == der.SEQUENCE:
        algorithm = _DIGESTS.get(next(der.elements(parts.pop(0).content)).content, "")
    if not algorithm or parts[0].tag != der.OCTETS:
        return False
    return parts[0].content == hashlib.new(algorithm, certificate, usedforsecurity=False).digest()
