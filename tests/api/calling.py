"""The command line as a test calls it: in this process, with what it printed and its exit code."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from api.cli.main import app

PASSPHRASE = "a passphrase of the tests"
_UNSET = ("BALLOT_LEDGER_HOME", "BALLOT_LEDGER_LANG", "DATABASE_URL", "LANG", "LC_ALL", "LC_MESSAGES")


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The JSON answer: all of standard output."""
        return json.loads(self.out)


def call(*arguments: str | Path | int, given: str | None = None, **environment: str) -> Answer:
    """Call the command line; a variable given as empty text is not set."""
    variables = dict.fromkeys(_UNSET, "") | {"BALLOT_LEDGER_PASSPHRASE": PASSPHRASE} | environment
    used = {name: value or None for name, value in variables.items()}
    result = CliRunner().invoke(app, [str(one) for one in arguments], input=given, env=used)
    assert "Traceback" not in result.output
    return Answer(result.exit_code, result.stdout, result.stderr)
