"""What follows from the service's own record together with the log, for auditors: first uses of keys, interim results.

Both are derived when they are asked for; nothing of them is written. What is to be on record in the log an auditor
signs as a finding, from the statement that is given along.
"""

from fastapi import APIRouter
from fastapi.responses import Response

from api.http.asking import PROBLEMS, Asking, At
from api.http.audience import READERS, What
from api.readings import noted_uses, recorded_readings
from projections.first_uses import first_uses as uses_of
from projections.interim import interim as interim_of
from projections.plain import to_json

router = APIRouter(tags=["reading by role"], responses=PROBLEMS)


@router.get("/v1/first-uses", summary="Keys that were first used from the session of somebody who enrols keys")
def first_uses(asked: Asking) -> Response:
    """Return every such breach, with the statement by which an auditor puts it on record."""
    asked.let(What.RECORDS)
    noted = noted_uses(asked.context.store)
    return asked.answer(
        None,
        lambda picture: {
            "first_uses": [
                to_json(one) | {"statement": one.finding()} for one in uses_of(picture.state, picture.acts, noted)
            ]
        },
    )


@router.get("/v1/interim", summary="Who could have known interim results, and when")
def interim(asked: Asking, at: At = None) -> Response:
    """Return every vote with everybody who could have known of it before it was announced, and every opened seal."""
    asked.let(What.RECORDS)
    readings = recorded_readings(asked.context.store)
    return asked.answer(
        at,
        lambda picture: {"interim": to_json(interim_of(picture.state, picture.acts, READERS[What.LISTS], readings))},
        apart=True,
    )
