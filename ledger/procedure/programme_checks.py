"""Whether the parts of a programme fit together: references, duplicates, the string of stages, readings, separation.

Works on the sound parts that `programme_shape` leaves, and says everything it finds: a part that is already known to
be wrong is passed over, never a reason to stop.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ledger.procedure.acts import FUNCTIONS
from ledger.procedure.programme import StageKind
from ledger.procedure.programme_shape import Problem, instant
from ledger.procedure.readings import When, rule

_SEPARATED = (("organiser", "registrar"), ("organiser", "scrutineer"), ("organiser", "discipline"))

# What a stage of each kind must state, and what it may state besides; anything else belongs to another kind.
_STATES: dict[StageKind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    StageKind.APPLICATIONS: (("opens_at", "closes_at"), ()),
    StageKind.SCREENING: ((), ()),
    StageKind.GROUP_ROUND: (("body", "group_by", "groups", "total", "tie_reading"), ("score_items",)),
    StageKind.PANEL_ROUND: (("body", "takes", "tie_reading"), ("surplus",)),
    StageKind.PUBLIC_VOTE: (("channels",), ()),
    StageKind.DELIBERATION: (("body",), ()),
    StageKind.NOTICE: (("notice_days", "channels"), ()),
    StageKind.APPROVAL: (("body",), ()),
    StageKind.AFTERMATH: ((), ()),
}
_OF_KIND = {key for required, optional in _STATES.values() for key in required + optional}

_ONCE = (
    StageKind.APPLICATIONS,
    StageKind.SCREENING,
    StageKind.DELIBERATION,
    StageKind.NOTICE,
    StageKind.APPROVAL,
)


def fit(sound: dict[str, Any]) -> list[Problem]:
    """Return what does not fit together in the sound parts of a programme's value."""
    checks: tuple[Callable[[dict[str, Any]], Iterator[Problem]], ...] = (
        _duplicates,
        _roles,
        _bodies,
        _stages,
        _order,
        _criteria,
        _ways,
        _readings,
        _quorum,
    )
    return [problem for check in checks for problem in check(sound)]


def _listed(sound: dict[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{key}[{place}]", item) for place, item in enumerate(sound.get(key, ()))]


def _ids(sound: dict[str, Any], key: str) -> set[str]:
    return {item["id"] for item in sound.get(key, ()) if "id" in item}


def _repeats(path: str, values: Sequence[str | None]) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, value in enumerate(values):
        if value in seen:
            yield Problem("PROGRAMME_DUPLICATE_ID", path.format(place), {"id": value})
        if value is not None:
            seen.add(value)


def _duplicates(sound: dict[str, Any]) -> Iterator[Problem]:
    for key in ("offices", "roles", "bodies", "stages", "criteria", "materials", "ways", "benefits", "readings"):
        yield from _repeats(key + "[{}].id", [item.get("id") for item in sound.get(key, ())])
    for path, stage in _listed(sound, "stages"):
        for key in ("groups", "score_items"):
            yield from _repeats(f"{path}.{key}[{{}}].id", [item.get("id") for item in stage.get(key, ())])
        yield from _repeats(f"{path}.channels[{{}}]", stage.get("channels", ()))
    for key, member in (("roles", "incompatible"), ("ways", "levels"), ("readings", "alternatives")):
        for path, item in _listed(sound, key):
            yield from _repeats(f"{path}.{member}[{{}}]", item.get(member, ()))


def _unknown(path: str, value: str | None, known: set[str], what: str) -> Iterator[Problem]:
    if value is not None and value not in known:
        yield Problem("PROGRAMME_UNKNOWN_REFERENCE", path, {"id": value, "what": what})


def _roles(sound: dict[str, Any]) -> Iterator[Problem]:
    known = _ids(sound, "roles")
    if "offices" in sound and not any(office.get("sponsor") for office in sound["offices"]):
        yield Problem("PROGRAMME_NO_SPONSOR", "offices", {})
    if "roles" not in sound:
        return
    for name in FUNCTIONS:
        if name not in known:
            yield Problem("PROGRAMME_ROLE_MISSING", "roles", {"role": name})
    barred: set[tuple[str, str]] = set()
    for path, role in _listed(sound, "roles"):
        for place, other in enumerate(role.get("incompatible", ())):
            here = f"{path}.incompatible[{place}]"
            yield from _unknown(here, other, known, "role")
            if other is not None and other == role.get("id"):
                yield Problem("PROGRAMME_ROLE_BARS_ITSELF", here, {"role": other})
            if other is not None and "id" in role:
                barred |= {(role["id"], other), (other, role["id"])}
    for one, other in _SEPARATED:
        if {one, other} <= known and (one, other) not in barred:
            yield Problem("PROGRAMME_ROLES_NOT_SEPARATED", "roles", {"role": one, "other": other})


def _bodies(sound: dict[str, Any]) -> Iterator[Problem]:
    if "roles" in sound:
        for path, body in _listed(sound, "bodies"):
            yield from _unknown(f"{path}.role", body.get("role"), _ids(sound, "roles"), "role")


def _stages(sound: dict[str, Any]) -> Iterator[Problem]:
    bodies = _ids(sound, "bodies")
    for path, stage in _listed(sound, "stages"):
        if "bodies" in sound:
            yield from _unknown(f"{path}.body", stage.get("body"), bodies, "body")
        kind = stage.get("kind")
        if kind is None:
            continue
        if kind not in set(StageKind):
            yield Problem(
                "PROGRAMME_NOT_A_CHOICE", f"{path}.kind", {"value": kind[:96], "permitted": ", ".join(StageKind)}
            )
            continue
        required, optional = _STATES[StageKind(kind)]
        for key in required:
            if key not in stage:
                yield Problem("PROGRAMME_MISSING_KEY", f"{path}.{key}", {"kind": kind})
        for key in stage:
            if key in _OF_KIND and key not in required + optional:
                yield Problem("PROGRAMME_KEY_OF_OTHER_KIND", f"{path}.{key}", {"kind": kind})
        yield from _surplus(path, stage, kind)
        yield from _tie_reading(path, stage, StageKind(kind))
        yield from _groups(path, stage)
        yield from _window(path, stage, sound)


def _surplus(path: str, stage: dict[str, Any], kind: str) -> Iterator[Problem]:
    """A shortlist, and nothing else, says how much longer than the seats it is."""
    if "surplus" in stage and stage.get("takes") == "nominees":
        yield Problem("PROGRAMME_KEY_OF_OTHER_KIND", f"{path}.surplus", {"kind": kind})
    elif "surplus" not in stage and stage.get("takes") == "shortlist":
        yield Problem("PROGRAMME_MISSING_KEY", f"{path}.surplus", {"kind": kind})


def _tie_reading(path: str, stage: dict[str, Any], kind: StageKind) -> Iterator[Problem]:
    named = stage.get("tie_reading")
    if named is None:
        return
    entry = rule(named)
    if entry is None or entry.when is not When.OWN_TIE or kind not in entry.kinds:
        yield Problem("PROGRAMME_TIE_READING", f"{path}.tie_reading", {"id": named, "kind": kind.value})
    elif entry.values == ("score_then_runoff",) and not stage.get("score_items"):
        yield Problem("PROGRAMME_TIE_NEEDS_SCORES", f"{path}.tie_reading", {"id": named})


def _groups(path: str, stage: dict[str, Any]) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    groups = stage.get("groups", ())
    for place, group in enumerate(groups):
        for number, covered in enumerate(group.get("covers", ())):
            if covered in owner:
                here = f"{path}.groups[{place}].covers[{number}]"
                yield Problem("PROGRAMME_COVERED_TWICE", here, {"id": covered, "group": owner[covered]})
            elif covered is not None:
                owner[covered] = group.get("id", str(place))
    if "total" in stage and stage["total"] < len(groups):
        facts: dict[str, str | int] = {"total": stage["total"], "groups": len(groups)}
        yield Problem("PROGRAMME_TOTAL_TOO_SMALL", f"{path}.total", facts)


def _window(path: str, stage: dict[str, Any], sound: dict[str, Any]) -> Iterator[Problem]:
    if "opens_at" in stage and "closes_at" in stage:
        offset = sound.get("utc_offset_minutes", 0)
        opens, closes = instant(stage["opens_at"], offset), instant(stage["closes_at"], offset)
        if opens is not None and closes is not None and opens >= closes:
            facts: dict[str, str | int] = {"opens_at": stage["opens_at"], "closes_at": stage["closes_at"]}
            yield Problem("PROGRAMME_WINDOW_EMPTY", f"{path}.closes_at", facts)


def _order(sound: dict[str, Any]) -> Iterator[Problem]:
    """The stages must lead from applications to approval, past everything that an approval rests on."""
    stages = sound.get("stages")
    if stages is None or any(stage.get("kind") not in set(StageKind) for stage in stages):
        return
    kinds = [stage["kind"] for stage in stages]
    for kind in _ONCE:
        if kinds.count(kind) != 1:
            yield Problem("PROGRAMME_STAGE_COUNT", "stages", {"kind": kind.value, "count": kinds.count(kind)})
    nominees = [place for place, stage in enumerate(stages) if stage.get("takes") == "nominees"]
    if len(nominees) != 1:
        yield Problem("PROGRAMME_STAGE_COUNT", "stages", {"kind": "nominees", "count": len(nominees)})
    decided = nominees[0] if nominees else len(stages)
    before_nominees = {StageKind.APPLICATIONS, StageKind.SCREENING, StageKind.GROUP_ROUND, StageKind.PUBLIC_VOTE}
    shortlisted = False
    for place, stage in enumerate(stages):
        kind = stage["kind"]
        too_late = nominees and place > decided and (kind in before_nominees or stage.get("takes") == "shortlist")
        too_early = nominees and place < decided and kind in set(_ONCE[2:]) | {StageKind.AFTERMATH}
        if too_late or too_early or place < _least_place(kinds, kind):
            yield Problem("PROGRAMME_STAGE_ORDER", f"stages[{place}].kind", {"kind": kind})
        if kind == StageKind.PUBLIC_VOTE and not shortlisted:
            yield Problem("PROGRAMME_NO_SHORTLIST", f"stages[{place}].kind", {"kind": kind})
        shortlisted = shortlisted or stage.get("takes") == "shortlist"


def _least_place(kinds: Sequence[str], kind: str) -> int:
    """Return the place before which a stage of this kind cannot stand, given which kinds it rests on."""
    rests_on: dict[str, tuple[StageKind, ...]] = {
        StageKind.APPLICATIONS: (),
        StageKind.SCREENING: (StageKind.APPLICATIONS,),
        StageKind.APPROVAL: (StageKind.DELIBERATION, StageKind.NOTICE),
        StageKind.AFTERMATH: (StageKind.APPROVAL,),
    }
    return max((kinds.index(one) + 1 for one in rests_on.get(kind, (StageKind.SCREENING,)) if one in kinds), default=0)


def _criteria(sound: dict[str, Any]) -> Iterator[Problem]:
    criteria = sound.get("criteria")
    if criteria is not None and all(item.get("exclusion") or item.get("required") for item in criteria):
        yield Problem("PROGRAMME_NO_CONDITION", "criteria", {})
    for path, item in _listed(sound, "criteria"):
        of_exclusions = ("heads_only", "lookback_years", "while_running", "facts_required", "joint_check")
        other = ("required", "supporting") if item.get("exclusion") else of_exclusions
        for key in other:
            if item.get(key):
                yield Problem("PROGRAMME_KEY_OF_OTHER_KIND", f"{path}.{key}", {"kind": _criterion_kind(item)})


def _criterion_kind(item: dict[str, Any]) -> str:
    if item.get("exclusion"):
        return "exclusion"
    return "requirement" if item.get("required") else "condition"


def _ways(sound: dict[str, Any]) -> Iterator[Problem]:
    for path, way in _listed(sound, "ways"):
        if bool(way.get("levels")) == bool(way.get("special")):
            yield Problem("PROGRAMME_WAY_UNCLEAR", path, {"id": way.get("id", "")})


def _readings(sound: dict[str, Any]) -> Iterator[Problem]:
    for path, reading in _listed(sound, "readings"):
        if "id" not in reading:
            continue
        entry = rule(reading["id"])
        if entry is None:
            yield Problem("PROGRAMME_READING_UNKNOWN", f"{path}.id", {"id": reading["id"]})
            continue
        facts: dict[str, str | int] = {"id": entry.id, "permitted": ", ".join(entry.values)}
        chosen = reading.get("chosen")
        if chosen is not None and chosen not in entry.values:
            yield Problem("PROGRAMME_READING_VALUE", f"{path}.chosen", facts | {"value": chosen})
        for place, other in enumerate(reading.get("alternatives", ())):
            if other is not None and other not in entry.values:
                yield Problem("PROGRAMME_READING_VALUE", f"{path}.alternatives[{place}]", facts | {"value": other})


def _quorum(sound: dict[str, Any]) -> Iterator[Problem]:
    quorum = sound.get("quorum", {})
    if quorum.get("numerator", 0) > quorum.get("denominator", quorum.get("numerator", 0)):
        facts: dict[str, str | int] = {"value": quorum["numerator"], "least": 1, "most": quorum["denominator"]}
        yield Problem("PROGRAMME_OUT_OF_RANGE", "quorum.numerator", facts)
