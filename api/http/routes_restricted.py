"""What is read by role alone: rosters, named ballots, histories, explanations, findings, objections, suppositions.

Who may is asked before anything is looked up, so that nobody learns here what exists. What `audience.RECORDED` names
is handed out only after the reading was recorded with its reason (disputes B12 and H25).
"""

from collections.abc import Iterable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from api.http.asking import PROBLEMS, Asked, Asking, At
from api.http.audience import What, may, reads
from api.http.pages import Paged
from api.http.reader import Picture
from api.http.routes_reading import Name, Rows, Shape, cells_of, give, missing, without_ballots
from api.http.spreadsheets import Form
from api.margins_told import margins_told
from api.problems import HttpError
from ledger.selection import Selection
from ledger.statements import Act
from ledger.store.access import AccessBook
from projections.ballots import RoundView, round_of
from projections.disclosure import decision_of, is_public
from projections.explain import explain_place, explain_way
from projections.history import (
    HistoryLine,
    history_of_application,
    history_of_objection,
    history_of_person,
    history_of_round,
    history_of_session,
)
from projections.margins import margins as margins_of
from projections.objections import ObjectionView
from projections.objections import objections as objections_of
from projections.offpath import off_path as off_path_of
from projections.plain import to_json
from projections.readings_table import readings_table
from projections.status import FindingView
from projections.status import findings as findings_of
from projections.status import status as status_of
from projections.whatif import Change, WhatIfError, what_if_of

router = APIRouter(tags=["reading by role"], responses=PROBLEMS)
_CHOICES = decision_of("ballot.cast")
_OWN = decision_of("application.filed")
_Ids = Annotated[list[str] | None, Query(max_length=64)]
_FINDINGS = ("severity", "code", "finding", "raised", "closed", "entries", "zh", "en")
_OBJECTIONS = (
    "number", "objection", "notice", "received", "against", "late", "standing", "handling_days", "examined",
    "admissible", "investigated", "founded", "answered", "withdrawn",
)  # fmt: skip
_BALLOTS = ("round", "entry", "member", "candidate", "choice", "grade", "void", "disputed", "invalid")


@router.get("/v1/status", summary="Where the selection stands, and what blocks the next step")
def status(asked: Asking, at: At = None) -> Response:
    """Return the status; null before there is a charter."""
    asked.let(What.PROGRESS)

    def view(picture: Picture) -> dict[str, Any]:
        state = picture.state
        return {"status": None if state.sealed is None else to_json(status_of(state, picture.seen_at))}

    return asked.answer(at, view, timed=True)


@router.get("/v1/findings", summary="What somebody has to look into, with its entries; also for spreadsheets")
def findings(
    asked: Asking, page: Paged, open: Annotated[bool, Query(description="only those not closed")] = False,
    at: At = None, form: Shape = Form.JSON,
) -> Response:  # fmt: skip
    """Return the findings."""
    asked.let(What.PROGRESS)

    def view(picture: Picture) -> tuple[FindingView, ...]:
        return findings_of(picture.state, everything=not open)

    def told(picture: Picture, found: tuple[FindingView, ...]) -> dict[str, Any]:
        return page.told("findings", to_json(found), picture.size)

    def rows(found: tuple[FindingView, ...]) -> Rows:
        for one in found:
            entries = " ".join(str(index) for index in one.entries)
            yield one.severity, one.code, one.id, one.raised, one.closed, entries, one.said.zh, one.said.en

    return give(asked, page.at(at), form, view, told, (_FINDINGS, rows))


@router.get("/v1/off-path", summary="Everything done outside the normal path")
def off_path(asked: Asking, page: Paged, at: At = None) -> Response:
    """Return what was entered by others, on paper, again, or corrected."""
    asked.let(What.PROGRESS)

    def view(picture: Picture) -> dict[str, Any]:
        return page.told("off_path", to_json(off_path_of(picture.state, picture.acts)), picture.size)

    return asked.answer(page.at(at), view)


@router.get("/v1/objections", summary="Objections, never who filed them; also for spreadsheets")
def objections(asked: Asking, page: Paged, at: At = None, form: Shape = Form.JSON) -> Response:
    """Return all objections."""
    asked.let(What.OBJECTIONS)

    def view(picture: Picture) -> tuple[ObjectionView, ...]:
        return objections_of(picture.state, picture.acts, picture.seen_at)

    def told(picture: Picture, found: tuple[ObjectionView, ...]) -> dict[str, Any]:
        return page.told("objections", to_json(found), picture.size)

    table = _OBJECTIONS, partial(cells_of, columns=_OBJECTIONS)
    return give(asked, page.at(at), form, view, told, table, timed=True)


@router.get("/v1/rosters/{stage}", summary="Who sits in a body; before the stage opens by role, and recorded")
def roster(
    stage: Name, asked: Asking, group: Annotated[str | None, Query(max_length=128)] = None, at: At = None
) -> Response:
    """Return members and reserves of a stage's body (dispute B12)."""
    opened = asked.context.reader.now(lambda state: state.sealed is not None and stage in state.charter.stages)
    asked.let(What.ROSTER if opened else What.ROSTER_BEFORE_OPENING, f"{stage}:{group}" if group else stage)

    def view(picture: Picture) -> dict[str, Any]:
        found = picture.state.bodies.roster(stage, group)
        if found is None:
            raise missing()
        return {"roster": {name: member for name, member in to_json(found).items() if name != "seated"}}

    return asked.answer(at, view)


@router.get("/v1/rounds/{round}/ballots", summary="Who voted for whom, once it may be read; recorded")
def ballots(round: Name, asked: Asking, page: Paged, at: At = None, form: Shape = Form.JSON) -> Response:
    """Return the named ballots of a round that is over (disputes D14 and H25)."""
    asked.let(What.NAMED_BALLOTS, f"round:{round}")

    def view(picture: Picture) -> RoundView:
        found = round_of(picture.state, round)
        if found is None:
            raise missing()
        return found

    def told(picture: Picture, found: RoundView) -> dict[str, Any]:
        value = to_json(found)
        return {"round": without_ballots(value)} | page.told("ballots", value["ballots"], picture.size)

    return give(asked, page.at(at), form, view, told, (_BALLOTS, _choices))


def _choices(view: RoundView) -> Rows:
    for one in view.ballots:
        parts = {"approve": one.approve, "against": one.against, "abstain": one.abstain, "blank": one.blank}
        for choice, people in parts.items():
            for person in people:
                how = one.grade.value, "yes" if one.void else "no", one.disputed, one.invalid
                yield view.round, one.index, one.member, person, choice, *how


@router.get("/v1/history/{subject}", summary="Everything that happened to a person, round, stage or application")
def history(subject: Name, asked: Asking, page: Paged, at: At = None) -> Response:
    """Return the acts about a subject. Who chose what stands in it only for a recorded reason."""
    asked.let(What.PERSON, subject, person=subject)
    complete = bool(asked.reason) and reads(asked.viewer, What.NAMED_BALLOTS)
    if complete:
        asked.let(What.NAMED_BALLOTS, f"history:{subject}")

    def view(picture: Picture) -> dict[str, Any]:
        lines = _shown(asked, picture.acts, _history(picture.state, picture.acts, subject), complete)
        return {"complete": complete, "subject": subject} | page.told("history", to_json(lines), picture.size)

    return asked.answer(page.at(at), view)


def _history(state: Selection, acts: Sequence[Act], subject: str) -> tuple[HistoryLine, ...]:
    stage, _, group = subject.partition(":")
    if subject in state.rounds.by_id:
        return history_of_round(state, acts, subject)
    if state.sealed is not None and state.charter.stage(stage) is not None:
        return history_of_session(state, acts, stage, group or None)
    if subject in state.applications.by_id:
        return history_of_application(state, acts, subject)
    if subject in state.notices.objections.by_id:
        return history_of_objection(state, acts, subject)
    if subject not in state.roll.people and subject not in state.applications.by_person:
        raise missing()
    return history_of_person(state, acts, subject)


def _shown(asked: Asked, acts: Sequence[Act], lines: Iterable[HistoryLine], complete: bool) -> list[HistoryLine]:
    """Leave out who chose what, and of one's own history what others did that is not one's own affair."""
    by_index = {act.index: act for act in acts}
    staff, objecting = (reads(asked.viewer, what) for what in (What.LISTS, What.OBJECTIONS))

    def public(index: int) -> bool:
        return index in by_index and is_public(by_index[index], public)

    def shows(act: Act) -> bool:
        decision = decision_of(act.statement.type)
        if act.person == asked.viewer.person or complete:
            return True
        if staff:
            return decision != _CHOICES and (objecting or decision != decision_of("objection.received"))
        return decision == _OWN or is_public(act, public)

    return [line for line in lines if shows(by_index[line.index])]


@router.get("/v1/explanations/{person}", summary="Why somebody stands where they do, step by step")
def explanation(
    person: Name, asked: Asking, stage: Annotated[str | None, Query(max_length=128)] = None, at: At = None
) -> Response:
    """Explain a person's way, or their place in one stage."""
    asked.let(What.PERSON, person, person=person)

    def view(picture: Picture) -> dict[str, Any]:
        state = picture.state
        if person not in state.roll.people and person not in state.applications.by_person:
            raise missing()
        if stage is None:
            return {"explanation": to_json(explain_way(state, person, picture.seen_at))}
        if state.sealed is None or state.charter.stage(stage) is None:
            raise missing()
        return {"explanation": to_json(explain_place(state, stage, person))}

    return asked.answer(at, view, timed=True)


@router.get("/v1/margins/{stage}", summary="How many ballots a seat hangs on; recorded")
def margins(
    stage: Name, asked: Asking, group: Annotated[str | None, Query(max_length=128)] = None, at: At = None
) -> Response:
    """Return the margins of a stage's certified rounds: hypothetical, and never written."""
    asked.let(What.NAMED_BALLOTS, f"margins:{stage}")

    def view(picture: Picture) -> dict[str, Any]:
        if picture.state.sealed is None or picture.state.charter.stage(stage) is None:
            raise missing()
        found = margins_of(picture.state, picture.acts, stage, group)
        return {"hypothetical": True, "margins": [margins_told(one) for one in found]}

    return asked.answer(at, view, apart=True)


@router.get("/v1/readings", summary="Every permitted reading, and what it would change")
def readings(asked: Asking, at: At = None) -> Response:
    """Return the readings of the programme; hypothetical, and never written."""
    asked.let(What.LISTS)

    def view(picture: Picture) -> dict[str, Any]:
        state = picture.state
        return {"readings": None if state.sealed is None else to_json(readings_table(state, picture.acts))}

    return asked.answer(at, view, apart=True)


@router.get("/v1/what-if", summary="What another history or reading would change; recorded")
def what_if(
    asked: Asking,
    without_member: _Ids = None,
    without_scores: _Ids = None,
    without_entry: Annotated[list[Annotated[int, Query(ge=0, lt=2**53)]] | None, Query(max_length=64)] = None,
    without_unit: Annotated[str | None, Query(max_length=128)] = None,
    without_channel: _Ids = None,
    reading: Annotated[list[str] | None, Query(max_length=32, description="id=value")] = None,
    at: At = None,
) -> Response:  # fmt: skip
    """Suppose a change; hypothetical, and never written."""
    asked.let(What.NAMED_BALLOTS, f"what-if?{asked.request.url.query}")
    change = Change(
        members=frozenset(without_member or ()),
        scores_of=frozenset(without_scores or ()),
        entries=frozenset(without_entry or ()),
        unit=without_unit,
        channels=frozenset(without_channel or ()),
        readings=dict(_reading(one) for one in reading or ()),
    )
    if change == Change():
        raise HttpError("CHANGE_NEEDED", HTTPStatus.UNPROCESSABLE_ENTITY)
    return asked.answer(at, partial(_supposed, change), apart=True)


def _supposed(change: Change, picture: Picture) -> dict[str, Any]:
    try:
        return {"what_if": to_json(what_if_of(picture.acts, change))}
    except WhatIfError as error:
        raise HttpError(error.code, HTTPStatus.UNPROCESSABLE_ENTITY, None, **error.facts) from None


def _reading(asked: str) -> tuple[str, str]:
    name, separator, value = asked[:200].partition("=")
    if not separator:
        raise HttpError("REQUEST_INVALID", HTTPStatus.UNPROCESSABLE_ENTITY, where="query.reading")
    return name, value


@router.get("/v1/reads", summary="Who read what is not for everyone, when and why")
def records(asked: Asking, after: Annotated[int, Query(ge=0, lt=2**53)] = 0) -> Response:
    """Return the record of readings after a number, in order."""
    may(asked.viewer, What.RECORDS)
    most = asked.context.settings.limits.page_size
    found = AccessBook(asked.context.store).records(after, most)
    told = {"next": found[-1].number if len(found) == most else None, "reads": to_json(found)}
    return JSONResponse(told, headers={"cache-control": "no-store"})
