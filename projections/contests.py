"""The votes behind certified results, as they stood when they were certified: what questions are asked about.

Clauses five(一)–(三), five(五). Only certified results are looked at, so that nothing of an open vote can show. What
happened later, such as somebody dropping out, does not change what a vote was decided by.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from ledger.derivation import derive, recusals_of, rules_of
from ledger.derived import Derivation
from ledger.outcome import Outcome
from ledger.procedure.counting import MinApproval
from ledger.procedure.ranking import DecidedBy
from ledger.results import outcome_from
from ledger.selection import Selection
from ledger.state.rounds import Round, Session, SessionKey
from ledger.statements import Act
from projections.suppositions import Contest, Vote


@dataclass(frozen=True, slots=True)
class Certified:
    """A session as it stood just before entry `index` certified it: valid until the next one is asked for."""

    state: Selection
    session: Session
    derived: Derivation
    index: int

    @property
    def outcome(self) -> Outcome:
        """The result that was certified."""
        return outcome_from(self.session, self.derived)


def certified(
    state: Selection, acts: Sequence[Act], keys: AbstractSet[SessionKey] | None = None
) -> Iterator[Certified]:
    """Give the certified sessions, all or those with these keys, in the order of certification; folds once.

    `acts` are those that `state` has, from entry 0.
    """
    wanted = sorted(
        (one.outcome.index, key)
        for key, one in state.rounds.sessions.items()
        if one.outcome is not None and (keys is None or key in keys)
    )
    before = type(state)()
    for index, (stage, group) in wanted:
        for act in acts[before.size : index]:
            before.apply(act)
        session = before.rounds.session(stage, group)
        derived = derive(before, session)
        if derived is not None:
            yield Certified(before, session, derived, index)


def sessions_of(state: Selection, stage: str, group: str | None) -> frozenset[SessionKey]:
    """Return the sessions of a stage that have begun, or the one of this group."""
    return frozenset(key for key in state.rounds.sessions if key[0] == stage and group in (None, key[1]))


def contest_of(one: Certified) -> Contest:
    """Return the vote of the whole list as a contest; who had dropped out stands no more."""
    programme, _ = rules_of(one.state, one.session.stage)
    derived = one.derived
    return Contest(
        candidates=tuple(sorted({*derived.ranking.candidates, *derived.below.candidates})),
        votes=_votes(one.state, derived.played),
        seats=derived.played.seats,
        max_approvals=derived.played.max_approvals,
        keys=derived.keys,
        reading=derived.ranking.reading,
        least=MinApproval(programme.reading("min_approval") or MinApproval.NONE),
    )


def runoff_contests(one: Certified) -> Iterator[tuple[Round, Contest]]:
    """Give the run-offs on which it hung who is taken: among those who tied, for the places that were left."""
    for played in one.session.runoffs:
        place = _rung(one.derived, played)
        still = tuple(sorted(set(one.derived.ranking.candidates) & played.standing))
        seats = len(set(one.derived.cut.taken) & set(still))
        if 0 < seats < len(still):
            keys = one.derived.keys[place + 1 :]
            reading = one.derived.ranking.reading
            contest = Contest(still, _votes(one.state, played), seats, played.max_approvals, keys, reading)
            yield played, contest


def without(one: Certified, members: AbstractSet[str], *, ballots: bool = True, scores: bool = True) -> Derivation:
    """Derive the session again without these members' ballots, run-offs included, or scores, or both."""
    session = replace(one.session, rounds=list(one.session.rounds), sheets=dict(one.session.sheets))
    if ballots:
        session.rounds = [_round_without(played, members) for played in session.rounds]
    if scores:
        session.sheets = {key: sheet for key, sheet in session.sheets.items() if key[0] not in members}
    derived = derive(one.state, session)
    if derived is None:
        raise LookupError(session.subject)
    return derived


def _round_without(played: Round, members: AbstractSet[str]) -> Round:
    return replace(played, ballots={member: cast for member, cast in played.ballots.items() if member not in members})


def _votes(state: Selection, played: Round) -> tuple[Vote, ...]:
    recusals = recusals_of(state, played)
    return tuple(
        Vote(
            cast.index,
            cast.member,
            frozenset(cast.approve),
            frozenset(candidate for candidate, recused in recusals.items() if cast.member in recused),
            cast.void or cast.invalid is not None,
        )
        for cast in sorted(played.ballots.values(), key=lambda cast: cast.index)
    )


def _rung(derived: Derivation, played: Round) -> int:
    """Return the place of a run-off's key in the ladder."""
    return next(
        place for place, key in enumerate(derived.keys) if key.name is DecidedBy.RUNOFF and key.source == played.id
    )
