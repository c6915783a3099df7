"""Initial review and recommendation level by level (逐级推荐): clauses six(二)1 and seven(二).

A unit signs with its own recommender's key. Where it did not, its paper is entered by two people, with the record of
a call back to the unit, and stays marked as paper.
"""

from ledger.decisions.application_standing import LEVELS, governing, not_standing, paper_too_late, too_late
from ledger.decisions.registry import Asked
from ledger.procedure import formalities
from ledger.procedure.reasons import Refusal, refuse
from ledger.selection import Selection
from ledger.state.application_book import Application
from ledger.statements.applications import RecommendationEntered, RecommendationMade, ReviewRecorded

REVIEW = "七(二)"


def review(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 七(二): the applicant's own unit reviews before the deadline."""
    body: ReviewRecorded = asked.body
    refused = not_standing(state, body.application) or too_late(state, asked)
    if refused is not None:
        return refused
    one = state.applications.by_id[body.application]
    if one.reviewed is not None:
        return refuse("ALREADY_REVIEWED", REVIEW, application=body.application, entry=one.reviewed)
    way = governing(state).way(one.way)
    if way is None or not way.levels:
        return refuse("WAY_WITHOUT_LEVELS", LEVELS, way=one.way)
    return _of_unit(state.roll.unit(asked.person), one) or _own(asked, one)


def recommend(state: Selection, asked: Asked) -> Refusal | None:
    """Clause 六(二)1: the union whose turn it is recommends before the deadline."""
    body: RecommendationMade = asked.body
    refused = not_standing(state, body.application) or too_late(state, asked)
    if refused is not None:
        return refused
    one = state.applications.by_id[body.application]
    unit = state.roll.unit(asked.person)
    return _own(asked, one) or _turn(state, one, body.level, unit, reviewed=one.reviewed is not None)


def recommend_on_paper(state: Selection, asked: Asked) -> Refusal | None:
    """Clauses 六(二)1, 七(四)2: a paper recommendation counts by its arrival, within the grace of the paper filing."""
    body: RecommendationEntered = asked.body
    refused = not_standing(state, body.application) or paper_too_late(state, asked, body.arrived_at)
    if refused is not None:
        return refused
    one = state.applications.by_id[body.application]
    reviewed = one.reviewed is not None or (body.review_body is not None and body.originals_checked)
    return _turn(state, one, body.level, body.unit, reviewed=reviewed)


def _turn(state: Selection, one: Application, level: str, unit: str | None, *, reviewed: bool) -> Refusal | None:
    """From below upward: the own unit first and after its review, then each time another union."""
    way = governing(state).way(one.way)
    if way is None or not way.levels:
        return refuse("WAY_WITHOUT_LEVELS", LEVELS, way=one.way)
    expected = formalities.next_level(way, tuple(one.recommended))
    if level != expected:
        return refuse("LEVEL_ORDER", LEVELS, level=level, expected=expected or "-")
    if not one.recommended:
        if not reviewed:
            return refuse("REVIEW_MISSING", REVIEW, application=one.application, what="-")
        return _of_unit(unit, one)
    if unit in {step.unit for step in one.recommended.values()}:
        return refuse("LEVEL_SAME_UNIT", LEVELS, level=level, unit=unit or "-")
    return None


def _of_unit(unit: str | None, one: Application) -> Refusal | None:
    if unit == one.unit:
        return None
    return refuse("UNIT_MISMATCH", REVIEW, unit=unit or "-", expected=one.unit)


def _own(asked: Asked, one: Application) -> Refusal | None:
    if asked.person != one.person:
        return None
    return refuse("OWN_APPLICATION", REVIEW, application=one.application)
