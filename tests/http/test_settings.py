"""The service's configuration: by environment, checked at the start, printed without secrets."""

import json

import pytest
from pydantic import ValidationError

from api.http.settings import Limits, Settings

HOOK = '[{"name":"city","url":"https://example.org/hook?token=hush-hush","kinds":["round.closed"]}]'


def test_every_setting_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALLOT_LEDGER_PORT", "8443")
    monkeypatch.setenv("BALLOT_LEDGER_LIMITS__BODY_BYTES", "65536")
    monkeypatch.setenv("BALLOT_LEDGER_TRUSTED_PROXIES", '["10.0.0.0/8","::1/128"]')
    monkeypatch.setenv("BALLOT_LEDGER_WEBHOOKS", HOOK)
    found = Settings()
    assert (found.port, found.limits.body_bytes, found.limits.json_depth) == (8443, 65536, Limits().json_depth)
    assert [str(network) for network in found.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert [(hook.name, hook.kinds, hook.start) for hook in found.webhooks] == [("city", ("round.closed",), 0)]


def test_what_is_printed_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ledger:hush-hush@db/ledger")
    monkeypatch.setenv("BALLOT_LEDGER_METRICS_TOKEN", "hush-hush")
    monkeypatch.setenv("BALLOT_LEDGER_WEBHOOKS", HOOK)
    found = Settings()
    printed = json.dumps(found.printable())
    assert "hush-hush" not in printed
    assert "hush-hush" not in repr(found.metrics_token) + repr(found.database_url)
    assert found.printable()["database_url"] == found.printable()["metrics_token"] == "(set)"
    assert found.printable()["webhooks"] == [{"name": "city", "host": "example.org", "kinds": ["round.closed"]}]
    limits = found.printable()["limits"]
    assert limits == Limits().model_dump()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("WORKERS", "0"),
        ("LIMITS__BODY_BYTES", "0"),
        ("LIMITS__CONNECTIONS", "-1"),
        ("LIMITS__NO_SUCH_BOUND", "1"),
        ("TRUSTED_PROXIES", '["everybody"]'),
        ("LOG_LEVEL", "chatty"),
        ("PUBLIC_URL", "javascript:alert(1)"),
        ("WEBHOOKS", '[{"name":"a","url":"ftp://example.org/"}]'),
        ("WEBHOOKS", '[{"name":"a","url":"https://user:word@example.org/"}]'),
        ("WEBHOOKS", '[{"name":"../a","url":"https://example.org/"}]'),
        ("WEBHOOKS", '[{"name":"a","url":"https://a.org/"},{"name":"a","url":"https://b.org/"}]'),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_not_echoed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"BALLOT_LEDGER_{name}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert "input_value" not in str(caught.value)


def test_nothing_changes_while_the_service_runs() -> None:
    with pytest.raises(ValidationError):
        Settings().limits.body_bytes = 1
