"""Which evidence decided something: what a statement names as the paper, report or minutes that it rests on.

Such evidence is kept (seven(三)), under whatever class it was put on file, before or after the statement.
"""

from ledger.state.books import Books
from ledger.statements import Act
from ledger.statements.applications import PaperReceived, RecommendationEntered, ReviewRecorded, WithdrawalEntered
from ledger.statements.deliberation import DeliberationClosed, InspectionReported
from ledger.statements.foundation import SelectionSuspended
from ledger.statements.naming import (
    ApprovalDecided,
    BenefitInspected,
    QualificationEnded,
    TitleRevoked,
    TitlesConferred,
    TitlesNamed,
)
from ledger.statements.notices import ObjectionDecided, ObjectionInvestigated
from ledger.statements.poll import TotalsImported
from ledger.statements.rounds import DiscussionRecorded, PaperBallotEntered, ScoreGiven, ScoreRevised
from ledger.statements.screening import CriterionDecided, DepartmentReplied, EligibilityChallenged

DECIDING_FIELDS: dict[type, tuple[str, ...]] = {
    SelectionSuspended: ("evidence",),
    ReviewRecorded: ("minutes",),
    RecommendationEntered: ("callback", "scan"),
    WithdrawalEntered: ("scan",),
    PaperReceived: ("scan",),
    DepartmentReplied: ("document",),
    CriterionDecided: ("evidence", "supporting"),
    EligibilityChallenged: ("evidence",),
    ScoreGiven: ("evaluation",),
    ScoreRevised: ("evaluation",),
    DiscussionRecorded: ("minutes",),
    PaperBallotEntered: ("scan",),
    TotalsImported: ("file",),
    InspectionReported: ("report",),
    DeliberationClosed: ("minutes",),
    ObjectionInvestigated: ("findings",),
    ObjectionDecided: ("findings", "minutes"),
    ApprovalDecided: ("minutes",),
    TitlesNamed: ("document",),
    TitlesConferred: ("document",),
    QualificationEnded: ("findings",),
    TitleRevoked: ("findings",),
    BenefitInspected: ("report",),
}
"""The fields, by kind of statement, that name evidence which decided.

What objectors, applicants and candidates hand in about themselves (consents, replies, appeals, withdrawals of an
objection) is theirs and stays erasable.
"""


def note_deciding(state: Books, act: Act) -> None:
    """Remember what an entry rests on, pending or not: a decision that was declined rested on it as well."""
    for name in DECIDING_FIELDS.get(type(act.body), ()):
        digest = getattr(act.body, name)
        if digest is not None:
            state.deciding.setdefault(digest, act.index)
