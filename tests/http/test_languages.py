"""Every problem in both languages: each code that can come over HTTP, its page, and which language is chosen.

And nothing of a request comes back in one: a mark that is put wherever a request has room for it is in no answer.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import problems
from api.http.limits import STATUS
from api.problems import HttpError, language_of, problem_of, section_of
from api.rehearsal.steps_rounds import ballot
from ledger.messages import LANGUAGES, codes
from ledger.procedure.reasons import Refusal
from tests.http.live import Lasting, Live, live_service
from tests.http.reading import REASON
from tests.http.test_statements import open_round_history
from tests.voting import PANEL

ROOT = Path(__file__).parents[2]
HAN = re.compile("[一-鿿]")
MARK = "s3cr3tm4rk"
RAISED = ("HttpError", "Forbidden", "Unavailable")


def raised() -> set[str]:
    """Every code that a module of the service raises by name, and those of the bounds."""
    found = set(STATUS)
    for path in (ROOT / "api").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in RAISED:
                continue
            if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                found.add(node.args[0].value)
    return found


@pytest.fixture(scope="module")
def live(lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service whose panel may vote."""
    with live_service(lasting_site, tmp_path_factory.mktemp("languages"), open_round_history()[0]) as one:
        yield one


def test_every_code_that_is_raised_has_words() -> None:
    assert raised() - {*codes("errors"), *codes("refusals")} == set()
    assert len(raised()) > 40


@pytest.mark.parametrize("section", ["refusals", "errors"])
def test_every_code_is_told_in_both_languages(section: str) -> None:
    for code in codes(section):
        what = Refusal(code, "五(一)") if section == "refusals" else HttpError(code, 400)
        zh, en = (problem_of(what, language) for language in LANGUAGES)
        for told in (zh, en):
            assert (HAN.search(told["zh"]) is not None, HAN.search(told["en"]) is None) == (True, True), code
            assert not re.search(r"\{\w*\}", told["zh"] + told["en"]), code
            assert 400 <= told["status"] < 600
        assert (zh["detail"], en["detail"]) == (zh["zh"], en["en"])
        assert HAN.search(zh["title"])
        assert not HAN.search(en["title"])
        assert section_of(code) is not None


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-TW", "zh"),
        ("EN-GB", "en"),
        ("en;q=0.001", "en"),
        ("en;q=0", "zh"),
        ("en;q=0,zh;q=0", "zh"),
        ("zh;q=0.5,en;q=0.5", "zh"),
        ("en;q=0.5,zh;q=0.5", "en"),
        ("zh;q=0.9, en", "en"),
        ("en;Q=1.000, zh;q=0.999", "en"),
        ("en;q=1.9, zh", "zh"),
        ("en;q=-1, zh;q=0.1", "zh"),
        ("en;q=0.1234, zh;q=0.1", "zh"),
        ("*;q=0.9, zh;q=0.1", "en"),
        ("*;q=0.1, en;q=0.5", "en"),
        ("*, en;q=0.5", "zh"),
        ("zh;q=0, *", "en"),
        ("fr, de;q=0.9", "zh"),
        ("english", "zh"),
        ("x" * 600 + ",en", "zh"),
    ],
)
def test_the_language_goes_by_weights(accepted: str, language: str) -> None:
    assert language_of(accepted) == language


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text(max_size=200) | st.lists(st.sampled_from(["zh", "en", "*", ";q=", "0.5", ",", "-", " "])).map("".join))
def test_whatever_is_asked_for_there_is_a_language(accepted: str) -> None:
    assert language_of(accepted) in LANGUAGES


def asked(live: Live) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Requests that go wrong, by the code of the problem; a mark stands wherever it can."""
    world = live.service.world
    many = "application/vnd.ballot-ledger.statements+json"
    played = world.state.rounds.by_id[open_round_history()[1]]
    too_many = ballot(world, played.id, [world.alias_of(one) for one in played.candidates])
    stranger = world.envelope(f"stranger-{MARK}", ballot(world, played.id, []))
    signed = {"content-type": "application/json"}
    at = f"/v1/statements?at={world.now}"
    statement: dict[str, tuple[str, str, dict[str, Any]]] = {
        "OVERVOTE": ("POST", at, {"content": world.envelope(PANEL[0], too_many), "headers": signed}),
        "KEY_UNKNOWN": ("POST", at, {"content": stranger, "headers": signed}),
        "NOT_CANONICAL": ("POST", at, {"json": {MARK: MARK}}),
        "JSON_TOO_DEEP": ("POST", at, {"content": b"[" * 99 + MARK.encode(), "headers": signed}),
        "CONTENT_UNSUPPORTED": ("POST", at, {"content": MARK, "headers": {"content-type": f"text/{MARK}"}}),
        "TOO_MANY_STATEMENTS": ("POST", at, {"content": b'{"statements":[]}', "headers": {"content-type": many}}),
    }
    reading: dict[str, tuple[str, str, dict[str, Any]]] = {
        "NOT_FOUND": ("GET", f"/v1/{MARK}?{MARK}", {}),
        "METHOD_NOT_ALLOWED": ("PUT", f"/v1/stages?{MARK}={MARK}", {"json": {MARK: MARK}}),
        "REQUEST_INVALID": ("GET", f"/v1/stages?limit={MARK}", {}),
        "TIME_INVALID": ("GET", f"/v1/stages?at={MARK}", {}),
        "INDEX_UNKNOWN": ("GET", "/v1/stages?at=999999", {}),
        "EVENT_ID_MALFORMED": ("GET", f"/v1/stream?after={MARK}&follow=false", {}),
        "SIGN_IN_NEEDED": ("GET", "/v1/status", {"headers": {"authorization": f"Bearer {MARK}"}}),
        "SIGN_IN_FAILED": ("POST", "/v1/session", {"json": {"challenge": MARK, "key": MARK, "signature": MARK}}),
        "TARGET_TOO_LONG": ("GET", "/v1/stages?" + MARK * 999, {}),
        "HEAD_TOO_LARGE": ("GET", "/v1/stages", {"headers": {"x-mark": MARK * 9_999}}),
        "PROOF_RANGE": ("GET", "/v1/proofs/consistency?old=9&new=3", {}),
        "CREDENTIAL_MALFORMED": (
            "POST",
            "/v1/polls/nowhere/ballots",
            {"json": {"channel": MARK, "code": MARK, "candidates": [MARK]}},
        ),
    }
    by_role: dict[str, tuple[str, str, dict[str, Any]]] = {
        "READ_FORBIDDEN": ("GET", f"/v1/history/{MARK}", {"headers": live.session("applicant-01")}),
        "READ_REASON_NEEDED": ("GET", f"/v1/rounds/{MARK}/ballots", {"headers": live.session("discipline")}),
        "CHANGE_NEEDED": ("GET", "/v1/what-if", {"headers": live.session("discipline") | REASON}),
    }
    return statement | reading | by_role


def test_every_problem_comes_in_the_language_that_is_asked_for_and_echoes_nothing(live: Live) -> None:
    wanted = {"zh": "zh-CN, en;q=0.5", "en": f"en-{MARK}, en, zh;q=0.3"}
    for code, (method, path, more) in asked(live).items():
        for language, accepted in wanted.items():
            headers = more.get("headers", {}) | {"accept-language": accepted, "user-agent": MARK, "referer": MARK}
            answer = live.http.request(method, path, **(more | {"headers": headers}))
            told = answer.json()
            assert told["code"] == code, told
            assert answer.headers["content-type"] == problems.MEDIA_TYPE
            assert answer.headers["content-language"] == language
            assert "accept-language" in answer.headers["vary"].lower()
            assert told["detail"] == told[language]
            assert bool(HAN.search(told["title"])) == (language == "zh")
            assert told["status"] == answer.status_code
            assert MARK not in answer.text + str(answer.headers), code
            explained(live, told["type"], code)


def explained(live: Live, path: str, code: str) -> None:
    """The page of a code says it in both languages, as a page and as JSON."""
    page: httpx.Response = live.http.get(path)
    assert (page.status_code, 'lang="zh-CN"' in page.text, 'lang="en"' in page.text) == (200, True, True)
    told = live.http.get(path, headers={"accept": "application/json"}).json()
    assert (told["code"], bool(HAN.search(told["zh"])), bool(HAN.search(told["en"]))) == (code, True, False)
