"""Result attestation: one candidate's row of a certified result, provable alone, without the rows of the others.

A certification signs the Merkle root over the canonical rows (`ledger.results`). The file `ballot-ledger-row@1` holds
one row, its place among how many, the path to that root, and the certifying entry with its receipt:

    {"certified": {entry, receipt}, "charter": {entry, receipt}, "count": n, "countersigned": [{entry, receipt} …],
     "format": "ballot-ledger-row@1", "index": i, "path": [base64 …], "rotations": [[act, signature] …], "row": {…}}

as canonical JSON and a line feed. `entry` is base64 of the entry's bytes, `receipt` base64 of its `.tlog-proof`;
`countersigned` has the further signatures, where a certification needs them (today none does).

It proves that this row, with this rank, is what was certified at that entry of this log. It does not prove that the
rows follow from the votes: for that the whole log is decided again (`ballot-ledger verify`). It shows what the row
says, ids of candidates the row is tied with or was parted from included (`others`), and how many rows there are. The
path holds hashes of other rows: nobody can read one from its hash, but whoever guesses every figure of a row rightly
sees the guess confirmed.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger import canonical
from ledger.checkpoint import VerifierKey
from ledger.errors import ConflictError, MalformedError, VerificationError
from ledger.log_keys import LogKeys
from ledger.merkle import Address, Frontier, inclusion_proof, leaf_hash, verify_inclusion
from ledger.outcome import Outcome, Row
from ledger.procedure.acts import ACTS
from ledger.selection import Selection
from ledger.state.outcomes import POLL, STAGE, subject_of
from ledger.statements import Act
from ledger.statements.rounds import ResultCertified
from projections.proven import (
    Receipts,
    countersigners,
    ground_value,
    hash_of,
    listed,
    open_ground,
    open_proven,
    proven_value,
    read,
    rotations_of,
    write,
)

FORMAT = "ballot-ledger-row@1"
MOST_PATH = 63
MOST_SIGNERS = 64
_MEMBERS = ("certified", "count", "countersigned", "index", "path", "row")


@dataclass(frozen=True, slots=True)
class AttestedRow:
    """A row that was certified.

    Attributes:
        origin, title, rehearsal: which log and selection, and whether it is only a rehearsal.
        offset_minutes: the programme's offset from UTC, for civil times.
        subject: the session or poll, as in `result.certified`; `projection` its way of counting.
        row: what was certified of the candidate; `index` its place (from 0) among `count` rows.
        certified: the certifying entry, `at` its time (UTC ms), `signers` who signed it.
        size: the size of the checkpoint that proves it.
        others: ids of other people that the row itself names.
    """

    origin: str
    title: str
    rehearsal: bool
    offset_minutes: int
    subject: str
    projection: str
    row: Row
    index: int
    count: int
    certified: int
    at: int
    signers: tuple[str, ...]
    size: int
    others: tuple[str, ...]


def certified_outcome(state: Selection, subject: str) -> Outcome | None:
    """Return the certified result of a session or poll, None where there is none."""
    kind, name, group = subject_of(subject)
    if kind == STAGE:
        session = state.rounds.sessions.get((name, group))
        return session.outcome if session is not None else None
    poll = state.polls.by_id.get(name) if kind == POLL else None
    return poll.outcome if poll is not None else None


def attest(state: Selection, acts: Sequence[Act], source: Receipts, subject: str, candidate: str) -> bytes:
    """Return the file that proves a candidate's row of a certified result.

    Raises `ConflictError` `RESULT_NOT_CERTIFIED` (there is no certified result of this subject) or `NOT_IN_RESULT`.
    """
    outcome = certified_outcome(state, subject)
    if outcome is None:
        raise ConflictError("RESULT_NOT_CERTIFIED", subject=subject)
    index = next((place for place, row in enumerate(outcome.rows) if row["candidate"] == candidate), None)
    if index is None:
        raise ConflictError("NOT_IN_RESULT", subject=subject, candidate=candidate)
    signatures, certifying = signatures_on(acts, outcome.index)
    value = ground_value(source, rotations_of(acts)) | {
        "certified": proven_value(source, certifying),
        "count": len(outcome.rows),
        "countersigned": [proven_value(source, entry) for entry in signatures],
        "format": FORMAT,
        "index": index,
        "path": [base64.b64encode(one).decode() for one in row_path(outcome.rows, index)],
        "row": outcome.rows[index],
    }
    return write(value)


def signatures_on(acts: Sequence[Act], effective: int) -> tuple[tuple[int, ...], int]:
    """Return the entries that countersign the act which took effect by entry `effective`, and the act's own entry."""
    act = getattr(acts[effective].body, "index", None) if type(acts[effective].body) is not ResultCertified else None
    if act is None:
        return (), effective
    return tuple(one.index for one in acts[act:] if getattr(one.body, "index", None) == act), act


def row_path(rows: Sequence[Row], index: int) -> tuple[bytes, ...]:
    """Return the inclusion proof of a row under the root over all rows, its neighbour first."""
    frontier, nodes = Frontier(), dict[Address, bytes]()
    for row in rows:
        for level, place, value in frontier.append(leaf_hash(canonical.encode(row))):
            nodes[level, place] = value
    return inclusion_proof(index, len(rows), lambda level, place: nodes[level, place])


def verify_row(data: bytes, key: VerifierKey | LogKeys) -> AttestedRow:
    """Verify the file of an attested row as of the log with this founding key; `key` comes from outside the file.

    Raises `MalformedError` for anything but a file of this form, and `VerificationError`: `ROW_NOT_CERTIFIED` if the
    certifying entry certifies other rows, and whatever `projections.proven` raises for what is not in the log.
    """
    value = read(data, FORMAT, _MEMBERS)
    ground = open_ground(value, key)
    certified = open_proven(value["certified"], ground.keys, "certified")
    body = certified.act.body
    if type(body) is not ResultCertified:
        raise VerificationError("ROW_NOT_CERTIFIED", where="certified")
    signed = [
        open_proven(one, ground.keys, "countersigned").act
        for one in listed(value["countersigned"], "countersigned", MOST_SIGNERS)
    ]
    if countersigners(certified.act, signed) < ACTS["result.certified"].needs:
        raise VerificationError("ROW_NOT_CERTIFIED", where="countersigned")
    row, index, count = _row(value["row"]), _count(value["index"]), _count(value["count"])
    path = [hash_of(one, "path") for one in listed(value["path"], "path", MOST_PATH)]
    root = bytes.fromhex(body.rows_root)
    if count != body.rows or not verify_inclusion(index, count, leaf_hash(canonical.encode(row)), path, root):
        raise VerificationError("ROW_NOT_CERTIFIED", where="row")
    return AttestedRow(
        origin=ground.origin,
        title=ground.title,
        rehearsal=ground.rehearsal,
        offset_minutes=ground.offset_minutes,
        subject=body.subject,
        projection=body.projection,
        row=row,
        index=index,
        count=count,
        certified=certified.act.index,
        at=max(one.at for one in (certified.act, *signed)),
        signers=tuple(one.person for one in (certified.act, *signed)),
        size=certified.checkpoint.size,
        others=named_in(row),
    )


def named_in(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of other candidates that a row names: those it is tied with, ahead of, behind or parted from."""
    keys = row.get("keys")
    used = [one for one in keys if isinstance(one, dict)] if isinstance(keys, list) else []
    lists = [row.get(name) for name in ("separated_from", "tied_with")]
    lists += [one.get(name) for one in used for name in ("ahead_of", "behind")]
    found = {one for ids in lists if isinstance(ids, list) for one in ids if isinstance(one, str)}
    return tuple(sorted(found - {row["candidate"]}))


def _row(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("candidate"), str):
        raise MalformedError("PROOF_FILE_MALFORMED", where="row")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise MalformedError("PROOF_FILE_MALFORMED", where="index, count")
    return value
