"""A program in Go over `golang.org/x/mod/sumdb`, built once from the distribution's packages; it fails without them."""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

Ask: TypeAlias = Callable[[Sequence[dict[str, Any]]], list[Any]]
"""Gives commands to the Go program and returns, for each, its value, or None where it says that it does not hold."""

SOURCE = Path(__file__).with_name("peer.go")
PACKAGES = Path("/usr/share/gocode")
"""Where Debian's golang-golang-x-mod-dev puts its source."""


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Build the Go program and return what asks it."""
    folder = tmp_path_factory.mktemp("go")
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
        "GOPATH": str(PACKAGES),
        "GOPROXY": "off",
    }
    subprocess.run(["go", "build", "-o", str(folder / "peer"), str(SOURCE)], env=environment, check=True)

    def ask(commands: Sequence[dict[str, Any]]) -> list[Any]:
        given = "".join(json.dumps(command) + "\n" for command in commands)
        done = subprocess.run([folder / "peer"], input=given, capture_output=True, text=True, check=True)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(commands), done.stderr
        assert all((answer["value"] is None) == bool(answer["error"]) for answer in answers)
        print(*(answer["error"] for answer in answers if answer["error"]), sep="\n")
        return [answer["value"] for answer in answers]

    return ask
