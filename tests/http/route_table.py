"""Every route of the service × everybody who may ask: who is let in, and with what answer.

A route that is new needs a row here (`test_roles.py` says so). `asked` may name what there is: `{round}`, `{person}`
(applicant-01), `{member}` (panel-01) and `{index}` (an entry).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WHO: Mapping[str, str | None] = {
    "nobody": None,
    "applicant": "applicant-01",
    "member": "panel-01",
    "recommender": "recommender-city",
    "intake_office": "intake-1",
    "scrutineer": "scrutineer-1",
    "teller": "teller-1",
    "inspector": "inspector-1",
    "leader": "leader-01",
    "chair_office": "chair-01",
    "channel": "operator-union-wechat",
    "sponsor": "sponsor-union",
    "registrar": "registrar",
    "organiser": "organiser",
    "discipline": "discipline",
    "revoked": "intake-2",
    "expired": "auditor-2",
    "unknown": None,
}
"""Who asks: by role, and with the sessions of a key that was revoked, one that is over, and one that never was."""

NO_SESSION = frozenset({"revoked", "expired", "unknown"})
"""Those whose token is no session (any more): told to sign in wherever one is read, even to what is public."""

EVERYBODY = frozenset(WHO) - NO_SESSION
SIGNED = EVERYBODY - {"nobody"}
STAFF = frozenset(
    {
        "chair_office",
        "discipline",
        "inspector",
        "intake_office",
        "leader",
        "organiser",
        "registrar",
        "scrutineer",
        "sponsor",
    }
)
BODIES = STAFF | {"member"}
FILES = frozenset({"discipline", "organiser"})
AUDIT = frozenset({"discipline"})


@dataclass(frozen=True)
class Row:
    """What is asked of a route, who is let in, and what they are answered.

    `reads_session`: whether the route looks at who asks at all; one that does not answers everybody alike.
    `unnamed`: whoever says who they are is turned away (400), so that an objection stays nobody's.
    """

    asked: str
    allowed: frozenset[str]
    answer: int = 200
    reads_session: bool = True
    sent: Mapping[str, Any] = field(default_factory=dict)
    unnamed: bool = False

    def expected(self, who: str) -> int:
        """Return the status that somebody gets."""
        if self.unnamed:
            return self.answer if who == "nobody" else 400
        if not self.reads_session:
            return self.answer
        if who in NO_SESSION or (who == "nobody" and who not in self.allowed):
            return 401
        return self.answer if who in self.allowed else 403


def unnamed(asked: str, answer: int, **sent: Any) -> Row:
    """For whoever does not say who they are."""
    return Row(asked, frozenset(WHO), answer, False, sent, unnamed=True)


def public(asked: str) -> Row:
    """For everybody, who may be signed in."""
    return Row(asked, EVERYBODY)


def alike(asked: str, answer: int = 200, **sent: Any) -> Row:
    """For everybody alike: no session is looked at."""
    return Row(asked, frozenset(WHO), answer, False, sent)


UPLOAD = f"/v1/uploads/{'0' * 32}"
DECLARED = {"size": 1, "media_type": "text/plain", "sha256": "0" * 64}
EVIDENCE = frozenset({"discipline", "inspector", "intake_office", "organiser", "registrar"})
NO_PROOF = {"challenge": "", "public_key": "", "signature": ""}

ROUTES: dict[str, Row] = {
    # running
    "GET /health": alike("/health"),
    "GET /ready": alike("/ready"),
    "GET /metrics": alike("/metrics"),
    "GET /version": alike("/version"),
    "GET /v1/openapi.json": alike("/v1/openapi.json"),
    "GET /problems/{code}": alike("/problems/OVERVOTE"),
    # the log's own files, and what proves them
    "GET /checkpoint": public("/checkpoint"),
    "GET /tile/{path:path}": public("/tile/0/000"),
    "GET /entry/{path:path}": public("/entry/000"),
    "GET /v1/entries/{index}": public("/v1/entries/0"),
    "GET /v1/log-keys": public("/v1/log-keys"),
    "GET /v1/proofs/inclusion": public("/v1/proofs/inclusion?index=0"),
    "GET /v1/proofs/consistency": public("/v1/proofs/consistency?old=1&new=2"),
    "GET /v1/receipts/{which}": public("/v1/receipts/0"),
    "GET /v1/exports": Row("/v1/exports?audience=auditor", AUDIT),
    "GET /v1/stream": alike("/v1/stream?follow=false&after=-1"),
    "GET /v1/webhook-key": alike("/v1/webhook-key"),
    # signing: the signature is the authorisation, and a session adds nothing
    "POST /v1/statements": alike("/v1/statements", 400, json={}),
    "GET /v1/forms/{kind}": alike("/v1/forms/ballot.cast"),
    "GET /v1/rounds/{round_id}/ballot-form": alike("/v1/rounds/{round}/ballot-form"),
    "GET /v1/stages/{stage_id}/score-form": alike("/v1/stages/final/score-form", 404),
    "GET /v1/matters/{matter}/vote-form": Row("/v1/matters/proposal:0/vote-form", EVERYBODY, 404),
    "GET /v1/entries/{index}/countersign-form": alike("/v1/entries/0/countersign-form", 404),
    # public votes: a code is the authorisation of a ballot, and everybody sees the same
    "GET /v1/polls": public("/v1/polls"),
    "GET /v1/polls/{poll}": Row("/v1/polls/nowhere", EVERYBODY, 404),
    "GET /v1/polls/{poll}/page": Row("/v1/polls/nowhere/page", EVERYBODY, 404),
    "POST /v1/polls/{poll}/ballots": alike("/v1/polls/nowhere/ballots", 400, json={}),
    "POST /v1/polls/{poll}/receipts": alike("/v1/polls/nowhere/receipts", 400, json={}),
    "POST /v1/polls/{poll}/batches": alike("/v1/polls/nowhere/batches", 415, json={}),
    # sessions
    "POST /v1/session/challenge": alike("/v1/session/challenge"),
    "POST /v1/session": alike("/v1/session", 401, json={"challenge": "", "key": "", "signature": ""}),
    "GET /v1/session": Row("/v1/session", SIGNED),
    "GET /v1/session/oidc": alike("/v1/session/oidc", 404),
    "GET /v1/session/oidc/callback": alike("/v1/session/oidc/callback", 404),
    "DELETE /v1/session": Row("/v1/session", SIGNED, 204),
    # evidence: in by whoever is signed in, out by role
    "POST /v1/uploads": Row("/v1/uploads", SIGNED, 201, sent={"json": DECLARED}),
    "HEAD /v1/uploads/{upload}": Row(UPLOAD, SIGNED, 404),
    "GET /v1/uploads/{upload}": Row(UPLOAD, SIGNED, 404),
    "PATCH /v1/uploads/{upload}": Row(UPLOAD, SIGNED, 422),
    "DELETE /v1/uploads/{upload}": Row(UPLOAD, SIGNED, 404),
    "POST /v1/evidence": Row("/v1/evidence", SIGNED, 415),
    "GET /v1/evidence/{digest}": Row(f"/v1/evidence/{'f' * 64}", EVIDENCE, 404),
    # objections without a key
    "GET /v1/objection-form": alike("/v1/objection-form", 409),
    "POST /v1/upload-permits": unnamed("/v1/upload-permits", 201),
    "POST /v1/objections": unnamed("/v1/objections", 415),
    "POST /v1/objections/progress/challenge": unnamed("/v1/objections/progress/challenge", 200),
    "POST /v1/objections/progress": unnamed("/v1/objections/progress", 404, json=NO_PROOF),
    # what is announced
    "GET /v1/programme": public("/v1/programme"),
    "GET /v1/stages": public("/v1/stages"),
    "GET /v1/stages/{stage}": public("/v1/stages/final"),
    "GET /v1/stages/{stage}/candidates": public("/v1/stages/final/candidates"),
    "GET /v1/rounds": public("/v1/rounds"),
    "GET /v1/rounds/{round}": public("/v1/rounds/{round}"),
    "GET /v1/rankings": public("/v1/rankings"),
    "GET /v1/vacancies": public("/v1/vacancies"),
    "GET /v1/alternates": public("/v1/alternates"),
    "GET /v1/notices": public("/v1/notices"),
    # by role
    "GET /v1/status": Row("/v1/status", STAFF),
    "GET /v1/findings": Row("/v1/findings", STAFF),
    "GET /v1/off-path": Row("/v1/off-path", STAFF),
    "GET /v1/readings": Row("/v1/readings", STAFF),
    "GET /v1/objections": Row("/v1/objections", FILES | {"sponsor"}),
    "GET /v1/rosters/{stage}": Row("/v1/rosters/final", BODIES),
    "GET /v1/rounds/{round}/ballots": Row("/v1/rounds/{round}/ballots", FILES),
    "GET /v1/margins/{stage}": Row("/v1/margins/final", FILES),
    "GET /v1/what-if": Row("/v1/what-if?without_member={member}", FILES),
    "GET /v1/history/{subject}": Row("/v1/history/{person}", STAFF | {"applicant"}),
    "GET /v1/explanations/{person}": Row("/v1/explanations/{person}", STAFF | {"applicant"}),
    "GET /v1/reads": Row("/v1/reads", AUDIT),
    "GET /v1/first-uses": Row("/v1/first-uses", AUDIT),
    "GET /v1/interim": Row("/v1/interim", AUDIT),
}
"""By method and path."""
