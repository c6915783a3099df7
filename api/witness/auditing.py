"""The full-audit witness: it reads every entry, decides all of them again, and only then cosigns.

Its cosignature states more than a plain witness's, so it is made with a key of its own and told apart by name. It has
the same memory: what it cosigned once, every later tree must continue, which it sees from the entries themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass

from api.witness.memory import WitnessMemory
from api.witness.published import PublishedEntries
from api.witness.witness import Witness
from ledger.checkpoint import Note, VerifierKey, parse_note
from ledger.cosignature import Cosigner
from ledger.merkle import EMPTY_ROOT, Node
from projections.audit.report import Check, Report
from projections.audit.signatures import Signatures
from projections.audit.verify import Audit, Progress, Row


class EntriesAudit(Audit):
    """An audit of entries alone: nodes are computed and compared with checkpoints, there is no pin to hold against."""

    def __init__(self, source: PublishedEntries, key: VerifierKey, workers: int, known: int) -> None:
        """Audit `source` as the log founded with `key`, and note the root that it had at the size `known`."""
        super().__init__(source, key, workers)
        self._known = known
        self.known_root: bytes | None = EMPTY_ROOT if known == 0 else None

    def _row(self, row: Row, signatures: Signatures) -> None:
        super()._row(row, signatures)
        if self._next == self._known:
            self.known_root = self._frontier.root()

    def _tree(self, row: Row, nodes: list[Node]) -> None:
        """Nothing to compare: the checkpoints cover these nodes."""

    def _keep_promises(self, bad: set[int]) -> None:
        self.report.skipped[Check.PIN] = "none"
        self.promises.close(self.report.root, bad, None, pin_wanted=False)

    def signing_key(self, size: int) -> VerifierKey:
        """Return the key of the log that signs checkpoints of this size, as the entries derive it."""
        return self.promises.keys.at(size)


@dataclass(frozen=True, slots=True)
class Audited:
    """How an audit ended: `OK` with the cosigned note, or why nothing was signed.

    `AUDIT_FAILED` (see the report), `SPLIT_VIEW` (not what was cosigned before; kept as evidence), `ROLLBACK_DETECTED`
    (shorter than what was cosigned before), `NOTHING_PUBLISHED`.
    """

    code: str
    report: Report
    size: int
    published: int
    known: int
    note: bytes = b""


class AuditingWitness:
    """The witness over its memory, for the one log that is founded with `key`."""

    def __init__(self, memory: WitnessMemory, key: VerifierKey, cosigner: Cosigner, clock_s: Callable[[], int]) -> None:
        """Cosign with `cosigner` what passes; `clock_s` gives POSIX seconds."""
        self._memory, self._key, self._clock = memory, key, clock_s
        self._witness = Witness(memory, [key], [cosigner], clock_s)

    def audit(self, source: PublishedEntries, workers: int = 2, progress: Progress | None = None) -> Audited:
        """Audit what is published, and cosign it if everything holds and continues what was cosigned before.

        Raises `StoreError` if the source breaks off or the memory cannot be used.
        """
        with self._memory.lock:
            newest = self._memory.newest(self._key.name)
            known = newest[0].size if newest else 0
            audit = EntriesAudit(source, self._key, workers, known)
            report = audit.run(progress)
            code = self._judge(source, audit, newest[0].root if newest else EMPTY_ROOT, known)
            if code == "SPLIT_VIEW" and newest is not None:
                self._memory.evidence("not what was cosigned", [newest[1].encode(), source.note], self._clock())
            note = b""
            if code == "OK":
                signed = self._signed(source, audit.signing_key(source.size))
                note = signed.encode() + self._witness.cosign(self._key.name, signed)
            return Audited(code, report, source.size, source.published, known, note)

    def _judge(self, source: PublishedEntries, audit: EntriesAudit, root: bytes, known: int) -> str:
        if not audit.report.clean:
            return "AUDIT_FAILED"
        if source.size == 0:
            return "NOTHING_PUBLISHED"
        if source.size < known:
            return "ROLLBACK_DETECTED"
        return "OK" if audit.known_root == root else "SPLIT_VIEW"

    def _signed(self, source: PublishedEntries, key: VerifierKey) -> Note:
        """Return the checkpoint with the log's own line alone; the audit found it good."""
        parsed = parse_note(source.note)
        return Note(
            parsed.text,
            tuple(line for line in parsed.signatures if (line.name, line.key_id) == (key.name, key.key_id)),
        )
