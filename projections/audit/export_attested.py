"""What others attested of an export's checkpoints: cosignatures of witnesses, timestamps of authorities.

Both are files beside the core, about a size each. Whatever is there must hold against the tree of the entries; whether
it is enough is for the policy that the verifier was given, never for the export.
"""

import re
from collections.abc import Callable, Iterator

from ledger.checkpoint import MAX_NOTE_BYTES, parse_decimal, parse_note
from ledger.cosignature import Cosigned, open_cosigned
from ledger.errors import LedgerError, VerificationError
from ledger.witness_policy import Policy
from projections.audit.export_files import ExportFiles
from projections.audit.promises import Promises
from projections.audit.report import Check, Report

MOST_STAMP_BYTES = 1 << 20
_COSIGNED = re.compile(r"attest/cosigned/([0-9]+)")
_STAMP = re.compile(r"attest/timestamps/([0-9]+)\.tsr")


def check_witnesses(files: ExportFiles, report: Report, promises: Promises, policy: Policy | None) -> None:
    """Every cosigned checkpoint is one of this log, every known witness's line holds, and the policy is met at the end.

    A policy that is met at an earlier size alone leaves the entries behind it to the log's word.
    """
    covered = good = 0
    for size, path in _attested(files, _COSIGNED):
        report.looked_at[Check.WITNESSES] += 1
        try:
            note = files.read(path, MAX_NOTE_BYTES) or b""
            cosigned = open_cosigned(note, promises.keys, policy.keys if policy else ())
            if cosigned.checkpoint.size != size:
                raise VerificationError("CHECKPOINT_MISMATCH", checkpoint=cosigned.checkpoint.size, size=size)
        except LedgerError as error:
            report.fail(Check.WITNESSES, "COSIGNED_INVALID", max(0, size - 1), "", path, reason=error.code)
            continue
        if not promises.keeps(Check.WITNESSES, cosigned.checkpoint, good, path):
            continue
        good = size
        if policy is not None and policy.accepts(cosigned):
            covered = max(covered, size)
        elif policy is not None and size == promises.size and _maybe(policy, cosigned):
            report.not_checked[Check.WITNESSES] = ", ".join(key.name for key in cosigned.not_checkable)
    if policy is None:
        report.skipped[Check.WITNESSES] = "no-policy"
    elif policy.quorum is not None and covered < promises.size and Check.WITNESSES not in report.not_checked:
        report.fail(Check.WITNESSES, "QUORUM_OF_WITNESSES_MISSING", -1, covered=covered, size=promises.size)


def _maybe(policy: Policy, cosigned: Cosigned) -> bool:
    """Whether the policy would be met if the lines that cannot be checked here held."""
    publics = {key.public for key in cosigned.not_checkable}
    more = {one.name for one in policy.witnesses.values() if one.key.public in publics}
    return bool(more) and policy.satisfied_by(policy.cosigners(cosigned) | more)


def check_stamps(
    files: ExportFiles,
    report: Report,
    promises: Promises,
    stamps: Callable[[bytes, bytes], object] | None,
    wanted: bool,
) -> None:
    """Every timestamp is of a checkpoint of this log with the log's own signature line; one is there if asked for."""
    found = list(_attested(files, _STAMP))
    if stamps is None:
        if wanted:
            report.not_checked[Check.TIMESTAMPS] = "-"
        report.skipped[Check.TIMESTAMPS] = "no-library" if wanted else "no-tsa" if found else "none"
        return
    for size, path in found:
        report.looked_at[Check.TIMESTAMPS] += 1
        note = promises.note_of(size)
        try:
            if note is None:
                raise VerificationError("CHECKPOINT_MISSING", size=size)
            stamps(files.read(path, MOST_STAMP_BYTES) or b"", stamped(note, promises))
        except LedgerError as error:
            report.fail(Check.TIMESTAMPS, "TIMESTAMP_INVALID", max(0, size - 1), "", path, reason=error.code)
    if not found:
        report.not_checked[Check.TIMESTAMPS] = "-"


def stamped(note: bytes, promises: Promises) -> bytes:
    """Return what is stamped of a checkpoint: its text, an empty line and the log's own signature line."""
    parsed = parse_note(note)
    for line in parsed.signatures:
        if line.name == promises.keys.name and any(line.key_id == key.key_id for key in promises.keys):
            return parsed.text + b"\n" + line.line()
    raise VerificationError("NOTE_UNSIGNED")


def _attested(files: ExportFiles, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Give size and path of attested files, ascending."""
    found = ((parse_decimal(match[1]), name) for name in files.names if (match := pattern.fullmatch(name)))
    yield from sorted((size, name) for size, name in found if size is not None)
