"""Why a candidate stands where a result has them, step by step, with the entries that show it.

Clauses five(一)–(三), five(五). Every key of the ladder that was asked about a tie is one reason; the words for each
code are in `messages`.
"""

from fractions import Fraction
from typing import Any

from ledger.derivation import rules_of
from ledger.outcome import Outcome
from ledger.procedure.ranking import DecidedBy
from ledger.procedure.reasons import Facts, Reason
from ledger.procedure.scores import displayed
from ledger.state.books import Books

_WORDS = {
    DecidedBy.MEAN_SCORE: "MEAN_SCORE",
    DecidedBy.PUBLIC_VOTES: "PUBLIC_VOTES",
    DecidedBy.RUNOFF: "RUNOFF",
    DecidedBy.DECISION: "DECISION",
    DecidedBy.LOT: "LOT",
}


def reasons(state: Books, outcome: Outcome, candidate: str) -> tuple[Reason, ...]:
    """Return why a candidate has the place that a session's result gives; nothing for one who is not in it."""
    row = outcome.row(candidate)
    if row is None or "round" not in row:
        return ()
    played = state.rounds.by_id[row["round"]]
    clause = rules_of(state, played.stage)[1].clause
    shown = tuple(entry for entry in (played.closed, outcome.index) if entry is not None and entry >= 0)
    if row["status"] == "removed":
        out = state.out[candidate]
        facts: Facts = {"approvals": row["approve"], "cause": out.cause.value}
        return (Reason("REMOVED", clause, facts, (*shown, out.index)),)
    facts = {"rank": row["rank"], "approvals": row["approve"], "possible": row["possible"]}
    found = [Reason("PLACE_BY_APPROVALS", clause, facts, shown)]
    if row["tied_with"]:
        found.append(Reason("TIED_WITH", clause, {"others": len(row["tied_with"])}, shown))
        found += [_step(state, used, clause) for used in row["keys"]]
    if row["status"] == "below_minimum":
        found.append(Reason("BELOW_MINIMUM", clause, {"approvals": row["approve"]}, shown))
    return tuple(found)


def _step(state: Books, used: "dict[str, Any]", clause: str) -> Reason:
    name = DecidedBy(used["name"])
    if used["value"] is None:
        return Reason(f"SILENT_{_WORDS[name]}", clause, {"source": used["source"]}, _entries(state, used))
    separated = bool(used["ahead_of"] or used["behind"])
    facts: Facts = {
        "ahead_of": len(used["ahead_of"]),
        "behind": len(used["behind"]),
        "source": used["source"],
        "value": _shown(name, used["value"]),
    }
    return Reason(f"{'SEPARATED' if separated else 'EQUAL'}_BY_{_WORDS[name]}", clause, facts, _entries(state, used))


def _shown(name: DecidedBy, value: str) -> str:
    exact = Fraction(value)
    return displayed(exact) if name is DecidedBy.MEAN_SCORE else str(abs(int(exact)))


def _entries(state: Books, used: "dict[str, Any]") -> tuple[int, ...]:
    """Return the entries that show what a key's values come from: a certified poll, a run-off's close, a decision."""
    kind, _, source = used["source"].partition(":")
    if kind == "poll":
        poll = state.polls.by_id[source]
        return (poll.outcome.index,) if poll.outcome else ()
    if kind == "stage":
        stage, _, group = source.partition(":")
        closed = state.rounds.session(stage, group or None).scoring_closed
        return () if closed is None else (closed,)
    played = state.rounds.by_id[used["source"]]
    settled = [one.index for one in played.session.resolutions if one.round == played.id]
    decided = used["name"] in (DecidedBy.DECISION, DecidedBy.LOT)
    return tuple(settled) if decided else () if played.closed is None else (played.closed,)
