"""Findings that somebody reports, and the closing of any: those the folds find themselves are added where they do."""

from ledger.state.books import Books
from ledger.state.matters import Folds
from ledger.statements import Act
from ledger.statements.naming import FindingClosed, FindingRaised


def _raised(state: Books, act: Act, now: Act) -> None:
    body: FindingRaised = act.body
    state.findings.add(body.code, body.severity, act.index, *body.entries, reported_by=act.person)


def _closed(state: Books, act: Act, now: Act) -> None:
    finding = state.findings.by_id.get(act.body.finding)
    if finding is not None:
        finding.closed = now.index


FOLDS: Folds = {FindingRaised: _raised, FindingClosed: _closed}
