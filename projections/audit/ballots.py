"""The rows of public votes against what was signed: roots, commitments, duplicates, credentials, totals.

Without the votes themselves, as in a public export or while a poll runs, the rows are held against their roots and the
lists of credentials; with them, everything is counted again.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from ledger.decisions.polls import CLAUSE
from ledger.errors import LedgerError
from ledger.selection import Selection
from ledger.state.poll_book import Poll
from projections.audit.report import Check, Report
from projections.ballot_rows import Ballots, PollProblem, check_channel, processes
from projections.poll_audit import audit, channel_vote, channels_of
from projections.public_votes import PublicVotes
from projections.secrecy import poll_readable

ProblemPlace: TypeAlias = Callable[[PollProblem], str]
"""Gives the file of an export that shows a problem; empty for a live ledger."""


def _no_place(problem: PollProblem) -> str:
    return ""


def hold_ballots(
    report: Report, state: Selection, source: Ballots, workers: int = 2, place_of: ProblemPlace = _no_place
) -> None:
    """Check the rows of every public vote, and count again those that are over.

    What the entries name cannot be told where deciding again broke off. Raises `StoreError` where rows cannot be read
    at all.
    """
    since = report.not_checked.get(Check.DECISIONS)
    if since is not None:
        report.not_checked |= {Check.BALLOTS: since, Check.TOTALS: since}
        return
    for poll in state.polls.by_id.values():
        try:
            _poll(report, state, poll, source, workers, place_of)
        except LedgerError:
            raise
        except Exception as error:
            # Only entries that must never have been admitted can make counting fail, in whatever manner.
            report.fail(Check.TOTALS, "REPLAY_DIVERGES", poll.opened, CLAUSE, reason=type(error).__name__)


def _poll(report: Report, state: Selection, poll: Poll, source: Ballots, workers: int, place_of: ProblemPlace) -> None:
    """Count a poll again that is over; of one that runs, check the rows."""
    channels = channels_of(state, poll)
    if poll_readable(poll) and channels:
        found = audit(state, poll.id, source, workers)
        report.looked_at[Check.BALLOTS] += found.ballots
        report.looked_at[Check.TOTALS] += len(found.raw)
        _tell(report, found.problems, place_of)
        return
    for channel in channels:
        shown = check_channel(channel_vote(state, poll, channel), source)
        report.looked_at[Check.BALLOTS] += shown.ballots
        _tell(report, shown.problems, place_of)


def hold_shown(
    report: Report, votes: PublicVotes, source: Ballots, workers: int = 2, place_of: ProblemPlace = _no_place
) -> None:
    """Check the rows of every public vote without their votes."""
    every = list(votes.votes())
    with processes(workers, sum(batch.count for vote in every for batch in vote.batches)) as pool:
        for vote in every:
            found = check_channel(vote, source, pool, workers)
            report.looked_at[Check.BALLOTS] += found.ballots
            _tell(report, found.problems, place_of)


def _tell(report: Report, problems: Iterable[PollProblem], place_of: ProblemPlace) -> None:
    for one in problems:
        check = Check.TOTALS if one.code == "TOTALS_NOT_DERIVED" else Check.BALLOTS
        facts: dict[str, str | int] = {"where": one.where}
        if one.where.isdigit():
            facts = {"ballots": int(one.where)}
        report.fail(check, one.code, one.entry, CLAUSE, place_of(one), **facts)
