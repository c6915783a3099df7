"""A small programme file, filled up to a whole programme: for selections held elsewhere, of which the votes matter.

Such a file states a title, a year, the seats and the stages in which was voted. Whatever it leaves out is filled in
here, in the open: every reading with its default, every office and body, the stages that a programme cannot be without.
The value that comes out is what the charter records, so that nothing is decided by a rule that is not written down.
"""

import tomllib
from collections.abc import Mapping
from typing import Any

from ledger.errors import MalformedError
from ledger.procedure.acts import FUNCTIONS
from ledger.procedure.programme import StageKind
from ledger.procedure.programme_value import InvalidProgrammeError, problems
from ledger.procedure.readings import CATALOGUE

_SEPARATED = ["registrar", "scrutineer", "discipline"]
_BODIES = {
    StageKind.GROUP_ROUND: "experts",
    StageKind.PANEL_ROUND: "panel",
    StageKind.DELIBERATION: "leaders",
    StageKind.APPROVAL: "chairs",
}
_TITLES = {
    StageKind.APPLICATIONS: "申报",
    StageKind.SCREENING: "资格审核",
    StageKind.GROUP_ROUND: "分组评审",
    StageKind.PANEL_ROUND: "综合评审",
    StageKind.PUBLIC_VOTE: "公众投票",
    StageKind.DELIBERATION: "审议",
    StageKind.NOTICE: "公示",
    StageKind.APPROVAL: "批准",
    StageKind.AFTERMATH: "命名之后",
}
_FIRST = (StageKind.APPLICATIONS, StageKind.SCREENING)
_LAST = (StageKind.DELIBERATION, StageKind.NOTICE, StageKind.APPROVAL)


def read_programme(data: bytes) -> Mapping[str, Any]:
    """Return the whole value of a programme file, small or not.

    Raises `MalformedError` `PROGRAMME_NOT_TOML` for bytes that are no TOML, `InvalidProgrammeError` with all problems
    of the value that comes out.
    """
    try:
        value = expanded(tomllib.loads(data.decode("utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MalformedError("PROGRAMME_NOT_TOML", cause=str(error)[:200]) from None
    found = problems(value)
    if found:
        raise InvalidProgrammeError(found)
    return value


def expanded(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value with everything filled in that it leaves out; what it states stays as it is."""
    stages = value.get("stages")
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        return dict(value)
    year = value.get("year")
    year = year if isinstance(year, int) else 2000
    title = value.get("title", "-")
    whole: dict[str, Any] = {
        "honour": title,
        "reference": title,
        "utc_offset_minutes": 480,
        "eligibility_date": f"{year}-12-31",
        "leaders_least": 1,
        "runoffs_most": 2,
        "appeals_most": 1,
        "quorum": {"numerator": 2, "denominator": 3, "floor": 3},
        "paper": {"forms": 0, "proof_sets": 0, "grace_days": 0},
        "offices": [{"id": "sponsor", "name": "主办单位", "sponsor": True}],
        "criteria": [{"id": "merit", "clause": "-", "title": "符合申报条件"}],
        "materials": [{"id": "form", "name": "推荐表"}],
        "ways": [{"id": "unit", "name": "单位推荐", "levels": ["unit"]}],
        "benefits": [],
        **value,
        "stages": _stages(stages, year),
        "readings": _readings(value.get("readings")),
    }
    used = {stage["body"] for stage in whole["stages"] if isinstance(stage.get("body"), str)}
    whole.setdefault("bodies", [_body(one) for one in sorted(used)])
    whole.setdefault("roles", _roles(whole["bodies"]))
    return whole


def _stages(stages: list[dict[str, Any]], year: int) -> list[dict[str, Any]]:
    kinds = [stage.get("kind") for stage in stages]
    first: list[dict[str, Any]] = [{"id": kind.value, "kind": kind.value} for kind in _FIRST if kind not in kinds]
    whole = first + [dict(stage) for stage in stages]
    for kind in _LAST:
        if kind not in kinds:
            # Where a later one of the three is stated, the missing one goes before it.
            later = [place for place, stage in enumerate(whole) if stage.get("kind") in _LAST[_LAST.index(kind) + 1 :]]
            whole.insert(later[0] if later else _end(whole), {"id": kind.value, "kind": kind.value})
    return [_stage(stage, year) for stage in whole]


def _end(stages: list[dict[str, Any]]) -> int:
    after = [place for place, stage in enumerate(stages) if stage.get("kind") == StageKind.AFTERMATH]
    return after[0] if after else len(stages)


def _stage(stage: dict[str, Any], year: int) -> dict[str, Any]:
    if stage.get("kind") not in set(StageKind):
        return stage
    kind = StageKind(stage["kind"])
    filled: dict[str, Any] = {"title": _TITLES[kind], "clause": "-"}
    match kind:
        case StageKind.APPLICATIONS:
            filled |= {"opens_at": f"{year - 1}-01-01T00:00", "closes_at": f"{year + 1}-01-01T00:00"}
        case StageKind.GROUP_ROUND:
            tie = "tie_expert" if stage.get("score_items") else "tie_industry"
            filled |= {"group_by": "occupation", "tie_reading": tie}
        case StageKind.PANEL_ROUND:
            filled |= {"tie_reading": "tie_shortlist" if stage.get("takes") == "shortlist" else "tie_final"}
        case StageKind.PUBLIC_VOTE:
            filled |= {"channels": ["public"]}
        case StageKind.NOTICE:
            filled |= {"notice_days": 5, "channels": ["website"]}
    if kind in _BODIES:
        filled["body"] = _BODIES[kind]
    return filled | stage


def _readings(stated: Any) -> list[dict[str, Any]]:
    """Every reading that is not stated, with its default; the alternatives can be asked about later."""
    own = [one for one in stated if isinstance(one, dict)] if isinstance(stated, list) else []
    known = {one.get("id") for one in own}
    return own + [
        {
            "id": rule.id,
            "clause": rule.clause,
            "question": rule.id,
            "chosen": rule.values[0],
            "alternatives": list(rule.values[1:]),
        }
        for rule in CATALOGUE
        if rule.id not in known
    ]


def _body(body: str) -> dict[str, Any]:
    return {"id": body, "name": body, "role": f"{body}-member", "least_members": 1}


def _roles(bodies: Any) -> list[dict[str, Any]]:
    roles: list[dict[str, Any]] = [{"id": name, "name": name} for name in FUNCTIONS]
    for role in roles:
        if role["id"] == "organiser":
            role["incompatible"] = list(_SEPARATED)
    members = [one["role"] for one in bodies if isinstance(one, dict) and isinstance(one.get("role"), str)]
    return roles + [{"id": one, "name": one} for one in dict.fromkeys(members) if one not in FUNCTIONS]
