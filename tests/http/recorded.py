"""The examples of the interface's description: what a rehearsal answers, with lists cut short.

`python -m tests.http.recorded` writes them anew; a test holds those on file to the description.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import httpx
from psycopg.conninfo import make_conninfo

from ledger.embedded import EmbeddedPostgres
from ledger.store import install
from ledger.store.access import install_access
from tests.finalists import CITY, notice_history
from tests.http.conftest import Service, served
from tests.http.reading import REASON, ask, signed_in
from tests.http.route_table import ROUTES
from tests.sequenced import SCHEMA, SERVICE, Site
from tests.simulator import History

FILE = Path(__file__).parents[2] / "api" / "http" / "examples.json"
MOST_TEXT = 2_000
AS = "discipline"
TABLES = (
    "/v1/alternates",
    "/v1/findings",
    "/v1/notices",
    "/v1/objections",
    "/v1/rankings",
    "/v1/rounds/{round}/ballots",
    "/v1/stages/final/candidates",
    "/v1/vacancies",
)
"""What is given as a table as well."""
ELSEWHERE = frozenset({"POST /v1/session", "DELETE /v1/session", "GET /v1/openapi.json"})
"""What is not asked here: it ends the session, or describes itself."""


def short(value: Any) -> Any:
    """Cut lists, and what is as long as a list, to what shows their members."""
    if isinstance(value, dict):
        members = list(value.items())
        return {name: short(member) for name, member in (members if len(members) <= 40 else members[:3])}
    if isinstance(value, list):
        return [short(one) for one in value[: 1 if value and isinstance(value[0], dict | list) else 2]]
    return value


def recorded(service: Service) -> dict[str, dict[str, Any]]:
    """Ask every operation that answers a reader, and return what it answers, by operation and media type."""
    world = service.world
    state = world.state
    known = {
        "round": next(iter(state.rounds.by_id)),
        "person": world.person("applicant-01"),
        "member": world.person("panel-01"),
        "index": state.size - 1,
    }

    async def asking(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        headers = await signed_in(client, world, AS) | REASON
        for name, row in ROUTES.items():
            method, path = name.split(" ")
            if name in ELSEWHERE or row.answer != 200 or row.sent:
                continue
            asked = row.asked.format(**known)
            answer = await client.request(method, asked, headers=headers if row.reads_session else {})
            label = f"{method} {path.replace(':path', '')}"
            found[label] = dict([told(answer)])
            if row.asked in TABLES:
                found[label] |= dict([told(await client.get(f"{asked}?format=csv", headers=headers))])
            if path == "/problems/{code}":
                found[label] |= dict([told(await client.get(asked, headers={"accept": "application/json"}))])
        return found

    answers: dict[str, dict[str, Any]] = ask(service, asking)
    return {name: {kind: value for kind, value in one.items() if kind} for name, one in answers.items()}


def told(answer: httpx.Response) -> tuple[str, Any]:
    """Return the media type of an answer and its content as an example; no media type for bytes."""
    assert answer.status_code == 200, answer.text
    kind = answer.headers["content-type"].partition(";")[0]
    if kind == "application/json":
        return kind, short(answer.json())
    if kind.startswith("text/"):
        return kind, answer.text[:MOST_TEXT]
    return "", None


def main() -> None:
    """Write the examples."""
    with tempfile.TemporaryDirectory(prefix="ballot-ledger-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with EmbeddedPostgres.start(folder / "postgres") as server:
            install(server.dsn, SCHEMA, SERVICE)
            install_access(server.dsn, SCHEMA, SERVICE)
            site = Site(server.dsn, make_conninfo(server.dsn, user=SERVICE), folder / "pin")
            with served(site, history(), folder) as service:
                prepare(service)
                text = json.dumps(recorded(service), ensure_ascii=False, indent=1, sort_keys=True)
    FILE.write_text(f"{text}\n", "utf-8")


def history() -> History:
    """The rehearsal that is asked: it has come to its notice."""
    return notice_history(CITY)


def prepare(service: Service) -> None:
    """Let a service of the tests have a ledger's folder, as exports need it."""
    (service.context.home.folder / "ledger.json").write_text('{"origin": "x", "schema": "ledger"}')


if __name__ == "__main__":
    main()
