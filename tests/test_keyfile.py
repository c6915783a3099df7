"""Key files: readable by their owner alone, never overwritten, and nothing of the key in any error."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ledger.errors import StoreError
from ledger.keyfile import read_key, read_sealing_key, write_key, write_sealing_key
from ledger.sealing import new_sealing_key
from ledger.signing import SigningKey

SEED = bytes(range(32))
KEY = SigningKey.from_seed(SEED)
SECRET = "口令 with spaces".encode()


def refused(path: Path, passphrase: bytes | None) -> StoreError:
    """Read a key file that cannot be read, and return why; the reason never holds the key or the passphrase."""
    with pytest.raises(StoreError) as caught:
        read_key(path, passphrase)
    told = f"{caught.value} {caught.value.facts}"
    assert SEED.hex() not in told
    assert SECRET.decode() not in told
    assert caught.value.facts["path"] == str(path)
    return caught.value


@pytest.mark.parametrize("passphrase", [None, b"p", SECRET])
def test_a_key_comes_back_from_its_file(tmp_path: Path, passphrase: bytes | None) -> None:
    path = tmp_path / "key.pem"
    write_key(path, KEY, passphrase)
    assert read_key(path, passphrase) == KEY
    assert path.stat().st_mode & 0o777 == 0o600
    assert (b"ENCRYPTED" in path.read_bytes()) == (passphrase is not None)
    other = load_pem_private_key(path.read_bytes(), passphrase)
    assert isinstance(other, Ed25519PrivateKey)
    assert other.private_bytes_raw() == SEED


def test_two_files_of_one_key_are_never_alike_under_a_passphrase(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_key(tmp_path / name, KEY, SECRET)
    assert (tmp_path / "one").read_bytes() != (tmp_path / "other").read_bytes()


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write_key(path, KEY, None)
    with pytest.raises(StoreError) as caught:
        write_key(path, SigningKey.from_seed(bytes(32)), None)
    assert caught.value.code == "KEY_FILE_EXISTS"
    assert read_key(path, None) == KEY


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        write_key(tmp_path / "no folder" / "key.pem", KEY, None)
    assert caught.value.code == "KEY_FILE_UNUSABLE"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_key_that_others_may_read_is_not_used(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.pem"
    write_key(path, KEY, None)
    os.chmod(path, mode)
    error = refused(path, None)
    assert (error.code, error.facts["mode"]) == ("KEY_FILE_OPEN", f"{mode:04o}")


@pytest.mark.parametrize("passphrase", [None, b"wrong", b""])
def test_the_passphrase_must_be_right(tmp_path: Path, passphrase: bytes | None) -> None:
    path = tmp_path / "key.pem"
    write_key(path, KEY, SECRET)
    assert refused(path, passphrase).code == "KEY_PASSPHRASE"


def test_a_passphrase_for_a_file_that_has_none(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write_key(path, KEY, None)
    assert refused(path, SECRET).code == "KEY_PASSPHRASE"


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    assert refused(path, None).code == "KEY_FILE_UNUSABLE"
    assert refused(tmp_path / "missing.pem", None).code == "KEY_FILE_UNUSABLE"
    assert refused(tmp_path, None).code in {"KEY_FILE_UNUSABLE", "KEY_FILE_OPEN"}


@pytest.mark.parametrize("passphrase", [None, SECRET])
def test_a_key_of_another_kind(tmp_path: Path, passphrase: bytes | None) -> None:
    path = tmp_path / "key.pem"
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    path.write_bytes(X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))
    path.chmod(0o600)
    error = refused(path, passphrase)
    assert (error.code, error.facts["reason"]) == ("KEY_FILE_UNUSABLE", "not an Ed25519 key")


def test_a_sealing_key_has_a_file_of_its_own_kind(tmp_path: Path) -> None:
    private, _ = new_sealing_key()
    path = tmp_path / "sealing.pem"
    write_sealing_key(path, private, b"secret")
    assert read_sealing_key(path, b"secret") == private
    assert private not in path.read_bytes()
    with pytest.raises(StoreError, match="not an Ed25519 key"):
        read_key(path, b"secret")
    other = tmp_path / "signing.pem"
    write_key(other, SigningKey.from_seed(bytes(range(32))), None)
    with pytest.raises(StoreError, match="not an X25519 key"):
        read_sealing_key(other, None)
