"""What changed a ranking between two results: the rows that moved, the entries that moved them, and the proof.

Two points are compared, each a subject (a session or poll) as it followed from the first so many entries; mostly the
entries that certified them. An entry is a *cause* if the rows of either subject were others after it, or if it belongs
to a vote held between the two: the opening of its rounds, the ballots that count in it, its close. Every cause bears
its receipt. Then the whole history is folded once more without the causes and what refers to them: the result must be
as before, or something else has changed it; where that cannot be said, the first entry that builds on one left out is
named. The file `ballot-ledger-difference@1` holds all of that but no ballot: whoever has the entries checks it offline.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger import canonical
from ledger.checkpoint import VerifierKey, parse_base64, parse_note
from ledger.collector import collector_at_rest
from ledger.errors import ConflictError, MalformedError, VerificationError
from ledger.log_keys import LogKeys
from ledger.merkle import Frontier, verify_inclusion
from ledger.outcome import Outcome, Row
from ledger.receipt import parse as parse_receipt
from ledger.results import poll_outcome, session_outcome
from ledger.selection import Selection
from ledger.state.outcomes import POLL, STAGE, subject_of
from ledger.state.rounds import Round, RoundStatus
from ledger.statements import Act
from ledger.statements.foundation import ActCountersigned
from ledger.statements.rounds import BallotCast, ResultCertified
from projections.plain import to_json
from projections.proven import Receipts, ground_value, hash_of, listed, members, open_ground, read, rotations_of, write
from projections.secrecy import poll_readable

FORMAT = "ballot-ledger-difference@1"
MOST_CAUSES = 100_000
_MEMBERS = ("as_before", "causes", "first", "left_out", "moved", "second", "undetermined")
_STANDING = ("rank", "status", "taken", "next_after_taken")


@dataclass(frozen=True, slots=True)
class Point:
    """A result as it followed from the first `size` entries; `certified` is the entry that attested it, if it did."""

    subject: str
    size: int
    certified: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A point with what its result was: so many rows, under this root, in hexadecimal."""

    subject: str
    size: int
    certified: int | None
    rows: int
    root: str


@dataclass(frozen=True, slots=True)
class RowMoved:
    """A candidate's row before and after; None where there was or is none."""

    candidate: str
    before: Row | None
    after: Row | None


@dataclass(frozen=True, slots=True)
class ResultDifference:
    """What moved between two results and why.

    Attributes:
        first, second: the two results.
        moved: the rows that differ, by rank afterwards; of two subjects only what says where somebody stands.
        causes: the entries that moved them.
        left_out: the causes and what refers to them: the entries without which the history was folded again.
        as_before: whether without those the result is what it was.
        undetermined: the first entry that builds on one left out, from which on nobody can say; else None.
    """

    first: Result
    second: Result
    moved: tuple[RowMoved, ...]
    causes: tuple[int, ...]
    left_out: tuple[int, ...]
    as_before: bool
    undetermined: int | None


def certified_point(acts: Sequence[Act], index: int) -> Point:
    """Return the result that an entry certified; raises `ConflictError` `NOT_A_CERTIFICATION`."""
    act = acts[index] if index < len(acts) else None
    if act is not None and type(act.body) is ActCountersigned:
        act = acts[act.body.index]
    if act is None or type(act.body) is not ResultCertified:
        raise ConflictError("NOT_A_CERTIFICATION", index=index)
    return Point(act.body.subject, index + 1, index)


def difference(acts: Sequence[Act], first: Point, second: Point) -> ResultDifference:
    """Compare two results, the earlier first.

    Raises `ConflictError` `RESULT_NOT_COUNTED` where there was no result at a point yet, and `ValueError` for points
    out of order.
    """
    if not 0 <= first.size <= second.size <= len(acts):
        raise ValueError("the two points are out of order")
    subjects = first.subject, second.subject
    state = Selection()
    with collector_at_rest():
        for act in acts[: first.size]:
            state.apply(act)
        earlier, begun = _counted(state, first), _rows(state, *subjects)
        causes, known = set[int](), begun
        for act in acts[first.size : second.size]:
            state.apply(act)
            # A ballot changes nothing that may be read before its round is closed.
            if type(act.body) is BallotCast:
                continue
            rows = _rows(state, *subjects)
            if rows != known or _certifies(act, second):
                causes |= {act.index, *_agreed_to(act)}
                known = rows
        later = _counted(state, second)
        causes |= _votes(state, second.subject, first.size)
        causes = {index for index in causes if index >= first.size}
        replay = _Replay(acts[: second.size], frozenset(causes))
    as_before = replay.undetermined is None and _rows(replay.state, *subjects) == begun
    return ResultDifference(
        first=_result(first, earlier),
        second=_result(second, later),
        moved=tuple(_moved(earlier, later, whole=first.subject == second.subject)),
        causes=tuple(sorted(causes)),
        left_out=tuple(replay.left_out),
        as_before=as_before,
        undetermined=replay.undetermined,
    )


class _Replay:
    """The history without some entries and whatever refers to them; `undetermined` is where it can go no further."""

    def __init__(self, acts: Sequence[Act], causes: frozenset[int]) -> None:
        self.state, self.left_out = Selection(), list[int]()
        self.undetermined: int | None = None
        gone, rounds = set(causes), set[str]()
        for act in acts:
            named = getattr(act.body, "round", None)
            if act.index in gone or getattr(act.body, "index", None) in gone or named in rounds:
                gone.add(act.index)
                self.left_out.append(act.index)
                if act.statement.type == "round.opened":
                    rounds.add(str(named))
                continue
            try:
                self.state.apply(act)
            except LookupError:
                self.undetermined = act.index
                return


def outcome_at(state: Selection, subject: str) -> Outcome | None:
    """Return a result as it follows from a state, None before its vote is over."""
    kind, name, group = subject_of(subject)
    if kind == STAGE:
        session = state.rounds.sessions.get((name, group))
        return session_outcome(state, session) if session is not None else None
    poll = state.polls.by_id.get(name) if kind == POLL else None
    ended = poll is not None and poll_readable(poll) and poll.closed is not None and not poll.missing
    return poll_outcome(state, poll) if poll is not None and ended else None


def _rows(state: Selection, *subjects: str) -> tuple[str | None, ...]:
    outcomes = (outcome_at(state, subject) for subject in subjects)
    return tuple(outcome.rows_root if outcome is not None else None for outcome in outcomes)


def _counted(state: Selection, point: Point) -> Outcome:
    outcome = outcome_at(state, point.subject)
    if outcome is None:
        raise ConflictError("RESULT_NOT_COUNTED", subject=point.subject, size=point.size)
    return outcome


def _result(point: Point, outcome: Outcome) -> Result:
    return Result(point.subject, point.size, point.certified, len(outcome.rows), outcome.rows_root)


def _certifies(act: Act, point: Point) -> bool:
    return type(act.body) is ResultCertified and act.body.subject == point.subject


def _agreed_to(act: Act) -> tuple[int, ...]:
    """Return the act that a last signature made effective."""
    return (act.body.index,) if type(act.body) is ActCountersigned else ()


def _votes(state: Selection, subject: str, since: int) -> set[int]:
    """Return the entries of the votes of a session that began after `since`: openings, ballots that count, closes."""
    kind, name, group = subject_of(subject)
    session = state.rounds.sessions.get((name, group)) if kind == STAGE else None
    rounds = [one for one in session.rounds if one.opened >= since] if session is not None else []
    return {index for played in rounds for index in _of_round(played)}


def _of_round(played: Round) -> Iterator[int]:
    yield played.opened
    if played.status is RoundStatus.CLOSED:
        yield from (cast.index for cast in played.ballots.values())
        yield from (index for index in (played.closing, played.closed) if index is not None)


def _moved(earlier: Outcome, later: Outcome, whole: bool) -> Iterator[RowMoved]:
    """Give the rows that differ: as a `whole`, or only in where somebody stands."""
    was, now = ({row["candidate"]: row for row in outcome.rows} for outcome in (earlier, later))
    for candidate in (*now, *(one for one in was if one not in now)):
        before, after = was.get(candidate), now.get(candidate)
        if before is None or after is None:
            differs = True
        else:
            names = {*before, *after} if whole else _STANDING
            differs = any(before.get(name) != after.get(name) for name in names)
        if differs:
            yield RowMoved(candidate, before, after)


def difference_file(acts: Sequence[Act], source: Receipts, found: ResultDifference) -> bytes:
    """Return a difference as a file, every cause with its leaf hash and receipt."""
    causes = [
        {
            "index": index,
            "kind": acts[index].statement.type,
            "leaf": base64.b64encode(acts[index].leaf).decode(),
            "receipt": base64.b64encode(source.receipt(index).encode()).decode(),
        }
        for index in found.causes
    ]
    value: dict[str, Any] = to_json(found)
    return write(ground_value(source, rotations_of(acts)) | value | {"causes": causes, "format": FORMAT})


def check_difference(data: bytes, key: VerifierKey | LogKeys, acts: Sequence[Act]) -> ResultDifference:
    """Check the file of a difference with the entries at hand, against the log with this founding key.

    Every receipt must hold, for entries that are the ones at hand; the comparison is then made anew. Raises
    `MalformedError`, and `VerificationError`: `DIFFERENCE_NOT_DERIVED` where anything else follows from the entries,
    `HISTORY_REWRITTEN` if they are not the log's, and what `projections.proven` raises.
    """
    value = read(data, FORMAT, _MEMBERS)
    ground = open_ground(value, key)
    sizes: dict[int, bytes] = {ground.charter.checkpoint.size: ground.charter.checkpoint.root}
    indexes = []
    for one in listed(value["causes"], "causes", MOST_CAUSES):
        index, size, root = _cause(one, ground.keys, acts)
        indexes.append(index)
        if sizes.setdefault(size, root) != root:
            raise VerificationError("HISTORY_REWRITTEN", size=size)
    _same_tree(sizes, acts)
    first, second = (_point(value[name], acts, name) for name in ("first", "second"))
    if first.size > second.size:
        raise MalformedError("PROOF_FILE_MALFORMED", where="order")
    found = difference(acts, first, second)
    told: dict[str, Any] = to_json(found) | {"causes": list(found.causes)}
    given = value | {"causes": indexes}
    for name in _MEMBERS:
        if canonical.encode(given[name]) != canonical.encode(told[name]):
            raise VerificationError("DIFFERENCE_NOT_DERIVED", where=name)
    return found


def _cause(value: Any, keys: LogKeys, acts: Sequence[Act]) -> tuple[int, int, bytes]:
    """Verify one cause; return its index and the checkpoint's size and root."""
    found = members(value, ("index", "kind", "leaf", "receipt"), "causes")
    data = parse_base64(found["receipt"]) if isinstance(found["receipt"], str) else None
    if data is None:
        raise MalformedError("PROOF_FILE_MALFORMED", where="receipt")
    receipt, leaf = parse_receipt(data), hash_of(found["leaf"], "leaf")
    if len(parse_note(receipt.checkpoint_note).signatures) != 1:
        raise MalformedError("PROOF_FILE_MALFORMED", where="signature lines")
    checkpoint = keys.open(receipt.checkpoint_note)
    if not verify_inclusion(receipt.index, checkpoint.size, leaf, receipt.proof, checkpoint.root):
        raise VerificationError("RECEIPT_NOT_INCLUDED", index=receipt.index, size=checkpoint.size)
    act = acts[receipt.index] if receipt.index < len(acts) else None
    if act is None or act.leaf != leaf:
        raise VerificationError("HISTORY_REWRITTEN", size=checkpoint.size)
    if (found["index"], found["kind"]) != (act.index, act.statement.type):
        raise VerificationError("DIFFERENCE_NOT_DERIVED", where="causes")
    return receipt.index, checkpoint.size, checkpoint.root


def _same_tree(roots: dict[int, bytes], acts: Sequence[Act]) -> None:
    """Hold every checkpoint against the tree of the entries at hand."""
    frontier = Frontier()
    for act in acts[: max(roots)]:
        frontier.append(act.leaf)
        if frontier.size in roots and roots[frontier.size] != frontier.root():
            raise VerificationError("HISTORY_REWRITTEN", size=frontier.size)
    if frontier.size < max(roots):
        raise VerificationError("LOG_TRUNCATED", promised=max(roots))


def _point(value: Any, acts: Sequence[Act], where: str) -> Point:
    found = members(value, ("certified", "root", "rows", "size", "subject"), where)
    subject, size, certified = found["subject"], found["size"], found["certified"]
    if not isinstance(subject, str) or not isinstance(size, int) or not 0 <= size <= len(acts):
        raise MalformedError("PROOF_FILE_MALFORMED", where=where)
    if certified is None:
        return Point(subject, size)
    point = certified_point(acts, certified) if isinstance(certified, int) and certified >= 0 else None
    if point != Point(subject, size, certified):
        raise VerificationError("DIFFERENCE_NOT_DERIVED", where=where)
    return point
