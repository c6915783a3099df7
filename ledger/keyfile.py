"""Key files: a private key as PKCS#8 PEM, under a passphrase, readable by its owner alone.

Ed25519 keys sign; X25519 keys open what is sealed to an office; witnesses have ML-DSA keys too.

A key is never printed and never leaves its file but into memory. The log's own key has a file without a passphrase,
which only the sequencer's account can read.
"""

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ledger.errors import StoreError
from ledger.signing import SigningKey


def write_key(path: Path, key: SigningKey, passphrase: bytes | None) -> None:
    """Write a new key file with mode 0600; an existing file is never overwritten (`KEY_FILE_EXISTS`)."""
    write_private_key(path, Ed25519PrivateKey.from_private_bytes(key.seed), passphrase)


def read_key(path: Path, passphrase: bytes | None) -> SigningKey:
    """Read a key file.

    Raises `StoreError`: `KEY_FILE_UNUSABLE` if it cannot be read or holds no Ed25519 key, `KEY_FILE_OPEN` if others
    may read it, `KEY_PASSPHRASE` if the passphrase is missing or wrong.
    """
    key = read_private_key(path, passphrase)
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreError("KEY_FILE_UNUSABLE", path=str(path), reason="not an Ed25519 key")
    return SigningKey.from_seed(key.private_bytes_raw())


def write_sealing_key(path: Path, private: bytes, passphrase: bytes | None) -> None:
    """Write the file of a private X25519 key, 32 bytes, as `write_key` does."""
    write_private_key(path, X25519PrivateKey.from_private_bytes(private), passphrase)


def read_sealing_key(path: Path, passphrase: bytes | None) -> bytes:
    """Return the private X25519 key of a file; raises as `read_key` does."""
    key = read_private_key(path, passphrase)
    if not isinstance(key, X25519PrivateKey):
        raise StoreError("KEY_FILE_UNUSABLE", path=str(path), reason="not an X25519 key")
    return key.private_bytes_raw()


def write_private_key(path: Path, key: PrivateKeyTypes, passphrase: bytes | None) -> None:
    """Write the file of a private key of any kind, as `write_key` does."""
    protection: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)
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


def read_private_key(path: Path, passphrase: bytes | None) -> PrivateKeyTypes:
    """Return the private key of a file, of whatever kind it is; raises as `read_key` does."""
    try:
        mode, data = stat.S_IMODE(path.stat().st_mode), path.read_bytes()
    except OSError as error:
        raise StoreError("KEY_FILE_UNUSABLE", path=str(path), reason=str(error.strerror)) from None
    if mode & 0o077:
        raise StoreError("KEY_FILE_OPEN", path=str(path), mode=f"{mode:04o}")
    try:
        return load_pem_private_key(data, passphrase)
    except TypeError:
        raise StoreError("KEY_PASSPHRASE", path=str(path)) from None
    except (ValueError, UnsupportedAlgorithm):
        # A wrong passphrase and a damaged file cannot be told apart by every format; only an encrypted one asks again.
        code = "KEY_PASSPHRASE" if b"ENCRYPTED" in data else "KEY_FILE_UNUSABLE"
        raise StoreError(code, path=str(path), reason="not a key") from None
