"""Passphrases: from the environment or asked on the terminal, never as an argument and never printed."""

import os
import sys
from pathlib import Path

import typer

from api.cli.options import PASSPHRASE_VARIABLE
from api.cli.terminal import CliError, Terminal
from ledger.errors import StoreError
from ledger.keyfile import read_key
from ledger.signing import SigningKey


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
    given = os.environ.get(PASSPHRASE_VARIABLE)
    try:
        return read_key(path, None)
    except StoreError as error:
        if error.code != "KEY_PASSPHRASE":
            raise
    if not given and sys.stdin.isatty():
        given = typer.prompt(made.word("passphrase", path=path), hide_input=True, err=True)
    if not given:
        raise CliError("PASSPHRASE_NEEDED", variable=PASSPHRASE_VARIABLE)
    return read_key(path, given.encode())
