"""Who may read which entry: one table for tiles, exports, pages and witnesses.

The public reads what the procedure announces anyway; of everything else it gets the leaf hash, which tells nothing,
because every statement bears a nonce. Auditors read every entry, up to the first vote that is not over (dispute D14).
Who objects and what they wrote stands in no entry; what could point at them is hidden all the same. A kind that is not
in the table is hidden.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from ledger.selection import Selection
from ledger.statements import Act, decode_own_entry
from ledger.statements.foundation import ActCountersigned, ActDeclined
from projections.secrecy import matter_readable, poll_readable, round_readable


class Audience(StrEnum):
    """For whom something is published."""

    PUBLIC = "public"
    AUDITOR = "auditor"


class Decision(NamedTuple):
    """Whether the public reads the entries of a kind, and why."""

    public: bool
    reason: str


ORIGINAL = Decision(False, "follows the act that it signs or declines")
_FOUNDATION = Decision(True, "the rules and who answers for them")
_PROGRESS = Decision(True, "how far the selection has come, for everyone in the same way")
_RESULT = Decision(True, "an outcome that the procedure announces; people stand in it by random id")
_LOG = Decision(True, "about the log itself; whoever checks it needs this")
_BATCH = Decision(True, "counts, roots and sealed subtotals of the public vote; no row and no choice")
_IMPORT = Decision(True, "which files came in and under which root; no row of them")
_PERSONAL = Decision(False, "about one person's application, record or conduct")
_BODY = Decision(False, "who sits, draws, attends or steps back, before whom")
_CHOICE = Decision(False, "one person's choice, points or voice, or what became of it")
_ROLL = Decision(False, "one person's key, role or record")
_OBJECTION = Decision(False, "an objection and whatever follows it could point at whoever filed it")
_EVIDENCE = Decision(False, "what is on file about people")
_INTERNAL = Decision(False, "for those who look into it; the reason may name people")

_GROUPS: tuple[tuple[Decision, str], ...] = (
    (ORIGINAL, "act.countersigned act.declined"),
    (
        _FOUNDATION,
        "charter.sealed charter.endorsed calendar.recorded programme.amended deadline.extended selection.suspended"
        " selection.resumed channel.registered",
    ),
    (
        _PROGRESS,
        "stage.opened stage.closed scoring.closed round.opened round.closed round.reopened ballots.opened_early"
        " poll.opened poll.closed notice.published notice.changed notice.observed",
    ),
    (
        _RESULT,
        "groups.certified tie.resolved result.certified totals.imported poll.opened_totals votes.invalidated"
        " votes.reinstated candidates.proposed vacancy.filled seat.left_vacant approval.submitted approval.decided"
        " titles.named titles.conferred title.revoked",
    ),
    (_BATCH, "channel.credentials_committed poll.rule_declared poll.batch"),
    (_LOG, "log_key.rotated log.recovered"),
    (_IMPORT, "import.begun import.completed import.abandoned"),
    (
        _PERSONAL,
        "application.filed consent.given review.recorded recommendation.made recommendation.entered"
        " supplement.requested application.supplemented application.withdrawn withdrawal.entered paper.received"
        " application.refused duplicate.linked department.replied criterion.decided screening.decided appeal.filed"
        " appeal.decided eligibility.challenged inspection.reported qualification.ended responsibility.referred"
        " benefit.applied benefit.inspected benefit.granted name.corrected",
    ),
    (
        _BODY,
        "draw.announced seed.committed seed.revealed roster.set roster.amended declaration.made recusal.made"
        " recusal.imposed candidate.regrouped attendance.recorded attendance.witnessed attendance.left"
        " discussion.recorded close.consented",
    ),
    (
        _CHOICE,
        "score.given score.revised ballot.cast paper_ballot.entered ballot.disputed ballot.invalidated"
        " ballot.reinstated deliberation.voted deliberation.closed import.chunk",
    ),
    (_ROLL, "key.enrolled key.rotated key.revoked role.granted role.withdrawn office.succeeded"),
    (
        _OBJECTION,
        "objection.received seal.opened objection.examined hearing.notified reply.given objection.investigated"
        " objection.decided decision.blocked objection.answered objection.withdrawn",
    ),
    (_EVIDENCE, "evidence.attached evidence.erased"),
    (_INTERNAL, "dispute.opened finding.raised finding.closed"),
)
DECISIONS: dict[str, Decision] = {name: decision for decision, names in _GROUPS for name in names.split()}
"""What is decided for each kind of statement, by its permanent name; every version of a kind is decided alike."""

_HIDDEN = Decision(False, "not decided yet")

PublicAt: TypeAlias = Callable[[int], bool]
"""Says whether the entry of an index is public."""


def decision_of(kind: str) -> Decision:
    """Return what is decided for a kind of statement by its name; hidden where nothing is."""
    return DECISIONS.get(kind, _HIDDEN)


def is_public(act: Act, public_at: PublicAt | None = None) -> bool:
    """Say whether the public reads an entry.

    A countersignature, or its denial, is public with the act that it names, for which `public_at` is asked; without it
    such an entry counts as hidden. Whether an act is pending makes no difference.
    """
    body = act.body
    if isinstance(body, ActCountersigned | ActDeclined):
        return public_at is not None and 0 <= body.index < act.index and public_at(body.index)
    return decision_of(act.statement.type).public


def publicity_in(entry_at: Callable[[int], bytes | None]) -> PublicAt:
    """Look earlier entries up where they are stored; `entry_at(index)` gives their bytes."""

    def public_at(index: int) -> bool:
        entry = entry_at(index)
        return entry is not None and is_public(decode_own_entry(entry))

    return public_at


class Publicity:
    """What is public among entries that come one after another from entry 0; a bit for each is remembered."""

    def __init__(self) -> None:
        """Begin before entry 0."""
        self._bits = bytearray()
        self.size = 0

    def take(self, act: Act) -> bool:
        """Say whether the next entry is public, and remember it."""
        public = is_public(act, self.at)
        if self.size % 8 == 0:
            self._bits.append(0)
        self._bits[-1] |= public << self.size % 8
        self.size += 1
        return public

    def at(self, index: int) -> bool:
        """Say whether an entry that was taken is public."""
        return 0 <= index < self.size and bool(self._bits[index // 8] >> index % 8 & 1)


def shown_to(audience: Audience, state: Selection) -> int:
    """Return how many entries of a log in this state may be given out, the rest being withheld for now.

    For auditors that is the size before anything of a vote, a scoring or a named vote that is not over; the public gets
    no such entry at any time. `state` is that of the whole log, not of an earlier size.
    """
    return state.size if audience is Audience.PUBLIC else min((state.size, *_sealed(state)))


def _sealed(state: Selection) -> Iterator[int]:
    """Give entries before which everything may be read."""
    for session in state.rounds.sessions.values():
        # From its opening on: a paper ballot whose countersigner declined leaves an entry, and no trace in the state.
        yield from (played.opened + 1 for played in session.rounds if not round_readable(played))
        if session.scoring_closed is None:
            yield from (first for sheet in session.sheets.values() for first in (sheet.index, *sheet.replaced))
    for matter in state.deliberation.matters.values():
        if not matter_readable(matter):
            yield from (vote.index for vote in matter.votes.values())
    for poll in state.polls.by_id.values():
        if not poll_readable(poll):
            yield from (counted.index for counted in (*poll.totals.values(), *poll.replaced))
