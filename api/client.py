"""A client of the service: fetch the form, sign, hand in, verify the receipt, keep it.

Handing in is repeated with the same bytes where no answer came, and never anything else: a statement that arrived twice
gets its first receipt, so that no retry can vote twice. A receipt is believed only if the log's own key, which is known
from elsewhere, signed a checkpoint above the very bytes that were sent.
"""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from api.log_key_following import KnownKeys, Shown
from ledger.checkpoint import Checkpoint, VerifierKey
from ledger.errors import LedgerError, StoreError, VerificationError
from ledger.procedure.acts import ACTS
from ledger.procedure.reasons import Refusal
from ledger.receipt import Receipt, parse
from ledger.roll import SEALED_PREFIX, possession_message
from ledger.signing import SigningKey, encode_base64, key_id
from ledger.statements import Act, Seen, Statement, decode_entry, sign
from ledger.statements.framing import frame_entry
from ledger.statements.kinds import name_of
from ledger.statements.plain import from_plain
from ledger.statements.roll import KeyRotated
from ledger.tiles import number_path

T = TypeVar("T")
SIGN_IN = "ballot-ledger sign-in v1"
TRIES = 5
FIRST_PAUSE = 0.25
MOST_PAUSE = 10.0
SECONDS = 30.0
MOST_BYTES = 8 << 20
_OTHER_KEY = frozenset({"NOTE_UNSIGNED", "PIN_INVALID"})
"""What does not hold where another key has signed."""
_AGAIN = frozenset({408, 429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Receipted:
    """A statement in the log: where, when (UTC ms), whether it was there before, what it waits for, and its proof."""

    index: int
    at: int
    again: bool
    needs: int
    entry: bytes
    receipt: bytes


@dataclass(frozen=True, slots=True)
class Declined:
    """A statement that the rules refuse, with the attempt that was kept and its receipt, if one was."""

    refusal: Refusal
    attempt: bytes | None
    receipt: bytes | None


class ProblemError(LedgerError):
    """A problem that the server told, by its code; `status` is its HTTP status."""

    def __init__(self, code: str, status: int, facts: dict[str, str | int]) -> None:
        """Remember what the server told."""
        super().__init__(code, **facts)
        self.status = status


class Client:
    """One service, by its URL; use it as a context manager."""

    def __init__(
        self,
        url: str,
        keys: Sequence[VerifierKey] = (),
        receipts: Path | None = None,
        http: httpx.Client | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Speak to the service at `url`; `keys` are the log's, as known from elsewhere; keep receipts in a folder.

        Where the log's key was rotated since, the next one is believed as far as the log proves it from those given.
        Without keys nothing that the server says is verified, and nothing is kept.
        """
        self._http = http or httpx.Client(base_url=url, timeout=SECONDS, follow_redirects=False)
        self.keys, self._receipts, self._pause = KnownKeys(keys), receipts, pause
        self._token: str | None = None

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close every connection."""
        self._http.close()

    def ballot_form(self, round_id: str, key: SigningKey) -> dict[str, Any]:
        """Return the form of a ballot. Raises `ProblemError`; `StoreError` `SERVER_UNREACHABLE`."""
        return self.form(f"/v1/rounds/{round_id}/ballot-form", key)

    def score_form(self, stage_id: str, key: SigningKey, group: str | None = None) -> dict[str, Any]:
        """Return the form of a score sheet; errors as `ballot_form`."""
        return self.form(f"/v1/stages/{stage_id}/score-form", key, **({"group": group} if group else {}))

    def countersign_form(self, index: int, key: SigningKey) -> dict[str, Any]:
        """Return the form of a further signature; errors as `ballot_form`."""
        return self.form(f"/v1/entries/{index}/countersign-form", key)

    def vote_form(self, matter: str, key: SigningKey) -> dict[str, Any]:
        """Return the form of a named vote; who decides on an objection signs in for it. Errors as `sign_in`."""
        if matter.startswith("objection:"):
            self.sign_in(key)
        return self.form(f"/v1/matters/{matter}/vote-form", key)

    def form_for(self, body: Any, key: SigningKey) -> dict[str, Any]:
        """Return the form of any statement with this body; errors as `ballot_form`."""
        name, version = name_of(type(body))
        named = {one: value for one in ("stage", "round") if isinstance(value := getattr(body, one, None), str)}
        return self.form(f"/v1/forms/{name}", key, version=str(version), **named)

    def form(self, path: str, key: SigningKey, **query: str) -> dict[str, Any]:
        """Fetch a form for the person whose key this is, and hold the checkpoint in it against the log's key.

        Raises `ProblemError`; `StoreError` `SERVER_UNREACHABLE`; `VerificationError` `SERVER_ANSWER_INVALID`.
        """
        form = self.read(path, **query, key=key_id(key.public))
        header = form.get("header")
        if not isinstance(header, dict) or form.get("kind") not in ACTS:
            raise VerificationError("SERVER_ANSWER_INVALID", where="header")
        self._check_seen(header.get("seen"))
        return form

    def _check_seen(self, value: Any) -> None:
        if not self.keys:
            return
        seen = from_plain(Seen, value, "seen")
        try:
            self._following(lambda: self.keys.pinned(seen))
        except VerificationError as error:
            raise _untrusted(error, "seen") from None

    def sign(
        self,
        form: dict[str, Any],
        body: Any,
        key: SigningKey,
        claimed_at: int | None = None,
        one_time: bool = False,
    ) -> bytes:
        """Return the signed envelope of a body under a form's header; `one_time` signs as a key without a person.

        Raises `VerificationError` `SERVER_ANSWER_INVALID` if the form is of another kind or its fixed members are not
        the body's; `MalformedError` for values that a statement cannot have.
        """
        name, version = name_of(type(body))
        fixed = form.get("fixed") or {}
        if (form.get("kind"), form.get("version")) != (name, version):
            raise VerificationError("SERVER_ANSWER_INVALID", where="kind")
        if any(getattr(body, one, None) != value for one, value in fixed.items()):
            raise VerificationError("SERVER_ANSWER_INVALID", where="fixed")
        header, behalf = form["header"], ACTS[name].behalf
        person = SEALED_PREFIX + key_id(key.public) if one_time else header.get("person")
        if not isinstance(person, str):
            raise VerificationError("KEY_UNKNOWN", key=key_id(key.public))
        statement = Statement(
            body=body,
            claimed_at=claimed_at,
            counter=header.get("counter"),
            key=key_id(key.public),
            nonce=secrets.token_hex(16),
            on_behalf_of=getattr(body, behalf) if behalf else None,
            person=person,
            programme=header.get("programme"),
            rules=header.get("rules"),
            seen=from_plain(Seen, header.get("seen"), "seen"),
            type=name,
            version=version,
        )
        return sign(statement, key)

    def submit(self, envelope: bytes, at: int | None = None) -> Receipted | Declined:
        """Hand in one envelope, the same bytes again where no answer came, and verify the receipt; then keep it.

        `at` (UTC ms) is for the simulated clock of a rehearsal. Raises `StoreError` `SERVER_UNREACHABLE` when no try
        was answered: the statement may be in the log, and sending it again settles that. `ProblemError` for what the
        server could not decide; `VerificationError` `SERVER_ANSWER_INVALID` for a receipt that does not hold,
        `LOG_KEY_UNPROVEN` where it is by a key that the log does not prove from those given.
        """
        answer = self._ask(
            "POST",
            "/v1/statements",
            content=envelope,
            headers={"content-type": "application/json"},
            params={} if at is None else {"at": str(at)},
        )
        return self._answered(envelope, answer)

    def _answered(self, envelope: bytes, answer: httpx.Response) -> Receipted | Declined:
        """Read the answer to an envelope that was handed in, as `submit` gives it."""
        told = _object(answer)
        if answer.status_code in (httpx.codes.OK, httpx.codes.CREATED):
            return self._received(envelope, told)
        problem = _problem(answer.status_code, told)
        if not isinstance(told.get("clause"), str):
            raise problem
        kept = [value.encode() if isinstance(value := told.get(one), str) else None for one in ("attempt", "receipt")]
        return Declined(Refusal(problem.code, told["clause"], problem.facts), kept[0], kept[1])

    def rotate(self, key: SigningKey, new: SigningKey, at: int | None = None) -> Receipted | Declined:
        """Replace the signer's key by a new one, which proves for itself that it is at hand; errors as `submit`.

        What was voted with the old key stays voted: the new key gives no second vote.
        """
        form, challenge = self.form(f"/v1/forms/{name_of(KeyRotated)[0]}", key), secrets.token_hex(32)
        header, new_id = form["header"], key_id(new.public)
        proof = new.sign(possession_message(str(header.get("programme")), str(header.get("person")), new_id, challenge))
        body = KeyRotated("ed25519", challenge, encode_base64(proof), encode_base64(new.public))
        return self.submit(self.sign(form, body, key), at)

    def _received(self, envelope: bytes, told: dict[str, Any]) -> Receipted:
        index, at, receipt = told.get("index"), told.get("at"), told.get("receipt")
        if not isinstance(index, int) or not isinstance(at, int) or not isinstance(receipt, str):
            raise VerificationError("SERVER_ANSWER_INVALID", where="receipt")
        entry, proof = frame_entry(index, at, envelope), receipt.encode()
        if self.keys:
            try:
                given = parse(proof)
                if given.index != index:
                    raise VerificationError("SERVER_ANSWER_INVALID", where="index")
                self._following(lambda: self.keys.check(given, entry))
            except LedgerError as error:
                raise _untrusted(error, "receipt") from None
            self._keep(index, entry, proof)
        return Receipted(index, at, told.get("again") is True, int(told.get("needs") or 0), entry, proof)

    def _keep(self, index: int, entry: bytes, proof: bytes) -> None:
        """Write receipt and entry into the folder: with both, the entry can be brought back should it ever be lost."""
        if self._receipts is None:
            return
        path = self._receipts / f"{index}.tlog-proof"
        try:
            self._receipts.mkdir(parents=True, exist_ok=True)
            for file, data in ((path.with_suffix(".entry"), entry), (path, proof)):
                with file.open("wb") as written:
                    written.write(data)
                    written.flush()
                    os.fsync(written.fileno())
        except OSError as error:
            raise StoreError("FILE_UNWRITABLE", path=str(path), reason=error.strerror or "-") from None

    def _following(self, check: Callable[[], T]) -> T:
        """Check something by the log's keys; where it does not hold, learn of rotations and check it once more."""
        try:
            return check()
        except VerificationError as error:
            if error.code not in _OTHER_KEY or not self.keys.follow(
                self.read("/v1/log-keys").get("log_keys", ()), self._shown
            ):
                raise
        return check()

    def _shown(self, index: int, size: int) -> Shown:
        """Fetch an entry that is public, and its proof against the tree of `size`."""
        entry = self._ask("GET", f"/entry/{number_path(index)}")
        proof = self.read("/v1/proofs/inclusion", index=str(index), size=str(size))["inclusion"]["text"]
        return Shown(entry.content, str(proof).encode())

    def checked(self, receipt: Receipt, entry: bytes) -> Checkpoint:
        """Verify any receipt of the log by the keys that are known, or that the log proves; errors as `verify`."""
        return self._following(lambda: self.keys.check(receipt, entry))

    def proven(self, index: int) -> Act:
        """Return an entry that is public, once its receipt holds. Raises as `checked`, and as `form`."""
        data = self._ask("GET", f"/entry/{number_path(index)}").content
        receipt = parse(self._ask("GET", f"/v1/receipts/{index}").content)
        if receipt.index != index:
            raise VerificationError("SERVER_ANSWER_INVALID", where="index")
        self.checked(receipt, data)
        return decode_entry(data)

    def rest(self, seconds: float) -> None:
        """Let some time pass before asking again."""
        self._pause(seconds)

    def checkpoint(self) -> bytes | None:
        """Return the newest checkpoint's note, verified; None for an empty log. Errors as `form`."""
        answer = self._ask("GET", "/checkpoint")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            raise _problem(answer.status_code, _object(answer))
        if self.keys:
            self._following(lambda: self.keys.open(answer.content))
        return answer.content

    def sign_in(self, key: SigningKey) -> None:
        """Read as the person of this key from now on. Raises `ProblemError` `SIGN_IN_FAILED`, else as `form`."""
        self._token = None
        challenge = str(self._told("POST", "/v1/session/challenge").get("challenge"))
        # The text that is signed is made here: a service elsewhere that passes on a challenge gets nothing for it.
        signed = sign_in_text(str(self._http.base_url).rstrip("/"), challenge)
        body = {"challenge": challenge, "key": key_id(key.public), "signature": encode_base64(key.sign(signed))}
        self._token = str(self._told("POST", "/v1/session", json=body).get("token"))

    def read(self, path: str, reason: str | None = None, **query: str) -> dict[str, Any]:
        """Return what the service tells at a path; `reason` is why, where reading is recorded. Errors as `form`."""
        headers = {} if reason is None else {"read-reason": quote(reason)}
        return self._told("GET", path, params=query, headers=headers | self.bearer())

    def bearer(self) -> dict[str, str]:
        """Return the header of the session that is open, none where there is none."""
        return {} if self._token is None else {"authorization": f"Bearer {self._token}"}

    def pages(self, path: str, name: str, reason: str | None = None, **query: str) -> Iterator[Any]:
        """Give every member of the list `name`, page by page. Errors as `form`."""
        while True:
            told = self.read(path, reason, **query)
            yield from told.get(name, ())
            if told.get("next") is None:
                return
            query["cursor"] = str(told["next"])

    def _told(self, method: str, path: str, **what: Any) -> dict[str, Any]:
        answer = self._ask(method, path, **what)
        told = _object(answer)
        if not answer.is_success:
            raise _problem(answer.status_code, told)
        return told

    def _ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        """Send a request until it is answered; what is sent is the same every time."""
        wait = FIRST_PAUSE
        for tried in range(1, TRIES + 1):
            try:
                answer = self._http.request(method, path, **what)
            except httpx.TransportError:
                answer = None
            if answer is not None and (answer.status_code not in _AGAIN or tried == TRIES):
                return answer
            if tried < TRIES:
                self._pause(_told_to_wait(answer) or wait)
                wait = min(2 * wait, MOST_PAUSE)
        raise StoreError("SERVER_UNREACHABLE")


def sign_in_text(address: str, challenge: str) -> bytes:
    """Return what a key signs to sign in: the purpose, the address that is asked, and the challenge, a line each."""
    return f"{SIGN_IN}\n{address}\n{challenge}\n".encode()


def _untrusted(error: LedgerError, where: str) -> VerificationError:
    """Return what is told of an answer that does not hold; that a new key is not proven is told as it is."""
    if isinstance(error, VerificationError) and error.code == "LOG_KEY_UNPROVEN":
        return error
    return VerificationError("SERVER_ANSWER_INVALID", where=where)


def _told_to_wait(answer: httpx.Response | None) -> float | None:
    told = answer.headers.get("retry-after", "") if answer is not None else ""
    return min(float(told), MOST_PAUSE) if told.isdigit() and len(told) < 6 else None


def _object(answer: httpx.Response) -> dict[str, Any]:
    if len(answer.content) > MOST_BYTES:
        raise VerificationError("SERVER_ANSWER_INVALID", where="size")
    try:
        value = answer.json()
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise VerificationError("SERVER_ANSWER_INVALID", where="json")
    return value


def _problem(status: int, told: dict[str, Any]) -> ProblemError:
    code, facts = told.get("code"), told.get("facts")
    known = {
        str(name): value
        for name, value in (facts.items() if isinstance(facts, dict) else ())
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    return ProblemError(code if isinstance(code, str) else "SERVER_ANSWER_INVALID", status, known)
