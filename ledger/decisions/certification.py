"""Settling the last tie and certifying results: nobody types either (五, 五(四), 五(五); disputes E01, E03, E05)."""

from ledger.decisions.registry import Asked, CosignDecisions, Decisions
from ledger.decisions.sessions import stage_asked
from ledger.derivation import derive, rules_of
from ledger.outcome import Outcome
from ledger.procedure.reasons import Refusal, refuse
from ledger.results import outcome_from, poll_outcome
from ledger.round_plan import exhausted_tie
from ledger.selection import Selection
from ledger.state.outcomes import POLL, STAGE, subject_of
from ledger.state.poll_book import Poll
from ledger.state.rounds import Round, RoundStatus
from ledger.statements.rounds import ResultCertified, TieResolved
from ledger.tie_breaks import settle

CLAUSE = "五"


def _resolve(state: Selection, asked: Asked) -> Refusal | None:
    """Reading `runoff_exhausted`: the order must be what the leaders' named votes, or the lot, give."""
    body: TieResolved = asked.body
    stage = stage_asked(asked)
    played = state.rounds.by_id.get(body.round)
    if played is None:
        return refuse("UNKNOWN_ROUND", stage.clause, round=body.round)
    tie = exhausted_tie(state, played.session)
    if tie is None:
        return refuse("NO_TIE", stage.clause, round=body.round)
    if tie.round != body.round:
        return refuse("WRONG_CONTEXT", stage.clause, expected=tie.round, given=body.round)
    settled = settle(state, played.session, asked.at)
    if settled is None:
        return refuse("TIE_UNRESOLVED", stage.clause, subject=played.session.subject)
    if body.order != settled.order:
        return refuse("RESULT_NOT_DERIVED", stage.clause, where="order")
    return None


def _certify(state: Selection, asked: Asked) -> Refusal | None:
    """Disputes E01, H17: a certification signs the derived rows, as of the history it has seen, and nothing else."""
    body: ResultCertified = asked.body
    kind, name, group = subject_of(body.subject)
    if kind == STAGE:
        return _certify_session(state, asked, name, group)
    poll = state.polls.by_id.get(name) if kind == POLL else None
    if poll is None:
        return refuse("UNKNOWN_SUBJECT", CLAUSE, subject=body.subject)
    return _certify_poll(state, asked, poll)


def _certify_session(state: Selection, asked: Asked, stage_id: str, group: str | None) -> Refusal | None:
    stage = state.charter.stage(stage_id)
    session = state.rounds.session(stage_id, group)
    if stage is None or not session.rounds:
        return refuse("UNKNOWN_SUBJECT", CLAUSE, subject=asked.body.subject)
    clause = stage.clause
    if session.outcome is not None:
        return refuse("RESULT_CERTIFIED", clause, subject=session.subject, index=session.outcome.index)
    current, derived = session.current, derive(state, session)
    if derived is None or current is None or current.status is not RoundStatus.CLOSED:
        return _not_closed(state, current or session.rounds[-1], clause)
    if derived.due is not None:
        return refuse("TIE_UNRESOLVED", clause, subject=session.subject)
    left = [state.out[person].index for person in derived.lines if person in state.out]
    changed = max([session.changed, *left])
    rules = state.charter.version_for(stage_id).hash
    return _breach_open(state, clause) or _not_derived(asked, outcome_from(session, derived), rules, clause, changed)


def _not_closed(state: Selection, played: Round, clause: str) -> Refusal:
    """Dispute D18: without the signatures of two scrutineers there is nothing to certify."""
    waiting = state.pending.get(played.closing) if played.closing is not None else None
    if waiting is not None and played.status is RoundStatus.CLOSING:
        return refuse("SCRUTINEER_MISSING", clause, round=played.id, signed=len(waiting.signers) - 1)
    return refuse("ROUND_NOT_CLOSED", clause, round=played.id)


def _certify_poll(state: Selection, asked: Asked, poll: Poll) -> Refusal | None:
    clause = rules_of(state, poll.stage)[1].clause
    if poll.outcome is not None:
        return refuse("PUBLIC_CERTIFIED", clause, poll=poll.id, index=poll.outcome.index)
    if poll.closed is None:
        return refuse("POLL_NOT_CLOSED", clause, poll=poll.id)
    if poll.missing:
        return refuse("TOTALS_MISSING", clause, poll=poll.id, channel=poll.missing[0])
    changed = max(counted.effective for counted in poll.totals.values())
    rules = state.charter.version_for(poll.stage).hash
    outcome = poll_outcome(state, poll)
    return _breach_open(state, clause) or _not_derived(asked, outcome, rules, clause, changed)


def _breach_open(state: Selection, clause: str) -> Refusal | None:
    breaches = state.findings.open_breaches()
    if breaches:
        return refuse("FINDING_OPEN", clause, finding=breaches[0].id, findings=len(breaches))
    return None


def _not_derived(asked: Asked, outcome: Outcome, rules: str, clause: str, changed: int) -> Refusal | None:
    """Hold every member of the statement against the derivation, and its view against the last entry that counts."""
    body: ResultCertified = asked.body
    seen = asked.statement.seen
    if seen is not None and body.as_of == seen.size and seen.size <= changed:
        return refuse("STALE_VIEW", clause, as_of=body.as_of, changed=changed)
    derived = {
        "as_of": seen.size if seen else -1,
        "tree_size": seen.size if seen else -1,
        "tree_root": seen.root if seen else "-",
        "projection": outcome.projection,
        "rules": rules,
        "rows": len(outcome.rows),
        "rows_root": outcome.rows_root,
    }
    for where, expected in derived.items():
        if getattr(body, where) != expected:
            return refuse("RESULT_NOT_DERIVED", clause, where=where)
    return None


DECISIONS: Decisions = {TieResolved: _resolve, ResultCertified: _certify}
COSIGN: CosignDecisions = {}
