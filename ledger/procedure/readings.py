"""The catalogue of readings: where the notice is silent or double, which interpretations exist and who needs them.

A programme file declares the chosen one of each reading it needs, with the clause and the question in its own words.
A stage cannot open while one that it needs is undeclared (`RULE_UNDECLARED`). Clauses are those of the model notice.
"""

from dataclasses import dataclass
from enum import StrEnum

from ledger.procedure.programme import Programme, Stage, StageKind

_APPLICATIONS = (StageKind.APPLICATIONS,)
_SCREENING = (StageKind.SCREENING,)
_GROUPS = (StageKind.GROUP_ROUND,)
_PANEL = (StageKind.PANEL_ROUND,)
_ROUNDS = (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND)
_POLL = (StageKind.PUBLIC_VOTE,)
_DELIBERATION = (StageKind.DELIBERATION,)
_NOTICE = (StageKind.NOTICE,)
_APPROVAL = (StageKind.APPROVAL,)
_AFTERMATH = (StageKind.AFTERMATH,)


class When(StrEnum):
    """Under which circumstance a stage of the right kind needs a reading."""

    ALWAYS = "always"
    SCORED = "scored"
    TAKES_SHORTLIST = "takes_shortlist"
    AFTER_PUBLIC_VOTE = "after_public_vote"
    OWN_TIE = "own_tie"


@dataclass(frozen=True, slots=True)
class ReadingRule:
    """One reading of the catalogue.

    Attributes:
        id: its permanent id.
        clause: the clause that is silent or double.
        values: the permitted interpretations, the default first.
        kinds: the stage kinds that need it.
        when: under which circumstance a stage of those kinds needs it: always; if it is scored; if it takes the
            shortlist; if it takes the nominees after a public vote; if it names the reading as its own rule for ties.
    """

    id: str
    clause: str
    values: tuple[str, ...]
    kinds: tuple[StageKind, ...]
    when: When = When.ALWAYS


CATALOGUE: tuple[ReadingRule, ...] = (
    ReadingRule("deadline", "七(四)1", ("inside",), _APPLICATIONS),
    ReadingRule("arrival", "七(四)1", ("arrival",), _APPLICATIONS),
    ReadingRule("filing_complete", "六(二)2", ("electronic",), _APPLICATIONS),
    ReadingRule("materials", "六(三)", ("one_form",), _APPLICATIONS),
    ReadingRule("one_application", "六(二)", ("one_a_year",), _APPLICATIONS),
    ReadingRule("withdrawal", "五", ("removed_from_then_on",), _APPLICATIONS),
    ReadingRule("appeal", "四", ("once_to_organiser",), _SCREENING),
    ReadingRule(
        "shortlist_rounding", "五(三)", ("ceil", "strictly_more", "floor", "round"), _PANEL, When.TAKES_SHORTLIST
    ),
    ReadingRule("shortlist_short", "五(三)", ("all_pass",), _PANEL, When.TAKES_SHORTLIST),
    ReadingRule("group_seats", "五(一)", ("largest_remainder",), _GROUPS),
    ReadingRule("score_rule", "五(一)", ("mean",), _GROUPS, When.SCORED),
    ReadingRule("max_approvals", "五", ("seats",), _ROUNDS),
    ReadingRule("blank_policy", "五", ("abstain",), _ROUNDS),
    ReadingRule("quorum", "五", ("two_thirds_floor",), _ROUNDS),
    ReadingRule("min_approval", "五", ("none", "majority_of_valid"), _ROUNDS),
    ReadingRule("recusal_ranking", "五", ("raw", "share"), _ROUNDS),
    ReadingRule("tie_expert", "五(一)", ("score_then_runoff",), _GROUPS, When.OWN_TIE),
    ReadingRule("tie_industry", "五(二)", ("runoff",), _GROUPS, When.OWN_TIE),
    ReadingRule("tie_shortlist", "五(三)", ("runoff",), _PANEL, When.OWN_TIE),
    ReadingRule("tie_final", "五(五)", ("runoff",), _PANEL, When.OWN_TIE),
    ReadingRule("tie_alternates", "五(五)", ("public_votes",), _PANEL, When.AFTER_PUBLIC_VOTE),
    ReadingRule("runoff_exhausted", "五", ("leadership", "lot"), _ROUNDS),
    ReadingRule("public_weight", "五(五)", ("ties_only",), _POLL),
    ReadingRule("public_ballot", "五(四)", ("up_to_seats_once", "up_to_seats_once_a_day"), _POLL),
    ReadingRule("public_window", "五(四)", ("declared",), _POLL),
    ReadingRule("public_totals", "五(四)", ("ledger_and_certified",), _POLL),
    ReadingRule("body_overlap", "五", ("no",), _ROUNDS),
    ReadingRule("committee_composition", "五", ("recorded_measure",), _ROUNDS),
    ReadingRule("publish_earlier_rounds", "五", ("no",), _ROUNDS),
    ReadingRule("deliberation_rule", "五(六)", ("majority", "any_objection"), _DELIBERATION),
    ReadingRule("inspection_failed", "五(六)", ("not_proposed",), _DELIBERATION),
    ReadingRule("vacancy_exhausted", "五(六)", ("leave_empty",), _DELIBERATION + _NOTICE),
    ReadingRule("notice_start", "五(七)", ("next_working_day",), _NOTICE),
    ReadingRule("moved_up_checks", "五(七)", ("as_first_nominees",), _NOTICE),
    ReadingRule("moved_up_notice", "五(七)", ("only_theirs",), _NOTICE),
    ReadingRule("objection_decider", "五(七)", ("leadership",), _NOTICE),
    ReadingRule("anonymous_objection", "五(七)", ("lead_only",), _NOTICE),
    ReadingRule("unfounded_objection", "五(八)", ("counts_as_none",), _NOTICE + _APPROVAL),
    ReadingRule("approve_separately", "五(八)", ("no",), _APPROVAL),
    ReadingRule("conferring_body", "二", ("organiser_names_sponsors_confer",), _APPROVAL),
    ReadingRule("revoked_seat", "七(三)", ("no",), _AFTERMATH),
)

_BY_ID = {rule.id: rule for rule in CATALOGUE}


def rule(reading_id: str) -> ReadingRule | None:
    """Return the catalogue's entry, or None for an id that is no reading."""
    return _BY_ID.get(reading_id)


def needed(kind: StageKind) -> tuple[str, ...]:
    """Return the readings that every stage of this kind needs, in the catalogue's order."""
    return tuple(entry.id for entry in CATALOGUE if kind in entry.kinds and entry.when is When.ALWAYS)


def needed_by(programme: Programme, stage: Stage) -> tuple[str, ...]:
    """Return all readings that this stage of this programme needs, in the catalogue's order."""
    polled = any(earlier.kind is StageKind.PUBLIC_VOTE for earlier in programme.before(stage.id))
    return tuple(entry.id for entry in CATALOGUE if stage.kind in entry.kinds and _applies(entry, stage, polled))


def undeclared(programme: Programme, stage: Stage) -> tuple[str, ...]:
    """Return the readings that the stage needs and the programme does not declare; the stage must not open."""
    return tuple(one for one in needed_by(programme, stage) if programme.reading(one) is None)


def _applies(entry: ReadingRule, stage: Stage, polled: bool) -> bool:
    match entry.when:
        case When.SCORED:
            return stage.scored
        case When.TAKES_SHORTLIST:
            return stage.takes == "shortlist"
        case When.AFTER_PUBLIC_VOTE:
            return stage.takes == "nominees" and polled
        case When.OWN_TIE:
            return stage.tie_reading == entry.id
        case _:
            return True
