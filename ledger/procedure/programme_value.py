"""A programme's plain value: is it sound, and the `Programme` that it spells.

The value is what the charter records and what its hash is taken of; nothing here changes it. A reading may be absent:
that is a warning, because the file can be read, but the stages that need it cannot open.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ledger.procedure.programme import (
    Benefit,
    Body,
    Criterion,
    Group,
    MaterialKind,
    Office,
    Paper,
    Programme,
    Reading,
    Role,
    ScoreItem,
    Stage,
    StageKind,
    Way,
)
from ledger.procedure.programme_checks import fit
from ledger.procedure.programme_difference import by_id, difference
from ledger.procedure.programme_shape import Problem, instant, sound_parts
from ledger.procedure.readings import needed_by, undeclared

__all__ = [
    "InvalidProgrammeError",
    "Problem",
    "difference",
    "problems",
    "programme_from_value",
    "stages_touched",
    "warnings",
]


class InvalidProgrammeError(ValueError):
    """A value that is not a programme; `problems` says everything that is wrong with it."""

    def __init__(self, found: tuple[Problem, ...]) -> None:
        """Remember all problems."""
        super().__init__("; ".join(f"{problem.path}: {problem.code}" for problem in found))
        self.problems = found


def problems(value: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return everything that is wrong with the value, in a fixed order; nothing if it is a programme."""
    return _read(value)[1]


def programme_from_value(value: Mapping[str, Any]) -> Programme:
    """Return the programme that the value spells; raises `InvalidProgrammeError` with all problems."""
    sound, found = _read(value)
    if found:
        raise InvalidProgrammeError(found)
    return Programme(
        label=sound["label"],
        title=sound["title"],
        honour=sound["honour"],
        reference=sound["reference"],
        year=sound["year"],
        seats=sound["seats"],
        utc_offset_minutes=sound["utc_offset_minutes"],
        eligibility_date=sound["eligibility_date"],
        quorum=Fraction(sound["quorum"]["numerator"], sound["quorum"]["denominator"]),
        quorum_floor=sound["quorum"]["floor"],
        leaders_least=sound["leaders_least"],
        runoffs_most=sound["runoffs_most"],
        appeals_most=sound["appeals_most"],
        offices=tuple(Office(one["id"], one["name"], one.get("sponsor", False)) for one in sound["offices"]),
        roles=tuple(Role(one["id"], one["name"], tuple(one.get("incompatible", ()))) for one in sound["roles"]),
        bodies=tuple(Body(**one) for one in sound["bodies"]),
        stages=tuple(_stage(one, sound["utc_offset_minutes"]) for one in sound["stages"]),
        criteria=tuple(Criterion(**({"exclusion": False} | one)) for one in sound["criteria"]),
        materials=tuple(MaterialKind(**({"required": False} | one)) for one in sound["materials"]),
        ways=tuple(
            Way(one["id"], one["name"], tuple(one.get("levels", ())), one.get("special", False))
            for one in sound["ways"]
        ),
        paper=Paper(**sound["paper"]),
        benefits=tuple(
            Benefit(**({"on_application": False, "inspected": False, "grant_cents": 0} | one))
            for one in sound["benefits"]
        ),
        readings=tuple(
            Reading(**(one | {"alternatives": tuple(one.get("alternatives", ()))})) for one in sound["readings"]
        ),
        evidence_until=sound.get("evidence_until"),
    )


def warnings(value: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return a warning for each reading that a stage needs and the value, if it is sound, does not declare."""
    if problems(value):
        return ()
    programme = programme_from_value(value)
    return tuple(
        Problem("PROGRAMME_READING_ABSENT", f"stages[{place}]", {"id": reading, "stage": stage.id})
        for place, stage in enumerate(programme.stages)
        for reading in undeclared(programme, stage)
    )


def stages_touched(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of the stages that an amendment affects, in the new order, then those that are gone.

    A stage is affected by a change of its own entry, of what comes before it, or of a reading that it needs; a change
    of anything else affects every stage.
    """
    before, after = by_id(old["stages"]), by_id(new["stages"])
    everyone = tuple(after) + tuple(one for one in before if one not in after)
    parts = (old.keys() | new.keys()) - {"stages", "readings"}
    if any(old.get(part) != new.get(part) for part in parts):
        return everyone
    touched = {one for one in everyone if before.get(one) != after.get(one)}
    places = [{one: tuple(order)[:place] for place, one in enumerate(order)} for order in (before, after)]
    touched |= {one for one in everyone if places[0].get(one) != places[1].get(one)}
    said, says = by_id(old["readings"]), by_id(new["readings"])
    changed = {one for one in said.keys() | says.keys() if said.get(one) != says.get(one)}
    for programme in (programme_from_value(old), programme_from_value(new)):
        touched |= {stage.id for stage in programme.stages if changed & set(needed_by(programme, stage))}
    return tuple(one for one in everyone if one in touched)


def _read(value: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    sound, shape = sound_parts(value)
    return sound, (*shape, *fit(sound))


def _stage(sound: dict[str, Any], offset_minutes: int) -> Stage:
    state: dict[str, Any] = sound | {
        "kind": StageKind(sound["kind"]),
        "groups": tuple(Group(one["id"], one["name"], tuple(one["covers"])) for one in sound.get("groups", ())),
        "score_items": tuple(ScoreItem(**one) for one in sound.get("score_items", ())),
        "channels": tuple(sound.get("channels", ())),
    }
    if "surplus" in sound:
        state["surplus"] = Fraction(sound["surplus"]["numerator"], sound["surplus"]["denominator"])
    for key in ("opens_at", "closes_at"):
        if key in sound:
            state[key] = instant(sound[key], offset_minutes)
    return Stage(**state)
