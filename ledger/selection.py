"""The state of one programme after each entry: it composes the folds of `ledger.state` and holds no rules.

`apply` takes an admitted entry. An act that needs further signers waits in `pending` until the last of them signs;
only then does its fold run. The same object, folded by the same code, is what the sequencer decides by, what
projections show and what the verifier decides every statement again with.
"""

from dataclasses import dataclass
from typing import Any

from ledger.procedure.acts import ACTS, ALL_SPONSORS, SPONSOR, ActRule
from ledger.state import (
    applications,
    ballots,
    bodies,
    charter,
    deliberation,
    disputes,
    imports,
    log,
    naming,
    notices,
    objections,
    outcomes,
    people,
    places,
    poll_ballots,
    polls,
    scores,
    screening,
    sessions,
)
from ledger.state.books import Books, Pending
from ledger.state.charter import seal
from ledger.state.deciding import note_deciding
from ledger.state.findings import FOLDS as FINDING_FOLDS
from ledger.state.matters import ExtraSigners, Folds
from ledger.statements import Act
from ledger.statements.foundation import ActCountersigned, ActDeclined, CharterSealed

_MATTERS = (
    charter,
    people,
    applications,
    screening,
    bodies,
    sessions,
    scores,
    ballots,
    polls,
    poll_ballots,
    outcomes,
    deliberation,
    places,
    notices,
    objections,
    naming,
    disputes,
    imports,
    log,
)


def _gather(name: str) -> Folds:
    folds: Folds = {}
    for matter in _MATTERS:
        folds |= getattr(matter, name, {})
    return folds


EFFECTIVE: Folds = _gather("FOLDS") | FINDING_FOLDS
_PENDING: Folds = _gather("PENDING")
_DECLINED: Folds = _gather("DECLINED")


@dataclass(slots=True)
class Selection(Books):
    """The books of one programme, with what takes an entry into them."""

    def apply(self, act: Act) -> None:
        """Fold one admitted entry; entries come in order of their index."""
        kind = type(act.signed.statement.body)
        if kind is CharterSealed:
            seal(self, act)
        elif kind is ActCountersigned:
            self._countersigned(act)
        elif kind is ActDeclined:
            self._declined(act)
        else:
            self._act(act)
            note_deciding(self, act)
        self._remember(act)

    def _act(self, act: Act) -> None:
        statement = act.signed.statement
        rule = ACTS[statement.type]
        needs = self.further_signers(act, rule)
        claimed = statement.claimed_at
        if claimed is not None and not rule.transcribed and claimed < self.at:
            self.findings.add("BACKDATED", "warn", act.index, claimed_at=claimed, sequenced_at=act.at)
        if needs:
            self.pending[act.index] = Pending(act, rule, needs, [act.person], self._sponsored(act.person))
            fold = _PENDING.get(type(statement.body))
        else:
            fold = EFFECTIVE.get(type(statement.body))
        if fold is not None:
            fold(self, act, act)

    def further_signers(self, act: Act, rule: ActRule) -> int:
        """Return how many further signers an act needs to become effective; 0 if it is effective at once."""
        if rule.needs == ALL_SPONSORS:
            return len(self.charter.latest.programme.sponsors) - len(self._sponsored(act.person))
        extra = _EXTRA_SIGNERS.get(type(act.signed.statement.body))
        return rule.needs + extra(self, act) if extra else rule.needs

    def _sponsored(self, person: str) -> set[str]:
        """Return the sponsor that a person signs for: nobody signs for one by merely belonging to its office."""
        office = self.charter.offices.get(person)
        return {office} if office is not None and self.roll.has_role(person, (SPONSOR,)) else set()

    def _countersigned(self, act: Act) -> None:
        waiting = self.pending[act.body.index]
        waiting.signers.append(act.person)
        waiting.offices |= self._sponsored(act.person)
        waiting.needs -= 1
        if waiting.needs == 0:
            del self.pending[act.body.index]
            fold = EFFECTIVE.get(type(waiting.act.body))
            if fold is not None:
                fold(self, waiting.act, act)

    def _declined(self, act: Act) -> None:
        waiting = self.pending.pop(act.body.index)
        fold = _DECLINED.get(type(waiting.act.body))
        if fold is not None:
            fold(self, waiting.act, act)

    def _remember(self, act: Act) -> None:
        statement = act.signed.statement
        known = self.roll.people.get(statement.person)
        if known is not None:
            known.counter = statement.counter
        self.size = act.index + 1
        self.at = act.at


_EXTRA_SIGNERS: dict[type[Any], ExtraSigners] = {}
for _matter in _MATTERS:
    _EXTRA_SIGNERS |= getattr(_matter, "EXTRA_SIGNERS", {})
