"""Passphrases: from the environment or asked on the terminal, never as an argument and never printed."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import typer

from api.cli.options import PASSPHRASE_VARIABLE
from api.cli.terminal import CliError, Terminal
from api.witness.keys import read_witness_key
from ledger.cosignature import Cosigner
from ledger.errors import StoreError
from ledger.keyfile import read_key, read_sealing_key
from ledger.signing import SigningKey

Key = TypeVar("Key")


def new_passphrase(made: Terminal) -> bytes:
    """Return a passphrase for new key files, asked twice; `CliError` `PASSPHRASE_NEEDED` where nobody can be asked."""
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if not given and sys.stdin.isatty():
        given = typer.prompt(made.word("new-passphrase"), hide_input=True, confirmation_prompt=True, err=True)
    if not given:
        raise CliError("PASSPHRASE_NEEDED", variable=PASSPHRASE_VARIABLE)
    return given.encode()


def open_key(made: Terminal, path: Path) -> SigningKey:
    """Read a key file, with a passphrase if it needs one."""
    return _opened(made, path, read_key)


def open_sealing_key(made: Terminal, path: Path) -> bytes:
    """Read the file of a sealing key, with a passphrase if it needs one."""
    return _opened(made, path, read_sealing_key)


def open_witness_key(made: Terminal, path: Path) -> Cosigner:
    """Read the file of a witness's key, with a passphrase if it needs one."""
    return _opened(made, path, read_witness_key)


def passphrase_of(made: Terminal, path: Path) -> bytes:
    """Return the passphrase of a key file that has one; `CliError` `PASSPHRASE_NEEDED` where nobody can be asked."""
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if not given and sys.stdin.isatty():
        given = typer.prompt(made.word("passphrase", path=path), hide_input=True, err=True)
    if not given:
        raise CliError("PASSPHRASE_NEEDED", variable=PASSPHRASE_VARIABLE)
    return given.encode()


def _opened(made: Terminal, path: Path, read: Callable[[Path, bytes | None], Key]) -> Key:
    try:
        return read(path, None)
    except StoreError as error:
        if error.code != "KEY_PASSPHRASE":
            raise
    return read(path, passphrase_of(made, path))
