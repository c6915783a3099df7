"""What the service is told by its environment: every variable begins with `BALLOT_LEDGER_`.

`BALLOT_LEDGER_PORT=8443`, and for the bounds `BALLOT_LEDGER_LIMITS__BODY_BYTES=65536`. The database is named by
`DATABASE_URL`, as for the command line. A setting that does not hold raises pydantic's `ValidationError` at the start.
Everything that a stranger can make grow has a bound in `Limits`; nowhere is "no bound" a value.
"""

from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Network: TypeAlias = IPv4Network | IPv6Network
Positive = Annotated[int, Field(gt=0, le=2**40)]
Seconds = Annotated[int, Field(gt=0, le=86_400)]


class Limits(BaseModel):
    """Bounds of one worker. Sizes in bytes, times in seconds, rates in requests a minute for each client address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: Positive = 8 << 20
    """A request's body, but for uploads of evidence."""
    upload_bytes: Positive = 256 << 20
    """The body of an upload of evidence, which is streamed."""
    uploads: Positive = 256
    """Uploads of evidence under way at once, by all workers."""
    uploads_a_signer: Positive = 16
    upload_bytes_a_signer: Positive = 256 << 20
    """Declared sizes of what one signer has under way."""
    upload_bytes_under_way: Positive = 2 << 30
    """Declared sizes of everything under way: so much of the disk may be taken; a quarter of it without a key."""
    upload_seconds: Seconds = 3_600
    """For an upload to be complete, and for its answer to be asked for again."""
    uploads_a_minute: Positive = 120
    upload_burst: Positive = 120
    """Uploads that one client address begins."""
    upload_kib_a_minute: Positive = 100 << 10
    upload_kib_burst: Positive = 512 << 10
    """Declared sizes of the uploads of one client address."""
    downloads: Positive = 16
    """Pieces of evidence that are given out at once."""
    objection_bytes: Positive = 9 << 20
    """A sealed objection, with whatever is enclosed."""
    objections_a_minute: Positive = 2
    objection_burst: Positive = 10
    """Keyless objections, and permits to upload one, of one client address."""
    objections_a_minute_all: Positive = 60
    objection_burst_all: Positive = 120
    """The same of all addresses together."""
    progress_a_minute: Positive = 60
    progress_burst: Positive = 30
    """Questions for the progress of a keyless objection, of one client address."""
    envelope_bytes: Positive = 65_535
    """One DSSE envelope: an entry must hold it."""
    batch_size: Positive = 500
    """Statements in one request."""
    ballot_batch_size: Positive = 16_384
    """Public ballots in one signed batch; no batch of the log holds more."""
    json_depth: Positive = 16
    header_bytes: Positive = 16 << 10
    """All header lines of a request together."""
    header_count: Positive = 64
    target_bytes: Positive = 4 << 10
    """Path and query."""
    requests_a_minute: Positive = 6_000
    request_burst: Positive = 600
    writes_a_minute: Positive = 3_000
    write_burst: Positive = 300
    """Of POST, PUT, PATCH and DELETE, within the requests."""
    ballots_a_minute: Positive = 600
    ballot_burst: Positive = 200
    """Of public ballots and receipts asked for again, within the writes: many voters share the address of a network."""
    credential_tries_a_minute: Positive = 6
    credential_burst: Positive = 10
    """Of the same for each credential, whether anybody knows it or not."""
    unknown_credentials_a_minute: Positive = 6
    unknown_credential_burst: Positive = 20
    """Of what an address asks for with credentials that nobody knows; then it is refused all of it for a while."""
    addresses: Positive = 65_536
    """Client addresses whose rate is remembered at once."""
    head_seconds: Seconds = 10
    """From connecting, or the end of the answer before, to the end of a request's head."""
    body_seconds: Seconds = 20
    """For a body of any size, and beside that a second for each `body_bytes_a_second`."""
    body_bytes_a_second: Positive = 16 << 10
    answer_seconds: Seconds = 30
    """From the end of the request to the first byte of the answer."""
    send_seconds: Seconds = 20
    """For a client to take each piece of an answer."""
    keep_alive_seconds: Seconds = 15
    shutdown_seconds: Seconds = 20
    """For what is under way when the service is told to end."""
    requests_at_once: Positive = 512
    connections: Positive = 1_024
    connections_an_address: Positive = 256
    page_size: Positive = 500
    streams: Positive = 256
    streams_an_address: Positive = 16
    stream_page: Positive = 64
    """Entries that wait for one client of a stream."""
    heartbeat_seconds: Seconds = 15


class Webhook(BaseModel):
    """An address that is told of public entries; `kinds` are names of statements without version, empty for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    url: AnyHttpUrl
    kinds: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$")], ...], Field(max_length=200)] = ()
    start: Annotated[int, Field(ge=0)] = 0
    """The index of the first entry it is told of."""

    @model_validator(mode="after")
    def _without_credentials(self) -> "Webhook":
        if self.url.username or self.url.password or self.url.fragment:
            raise ValueError("the address of a webhook bears no user, password or fragment")
        return self


class Oidc(BaseModel):
    """An identity provider at which organisers may sign in for reading (OpenID Connect, code flow with PKCE)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    issuer: AnyHttpUrl
    """As the provider names itself, exactly; without TLS only on this machine."""
    client_id: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]
    client_secret: SecretStr
    people: Path
    """A JSON file `{"subject": "person id", …}` that nobody else may write: who is who at the provider."""

    @model_validator(mode="after")
    def _usable(self) -> "Oidc":
        if self.issuer.scheme != "https" and self.issuer.host not in ("127.0.0.1", "[::1]", "localhost"):
            raise ValueError("the issuer needs https")
        if find_spec("jwt") is None:
            raise ValueError("signing in elsewhere needs the extra `oidc`")
        return self


def _distinct(hooks: tuple[Webhook, ...]) -> tuple[Webhook, ...]:
    if len({hook.name for hook in hooks}) != len(hooks):
        raise ValueError("two webhooks have the same name")
    return hooks


class Settings(BaseSettings):
    """The service's configuration; frozen, and the same in every worker."""

    model_config = SettingsConfigDict(
        env_prefix="BALLOT_LEDGER_",
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    home: Path = Path("ledger-home")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that serve; on two cores one is no slower than two, and works less."""
    public_url: AnyHttpUrl | None = None
    """Where clients reach the service; by default where it listens. Sign-in challenges are bound to it."""
    database_url: Annotated[SecretStr | None, Field(validation_alias="DATABASE_URL")] = None
    trusted_proxies: tuple[Network, ...] = ()
    """Peers whose `X-Forwarded-For` names the client; nobody else's is believed."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics_token: SecretStr | None = None
    """The bearer token of `/metrics`; without one only this machine reads them."""
    session_seconds: Seconds = 900
    challenge_seconds: Seconds = 120
    poll_challenge: str | None = None
    """The hook that lets a public ballot pass, as `module:name`; None for none."""
    webhooks: Annotated[tuple[Webhook, ...], Field(max_length=64), AfterValidator(_distinct)] = ()
    webhook_private_addresses: bool = False
    """Whether webhooks may be on private addresses and without TLS: for tests and closed networks."""
    webhook_failures: Annotated[int, Field(ge=1, le=1_000)] = 20
    """After so many failures in a row a webhook is switched off."""
    oidc: Oidc | None = None
    """Where organisers may sign in for reading beside their key; None for nowhere."""
    limits: Limits = Limits()

    def printable(self) -> dict[str, object]:
        """Return every setting as plain values, secrets only as whether they are set."""
        shown: dict[str, object] = self.model_dump(mode="json", by_alias=False)
        for name, value in self:
            if isinstance(value, SecretStr):
                shown[name] = "(set)"
        if self.oidc is not None:
            shown["oidc"] = {**self.oidc.model_dump(mode="json"), "client_secret": "(set)"}
        # An address may hold a token in its query, or be one.
        shown["webhooks"] = [
            {"name": hook.name, "host": hook.url.host, "kinds": list(hook.kinds)} for hook in self.webhooks
        ]
        return shown
