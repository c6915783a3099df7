"""A witness's key files: the private key as PEM for its owner alone, and beside it `<file>.vkey` with name and key.

One key is for one witness identity: an Ed25519 cosignature does not say by whose name it was made. So the full-audit
witness, which states more, has a key of its own.
"""

import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ledger.checkpoint import is_name
from ledger.cosignature import Algorithm, Cosigner, Ed25519Cosigner, MlDsaCosigner, WitnessKey, parse_witness_vkey
from ledger.errors import MalformedError, StoreError
from ledger.keyfile import read_key, write_key
from ledger.signing import SigningKey


def vkey_file(path: Path) -> Path:
    """Return the file of the public part that belongs to a key file."""
    return path.with_name(path.name + ".vkey")


def new_witness_key(path: Path, name: str, passphrase: bytes | None, algorithm: Algorithm) -> WitnessKey:
    """Make a key file and the file of its public part; existing files stay (`KEY_FILE_EXISTS`)."""
    if not is_name(name):
        raise MalformedError("VKEY_MALFORMED", where="name")
    if vkey_file(path).exists():
        raise StoreError("KEY_FILE_EXISTS", path=str(vkey_file(path)))
    cosigner: Cosigner
    if algorithm is Algorithm.ED25519:
        key = SigningKey.from_seed(secrets.token_bytes(32))
        write_key(path, key, passphrase)
        cosigner = Ed25519Cosigner(name, key)
    else:
        private = MLDSA44PrivateKey.generate()
        _write_ml_dsa(path, private, passphrase)
        cosigner = MlDsaCosigner(name, private)
    vkey_file(path).write_text(cosigner.key.encode() + "\n", "utf-8")
    return cosigner.key


def _write_ml_dsa(path: Path, private: MLDSA44PrivateKey, passphrase: bytes | None) -> None:
    protection: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise StoreError("KEY_FILE_EXISTS", path=str(path)) from None
    except OSError as error:
        raise StoreError("KEY_FILE_UNUSABLE", path=str(path), reason=str(error.strerror)) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())


def read_witness_vkey(path: Path) -> WitnessKey:
    """Return the public part of a key file. Raises `StoreError` `KEY_FILE_UNUSABLE`, `MalformedError`."""
    try:
        return parse_witness_vkey(vkey_file(path).read_text("utf-8").removesuffix("\n"))
    except (OSError, ValueError):
        raise StoreError("KEY_FILE_UNUSABLE", path=str(vkey_file(path)), reason="-") from None


def read_witness_key(path: Path, passphrase: bytes | None) -> Cosigner:
    """Read a key file and hold it against its public part; errors as `ledger.keyfile.read_key`."""
    public = read_witness_vkey(path)
    cosigner: Cosigner
    if public.algorithm is Algorithm.ED25519:
        cosigner = Ed25519Cosigner(public.name, read_key(path, passphrase))
    else:
        cosigner = MlDsaCosigner(public.name, _read_ml_dsa(path, passphrase))
    if cosigner.key != public:
        raise StoreError("KEY_FILE_UNUSABLE", path=str(path), reason="not the key of its .vkey file")
    return cosigner


def _read_ml_dsa(path: Path, passphrase: bytes | None) -> MLDSA44PrivateKey:
    try:
        mode, data = stat.S_IMODE(path.stat().st_mode), path.read_bytes()
    except OSError as error:
        raise StoreError("KEY_FILE_UNUSABLE", path=str(path), reason=str(error.strerror)) from None
    if mode & 0o077:
        raise StoreError("KEY_FILE_OPEN", path=str(path), mode=f"{mode:04o}")
    try:
        private = load_pem_private_key(data, passphrase)
    except (TypeError, ValueError):
        code = "KEY_PASSPHRASE" if b"ENCRYPTED" in data else "KEY_FILE_UNUSABLE"
        raise StoreError(code, path=str(path), reason="not a key") from None
    if not isinstance(private, MLDSA44PrivateKey):
        raise StoreError("KEY_FILE_UNUSABLE", path=str(path), reason="not an ML-DSA-44 key")
    return private
