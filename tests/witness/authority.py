"""A time-stamping authority for tests: certificates made here, answers made by `openssl ts` behind a small server."""

import datetime as dt
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.witness.servers import answering

POLICY = "1.3.6.1.4.1.99999.1"
TIME_STAMPING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.8")
CODE_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.3")
_START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_CONFIG = """
[tsa]
default_tsa = t
[t]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = {policy}
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_alg = {ess}
"""


class Authority:
    """An authority in a folder: its root certificate, and answers to requests."""

    def __init__(
        self,
        folder: Path,
        usages: tuple[x509.ObjectIdentifier, ...] = (TIME_STAMPING,),
        ess: str = "sha256",
        until: dt.datetime = dt.datetime(2120, 1, 1, tzinfo=dt.UTC),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.root_file = folder, folder / "root.pem"
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root_name, name = _name("Test Root"), _name("Test TSA")
        root = (
            _certificate(root_name, root_name, root_key.public_key(), until)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(key_cert_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False)
            .sign(root_key, hashes.SHA256())
        )
        leaf = (
            _certificate(name, root_name, key.public_key(), until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
            .sign(root_key, hashes.SHA256())
        )
        self.root_file.write_bytes(root.public_bytes(Encoding.PEM))
        (folder / "tsa.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
        (folder / "tsa.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "serial").write_text("01")
        (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder, policy=POLICY, ess=ess))

    @property
    def root(self) -> bytes:
        """The root certificate, PEM."""
        return self.root_file.read_bytes()

    def reply(self, request: bytes) -> bytes:
        """Answer one request."""
        query, reply = self.folder / "request.tsq", self.folder / "reply.tsr"
        query.write_bytes(request)
        command = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", str(query), "-out", str(reply)]
        subprocess.run(command, check=True, cwd=self.folder, capture_output=True)
        return reply.read_bytes()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Answer over HTTP; gives the URL."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            reply = self.reply(request.rfile.read(int(request.headers["content-length"])))
            request.send_response(200)
            request.send_header("content-type", "application/timestamp-reply")
            request.send_header("content-length", str(len(reply)))
            request.end_headers()
            request.wfile.write(reply)

        with answering(answer) as url:
            yield url


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, until: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_START)
        .not_valid_after(until)
    )


def _usage(**on: bool) -> x509.KeyUsage:
    flags = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**(flags | on))
