"""The naming of one person as a certificate that anybody can check offline (dispute G15).

The file `ballot-ledger-certificate@1` holds the person's id, the naming entry with its receipt, the joint conferral and
a revocation where there is one, and, if the holder wants, the entry that put their personal record on file:

    {"charter": {entry, receipt}, "conferred": [{entry, receipt} …], "format": "ballot-ledger-certificate@1",
     "named": {entry, receipt}, "person": id, "record": {entry, receipt} | null, "revoked": [{entry, receipt} …],
     "rotations": [[act, signature] …]}

as canonical JSON and a line feed; see `projections.proven` for what stands inside. It proves that this log named this
person at that entry, under checkpoints that the log signed. It does not prove that the title still stands, only that
it stood when the file was made, nor that the naming was lawful: for both the log itself is looked at. No name is in
the ledger: the record is a salted digest, and who holds name and salt can show that they belong to it.
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger import canonical
from ledger.checkpoint import VerifierKey, parse_base64, parse_decimal
from ledger.errors import ConflictError, MalformedError, VerificationError
from ledger.evidence import SALT_BYTES, evidence_digest
from ledger.log_keys import LogKeys
from ledger.merkle import leaf_hash
from ledger.selection import Selection
from ledger.state.clocks import record_of
from ledger.statements import Act
from ledger.statements.applications import ApplicationFiled
from ledger.statements.foundation import ActCountersigned, NameCorrected
from ledger.statements.naming import TitleRevoked, TitlesConferred, TitlesNamed
from ledger.statements.roll import KeyEnrolled
from projections.proven import (
    Ground,
    Proven,
    Receipts,
    countersigners,
    ground_value,
    listed,
    open_ground,
    open_proven,
    proven_value,
    read,
    rotations_of,
    write,
)

FORMAT = "ballot-ledger-certificate@1"
MOST_SIGNERS = 64
MOST_SCANNED = 512
_MEMBERS = ("conferred", "named", "person", "record", "revoked")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A naming that was checked.

    Attributes:
        origin, title, rehearsal: which log and selection, and whether it is only a rehearsal; `honour` is the title
            that is bestowed.
        offset_minutes: the programme's offset from UTC, for civil times.
        person: who was named, by id.
        named: the naming entry, `at` its time (UTC ms), `together` how many were named by it.
        conferred_by: how many people signed the joint conferral, 0 where there is none yet; `sponsors` how many offices
            the charter has confer the title.
        revoked: the entry that made a revocation effective, None where the file has none.
        record: the digest of the personal record, None where the file does not show it.
        size, root: the checkpoint that covers the naming; `leaf` the naming's leaf hash; `receipt` its `.tlog-proof`.
    """

    origin: str
    title: str
    honour: str
    rehearsal: bool
    offset_minutes: int
    person: str
    named: int
    at: int
    together: int
    conferred_by: int
    sponsors: int
    revoked: int | None
    record: str | None
    size: int
    root: bytes
    leaf: bytes
    receipt: bytes

    @property
    def scanned(self) -> str:
        """What a scanner reads from the certificate's picture: one line that names the entry and the person."""
        return f"{FORMAT} {self.origin} {self.named} {self.size} {self.leaf.hex()} {self.person}"


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was read from a picture; nothing of it is checked yet."""

    origin: str
    index: int
    size: int
    leaf: bytes
    person: str


def certify(state: Selection, acts: Sequence[Act], source: Receipts, person: str, record: bool = False) -> bytes:
    """Return the certificate of a person who was named; `record` shows the entry with the personal record's digest.

    Raises `ConflictError` `NOT_NAMED`.
    """
    titles = state.naming.titles
    if titles is None or person not in titles.candidates:
        raise ConflictError("NOT_NAMED", person=person)
    entry = record_entry(state, acts, person) if record else None
    value = ground_value(source, rotations_of(acts)) | {
        "conferred": [proven_value(source, one) for one in _signed(acts, state.naming.conferred)],
        "format": FORMAT,
        "named": proven_value(source, titles.index),
        "person": person,
        "record": None if entry is None else proven_value(source, entry),
        "revoked": [proven_value(source, one) for one in _signed(acts, state.naming.revoked.get(person))],
    }
    return write(value)


def record_entry(state: Selection, acts: Sequence[Act], person: str) -> int | None:
    """Return the entry that put a person's personal record on file as it stands, a corrected name included."""
    digest = record_of(state, person)
    stating = [act.index for act in acts if digest is not None and _digest_of(act, person) == digest]
    return stating[-1] if stating else None


def _digest_of(act: Act, person: str) -> str | None:
    """Return the digest of a person's personal record, if this act states it."""
    body = act.body
    if type(body) is NameCorrected:
        return str(body.after) if body.member == person else None
    if type(body) is ApplicationFiled:
        return str(body.record) if body.applicant == person else None
    return str(body.record) if type(body) is KeyEnrolled and body.member == person else None


def _signed(acts: Sequence[Act], effective: int | None) -> tuple[int, ...]:
    """Return an act of several signers and everything that countersigned it, from the entry that made it effective."""
    if effective is None:
        return ()
    last = acts[effective].body
    first = last.index if type(last) is ActCountersigned else effective
    signatures = (
        one.index
        for one in acts[first : effective + 1]
        if type(one.body) is ActCountersigned and one.body.index == first
    )
    return (first, *signatures)


def verify_certificate(data: bytes, key: VerifierKey | LogKeys) -> Certificate:
    """Check a certificate against the log with this founding key, which comes from outside the file.

    Raises `MalformedError` for what is no such file, and `VerificationError` `CERTIFICATE_NOT_IN_LOG` for one that the
    log does not vouch for: another log's, an entry that is not in it, or a person that the entry does not name.
    """
    value = read(data, FORMAT, _MEMBERS)
    person = value["person"]
    if not isinstance(person, str):
        raise MalformedError("PROOF_FILE_MALFORMED", where="person")
    try:
        return _opened(value, person, open_ground(value, key))
    except VerificationError as error:
        where = str(error.facts.get("where", ""))
        if error.code == "CERTIFICATE_NOT_IN_LOG":
            raise
        raise VerificationError("CERTIFICATE_NOT_IN_LOG", reason=error.code, where=where) from error


def _opened(value: dict[str, Any], person: str, ground: Ground) -> Certificate:
    named = open_proven(value["named"], ground.keys, "named")
    body = named.act.body
    if type(body) is not TitlesNamed or person not in body.candidates:
        raise VerificationError("CERTIFICATE_NOT_IN_LOG", reason="person", where="named")
    record = None if value["record"] is None else open_proven(value["record"], ground.keys, "record")
    digest = _digest_of(record.act, person) if record is not None else None
    if record is not None and digest is None:
        raise VerificationError("CERTIFICATE_NOT_IN_LOG", reason="person", where="record")
    return Certificate(
        origin=ground.origin,
        title=ground.title,
        honour=ground.honour,
        rehearsal=ground.rehearsal,
        offset_minutes=ground.offset_minutes,
        person=person,
        named=named.act.index,
        at=named.act.at,
        together=len(body.candidates),
        conferred_by=_conferred(value["conferred"], ground, named.act.index),
        sponsors=ground.sponsors,
        revoked=_revoked(value["revoked"], ground, person),
        record=digest,
        size=named.checkpoint.size,
        root=named.checkpoint.root,
        leaf=leaf_hash(named.act.entry),
        receipt=named.receipt,
    )


def _all(value: Any, ground: Ground, where: str) -> list[Proven]:
    return [open_proven(one, ground.keys, where) for one in listed(value, where, MOST_SIGNERS)]


def _conferred(value: Any, ground: Ground, naming: int) -> int:
    """Return how many people signed the joint conferral of this naming."""
    found = _all(value, ground, "conferred")
    if not found:
        return 0
    act, *signed = (one.act for one in found)
    if type(act.body) is not TitlesConferred or act.body.naming != naming:
        raise VerificationError("CERTIFICATE_NOT_IN_LOG", reason="signatures", where="conferred")
    return 1 + countersigners(act, signed)


def _revoked(value: Any, ground: Ground, person: str) -> int | None:
    found = _all(value, ground, "revoked")
    if not found:
        return None
    act, *signed = (one.act for one in found)
    if type(act.body) is not TitleRevoked or act.body.candidate != person or not countersigners(act, signed):
        raise VerificationError("CERTIFICATE_NOT_IN_LOG", reason="signatures", where="revoked")
    return signed[-1].index


def check_record(certificate: Certificate, content: bytes, salt: bytes) -> str | None:
    """Hold a personal record with its salt against the digest in the log; return the name it states, if it does.

    Raises `MalformedError` `SALT_INVALID`, `ConflictError` `RECORD_NOT_SHOWN` for a certificate without the record's
    entry, and `VerificationError` `CERTIFICATE_NOT_IN_LOG` for another record: an altered name.
    """
    if certificate.record is None:
        raise ConflictError("RECORD_NOT_SHOWN")
    if len(salt) != SALT_BYTES:
        raise MalformedError("SALT_INVALID", bytes=len(salt), expected=SALT_BYTES)
    if not hmac.compare_digest(evidence_digest(salt, content), certificate.record):
        raise VerificationError("CERTIFICATE_NOT_IN_LOG", reason="name", where="record")
    try:
        value = json.loads(content)
    except ValueError:
        return None
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None


def name_record(name: str) -> bytes:
    """Return the plainest personal record: canonical JSON of the name alone."""
    return canonical.encode({"name": name})


def read_scanned(text: str) -> Scanned:
    """Read what a scanner gives; raises `MalformedError` `SCAN_MALFORMED`."""
    parts = text.strip().split(" ") if len(text) <= MOST_SCANNED else []
    if len(parts) != 6 or parts[0] != FORMAT:
        raise MalformedError("SCAN_MALFORMED")
    _, origin, index, size, leaf, person = parts
    numbers = parse_decimal(index), parse_decimal(size)
    if numbers[0] is None or numbers[1] is None or len(leaf) != 64 or set(leaf) - set("0123456789abcdef"):
        raise MalformedError("SCAN_MALFORMED")
    return Scanned(origin, numbers[0], numbers[1], bytes.fromhex(leaf), person)


def check_scanned(scanned: Scanned, state: Selection, acts: Sequence[Act], origin: str) -> None:
    """Hold what was scanned against a log at hand.

    Raises `VerificationError` `CERTIFICATE_NOT_IN_LOG` unless that log has this very naming at this index.
    """
    act = acts[scanned.index] if scanned.index < len(acts) else None
    if scanned.origin != origin or act is None or act.leaf != scanned.leaf:
        raise VerificationError("CERTIFICATE_NOT_IN_LOG", reason="entry", where="named")
    titles = state.naming.titles
    if titles is None or titles.index != scanned.index or scanned.person not in titles.candidates:
        raise VerificationError("CERTIFICATE_NOT_IN_LOG", reason="person", where="named")


def salt_of(text: str) -> bytes:
    """Read a salt in base64; raises `MalformedError` `SALT_INVALID`."""
    salt = parse_base64(text)
    if salt is None:
        raise MalformedError("SALT_INVALID", bytes=0, expected=SALT_BYTES)
    return salt
