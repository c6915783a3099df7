"""The public vote by its certified channel totals (五(四)), and when that stage may end."""

from ledger.decisions.registry import Asked, CosignDecisions, Decisions, StageGates
from ledger.decisions.sessions import stage_asked
from ledger.lists import entering, in_declared_order
from ledger.procedure.acts import CHANNEL
from ledger.procedure.ballots import list_hash
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.reasons import Refusal, refuse
from ledger.procedure.totals import totals_problem
from ledger.selection import Selection
from ledger.state.poll_book import Poll
from ledger.statements.poll import ChannelRegistered, PollClosed, PollOpened, TotalsImported

CLAUSE = "五(四)"


def poll_list(state: Selection, stage: Stage, poll: str) -> tuple[tuple[str, ...], str]:
    """Return the list that goes to the public, in declared order, and its hash under the poll's id."""
    candidates = in_declared_order(state, f"stage:{stage.id}", entering(state, stage))
    seats = state.charter.version_for(stage.id).programme.seats
    return candidates, list_hash(poll, stage.id, None, candidates, seats, seats)


def _register(state: Selection, asked: Asked) -> Refusal | None:
    """Reading `public_totals`: a channel is one that the programme names, with somebody who signs for it."""
    body: ChannelRegistered = asked.body
    declared = [name for stage in asked.programme.stages_of(StageKind.PUBLIC_VOTE) for name in stage.channels]
    if body.channel not in declared:
        return refuse("UNKNOWN_CHANNEL", CLAUSE, channel=body.channel)
    if body.channel in state.polls.channels:
        return refuse("CHANNEL_KNOWN", CLAUSE, channel=body.channel)
    if not state.roll.has_role(body.operator, (CHANNEL,)):
        return refuse("ROLE_NOT_HELD", CLAUSE, person=body.operator, role=CHANNEL)
    return None


def _open(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 五(四): the whole shortlist, as derived, goes to registered channels for a declared window, once."""
    body: PollOpened = asked.body
    stage = stage_asked(asked)
    known = state.polls.of_stage(stage.id) or state.polls.by_id.get(body.poll)
    if known is not None:
        return refuse("POLL_EXISTS", stage.clause, poll=known.id, index=known.opened)
    unknown = [one for one in body.channels if one not in state.polls.channels or one not in stage.channels]
    if unknown or not body.channels or len(set(body.channels)) != len(body.channels):
        return refuse("UNKNOWN_CHANNEL", stage.clause, channel=unknown[0] if unknown else "-")
    if body.closes_at <= asked.at:
        return refuse("CLOSING_TIME_PAST", stage.clause, closes_at=body.closes_at)
    candidates, hashed = poll_list(state, stage, body.poll)
    if body.candidates != candidates or body.list_hash != hashed:
        where = "candidates" if body.candidates != candidates else "list_hash"
        return refuse("LIST_NOT_DERIVED", stage.clause, where=where)
    return None


def known_poll(state: Selection, asked: Asked, poll: str) -> Poll | Refusal:
    """Return a poll of the stage that is asked about, or refuse."""
    stage = stage_asked(asked)
    known = state.polls.by_id.get(poll)
    if known is None or known.stage != stage.id:
        return refuse("UNKNOWN_POLL", stage.clause, poll=poll)
    return known


def _close(state: Selection, asked: Asked) -> Refusal | None:
    """Reading `public_window`: the public vote ends when its declared window has run."""
    body: PollClosed = asked.body
    known = known_poll(state, asked, body.poll)
    if isinstance(known, Refusal):
        return known
    clause = stage_asked(asked).clause
    if known.closed is not None:
        return refuse("POLL_CLOSED", clause, poll=known.id, index=known.closed)
    if asked.at < known.closes_at:
        return refuse("POLL_NOT_ELAPSED", clause, poll=known.id, closes_at=known.closes_at)
    return None


def _import(state: Selection, asked: Asked) -> Refusal | None:
    """Disputes F07, F08: a channel gives its totals once the poll is closed; certified, they change no more."""
    body: TotalsImported = asked.body
    known = known_poll(state, asked, body.poll)
    if isinstance(known, Refusal):
        return known
    clause = stage_asked(asked).clause
    if known.outcome is not None:
        return refuse("PUBLIC_CERTIFIED", clause, poll=known.id, index=known.outcome.index)
    if body.channel not in known.channels:
        return refuse("UNKNOWN_CHANNEL", clause, channel=body.channel)
    if state.polls.channels[body.channel].operator != asked.person:
        return refuse("NOT_AUTHORISED", clause, act=asked.statement.type, needed=body.channel)
    if body.channel in state.polls.ballots_of(known.id).credentials:
        return refuse("CHANNEL_GIVES_BALLOTS", clause, channel=body.channel)
    if known.closed is None:
        return refuse("POLL_NOT_CLOSED", clause, poll=known.id)
    problem = totals_problem([total.candidate for total in body.totals], known.candidates)
    if problem is not None:
        return refuse("TOTALS_INVALID", clause, fault=problem.fault.value, candidate=problem.candidate)
    return None


def _may_end(state: Selection, asked: Asked, stage: Stage) -> Refusal | None:
    """Clause 五(四): the public vote is over when its totals are certified."""
    if state.polls.certified(stage.id) is None:
        return refuse("PUBLIC_NOT_CERTIFIED", stage.clause, stage=stage.id)
    return None


DECISIONS: Decisions = {
    ChannelRegistered: _register,
    PollOpened: _open,
    PollClosed: _close,
    TotalsImported: _import,
}
COSIGN: CosignDecisions = {}
OPEN: StageGates = {}
CLOSE: StageGates = {StageKind.PUBLIC_VOTE: _may_end}
