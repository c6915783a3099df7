"""The README's tour with curl, run as it stands against a service of its own, and held to what is said of it."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from api.http.app import routers
from tests.api.calling import call
from tests.api.conftest import reachable
from tests.attestation.test_readme import section

__all__ = ["reachable"]
TOUR = "### A tour with curl"


def script() -> str:
    """The commands of the tour."""
    found = re.findall(r"^```bash\n(.*?)^```$", section(TOUR), re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def marked(commands: str) -> list[str]:
    """Each step of the tour: the commands below one of its remarks."""
    return [step for step in re.split(r"^# .*\n", commands, flags=re.MULTILINE) if step.strip()]


def test_the_tour_asks_for_what_the_service_has() -> None:
    """Also where there is no curl: every path of the tour is a route."""
    routes = [route.path_regex for router in routers() for route in router.routes if hasattr(route, "path_regex")]
    asked = {path.split("?")[0].rstrip('"') for path in re.findall(r"\$L(/[^\s\"]+)", script())}
    assert len(asked) > 10
    assert [path for path in sorted(asked) if not any(regex.match(path) for regex in routes)] == []


@pytest.mark.system
def test_the_tour_runs_as_it_stands(reachable: Path) -> None:
    home = reachable / "ballot-ledger-demo"
    assert call("demo", "--folder", home).code == 0
    (reachable / ".venv").symlink_to(Path(sys.executable).parents[1])
    commands = script().replace("8080", port := str(free_port()))
    steps = marked(commands)
    said = "".join(f"{step}\nprintf '\\n\\036\\n'\n" for step in steps)
    env = {name: value for name, value in os.environ.items() if not name.startswith("BALLOT_LEDGER_")}
    env |= {"BALLOT_LEDGER_PORT": port, "LANG": "en_US.UTF-8"}
    env.pop("DATABASE_URL", None)
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "-euo", "pipefail", "-m", "-c", f"trap 'kill %1 2>/dev/null || true; wait' EXIT\n{said}"],
        cwd=reachable, env=env, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    began, log, follows, known, entries, form, admitted, checked = done.stdout.split("\n\x1e\n")[:8]
    assert json.loads(began)["status"] == "ready"
    assert log.startswith("rehearsal.example/")
    assert '"consistency"' in log
    assert [json.loads(line)["as_of"]["published"] for line in follows.splitlines() if line] == [3033] * 3
    assert (reachable / "final.csv").read_text("utf-8-sig").startswith("subject,stage,group,rank,candidate")
    assert known.splitlines()[-1] == "304"
    assert re.findall(r"^id: (\d+)$", entries, re.MULTILINE) == ["3030", "3031", "3032"]
    refused = [json.loads(line) for line in form.splitlines() if line.startswith("{")]
    assert [one["code"] for one in refused] == ["STAGE_CLOSED"] * 2
    assert [one["detail"] for one in refused] == [refused[0]["zh"], refused[0]["en"]]
    assert all(one["clause"] and one["receipt"].startswith("c2sp.org/tlog-proof@v1") for one in refused)
    receipts = [json.loads(line) for line in admitted.splitlines() if line.startswith("{")]
    assert [one["again"] for one in receipts] == [False, True]
    assert receipts[0]["receipt"] == receipts[1]["receipt"]
    assert "3034" in checked
