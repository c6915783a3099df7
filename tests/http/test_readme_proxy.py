"""The README's deployment: nginx runs its file and lets through what it should; the unit and the settings are ours."""

import configparser
import json
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.http.settings import Limits, Oidc, Settings
from tests.api.calling import call
from tests.attestation.test_readme import section
from tests.http.test_readme_tour import free_port
from tests.http.test_serving import home, serving, until
from tests.sequenced import Site

__all__ = ["home"]
SECTION = "### Behind a proxy"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


def block(language: str) -> str:
    """The sample of a language in the section."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", section(SECTION), re.MULTILINE | re.DOTALL)
    return str(found)


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate of this machine, signed by itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ledger")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return paths


def configured(folder: Path, service: str, port: int) -> Path:
    """Write the README's file between what a whole configuration has around it; only addresses and paths differ."""
    cert, key = certificate(folder)
    text = block("nginx")
    for ours, here in (
        ("127.0.0.1:8080", service.removeprefix("http://")),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/ledger.example.pem", str(cert)),
        ("/etc/ssl/private/ledger.example.key", str(key)),
    ):
        assert text.count(ours) == 1, ours
        text = text.replace(ours, here)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    around = f"pid {folder}/pid;\nerror_log {folder}/error.log;\ndaemon off;\nevents {{}}\n"
    path = folder / "nginx.conf"
    path.write_text(f"{around}http {{\naccess_log off;\n{temporary}{text}}}\n")
    return path


def listens(port: int) -> bool:
    """Whether somebody listens at a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def proxy(folder: Path, service: str) -> Iterator[httpx.Client]:
    """Run nginx before a service; gives a client of it that checks the certificate."""
    port = free_port()
    path = configured(folder, service, port)
    checked = subprocess.run([NGINX, "-t", "-c", path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr
    trusted = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    with (
        subprocess.Popen([NGINX, "-c", path]) as process,
        httpx.Client(verify=trusted, base_url=f"https://127.0.0.1:{port}", timeout=20) as client,
    ):
        try:
            until(lambda: listens(port))
            yield client
        finally:
            process.terminate()


@pytest.mark.system
def test_nginx_runs_the_sample_and_lets_through_what_it_should(
    site: Site, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLOT_LEDGER_TRUSTED_PROXIES", '["127.0.0.1"]')
    monkeypatch.setenv("BALLOT_LEDGER_LIMITS__REQUESTS_A_MINUTE", "1")
    monkeypatch.setenv("BALLOT_LEDGER_LIMITS__REQUEST_BURST", "8")
    with serving(site, home, 1) as (_, service), proxy(tmp_path, service) as client:
        # events come while the answer goes on, not when a buffer is full
        began = time.monotonic()
        with client.stream("GET", "/v1/stream?after=-1") as events:
            lines = events.iter_lines()
            assert any(line.startswith("id: 0") for line in lines)
            assert time.monotonic() - began < 10
        note = client.get("/checkpoint")
        assert (note.status_code, note.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert "strict-transport-security" in note.headers
        assert client.get("/metrics").status_code == 404
        too_large = client.post("/v1/statements", content=bytes(9 << 20), headers={"content-type": "application/json"})
        assert too_large.status_code == 413
        problem = client.post("/v1/statements", content=b"{}", headers={"content-type": "application/json"})
        assert problem.headers["content-type"] == "application/problem+json"
        # a client that names another address for every request is still one client
        claims = [client.get("/version", headers={"x-forwarded-for": f"203.0.113.{one}"}) for one in range(8)]
        assert claims[-1].status_code == 429
        assert "retry-after" in claims[-1].headers


def test_the_unit_starts_a_command_that_there_is_with_settings_that_there_are() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(block("ini"))
    command = shlex.split(unit["Service"]["ExecStart"])
    assert Path(command[0]).name == "ballot-ledger"
    assert call(*command[1:2], "--help").code == 0
    given = dict(
        line.partition("=")[2].strip("'").split("=", 1)
        for line in block("ini").splitlines()
        if line.startswith("Environment=")
    )
    fields = {name.removeprefix("BALLOT_LEDGER_").lower(): value for name, value in given.items()}
    assert set(fields) == {"home", "public_url", "trusted_proxies"}
    read = {name: json.loads(value) if value.startswith("[") else value for name, value in fields.items()}
    settings = Settings(**read)  # type: ignore[arg-type]
    assert str(settings.trusted_proxies[0]) == "127.0.0.1/32"
    assert int(unit["Service"]["TimeoutStopSec"]) > settings.limits.shutdown_seconds


def test_every_setting_stands_in_the_table_with_its_default() -> None:
    cells = re.findall(r"^\| (`[^|]*) \| ([^|]*) \|", section(SECTION), re.MULTILINE)
    told: dict[str, str] = {}
    for names, defaults in cells:
        written = re.findall(r"`([A-Z_]+…?)`", names)
        shown = re.findall(r"`([^`]*)`", defaults) or [defaults.strip()] * len(written)
        told |= dict(zip(written, shown, strict=True))
    fields = {
        str(field.validation_alias or f"BALLOT_LEDGER_{name.upper()}"): field.default
        for name, field in Settings.model_fields.items()
        if field.annotation is not Limits
    }
    nested = {"BALLOT_LEDGER_LIMITS__…", "BALLOT_LEDGER_OIDC__…"}
    assert told.keys() - nested == fields.keys() - {"BALLOT_LEDGER_OIDC"}
    assert nested <= told.keys()
    assert all(f"`{name.upper()}`" in section(SECTION) for name in Oidc.model_fields)
    for name, default in fields.items():
        if name != "BALLOT_LEDGER_HOME" and default not in (None, ()):
            assert told[name] == str(default).lower(), name


def test_the_settings_can_be_listed_without_a_secret(home: Path) -> None:
    shown = call("serve", "--settings", "--json", "--home", home, BALLOT_LEDGER_METRICS_TOKEN="hidden-token")
    assert (shown.code, "hidden-token" in shown.out) == (0, False)
    settings = shown.value["settings"]
    assert settings["metrics_token"] == "(set)"
    assert set(settings["limits"]) == set(Limits.model_fields)
