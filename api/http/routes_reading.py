"""What a selection has come to, derived: for everybody as far as it is announced, for those who run it in full.

The values are those of the command line's `--json`. `?at=` reads any earlier point. The entity tag is the position of
the fold, for whom it was read; where it has not moved on the answer is 304.
"""

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from api.http import shortened
from api.http.asking import JSON, PROBLEMS, Asked, Asking, At
from api.http.audience import What, reads
from api.http.pages import Paged
from api.http.reader import Picture
from api.http.spreadsheets import KINDS, Cell, Form, write
from api.problems import HttpError
from projections.ballots import RoundView, rounds
from projections.candidates import StageView, stage_list, stage_lists
from projections.notices import NoticeView
from projections.notices import notices as notices_of
from projections.plain import to_bytes, to_json
from projections.results import ResultView, results
from projections.vacancies import AlternateView, PlacesView
from projections.vacancies import places as places_of

router = APIRouter(tags=["reading"], responses=PROBLEMS)
Name = Annotated[str, Path(max_length=128)]
Shape = Annotated[Form, Query(alias="format", description="JSON, or a file for spreadsheets")]
Rows = Iterable[Sequence[Cell]]


def missing() -> HttpError:
    """Return what is answered where there is nothing."""
    return HttpError("NOT_FOUND", HTTPStatus.NOT_FOUND)


def give(
    asked: Asked,
    at: str | None,
    form: Form,
    view: Callable[[Picture], Any],
    told: Callable[[Picture, Any], dict[str, Any]],
    table: tuple[Sequence[str], Callable[[Any], Rows]],
    timed: bool = False,
) -> Response:
    """Answer with a view as JSON by `told`, or as a table of these columns and rows."""

    def render(picture: Picture) -> tuple[bytes, str]:
        found = view(picture)
        if form is Form.JSON:
            return to_bytes(picture.known() | told(picture, found)), JSON
        columns, rows = table
        return write(form, columns, rows(found), picture.known_at), KINDS[form]

    return asked.respond(at, render, timed)


@router.get("/v1/programme", summary="The programme in force: stages, clauses, every reading")
def programme(asked: Asking, at: At = None) -> Response:
    """Return the programme as it is signed, with its hash; null before there is a charter."""

    def view(picture: Picture) -> dict[str, Any]:
        sealed = picture.state.sealed
        if sealed is None:
            return {"hash": None, "programme": None}
        return {"hash": sealed.latest.hash, "programme": to_json(sealed.latest.value)}

    return asked.answer(at, view)


@router.get("/v1/stages", summary="Every stage: how far it is, who stands on its list")
def stages(asked: Asking, page: Paged, at: At = None) -> Response:
    """Return the lists of all stages."""

    def view(picture: Picture) -> dict[str, Any]:
        found = [to_json(_stage(asked, one)) for one in stage_lists(picture.state)]
        return page.told("stages", found, picture.size)

    return asked.answer(page.at(at), view)


@router.get("/v1/stages/{stage}", summary="One stage, its list and groups")
def stage(stage: Name, asked: Asking, at: At = None) -> Response:
    """Return the list of one stage."""
    return asked.answer(at, lambda picture: {"stage": to_json(_listed(asked, picture, stage))})


@router.get("/v1/stages/{stage}/candidates", summary="The candidates of a stage, also for spreadsheets")
def candidates(stage: Name, asked: Asking, page: Paged, at: At = None, form: Shape = Form.JSON) -> Response:
    """Return everybody on the list of a stage, each with their standing."""
    columns = ("stage", "person", "standing", "place", "cause", "entry")

    def told(picture: Picture, view: StageView) -> dict[str, Any]:
        members = [dict(zip(columns, row, strict=True)) for row in _candidates(view)]
        return page.told("candidates", members, picture.size)

    def view(picture: Picture) -> StageView:
        return _listed(asked, picture, stage)

    return give(asked, page.at(at), form, view, told, (columns, _candidates))


def _listed(asked: Asked, picture: Picture, stage: str) -> StageView:
    found = stage_list(picture.state, stage)
    if found is None:
        raise missing()
    return _stage(asked, found)


def _stage(asked: Asked, view: StageView) -> StageView:
    return view if reads(asked.viewer, What.LISTS) else shortened.stage(view)


def _candidates(view: StageView) -> list[tuple[Cell, ...]]:
    placed = {*view.taken, *view.left, *view.undecided, *(one.person for one in view.out)}
    parts = (
        (view.taken, "taken"),
        (view.left, "left"),
        (view.undecided, "undecided"),
        ([one for one in view.entered if one not in placed], "entered"),
    )
    found: list[tuple[Cell, ...]] = [
        (view.stage, person, standing, place if standing in {"taken", "left"} else None, None, None)
        for people, standing in parts
        for place, person in enumerate(people, start=1)
    ]
    return found + [(view.stage, one.person, "out", None, one.cause, one.index) for one in view.out]


@router.get("/v1/rounds", summary="Every round: its frozen list and how many of how many have voted")
def all_rounds(asked: Asking, page: Paged, at: At = None) -> Response:
    """Return all rounds, without ballots; lines once a result is certified."""

    def view(picture: Picture) -> dict[str, Any]:
        return page.told("rounds", [_round(asked, picture, one) for one in rounds(picture.state)], picture.size)

    return asked.answer(page.at(at), view)


@router.get("/v1/rounds/{round}", summary="One round")
def one_round(round: Name, asked: Asking, at: At = None) -> Response:
    """Return one round, as `all_rounds` does."""

    def view(picture: Picture) -> dict[str, Any]:
        found = next((one for one in rounds(picture.state) if one.round == round), None)
        if found is None:
            raise missing()
        return {"round": _round(asked, picture, found)}

    return asked.answer(at, view)


def _round(asked: Asked, picture: Picture, view: RoundView) -> dict[str, Any]:
    session = picture.state.rounds.session(view.stage, view.group)
    certified = session.outcome is not None or reads(asked.viewer, What.LISTS)
    return without_ballots(to_json(shortened.played(view, certified)))


def without_ballots(told: dict[str, Any]) -> dict[str, Any]:
    """Return a round's members but for its ballots, which are read by themselves."""
    return {name: member for name, member in told.items() if name != "ballots"}


@router.get("/v1/rankings", summary="Every result: ranks, and by what each place was decided")
def rankings(
    asked: Asking,
    page: Paged,
    stage: Annotated[str | None, Query(max_length=128)] = None,
    group: Annotated[str | None, Query(max_length=128)] = None,
    at: At = None,
    form: Shape = Form.JSON,
) -> Response:
    """Return the results, of a stage or group where one is named, with the reasons for every place."""
    columns = (
        "subject", "stage", "group", "rank", "candidate", "approve", "possible", "votes", "decided_by", "status",
        "standing", "certified",
    )  # fmt: skip

    def view(picture: Picture) -> list[ResultView]:
        found = [one for one in results(picture.state) if stage in (None, one.stage) and group in (None, one.group)]
        return found if reads(asked.viewer, What.LISTS) else [shortened.result(one) for one in found]

    def told(picture: Picture, found: list[ResultView]) -> dict[str, Any]:
        return page.told("results", [_result(one) for one in found], picture.size)

    return give(asked, page.at(at), form, view, told, (columns, lambda found: _ranked(found, columns)))


def _result(view: ResultView) -> dict[str, Any]:
    told: dict[str, Any] = to_json(view)
    return told | {"rounds": [without_ballots(one) for one in told["rounds"]]}


def _ranked(found: list[ResultView], columns: Sequence[str]) -> Rows:
    for one in found:
        about = {"subject": one.subject, "stage": one.stage, "group": one.group}
        standing = {"standing": one.standing.value, "certified": one.certified}
        for row in one.rows:
            cells = dict(row) | about | standing
            yield [cells.get(name) for name in columns]


@router.get("/v1/vacancies", summary="Every place: who held it, who moved up; also for spreadsheets")
def vacancies(asked: Asking, at: At = None, form: Shape = Form.JSON) -> Response:
    """Return places and alternates; null before the final order is certified."""
    columns = ("seat", "person", "since", "alternate", "left", "cause", "vacant")
    return give(
        asked, at, form, lambda picture: _places(asked, picture), lambda _, found: {"places": to_json(found)},
        (columns, _seats), timed=True,
    )  # fmt: skip


@router.get("/v1/alternates", summary="The alternates in their fixed order; also for spreadsheets")
def alternates(asked: Asking, at: At = None, form: Shape = Form.JSON) -> Response:
    """Return the alternates; null before the final order is certified."""
    columns = ("order", "person", "moved_up", "left", "cause")

    def view(picture: Picture) -> tuple[AlternateView, ...] | None:
        found = _places(asked, picture)
        return None if found is None else found.alternates

    return give(
        asked, at, form, view, lambda _, found: {"alternates": to_json(found)},
        (columns, lambda found: cells_of(found or (), columns)), timed=True,
    )  # fmt: skip


def _places(asked: Asked, picture: Picture) -> PlacesView | None:
    found = places_of(picture.state, picture.seen_at)
    return found if found is None or reads(asked.viewer, What.LISTS) else shortened.places(found)


def _seats(found: PlacesView | None) -> Rows:
    for place in found.places if found is not None else ():
        for one in place.holders:
            cause = None if one.cause is None else one.cause.value
            now = place.vacant and one is place.holders[-1]
            yield place.seat, one.person, one.since, one.alternate, one.left, cause, "yes" if now else "no"


@router.get("/v1/notices", summary="Public notices and each person's own clock; also for spreadsheets")
def notices(asked: Asking, page: Paged, at: At = None, form: Shape = Form.JSON) -> Response:
    """Return all notices as they stand."""
    columns = ("notice", "person", "published", "days", "last_day", "ends", "status", "days_left", "moved_up", "index")

    def view(picture: Picture) -> tuple[NoticeView, ...]:
        found = notices_of(picture.state, picture.seen_at)
        return found if reads(asked.viewer, What.LISTS) else tuple(shortened.notice(one) for one in found)

    def told(picture: Picture, found: tuple[NoticeView, ...]) -> dict[str, Any]:
        return page.told("notices", to_json(found), picture.size)

    def rows(found: tuple[NoticeView, ...]) -> Rows:
        return cells_of([person for one in found for person in one.people], columns)

    return give(asked, page.at(at), form, view, told, (columns, rows), timed=True)


def cells_of(views: Iterable[Any], columns: Sequence[str]) -> Rows:
    """Give the members of views that columns name, as cells; a list of them is one cell, with spaces between."""
    for view in views:
        told = to_json(view)
        yield [_cell(told[name]) for name in columns]


def _cell(value: Any) -> Cell:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(one) for one in value) if isinstance(value, list) else value
