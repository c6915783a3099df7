"""Everything done outside the normal path (question 6): paper, proxy presence, reopenings, amendments, and so on.

Two tables say what is outside it: acts by kind, with a condition where only some are, and findings by code for what
shows only in the circumstances. Nothing here judges: each line is legal but notable, with the entries that show it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from ledger.selection import Selection
from ledger.state.finding_book import Finding
from ledger.statements import Act
from projections.history import HistoryLine, history_of_entries
from projections.words import NOBODY, Names, Speaker


class OffPath(StrEnum):
    """In what way something was outside the normal path."""

    PAPER = "paper"
    LATE_FILING = "late_filing"
    LATE_KEYING = "late_keying"
    SPECIAL_WAY = "special_way"
    SUPPLEMENT = "supplement"
    NOT_ACCEPTED = "not_accepted"
    DUPLICATE = "duplicate"
    LATER_FACT = "later_fact"
    APPEAL_UPHELD = "appeal_upheld"
    CONFLICT = "conflict"
    AMENDMENT = "amendment"
    EXTENSION = "extension"
    SUSPENSION = "suspension"
    CALENDAR_CHANGE = "calendar_change"
    NAME_CORRECTION = "name_correction"
    KEY = "key"
    ROLE = "role"
    ROSTER_CHANGE = "roster_change"
    REGROUPING = "regrouping"
    FORCED_RECUSAL = "forced_recusal"
    PROXY_PRESENCE = "proxy_presence"
    REVISED_SCORE = "revised_score"
    REOPENING = "reopening"
    EARLY_OPENING = "early_opening"
    EARLY_CLOSE = "early_close"
    BALLOT_DISPUTE = "ballot_dispute"
    INVALIDATION = "invalidation"
    TIE_DECISION = "tie_decision"
    PUBLIC_TOTALS = "public_totals"
    NOTICE_CHANGE = "notice_change"
    LATE_OBJECTION = "late_objection"
    WITHDRAWN_OBJECTION = "withdrawn_objection"
    SEAL_OPENED = "seal_opened"
    BLOCKED = "blocked"
    EMPTY_PLACE = "empty_place"
    TOP_REMOVED = "top_removed"
    DECLINED = "declined"
    ENDED = "ended"
    DISPUTE = "dispute"
    ERASURE = "erasure"
    RECOVERY = "recovery"
    BACKDATED = "backdated"


_Condition: TypeAlias = "Callable[[Selection, Act], bool]"


def _always(state: Selection, act: Act) -> bool:
    return True


def _on_request(state: Selection, act: Act) -> bool:
    return act.body.request is not None


def _late(state: Selection, act: Act) -> bool:
    known = state.applications.by_id.get(act.body.application)
    return known is not None and known.late


def _special(state: Selection, act: Act) -> bool:
    way = state.charter.latest.programme.way(act.body.way)
    return way is not None and way.special


def _upheld(state: Selection, act: Act) -> bool:
    return bool(act.body.upheld)


def _before_scheduled(state: Selection, act: Act) -> bool:
    played = state.rounds.by_id.get(act.body.round)
    return played is not None and act.at < played.closes_at


def _arrived_on_paper(state: Selection, act: Act) -> bool:
    return act.body.arrived_at is not None


def _sent_away(state: Selection, act: Act) -> bool:
    return act.body.member not in (None, act.person)


def _replied_on_paper(state: Selection, act: Act) -> bool:
    return act.body.paper is not None


_ACTS: MappingProxyType[str, tuple[tuple[OffPath, _Condition], ...]] = MappingProxyType(
    {
        "act.declined": ((OffPath.DECLINED, _always),),
        "appeal.decided": ((OffPath.APPEAL_UPHELD, _upheld),),
        "application.filed": ((OffPath.LATE_FILING, _late), (OffPath.SPECIAL_WAY, _special)),
        "application.refused": ((OffPath.NOT_ACCEPTED, _always),),
        "application.supplemented": ((OffPath.SUPPLEMENT, _on_request),),
        "attendance.left": ((OffPath.PROXY_PRESENCE, _sent_away),),
        "attendance.witnessed": ((OffPath.PROXY_PRESENCE, _always),),
        "ballot.disputed": ((OffPath.BALLOT_DISPUTE, _always),),
        "ballot.invalidated": ((OffPath.INVALIDATION, _always),),
        "ballot.reinstated": ((OffPath.INVALIDATION, _always),),
        "ballots.opened_early": ((OffPath.EARLY_OPENING, _always),),
        "candidate.regrouped": ((OffPath.REGROUPING, _always),),
        "deadline.extended": ((OffPath.EXTENSION, _always),),
        "decision.blocked": ((OffPath.BLOCKED, _always),),
        "dispute.opened": ((OffPath.DISPUTE, _always),),
        "duplicate.linked": ((OffPath.DUPLICATE, _always),),
        "eligibility.challenged": ((OffPath.LATER_FACT, _always),),
        "evidence.erased": ((OffPath.ERASURE, _always),),
        "finding.raised": ((OffPath.DISPUTE, _always),),
        "key.revoked": ((OffPath.KEY, _always),),
        "key.rotated": ((OffPath.KEY, _always),),
        "log.recovered": ((OffPath.RECOVERY, _always),),
        "log_key.rotated": ((OffPath.KEY, _always),),
        "name.corrected": ((OffPath.NAME_CORRECTION, _always),),
        "notice.changed": ((OffPath.NOTICE_CHANGE, _always),),
        "objection.received": ((OffPath.PAPER, _arrived_on_paper),),
        "objection.withdrawn": ((OffPath.WITHDRAWN_OBJECTION, _always),),
        "office.succeeded": ((OffPath.ROLE, _always),),
        "paper_ballot.entered": ((OffPath.PAPER, _always),),
        "programme.amended": ((OffPath.AMENDMENT, _always),),
        "qualification.ended": ((OffPath.ENDED, _always),),
        "recommendation.entered": ((OffPath.PAPER, _always),),
        "recusal.imposed": ((OffPath.FORCED_RECUSAL, _always),),
        "reply.given": ((OffPath.PAPER, _replied_on_paper),),
        "role.withdrawn": ((OffPath.ROLE, _always),),
        "roster.amended": ((OffPath.ROSTER_CHANGE, _always),),
        "round.closed": ((OffPath.EARLY_CLOSE, _before_scheduled),),
        "round.reopened": ((OffPath.REOPENING, _always),),
        "score.revised": ((OffPath.REVISED_SCORE, _always),),
        "seal.opened": ((OffPath.SEAL_OPENED, _always),),
        "seat.left_vacant": ((OffPath.EMPTY_PLACE, _always),),
        "selection.resumed": ((OffPath.SUSPENSION, _always),),
        "selection.suspended": ((OffPath.SUSPENSION, _always),),
        "supplement.requested": ((OffPath.SUPPLEMENT, _always),),
        "tie.resolved": ((OffPath.TIE_DECISION, _always),),
        "title.revoked": ((OffPath.ENDED, _always),),
        "withdrawal.entered": ((OffPath.PAPER, _always),),
    }
)

_FINDINGS: MappingProxyType[str, OffPath] = MappingProxyType(
    {
        "BACKDATED": OffPath.BACKDATED,
        "EARLY_CLOSE": OffPath.EARLY_CLOSE,
        "EXPERT_OFF_ORDER": OffPath.ROSTER_CHANGE,
        "GRANT_IN_OPEN_STAGE": OffPath.ROLE,
        "KEY_BLOCKED_IN_ROUND": OffPath.KEY,
        "KEY_SUSPECT": OffPath.KEY,
        "LATE_KEYING": OffPath.LATE_KEYING,
        "LATE_OBJECTION": OffPath.LATE_OBJECTION,
        "SCREENER_CONFLICT": OffPath.CONFLICT,
        "TOP_RANK_REMOVED": OffPath.TOP_REMOVED,
        "TOTALS_REPLACED": OffPath.PUBLIC_TOTALS,
        "UNVERIFIABLE_SOURCE": OffPath.PUBLIC_TOTALS,
        "VOICES_OUTSTANDING": OffPath.EARLY_CLOSE,
    }
)


@dataclass(frozen=True, slots=True)
class OffPathLine:
    """One thing outside the normal path: in what way, the entry told, what shows it, the findings about it."""

    category: OffPath
    zh: str
    en: str
    line: HistoryLine
    entries: tuple[int, ...]
    findings: tuple[str, ...]


def off_path(state: Selection, acts: Iterable[Act], names: Names = NOBODY) -> tuple[OffPathLine, ...]:
    """Return everything outside the normal path up to `state.size`, in the order of the entries."""
    known = [act for act in acts if act.index < state.size]
    speaker = Speaker.of(state, names)
    found = outside(state, known)
    told = {line.index: line for line in history_of_entries(state, known, {index for index, _ in found}, names)}
    about = _findings_about(state)
    return tuple(_line(category, told[index], speaker, about.get(index, [])) for index, category in found)


def outside(state: Selection, acts: Iterable[Act]) -> list[tuple[int, OffPath]]:
    """Return which of these entries were outside the normal path and in what way, in the order of the entries.

    An entry that raised a finding counts, whether it is among `acts` or not.
    """
    known = [act for act in acts if act.index < state.size]
    found = {*_by_kind(state, known), *_by_finding(state), *_calendar_changes(known)}
    return sorted(found, key=lambda one: (one[0], one[1].value))


def _by_kind(state: Selection, acts: list[Act]) -> Iterable[tuple[int, OffPath]]:
    for act in acts:
        for category, applies in _ACTS.get(act.statement.type, ()):
            if applies(state, act):
                yield act.index, category


def _by_finding(state: Selection) -> Iterable[tuple[int, OffPath]]:
    for finding in state.findings.by_id.values():
        if finding.code in _FINDINGS and finding.raised < state.size:
            yield finding.raised, _FINDINGS[finding.code]


def _calendar_changes(acts: list[Act]) -> Iterable[tuple[int, OffPath]]:
    """A year that is recorded once more changes the calendar."""
    years: set[int] = set()
    for act in acts:
        if act.statement.type == "calendar.recorded":
            if act.body.year in years:
                yield act.index, OffPath.CALENDAR_CHANGE
            years.add(act.body.year)


def _findings_about(state: Selection) -> dict[int, list[Finding]]:
    """Return the findings that an entry shows or raises, by the entry; each once, in the order in which they arose."""
    found: dict[int, list[Finding]] = {}
    for finding in state.findings.by_id.values():
        for entry in {*finding.entries, finding.raised}:
            found.setdefault(entry, []).append(finding)
    return found


def _line(category: OffPath, line: HistoryLine, speaker: Speaker, about: list[Finding]) -> OffPathLine:
    entries = {line.index, *(entry for one in about for entry in one.entries)}
    if line.effective is not None:
        entries.add(line.effective)
    word = speaker.say("history", f"off.{category.value}")
    return OffPathLine(category, word.zh, word.en, line, tuple(sorted(entries)), tuple(one.id for one in about))
