"""Who stands where in an imported selection, in which group and for how many seats: clauses five(一)–(三), five(五).

The same rules as live, over imported facts: who left counts by the stage and the time that the clerks attest.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from ledger.import_facts import AppliedRow, DecisionRow, ImportFacts
from ledger.import_tables import ELIGIBLE
from ledger.procedure.groups import Group, GroupShare, SharesImpossible, group_shares
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.shortlist import shortlist_of, shortlist_places
from ledger.procedure.vacancies import DropOut

CAUSES = frozenset(cause.value for cause in DropOut)
_NOT_RECEIVED = ("late", "duplicate")


class Lists:
    """The lists of an imported selection. `taken` is filled stage by stage, in the programme's order."""

    def __init__(self, facts: ImportFacts) -> None:
        """Start before the first stage."""
        self.facts, self.programme = facts, facts.programme
        self.taken: dict[str, list[str]] = {}
        self._place = {stage.id: place for place, stage in enumerate(self.programme.stages)}
        self._left = _first_removals(facts.decisions.values())

    def left(self) -> Mapping[str, DecisionRow]:
        """Return how each person who dropped out did so first."""
        return self._left

    def after(self, stage: Stage, decision: DecisionRow) -> bool:
        """Say whether a decision leaves the result of a stage alone."""
        return self._of(decision) > self._place[stage.id]

    def gone(self, stage: Stage) -> frozenset[str]:
        """Return who is left out of the result of a stage."""
        return frozenset(one for one, decision in self._left.items() if not self.after(stage, decision))

    def gone_before(self, stage: Stage, at: int) -> frozenset[str]:
        """Return who had left before a ballot of a stage was opened (UTC ms; 0: unknown, then before the stage)."""
        place = self._place[stage.id]
        return frozenset(
            one
            for one, decision in self._left.items()
            if self._of(decision) < place or (self._of(decision) == place and decision.at < at)
        )

    def _of(self, decision: DecisionRow) -> int:
        return self._place.get(decision.stage, len(self._place))

    def entering(self, stage: Stage) -> tuple[str, ...]:
        """Return whom the stages before put forward to this one, sorted by id, whether or not they have left since."""
        for earlier in reversed(self.programme.before(stage.id)):
            if earlier.kind in (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND):
                return tuple(sorted(self.taken.get(earlier.id, ())))
            if earlier.kind is StageKind.SCREENING:
                return tuple(sorted(self.facts.eligible))
        return ()

    @cached_property
    def _counting(self) -> dict[str, AppliedRow]:
        """The application that counts for each person who applied in time: the eligible one, else the first by id."""
        received = (row for row in self.facts.applications.values() if row.standing not in _NOT_RECEIVED)
        found: dict[str, AppliedRow] = {}
        for row in sorted(received, key=lambda row: (row.standing != ELIGIBLE, row.application)):
            found.setdefault(row.person, row)
        return found

    def group_of(self, stage: Stage, person: str) -> str | None:
        """Return a person's group in a stage: as moved, else as the programme's groups cover the application."""
        moved = self.facts.grouped.get(stage.id, {}).get(person)
        row = self._counting.get(person)
        if moved is not None or row is None:
            return moved
        value = row.occupation if stage.group_by == "occupation" else row.industry
        return next((group.id for group in stage.groups if value in group.covers), None)

    def shares(self, stage: Stage, standing: Sequence[str]) -> tuple[GroupShare, ...] | SharesImpossible:
        """Reading `group_seats`: how many each group may put forward of those who stand."""
        received = dict.fromkeys((group.id for group in stage.groups), 0)
        sizes = dict(received)
        for person in self._counting:
            _add(received, self.group_of(stage, person))
        for person in standing:
            _add(sizes, self.group_of(stage, person))
        filled = [Group(one, received[one], size) for one, size in sizes.items() if size]
        drawn = self.facts.draws.get(stage.id, {})
        order = [drawn[position] for position in sorted(drawn)]
        return group_shares(filled, stage.total or 0, order) if filled else ()

    def seats(self, stage: Stage, group: str | None, candidates: int, shares: Mapping[str | None, int]) -> int:
        """Return the seats of the vote of the whole list: the group's, the shortlist's size or the places."""
        if stage.kind is StageKind.GROUP_ROUND:
            return min(shares.get(group, 0), candidates)
        if stage.takes == "shortlist":
            return shortlist_places(shortlist_of(self.programme, stage).size, candidates).places
        return min(self.programme.seats, candidates)


def _add(counts: dict[str, int], group: str | None) -> None:
    if group is not None:
        counts[group] += 1


def _first_removals(decisions: Iterable[DecisionRow]) -> dict[str, DecisionRow]:
    found: dict[str, DecisionRow] = {}
    for row in sorted(decisions, key=lambda row: (row.at, row.decision)):
        if row.kind in CAUSES:
            found.setdefault(row.person, row)
    return found
