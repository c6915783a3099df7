"""A witness's key files: the private key as PEM for its owner alone, and beside it `<file>.vkey` with name and key.

One key is for one witness identity: an Ed25519 cosignature does not say by whose name it was made. So the full-audit
witness, which states more, has a key of its own.
"""

import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ledger.checkpoint import is_name
from ledger.cosignature import Algorithm, Cosigner, Ed25519Cosigner, MlDsaCosigner, WitnessKey, parse_witness_vkey
from ledger.errors import MalformedError, StoreError
from ledger.keyfile import read_key, read_private_key, write_key, write_private_key
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
        write_private_key(path, private, passphrase)
        cosigner = MlDsaCosigner(name, private)
    vkey_file(path).write_text(cosigner.key.encode() + "\n", "utf-8")
    return cosigner.key


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
    private = read_private_key(path, passphrase)
    if not isinstance(private, MLDSA44PrivateKey):
        raise StoreError("KEY_FILE_UNUSABLE", path=str(path), reason="not an ML-DSA-44 key")
    return private
