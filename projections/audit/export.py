"""Checking an export with nothing but itself and what is trusted from outside: every byte, signature and decision.

All that an export says of itself is derived again and compared; nothing of it is believed. In a public export hidden
entries are only leaf hashes: tree, promises and the signatures of public entries are checked, whatever needs a hidden
entry is out of scope, and the report says so. Trust comes from outside: the log's founding key or the fingerprint of
its charter, the witnesses' policy, and whoever can check timestamps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ledger import canonical
from ledger.admission import founds
from ledger.checkpoint import VerifierKey, parse_vkey
from ledger.errors import LedgerError, MalformedError
from ledger.merkle import HASH_BYTES, Node
from ledger.statements import Act, decode_entry
from ledger.statements.foundation import CharterSealed
from ledger.tiles import FULL, HEIGHT, TileAddress, tiles_of
from ledger.witness_policy import Policy
from projections.audit.catalogue import EXPORT, Check, out_of_scope
from projections.audit.export_attested import check_stamps, check_witnesses
from projections.audit.export_ballots import check_ballots
from projections.audit.export_evidence import check_filed
from projections.audit.export_files import ExportFiles
from projections.audit.export_manifest import (
    AUDIENCES,
    CORE,
    CORE_FORMAT,
    OUTER,
    check_counts,
    check_files,
    read_manifest,
)
from projections.audit.export_source import CHECKPOINT, CHECKPOINTS, PIN, ExportLog, tile_path
from projections.audit.public_keys import PublicKeys
from projections.audit.report import Report
from projections.audit.signatures import Signatures
from projections.audit.verify import Audit, Progress, Row
from projections.public_votes import PublicVotes

PROGRAMME = "core/programme.json"
_NO_KEY = bytes(32)

Stamps: TypeAlias = Callable[[bytes, bytes], object]
"""Checks a timestamp response over a message; raises `LedgerError` if it does not hold."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What the verifier knows from elsewhere: the log's founding key, or the charter's fingerprint (its id in hex).

    `policy` says which witnesses must have cosigned; `stamps` checks timestamps. `stamps_wanted` without `stamps`: they
    were asked for, and this machine cannot check them.
    """

    key: VerifierKey | None = None
    fingerprint: str | None = None
    policy: Policy | None = None
    stamps: Stamps | None = None
    stamps_wanted: bool = False


def verify_export(path: Path, trust: Trust, workers: int = 2, progress: Progress | None = None) -> Report:
    """Check an export, a folder or a zip, and report all that does not hold.

    Raises `StoreError` or `MalformedError` where there is nothing that could be an export.
    """
    with ExportFiles(path) as files:
        return _verify(files, trust, workers, progress)


def _verify(files: ExportFiles, trust: Trust, workers: int, progress: Progress | None) -> Report:
    report = Report.of(EXPORT)
    outer, core = read_manifest(files, OUTER, report), read_manifest(files, CORE, report)
    said = core.value.get("audience")
    audience = said if said in AUDIENCES else AUDIENCES[0]
    try:
        log = ExportLog(files, report)
    except LedgerError as error:
        _without_checkpoint(report, error)
        check_files(files, outer, core, report)
        return report
    charter = _charter(log)
    audit = ExportAudit(files, log, report, audience, _key(log, charter, trust), workers)
    audit.run(progress)
    _check_trust(report, charter, trust)
    derived = audit.derived(*_attachments(audit, files, trust))
    check_counts(core, derived, report)
    check_files(files, outer, core, report)
    _scope(report, audience)
    return report


def _without_checkpoint(report: Report, error: LedgerError) -> None:
    """Nothing can be derived without a tree to derive it for."""
    report.fail(Check.CHECKPOINTS, "CHECKPOINT_FORGED", -1, "", CHECKPOINT, reason=error.code)
    for check in EXPORT:
        if check not in (Check.FILES, Check.CHECKPOINTS):
            report.not_checked[check] = "-"


def _scope(report: Report, audience: str) -> None:
    report.out_of_scope = out_of_scope(audience)
    for check in report.out_of_scope:
        report.looked_at.pop(check, None)
        report.not_checked.pop(check, None)


def _charter(log: ExportLog) -> Act | None:
    """Return entry 0 if it is a charter."""
    try:
        row = next(log.rows(), None)
        act = decode_entry(row.entry) if row is not None and row.place == 0 else None
    except MalformedError:
        return None
    return act if act is not None and type(act.body) is CharterSealed else None


def _key(log: ExportLog, charter: Act | None, trust: Trust) -> VerifierKey:
    """Return the founding key: as known from outside, else the charter's own, else one that signed nothing."""
    if trust.key is not None:
        return trust.key
    try:
        if charter is not None:
            return parse_vkey(charter.body.log_key)
    except MalformedError:
        pass
    return VerifierKey(log.head.origin, _NO_KEY)


def _check_trust(report: Report, charter: Act | None, trust: Trust) -> None:
    """The charter is the one known from outside, or founds the log of the key known from outside."""
    if trust.key is None and trust.fingerprint is None:
        report.not_checked[Check.TRUST] = "-"
        return
    report.looked_at[Check.TRUST] += 1
    if charter is None or (trust.key is not None and not founds(charter.body, trust.key)):
        report.fail(Check.TRUST, "CHARTER_INVALID", 0, "一", where="origin, log_key")
    if charter is not None and trust.fingerprint is not None and charter.signed.id.hex() != trust.fingerprint:
        report.fail(Check.TRUST, "FINGERPRINT_MISMATCH", 0, "一", found=charter.signed.id.hex())


def _attachments(audit: "ExportAudit", files: ExportFiles, trust: Trust) -> tuple[int, int]:
    """Check what comes with the entries: programme, evidence, attestations; return evidence kept and erased."""
    report = audit.report
    audit.check_programme()
    check_witnesses(files, report, audit.promises, trust.policy)
    check_stamps(files, report, audit.promises, trust.stamps, trust.stamps_wanted)
    check_ballots(files, audit, audit.votes, audit.workers, public=audit.public)
    if audit.public:
        return 0, 0
    return check_filed(files, report, audit.state)


class ExportAudit(Audit):
    """The audit of an export: nodes are held against its tiles, hidden entries passed by."""

    def __init__(
        self, files: ExportFiles, log: ExportLog, report: Report, audience: str, key: VerifierKey, workers: int
    ) -> None:
        """Audit the log in an export for this audience as the one founded with `key`."""
        super().__init__(log, key, workers, report)
        self._files, self._log, self._audience = files, log, audience
        self.public = audience == "public"
        self.votes, self.workers = PublicVotes(), workers
        self._decidable = not self.public
        self._tiles: dict[int, tuple[int, bytes]] = {}
        self._public_keys = PublicKeys()
        self._charter: CharterSealed | None = None

    def checkpoint_file(self, size: int) -> str:
        """Return the file that holds the checkpoint of a size."""
        return CHECKPOINT if size >= self._log.size else CHECKPOINTS

    def file_of(self, place: int) -> str:
        """Return the file that holds an entry."""
        return self._log.file_of(place)

    def _row(self, row: Row, signatures: Signatures) -> None:
        if row.leaf and not self.public:
            self._fail(Check.ORDER, "EVENT_MISSING", row.place)
            self._deciding_ends(row.place)
        super()._row(row, signatures)

    def _act(self, act: Act, row: Row, signatures: Signatures) -> None:
        super()._act(act, row, signatures)
        if type(act.body) is CharterSealed and row.place == 0:
            self._charter = act.body
        self.votes.take(act)
        if self.public:
            self._public_keys.take(act, self._publics)
            rotated = self._public_keys.keys
            if rotated is not None and rotated.founding == self._key:
                self.promises.keys = rotated

    def _signature(self, act: Act, place: int, message: bytes, signatures: Signatures) -> None:
        if self.public and act.signed.statement.key not in self._publics:
            # Whose key it is, only a hidden entry says.
            self.report.hidden[Check.SIGNATURES] = self.report.hidden.get(Check.SIGNATURES, 0) + 1
            return
        super()._signature(act, place, message, signatures)

    def _deciding_ends(self, place: int) -> None:
        if not self.public:
            super()._deciding_ends(place)

    def _tree(self, row: Row, nodes: list[Node]) -> None:
        for level, index, value in nodes:
            if level % HEIGHT == 0:
                self._node(level // HEIGHT, index, value, row.place)

    def _node(self, level: int, index: int, value: bytes, place: int) -> None:
        """Hold one hash against the tile it stands in."""
        number, offset = divmod(index, FULL)
        held = self._tiles.get(level)
        if held is None or held[0] != number:
            held = self._tiles[level] = number, self._log.tile(level, number) or b""
        start = offset * HASH_BYTES
        if held[1][start : start + HASH_BYTES] == value:
            return
        width = min(FULL, (self._log.size >> HEIGHT * level) - number * FULL)
        path = tile_path(TileAddress(level, number, width)) if width > 0 else CHECKPOINT
        if not held[1]:
            self.report.fail(Check.TREE, "NODE_MISSING", place, "", path)
        elif level:
            self.report.fail(Check.TREE, "NODE_ALTERED", self._first_bad(index << HEIGHT * level, place), "", path)
        else:
            self._fail(Check.TREE, "EVENT_ALTERED", place, reason="leaf", tile=path)

    def _first_bad(self, first: int, last: int) -> int:
        """Return the first entry below a node that is already found bad; if there is none, the node was altered."""
        return min((one.index for one in self.report.failures if first <= one.index <= last), default=first)

    def _close(self, bad: set[int]) -> None:
        if self._next < self._log.size:
            self._fail(Check.ORDER, "EVENT_MISSING", self._next)
        super()._close(bad)
        if self.public:
            hidden = self._log.hidden
            self.report.hidden |= dict.fromkeys((Check.FORM, Check.IDENTITY), hidden)
            self.report.hidden[Check.SIGNATURES] = self.report.hidden.get(Check.SIGNATURES, 0) + hidden
            self.report.looked_at[Check.FORM] -= hidden
            self.report.looked_at[Check.SIGNATURES] = self._acts + hidden - self.report.hidden[Check.SIGNATURES]
            self.report.grades = {}

    def _keep_promises(self, bad: set[int]) -> None:
        pin = self._log.pin()
        if pin is None and PIN not in self._files.names:
            self.report.skipped[Check.PIN] = "none"
        self.promises.close(self.report.root, bad, pin, pin_wanted=False)

    def check_programme(self) -> None:
        """The programme beside the entries is the charter's."""
        self.report.looked_at[Check.PROGRAMME] += 1
        data = self._files.read(PROGRAMME)
        if data is None:
            self.report.fail(Check.PROGRAMME, "EXPORT_INCOMPLETE", -1, "", PROGRAMME)
        elif self._charter is None or canonical.encode(self._charter.programme) + b"\n" != data:
            self.report.fail(Check.PROGRAMME, "EXPORT_ALTERED", 0, "", PROGRAMME)

    def derived(self, evidence: int, erased: int) -> dict[str, Any]:
        """Return what the core's manifest must say, and see that the tree's tiles are all there."""
        for address in tiles_of(self._log.size):
            if tile_path(address) not in self._files.names:
                self.report.fail(
                    Check.FILES,
                    "EXPORT_INCOMPLETE",
                    address.first if not address.height else -1,
                    "",
                    tile_path(address),
                    reason="missing",
                )
        counts = {
            "checkpoints": self._log.issued,
            "entries": self._log.size,
            "erased": erased,
            "evidence": evidence,
            "hidden": self._log.hidden,
        }
        return {
            "audience": self._audience,
            "counts": counts,
            "format": CORE_FORMAT,
            "origin": self._key.name,
            "out_of_scope": [check.value for check in out_of_scope(self._audience)],
            "root": self.report.root.hex(),
            "size": self._log.size,
        }
