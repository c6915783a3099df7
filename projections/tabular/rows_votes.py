"""Rows about votes: rounds, ballots, results and public totals. What may not be read yet has no row."""

from collections.abc import Iterator

from ledger.derivation import derive
from ledger.results import poll_outcome
from ledger.selection import Selection
from ledger.state.poll_book import PublicBallots
from ledger.state.rounds import Round
from projections.results import ResultStanding, outcome_of
from projections.secrecy import poll_readable, round_readable
from projections.tabular.model import NULL, Line, line, moment


def round_ids(state: Selection) -> Iterator[str]:
    """Give all rounds, in the order in which they were opened."""
    yield from state.rounds.by_id


def rounds(state: Selection, round_id: str) -> Iterator[Line]:
    """Give the row of one round; of an open one, only how many of how many have voted."""
    one = state.rounds.by_id[round_id]
    yield line(
        (
            one.id,
            one.stage,
            one.group,
            one.runoff,
            one.attempt,
            one.status.value,
            one.opened,
            moment(one.closes_at),
            one.closing,
            one.closed,
            one.opened_early,
            one.superseded,
            one.candidates,
            one.seats,
            one.max_approvals,
            one.list_hash,
            len(one.ballots),
            len(one.issued | one.ballots.keys()),
            round_readable(one),
        )
    )


def ballots(state: Selection, round_id: str) -> Iterator[Line]:
    """Give the rows of one round's ballots by entry, once they may be read."""
    played = state.rounds.by_id[round_id]
    if not round_readable(played):
        return
    for cast in sorted(played.ballots.values(), key=lambda one: one.index):
        yield (
            f"{round_id}\t{cast.member}\t{cast.index}\t{cast.grade.value}\t"
            f"{_marks(played, cast.approve, cast.against, cast.abstain)}\t{'t' if cast.void else 'f'}\t"
            f"{NULL if cast.disputed is None else cast.disputed}\t{NULL if cast.invalid is None else cast.invalid}\n"
        ).encode()


def _marks(played: Round, approve: tuple[str, ...], against: tuple[str, ...], abstain: tuple[str, ...]) -> str:
    """Return a ballot as one letter for each candidate in the order of the list: short, and read by the view `votes`.

    A thousand ballots on fourteen candidates would otherwise be fourteen thousand rows.
    """
    marks = dict.fromkeys(played.candidates, "-")
    for letter, chosen in (("Y", approve), ("N", against), ("A", abstain)):
        for one in chosen:
            marks[one] = letter
    return "".join(marks.values())


def subjects(state: Selection) -> Iterator[str]:
    """Give the subjects of all sessions that have begun."""
    yield from (session.subject for session in state.rounds.sessions.values())


def results(state: Selection, subject: str) -> Iterator[Line]:
    """Give the rows of one session's result; none before its vote is closed."""
    session = next(one for one in state.rounds.sessions.values() if one.subject == subject)
    outcome = outcome_of(state, session)
    if outcome is None:
        return
    certified = session.outcome.index if session.outcome else None
    standing = ResultStanding.CERTIFIED
    if certified is None:
        derived = derive(state, session)
        standing = ResultStanding.COUNTED if derived is None or derived.due is None else ResultStanding.TIED
    root = outcome.rows_root
    for row in outcome.rows:
        counts = [row[name] for name in ("approve", "against", "abstain", "returned", "possible", "recused", "void")]
        yield line(
            (
                subject,
                session.stage,
                session.group,
                row["candidate"],
                row["rank"],
                row["status"],
                *counts,
                row["measure"],
                row["decided_by"],
                tuple(row["tied_with"]),
                standing.value,
                certified,
                row["round"],
                root,
            )
        )


def poll_ids(state: Selection) -> Iterator[str]:
    """Give all public votes."""
    yield from state.polls.by_id


def poll_channels(state: Selection, poll_id: str) -> Iterator[Line]:
    """Give how far each channel of a public vote has come: how many ballots, of nobody how many votes."""
    poll, ballots = state.polls.by_id[poll_id], state.polls.ballots.get(poll_id, PublicBallots())
    for channel in poll.channels:
        committed = ballots.credentials.get(channel)
        yield line(
            (
                poll_id,
                poll.stage,
                channel,
                state.polls.channels[channel].verifiable,
                committed.count if committed else None,
                committed.index if committed else None,
                len(ballots.of_channel(channel)),
                ballots.counts.get(channel, 0),
                sum(one.count for one in ballots.left_out(channel)),
            )
        )


def poll_totals(state: Selection, poll_id: str) -> Iterator[Line]:
    """Give the totals of one public vote by candidate and channel, once it has ended."""
    poll = state.polls.by_id[poll_id]
    if not poll_readable(poll):
        return
    certified = poll.outcome.index if poll.outcome else None
    for row in (poll.outcome or poll_outcome(state, poll)).rows:
        for one in row["channels"]:
            counted = poll.totals[one["channel"]]
            raw = counted.raw[row["candidate"]] if counted.raw is not None else None
            head = (poll_id, poll.stage, row["candidate"], one["channel"])
            yield line((*head, one["verifiable"], one["votes"], raw, counted.index, certified))
