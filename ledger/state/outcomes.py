"""Ties settled after the last run-off, and results certified: what they fix for good (five, five(五))."""

from dataclasses import replace

from ledger.derivation import derive, rules_of, share_change
from ledger.derived import Derivation
from ledger.outcome import FinalOrder, Outcome
from ledger.results import outcome_from, poll_outcome
from ledger.state.books import Books
from ledger.state.matters import Folds
from ledger.state.rounds import Session
from ledger.statements import Act
from ledger.statements.rounds import ResultCertified, TieResolved
from ledger.tie_breaks import settle

STAGE, POLL = "stage", "poll"


def subject_of(subject: str) -> tuple[str, str, str | None]:
    """Return what a subject names: its kind, the id of the stage or poll, and the group of a stage."""
    kind, _, rest = subject.partition(":")
    if kind != STAGE:
        return kind, rest, None
    stage, _, group = rest.partition(":")
    return kind, stage, group or None


def _tie_resolved(state: Books, act: Act, now: Act) -> None:
    body: TieResolved = act.body
    session = state.rounds.by_id[body.round].session
    settled = settle(state, session, now.index)
    if settled is not None:
        session.resolutions.append(settled)
        session.changed = now.index


def _certified(state: Books, act: Act, now: Act) -> None:
    body: ResultCertified = act.body
    kind, name, group = subject_of(body.subject)
    if kind == POLL:
        poll = state.polls.by_id[name]
        poll.outcome = replace(poll_outcome(state, poll), index=now.index)
        _compare(state, act, poll.outcome)
        return
    session = state.rounds.session(name, group)
    derived = derive(state, session)
    if derived is None:
        return
    outcome = replace(outcome_from(session, derived), index=now.index)
    session.outcome = outcome
    _compare(state, act, outcome)
    _review(state, session, derived, now.index)
    programme, stage = rules_of(state, name)
    if stage.takes == "nominees":
        state.rounds.final = FinalOrder(outcome.taken, outcome.left, now.index)
        if len(outcome.taken) < programme.seats:
            facts = {"nominees": len(outcome.taken), "seats": programme.seats}
            state.findings.add("SEATS_UNFILLED", "warn", now.index, now.index, **facts)


def _compare(state: Books, act: Act, outcome: Outcome) -> None:
    """Dispute H15: what was certified is what follows, also when another version of the program reads the log."""
    if outcome.rows_root != act.body.rows_root:
        state.findings.add("REPLAY_DIVERGES", "breach", act.index, subject=outcome.subject)


def _review(state: Books, session: Session, derived: Derivation, at: int) -> None:
    """Record what hung on a reading or on a removal: an auditor sees who would have been taken otherwise."""
    change = share_change(derived)
    if change is not None:
        entries = sorted({entry for members in _recused(state, session) for entry in members.values()})
        raw, share = ", ".join(change.only_raw) or "-", ", ".join(change.only_share) or "-"
        state.findings.add(
            "RECUSAL_CHANGES_CUT", "warn", at, *entries, at, subject=session.subject, by_votes=raw, by_share=share
        )
    if derived.removal_changes_cut:
        removed = derived.removed
        entries = [state.out[person].index for person in removed]
        state.findings.add(
            "REMOVAL_CHANGES_CUTOFF", "warn", at, derived.played.closed or at, *entries, at,
            subject=session.subject, removed=", ".join(removed),
        )  # fmt: skip


def _recused(state: Books, session: Session) -> list[dict[str, int]]:
    return list(state.bodies.recused(session.stage, session.group).values())


FOLDS: Folds = {TieResolved: _tie_resolved, ResultCertified: _certified}
