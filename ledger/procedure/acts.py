"""Who may do what, when, and who must sign with them: one row for each kind of statement.

The procedure's page "Who acts" and its stages as a table. A row names the functions that may author the act (`ANYONE`
leaves it to the act's own decision: the applicant, a member of the roster, the person concerned), the stage kinds
during which it is admitted (none: whenever the charter is in force), and the further signers that make it effective.
"""

from dataclasses import dataclass
from types import MappingProxyType

from ledger.procedure.programme import StageKind as S

SPONSOR = "sponsor"
ORGANISER = "organiser"
INTAKE = "intake_office"
REGISTRAR = "registrar"
RECOMMENDER = "recommender"
APPLICANT = "applicant"
SCRUTINEER = "scrutineer"
TELLER = "teller"
INSPECTOR = "inspector"
LEADER = "leader"
CHAIR = "chair_office"
DISCIPLINE = "discipline"
CHANNEL = "channel"

FUNCTIONS = (
    SPONSOR, ORGANISER, INTAKE, REGISTRAR, RECOMMENDER, APPLICANT, SCRUTINEER,
    TELLER, INSPECTOR, LEADER, CHAIR, DISCIPLINE, CHANNEL,
)  # fmt: skip
ANYONE = ("*",)
ALL_SPONSORS = -1


@dataclass(frozen=True, slots=True)
class ActRule:
    """One row: authors, stage kinds, clause; `cosigners` are the functions and `needs` the number of further signers.

    `needs` = `ALL_SPONSORS`: every sponsor's office has signed, the author included if a sponsor. `recheck`: the act
    must still be admissible when the last signer signs. `suspended`: admitted while the selection rests. `transcribed`:
    the act is on paper, its `claimed_at` or body attests the time. `behalf`: the body's member that `on_behalf_of` must
    equal; `behalf_code`: the refusal where it does not.
    """

    clause: str
    authors: tuple[str, ...] = ANYONE
    during: tuple[S, ...] = ()
    cosigners: tuple[str, ...] = ()
    needs: int = 0
    recheck: bool = False
    suspended: bool = False
    transcribed: bool = False
    behalf: str | None = None
    behalf_code: str = "ON_BEHALF_MISMATCH"


_ROUNDS = (S.GROUP_ROUND, S.PANEL_ROUND)
_REFILL = (S.DELIBERATION, S.NOTICE, S.APPROVAL)
_AFTER_START = (S.APPLICATIONS, S.SCREENING, *_ROUNDS, S.PUBLIC_VOTE, *_REFILL)

ACTS = MappingProxyType(
    {
        # Foundation
        "charter.sealed": ActRule("一"),
        "charter.endorsed": ActRule("一", (SPONSOR,)),
        "calendar.recorded": ActRule("五(七)", (ORGANISER,)),
        "programme.amended": ActRule("五", (ORGANISER,), (), (SPONSOR,), ALL_SPONSORS, recheck=True),
        "deadline.extended": ActRule(
            "七(四)1", (SPONSOR, ORGANISER), (S.APPLICATIONS,), (SPONSOR,), ALL_SPONSORS, recheck=True, suspended=True
        ),
        "selection.suspended": ActRule("七(三)", (ORGANISER,), (), (SPONSOR,), 1),
        "selection.resumed": ActRule("七(三)", (ORGANISER,), (), (SPONSOR,), 1, suspended=True),
        "name.corrected": ActRule("七(二)", (ORGANISER, REGISTRAR), (), (DISCIPLINE,), 1, recheck=True),
        "stage.opened": ActRule("五", (ORGANISER,)),
        "stage.closed": ActRule("五", (ORGANISER,)),
        "act.countersigned": ActRule("七(三)", suspended=True),
        "act.declined": ActRule("七(三)", suspended=True),
        # Roll
        "key.enrolled": ActRule("七(三)", (REGISTRAR,), (), (DISCIPLINE,), 1, recheck=True, suspended=True),
        "key.rotated": ActRule("七(三)", suspended=True),
        "key.revoked": ActRule("七(三)", (REGISTRAR,), (), (DISCIPLINE,), 1, suspended=True),
        "role.granted": ActRule("七(三)", (REGISTRAR,), (), (DISCIPLINE,), 1, recheck=True),
        "role.withdrawn": ActRule("七(三)", (REGISTRAR,), (), (DISCIPLINE,), 1, recheck=True),
        "office.succeeded": ActRule("七(三)", (REGISTRAR,), (), (DISCIPLINE,), 1, recheck=True, suspended=True),
        # The log itself
        "log_key.rotated": ActRule("七(三)", (SPONSOR,), (), (SPONSOR,), 1, recheck=True, suspended=True),
        "log.recovered": ActRule("七(三)", (DISCIPLINE,), (), (SPONSOR,), 1, recheck=True, suspended=True),
        # Applications
        "application.filed": ActRule("六(二)", (APPLICANT, RECOMMENDER, INTAKE)),
        "consent.given": ActRule("六(二)"),
        "review.recorded": ActRule("七(二)", (RECOMMENDER,)),
        "recommendation.made": ActRule("六(二)1", (RECOMMENDER,)),
        "recommendation.entered": ActRule(
            "六(二)1", (INTAKE,), (), (ORGANISER, INTAKE, DISCIPLINE), 1, recheck=True, transcribed=True
        ),
        "supplement.requested": ActRule("六(三)", (ORGANISER,)),
        "application.supplemented": ActRule("六(三)"),
        "application.withdrawn": ActRule("六(二)", suspended=True),
        "withdrawal.entered": ActRule(
            "六(二)",
            (INTAKE,),
            (),
            (DISCIPLINE, ORGANISER, REGISTRAR),
            1,
            recheck=True,
            suspended=True,
            transcribed=True,
        ),
        "paper.received": ActRule(
            "七(四)2", (INTAKE,), (), (ORGANISER, INTAKE, DISCIPLINE), 1, recheck=True, transcribed=True
        ),
        "application.refused": ActRule("七(四)1", (ORGANISER,)),
        "duplicate.linked": ActRule(
            "六(二)", (ORGANISER,), (S.APPLICATIONS, S.SCREENING), (DISCIPLINE,), 1, recheck=True
        ),
        # Screening; a screener of the applicant's own unit needs a second one
        "department.replied": ActRule("四", (ORGANISER, SPONSOR), _AFTER_START),
        "criterion.decided": ActRule("四", (ORGANISER,), _AFTER_START[1:], (ORGANISER,), 0, recheck=True),
        "screening.decided": ActRule("四", (ORGANISER,), (S.SCREENING,), (ORGANISER,), 0, recheck=True),
        "appeal.filed": ActRule("四", ANYONE, (S.SCREENING,)),
        "appeal.decided": ActRule("四", (ORGANISER,), (S.SCREENING,), (ORGANISER,), 0, recheck=True),
        "eligibility.challenged": ActRule("四", (ORGANISER, DISCIPLINE, INSPECTOR)),
        # Bodies
        "draw.announced": ActRule("五", (ORGANISER,)),
        "seed.committed": ActRule("五"),
        "seed.revealed": ActRule("五"),
        "roster.set": ActRule("五", (ORGANISER,)),
        "roster.amended": ActRule("五", (ORGANISER,)),
        "declaration.made": ActRule("七(三)", ANYONE, _ROUNDS),
        "recusal.made": ActRule("七(三)", ANYONE, _ROUNDS),
        "recusal.imposed": ActRule("七(三)", (ORGANISER,), _ROUNDS),
        "candidate.regrouped": ActRule("五(一)", (ORGANISER,), (S.GROUP_ROUND,)),
        "groups.certified": ActRule("五(一)", (ORGANISER,), (S.GROUP_ROUND,)),
        # Rounds
        "attendance.recorded": ActRule("五", ANYONE, _ROUNDS),
        "attendance.witnessed": ActRule("五", (ORGANISER,), _ROUNDS, (SCRUTINEER, TELLER, DISCIPLINE), 2, recheck=True),
        "attendance.left": ActRule("五", ANYONE, _ROUNDS, (SCRUTINEER, TELLER, DISCIPLINE), 0, recheck=True),
        "score.given": ActRule("五(一)", ANYONE, (S.GROUP_ROUND,)),
        "score.revised": ActRule("五(一)", ANYONE, (S.GROUP_ROUND,)),
        "scoring.closed": ActRule("五(一)", (ORGANISER,), (S.GROUP_ROUND,)),
        "discussion.recorded": ActRule("五(三)", (ORGANISER,), _ROUNDS),
        "round.opened": ActRule("五", (ORGANISER,), _ROUNDS),
        "ballot.cast": ActRule("五", ANYONE, _ROUNDS, behalf_code="NOT_BALLOT_OWNER"),
        "paper_ballot.entered": ActRule(
            "五", (TELLER,), _ROUNDS, (SCRUTINEER,), 1, recheck=True, transcribed=True, behalf="member"
        ),
        "close.consented": ActRule("五", ANYONE, _ROUNDS),
        "round.closed": ActRule("五", (ORGANISER,), _ROUNDS, (SCRUTINEER,), 2),
        "round.reopened": ActRule("五", (ORGANISER,), _ROUNDS, (DISCIPLINE,), 1, recheck=True),
        "ballots.opened_early": ActRule("五", (ORGANISER,), _ROUNDS, (DISCIPLINE,), 1, recheck=True),
        "ballot.disputed": ActRule("七(三)"),
        "ballot.invalidated": ActRule("七(三)", (ORGANISER,), (), (DISCIPLINE,), 1, recheck=True),
        "ballot.reinstated": ActRule("七(三)", (ORGANISER,), (), (DISCIPLINE,), 1, recheck=True),
        "tie.resolved": ActRule("五", (ORGANISER,), _ROUNDS),
        "result.certified": ActRule("五", (ORGANISER,)),
        # Public vote
        "channel.registered": ActRule("五(四)", (ORGANISER,)),
        "poll.opened": ActRule("五(四)", (ORGANISER,), (S.PUBLIC_VOTE,)),
        "poll.closed": ActRule("五(四)", (ORGANISER,), (S.PUBLIC_VOTE,)),
        "totals.imported": ActRule(
            "五(四)", (CHANNEL,), (S.PUBLIC_VOTE,), (ORGANISER, SCRUTINEER, DISCIPLINE), 1, recheck=True
        ),
        # A public vote by single ballots
        "channel.credentials_committed": ActRule("五(四)", (CHANNEL,)),
        "poll.rule_declared": ActRule("五(四)", (ORGANISER,)),
        "poll.batch": ActRule("五(四)", (CHANNEL,), (S.PUBLIC_VOTE,)),
        "poll.opened_totals": ActRule("五(四)", (CHANNEL,), (S.PUBLIC_VOTE,)),
        "votes.invalidated": ActRule(
            "五(四)", (ORGANISER,), (S.PUBLIC_VOTE,), (DISCIPLINE, SCRUTINEER), 1, recheck=True
        ),
        "votes.reinstated": ActRule(
            "五(四)", (ORGANISER,), (S.PUBLIC_VOTE,), (DISCIPLINE, SCRUTINEER), 1, recheck=True
        ),
        # Deliberation and vacancies
        "inspection.reported": ActRule("五(六)", (INSPECTOR,), _REFILL),
        "candidates.proposed": ActRule("五(六)", (ORGANISER,), _REFILL),
        "deliberation.voted": ActRule("五(六)"),
        "deliberation.closed": ActRule("五(六)", (ORGANISER,)),
        "vacancy.filled": ActRule("五(六)", (ORGANISER,), _REFILL),
        "seat.left_vacant": ActRule("五(六)", (ORGANISER,), _REFILL),
        # Notice and objections
        "notice.published": ActRule("五(七)", (ORGANISER,), (S.NOTICE, S.APPROVAL, S.DELIBERATION)),
        "notice.changed": ActRule("五(七)", (ORGANISER,), (S.NOTICE, S.APPROVAL, S.DELIBERATION)),
        "notice.observed": ActRule("五(七)", (DISCIPLINE, INSPECTOR), suspended=True),
        "objection.received": ActRule(
            "五(七)", ANYONE, (), (DISCIPLINE, INTAKE, SCRUTINEER), 0, suspended=True, transcribed=True
        ),
        "seal.opened": ActRule("五(七)", (DISCIPLINE,), suspended=True),
        "objection.examined": ActRule("五(七)", (DISCIPLINE,)),
        "hearing.notified": ActRule("五(七)", (ORGANISER,)),
        "reply.given": ActRule("五(七)", suspended=True),
        "objection.investigated": ActRule("五(七)", (ORGANISER,)),
        "objection.decided": ActRule("五(七)", (ORGANISER,)),
        "decision.blocked": ActRule("五(七)", (DISCIPLINE,)),
        "objection.answered": ActRule("五(七)", (ORGANISER, INTAKE)),
        "objection.withdrawn": ActRule("五(七)"),
        # Naming and after
        "approval.submitted": ActRule("五(八)", (LEADER,), (S.APPROVAL,)),
        "approval.decided": ActRule("五(八)", (CHAIR,), (S.APPROVAL,)),
        "titles.named": ActRule("五(八)", (ORGANISER,), (S.APPROVAL,)),
        "titles.conferred": ActRule("二", (SPONSOR,), (S.APPROVAL, S.AFTERMATH), (SPONSOR,), ALL_SPONSORS),
        "qualification.ended": ActRule("七(三)", (ORGANISER,), (), (DISCIPLINE,), 1, recheck=True),
        "responsibility.referred": ActRule("七(三)", (ORGANISER, DISCIPLINE)),
        "title.revoked": ActRule("七(三)", (ORGANISER,), (S.APPROVAL, S.AFTERMATH), (DISCIPLINE,), 1, recheck=True),
        "benefit.applied": ActRule("二", ANYONE, (S.AFTERMATH,)),
        "benefit.inspected": ActRule("二", (INSPECTOR, ORGANISER), (S.AFTERMATH,)),
        "benefit.granted": ActRule("二", (ORGANISER,), (S.AFTERMATH,)),
        # A selection held elsewhere
        "import.begun": ActRule("七(三)", (INTAKE, ORGANISER), transcribed=True),
        "import.chunk": ActRule("七(三)", (INTAKE, ORGANISER), transcribed=True),
        "import.completed": ActRule(
            "七(三)",
            (INTAKE, ORGANISER),
            (),
            (INTAKE, ORGANISER, SCRUTINEER, DISCIPLINE),
            1,
            recheck=True,
            transcribed=True,
        ),
        "import.abandoned": ActRule("七(三)", (INTAKE, ORGANISER, DISCIPLINE), transcribed=True),
        # Disputes, findings, evidence
        "dispute.opened": ActRule("七(三)"),
        "finding.raised": ActRule("七(三)", (DISCIPLINE, ORGANISER, SCRUTINEER, REGISTRAR)),
        "finding.closed": ActRule("七(三)", (DISCIPLINE,), (), (DISCIPLINE,), 0),
        "evidence.attached": ActRule("六(三)"),
        "evidence.erased": ActRule("七(三)", (ORGANISER, REGISTRAR, DISCIPLINE)),
    }
)
