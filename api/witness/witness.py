"""The witness itself: the checks of an add-checkpoint request in the order that tlog-witness gives them.

400 malformed, or old above the checkpoint's size; 404 origin unknown; 403 not signed by a trusted key of the log; 409
old is not the size this witness cosigned last; 422 no consistent growth; 200 with the cosignature lines. Checking the
old size and storing the new note is one transaction, and the note is on disk before anything is answered: a crash can
lose an answer, never what was signed. What a log validly signed and cannot have grown to is kept as evidence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from api.witness.memory import WitnessMemory, note_in
from api.witness.message import SIZE_TYPE, Request, parse
from ledger.checkpoint import Checkpoint, Note, VerifierKey, verify_note
from ledger.cosignature import Cosigner, cosign
from ledger.errors import MalformedError, StoreError, VerificationError
from ledger.merkle import EMPTY_ROOT, verify_consistency

MOST_BACKWARD_S = 300
"""Seconds by which the clock may go back; times never do. Further back, nothing is signed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, body and content type."""

    status: int
    body: bytes = b""
    type: str = "text/plain; charset=utf-8"


class Witness:
    """A witness over its memory: which logs it knows (several keys of one origin while a key is rotated), its keys."""

    def __init__(
        self,
        memory: WitnessMemory,
        logs: Sequence[VerifierKey],
        cosigners: Sequence[Cosigner],
        clock_s: Callable[[], int],
    ) -> None:
        """Cosign for `logs` with every one of `cosigners`; `clock_s` gives POSIX seconds."""
        self._memory, self._cosigners, self._clock = memory, tuple(cosigners), clock_s
        self._logs: dict[str, list[VerifierKey]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)

    def checkpoint(self, name: str) -> bytes | None:
        """Return the newest cosigned note of the log whose origin hashes to `name`, None if there is none."""
        return note_in(self._memory.folder, name)

    def add(self, body: bytes) -> Answer:
        """Answer an add-checkpoint request. Raises `StoreError` if what was decided cannot be kept."""
        try:
            request = parse(body)
        except MalformedError:
            return Answer(400)
        keys = self._logs.get(request.origin)
        if keys is None:
            return Answer(404)
        try:
            signers = verify_note(request.note, keys)
        except (VerificationError, MalformedError):
            return Answer(403)
        with self._memory.lock:
            return self._decide(request, _signed_by(request.note, signers))

    def _decide(self, request: Request, signed: Note) -> Answer:
        """Answer what the log validly signed: `signed` is its note with the log's own lines alone."""
        known = self._memory.newest(request.origin)
        size, root = (known[0].size, known[0].root) if known else (0, EMPTY_ROOT)
        conflict = request.size == size and request.root != root
        if request.old != size:
            if conflict:
                self._keep_evidence(request, signed, known)
            return Answer(409, b"%d\n" % size, SIZE_TYPE)
        # The proof from an empty tree is empty, and the tree of no leaves has one root: both are checked in here.
        if conflict or not verify_consistency(size, request.size, root, request.root, request.proof):
            self._keep_evidence(request, signed, known)
            return Answer(422)
        return Answer(200, self.cosign(request.origin, signed))

    def cosign(self, origin: str, signed: Note) -> bytes:
        """Cosign a checkpoint found consistent, make it the newest, and return the lines; the lock must be held."""
        at = self._time(origin)
        lines = b"".join(cosign(signed.text, at, cosigner).line() for cosigner in self._cosigners)
        self._memory.keep(origin, signed.encode() + lines)
        return lines

    def _time(self, origin: str) -> int:
        """Return the time to sign with: never before the last, or two cosignatures could contradict each other."""
        now, last = self._clock(), self._last_time(origin)
        if now < last - MOST_BACKWARD_S:
            raise StoreError("CLOCK_REGRESSION", now=now, last=last)
        return max(now, last)

    def _last_time(self, origin: str) -> int:
        known = self._memory.newest(origin)
        own = {(cosigner.key.name, cosigner.key.key_id) for cosigner in self._cosigners}
        lines = known[1].signatures if known else ()
        times = (int.from_bytes(line.value[:8], "big") for line in lines if (line.name, line.key_id) in own)
        return max(times, default=0)

    def _keep_evidence(self, request: Request, signed: Note, known: tuple[Checkpoint, Note] | None) -> None:
        """Keep both notes. Where only the proof was bad they show no fork by themselves, but may with later ones."""
        same = known is not None and known[0].size == request.size
        kept = [known[1].encode()] if known else []
        kind = "same size, other root" if same else "not consistent"
        self._memory.evidence(kind, [*kept, signed.encode()], self._clock())


def _signed_by(note: Note, signers: Sequence[VerifierKey]) -> Note:
    own = {(key.name, key.key_id) for key in signers}
    return Note(note.text, tuple(line for line in note.signatures if (line.name, line.key_id) in own))
