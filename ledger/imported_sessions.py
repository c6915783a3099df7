"""A body's vote of an imported selection: its list, its lines and its ranking, by the same rules as live.

Clauses five(一)–(三) and five(五). What the files cannot mean (a ballot beyond the list or its number, a balance that
does not come out) is a problem, and nothing is imported; what happened otherwise than the rules say (another list, a
run-off that was not due, no quorum) is a difference, and the rules' result stands beside it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ledger.derivation import polled_before, settled, share_change
from ledger.derived import Derivation
from ledger.import_checks import RowProblem
from ledger.import_facts import ImportFacts, RoundFacts, SessionFacts
from ledger.imported_lists import Lists
from ledger.imported_result import Bounds, Difference, ImportedSession
from ledger.procedure.ballots import list_hash
from ledger.procedure.counting import QuorumCheck, quorum
from ledger.procedure.programme import Stage
from ledger.procedure.ranking import (
    DecidedBy,
    Key,
    RecusalRanking,
    decided_key,
    mean_score_key,
    public_votes_key,
    rank,
    runoff_key,
)
from ledger.procedure.scores import Sheet, mean_scores, missing_sheets
from ledger.results import outcome_from
from ledger.state.rounds import Round, RoundStatus, Session

WARN, BREACH = "warn", "breach"


@dataclass(slots=True)
class Notes:
    """What is found on the way."""

    problems: list[RowProblem] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    bounds: dict[str, Bounds] = field(default_factory=dict)

    def differ(self, code: str, severity: str, subject: str, **facts: str | int) -> None:
        """Note a difference."""
        self.differences.append(Difference(code, severity, subject, facts))


@dataclass(slots=True)
class SessionCount:
    """One session on its way to a result."""

    lists: Lists
    stage: Stage
    session: Session
    notes: Notes

    @property
    def facts(self) -> ImportFacts:
        """The imported facts."""
        return self.lists.facts

    @property
    def subject(self) -> str:
        """The session's subject."""
        return self.session.subject

    def result(self, main: RoundFacts, expected: tuple[str, ...], shares: Mapping[str | None, int]) -> ImportedSession:
        """Count the vote of the whole list, settle its ties by what was held, and cut."""
        listed = self._listed(main, expected)
        seats = self.lists.seats(self.stage, self.session.group, len(listed), shares)
        self._held_to(main, listed, seats)
        played = self._round(main, listed, seats)
        lines = {line.candidate: line for line in main.count.lines(listed)}
        keys, held = list(self._first_keys(main.session, frozenset(listed))), list[frozenset[str]]()
        rounds = [(main, listed)]
        for one in self._runoffs():
            before = self._gone_before(one)
            derived = settled(self.lists.programme, self.stage, played, lines, tuple(keys), before, held)
            due = derived.due if not derived.exhausted else None
            if due is None:
                self.notes.differ("IMPORT_RUNOFF_NOT_DUE", BREACH, self.subject, round=one.id)
            on_list = self._listed(one, due.candidates) if due else tuple(sorted(one.listed or one.count.mentioned))
            self._held_to(one, on_list, due.places if due else len(on_list))
            rounds.append((one, on_list))
            keys.append(runoff_key(rank(one.count.lines(on_list), (), self._reading), one.id))
            held.append(frozenset(on_list))
        gone = self.lists.gone(self.stage)
        programme, stage = self.lists.programme, self.stage
        self._orders(lambda ladder, out: settled(programme, stage, played, lines, ladder, out, held), keys, rounds)
        derived = settled(programme, stage, played, lines, tuple(keys), gone, held)
        self._review(derived)
        checks = tuple(check for one, names in rounds for check in self._quorum(one, names, gone))
        outcome = outcome_from(self.session, derived)
        ids = tuple(one.id for one, _ in rounds)
        return ImportedSession(stage.id, self.session.group, self.subject, ids, derived, checks, outcome)

    @property
    def _reading(self) -> RecusalRanking:
        return RecusalRanking(self.lists.programme.reading("recusal_ranking") or RecusalRanking.RAW)

    def _runoffs(self) -> Iterator[RoundFacts]:
        number = 1
        while (one := self.facts.counted.get((self.stage.id, self.session.group, number))) is not None:
            yield one
            number += 1

    def _gone_before(self, runoff: RoundFacts) -> frozenset[str]:
        if runoff.opened_at:
            return self.lists.gone_before(self.stage, runoff.opened_at)
        return self.lists.gone(self.stage)

    def _listed(self, played: RoundFacts, expected: tuple[str, ...]) -> tuple[str, ...]:
        """The list as the ballots had it; as derived where that was not recorded."""
        if not played.listed:
            return expected
        added, missing = sorted(played.listed.keys() - set(expected)), sorted(set(expected) - played.listed.keys())
        if added or missing:
            facts = {"added": ", ".join(added) or "-", "missing": ", ".join(missing) or "-"}
            self.notes.differ("IMPORT_LIST_DIFFERS", BREACH, self.subject, round=played.id, **facts)
        return tuple(sorted(played.listed))

    def _held_to(self, played: RoundFacts, listed: Iterable[str], most: int) -> None:
        """Hold the ballots of a round to its list and number, and the declared balance to the ballots."""
        clause, count = self.stage.clause, played.count
        bounds = self.notes.bounds[played.id] = Bounds(frozenset(listed), most)
        unknown = sorted(count.mentioned - bounds.listed)
        if unknown:
            facts: dict[str, str | int] = {"round": played.id, "candidate": unknown[0]}
            self.notes.problems.append(RowProblem("UNKNOWN_CANDIDATE", clause, "ballots", 0, "approve", facts))
        if count.most_approvals > most:
            facts = {"round": played.id, "most": most, "given": count.most_approvals}
            self.notes.problems.append(RowProblem("OVERVOTE", clause, "ballots", 0, "approve", facts))
        stated = {"issued": played.issued, "returned": played.returned, "void": played.void}
        found = {"issued": max(played.issued, count.returned), "returned": count.returned, "void": count.void}
        for name, value in stated.items():
            if value not in (-1, found[name]):
                facts = {"round": played.id, "where": name, "expected": found[name], "given": value}
                self.notes.problems.append(RowProblem("BALANCE_MISMATCH", clause, "rounds", 0, name, facts))

    def _round(self, main: RoundFacts, listed: tuple[str, ...], seats: int) -> Round:
        return Round(
            id=main.id,
            session=self.session,
            runoff=0,
            attempt=1,
            candidates=listed,
            standing=frozenset(listed),
            seats=seats,
            max_approvals=seats,
            list_hash=list_hash(main.id, self.stage.id, self.session.group, listed, seats, seats),
            closes_at=main.closed_at,
            opened=-1,
            opened_at=main.opened_at,
            issued=set(),
            status=RoundStatus.CLOSED,
        )

    def _first_keys(self, session: SessionFacts, listed: frozenset[str]) -> Iterator[Key]:
        """Scores and public votes, before any run-off."""
        sheets = tuple(self._sheets(session, listed))
        if self.stage.scored:
            self._scored(session, listed, sheets)
        if self.lists.programme.reading(self.stage.tie_reading or "") == "score_then_runoff":
            yield mean_score_key({one.candidate: one.mean for one in mean_scores(sheets)}, self.subject)
        polled = polled_before(self.lists.programme, self.stage)
        if polled is not None:
            poll = self.facts.polls.get(polled.id)
            yield public_votes_key(deciding_votes(self.facts, polled), f"poll:{poll}" if poll else "")

    def _sheets(self, session: SessionFacts, listed: frozenset[str]) -> Iterator[Sheet]:
        for (member, candidate), points in self.facts.scores.get(self.stage.id, {}).items():
            if candidate in listed and member in session.places:
                yield Sheet(member, candidate, tuple(sorted(points.items())))

    def _scored(self, session: SessionFacts, listed: frozenset[str], sheets: tuple[Sheet, ...]) -> None:
        members = frozenset(one for one in session.places if not session.checked or session.is_present(one))
        lacking = missing_sheets(members, listed, sheets, recusals_by_candidate(self.facts, self.stage, members))
        if lacking:
            self.notes.differ("SCORING_INCOMPLETE", WARN, self.subject, missing=len(lacking))

    def _orders(
        self,
        so_far: Callable[[tuple[Key, ...], frozenset[str]], Derivation],
        keys: list[Key],
        rounds: list[tuple[RoundFacts, tuple[str, ...]]],
    ) -> None:
        """Reading `runoff_exhausted`: take up the leaders' votes or the lot, which order those who are still equal.

        Whether one was due is asked of those who stood when the round was held, and of those who stand in the end: it
        was decided between the two.
        """
        for one, _ in rounds:
            if not one.tie_orders:
                continue
            stood = (self._gone_before(one), self.lists.gone(self.stage))
            if not any(_due(so_far(tuple(keys), gone), one) for gone in stood):
                self.notes.differ("IMPORT_TIE_ORDER_NOT_DUE", BREACH, self.subject, round=one.id)
            values = sorted((candidate, value) for candidate, (_, value) in one.tie_orders.items())
            by_lot = any(lot for lot, _ in one.tie_orders.values())
            keys.append(decided_key(DecidedBy.LOT if by_lot else DecidedBy.DECISION, values, one.id))

    def _review(self, derived: Derivation) -> None:
        """Note what hangs on a reading or a removal, and a tie that nothing settled."""
        change = share_change(derived)
        if change is not None:
            raw, share = ", ".join(change.only_raw) or "-", ", ".join(change.only_share) or "-"
            self.notes.differ("RECUSAL_CHANGES_CUT", WARN, self.subject, by_votes=raw, by_share=share)
        if derived.removal_changes_cut:
            self.notes.differ("REMOVAL_CHANGES_CUTOFF", WARN, self.subject, removed=", ".join(derived.removed))
        if derived.due is not None:
            tied = ", ".join(derived.due.candidates)
            self.notes.differ("IMPORT_TIE_OPEN", BREACH, self.subject, tied=tied, places=derived.due.places)

    def _quorum(self, played: RoundFacts, listed: tuple[str, ...], gone: frozenset[str]) -> Iterator[QuorumCheck]:
        """Reading `quorum`: for each candidate apart, since recusals differ; the first that fails is noted."""
        programme, count = self.lists.programme, played.count
        members = len(played.session.places)
        recused = recusals_by_candidate(self.facts, self.stage, played.session.places)
        noted = False
        for candidate in sorted(set(listed) - gone):
            kept_out = len(recused.get(candidate, ())) - played.released.get(candidate, 0)
            needed = quorum(members - kept_out, programme.quorum, programme.quorum_floor)
            check = QuorumCheck(candidate, members - kept_out, count.returned - count.recused[candidate], needed)
            if not check.met and not noted:
                noted = True
                enough = count.returned >= quorum(members, programme.quorum, programme.quorum_floor)
                code = "QUORUM_LOST_BY_RECUSAL" if enough else "NO_QUORUM"
                self.notes.differ(
                    code, BREACH, self.subject, round=played.id, present=check.taking_part, needed=check.needed
                )
            yield check


def _due(derived: Derivation, played: RoundFacts) -> bool:
    """Say whether a tie was to be settled without a further vote, and whether everybody in it was."""
    return derived.due is not None and derived.exhausted and played.tie_orders.keys() >= set(derived.due.candidates)


def deciding_votes(facts: ImportFacts, polled: Stage) -> dict[str, int]:
    """Reading `public_totals`: each candidate's votes over the verifiable channels of a poll."""
    votes: dict[str, int] = {}
    for (channel, candidate), given in facts.totals.get(polled.id, {}).items():
        if facts.verifiable[polled.id, channel]:
            votes[candidate] = votes.get(candidate, 0) + given
    return votes


def recusals_by_candidate(facts: ImportFacts, stage: Stage, members: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return which of these members are recused for each candidate of a stage."""
    within = members if isinstance(members, Mapping | frozenset) else frozenset(members)
    found: dict[str, set[str]] = {}
    for member, candidates in facts.recusals.get(stage.id, {}).items():
        if member in within:
            for candidate in candidates:
                found.setdefault(candidate, set()).add(member)
    return {candidate: frozenset(kept_out) for candidate, kept_out in found.items()}
