"""Programmes to play by: the shipped ones made small, with seats, bodies, thresholds and readings by chance."""

from collections.abc import Mapping
from copy import deepcopy
from random import Random
from typing import Any

from ledger.procedure.readings import CATALOGUE
from ledger.programmes import load_shipped

FEWEST = {"experts": 3, "industry-body": 3, "panel": 3, "leaders": 3, "chairs": 1, "delegates": 3, "jury": 3}
FEWEST |= {"committee": 3, "presidium": 1}
KEPT_CRITERIA = {
    "zhuyuan-2022": ("registered-employer", "skill", "science-award", "sanction", "enterprise-head", "other-reason"),
    "labour-medal-2024": ("local-employer", "frontline-merit", "emergency-merit", "unlawful", "unsafe-employer"),
}


def varied(rng: Random) -> Mapping[str, Any]:
    """Return a small programme that follows from the generator."""
    label = "labour-medal-2024" if rng.random() < 0.3 else "zhuyuan-2022"
    value: dict[str, Any] = deepcopy(dict(load_shipped(label)))
    value["seats"] = rng.randint(1, 12) if rng.random() < 0.3 else rng.randint(1, 4)
    value["runoffs_most"] = rng.randint(1, 2)
    value["quorum"] = rng.choice(
        [{"numerator": 2, "denominator": 3, "floor": 3}, {"numerator": 1, "denominator": 2, "floor": 2}]
    )
    value["criteria"] = [one for one in value["criteria"] if one["id"] in KEPT_CRITERIA[label]]
    for way in value["ways"]:
        way["levels"] = way.get("levels", [])[: rng.randint(1, 2)]
        if not way["levels"]:
            del way["levels"]
    for body in value["bodies"]:
        body["least_members"] = FEWEST[body["id"]] + rng.randint(0, 2)
    deliberating = next(stage["body"] for stage in value["stages"] if stage["kind"] == "deliberation")
    value["leaders_least"] = next(body["least_members"] for body in value["bodies"] if body["id"] == deliberating)
    _fewer_sponsors(value, rng)
    for stage in value["stages"]:
        _stage(stage, value["seats"], rng)
    _other_readings(value, rng)
    return value


def _fewer_sponsors(value: dict[str, Any], rng: Random) -> None:
    kept = rng.randint(2, 3)
    sponsors = [office["id"] for office in value["offices"] if office.get("sponsor")]
    value["offices"] = [one for one in value["offices"] if not one.get("sponsor") or one["id"] in sponsors[:kept]]


def _stage(stage: dict[str, Any], seats: int, rng: Random) -> None:
    if stage["kind"] == "group_round":
        stage["groups"] = stage["groups"][: rng.randint(1, len(stage["groups"]))]
        covered = [one for group in stage["groups"] for one in group["covers"]]
        stage["groups"][-1]["covers"] += [one for one in _everything(stage) if one not in covered]
        stage["total"] = rng.randint(len(stage["groups"]), 4) + rng.randint(seats, 2 * seats + 4)
    if stage.get("score_items"):
        stage["score_items"] = [one | {"most_hundredths": 300} for one in stage["score_items"][:2]]
    if stage["kind"] == "public_vote":
        stage["channels"] = ["union-wechat", "city-app"][: rng.randint(1, 2)]
    if stage["kind"] == "notice":
        stage["notice_days"] = rng.randint(1, 7)


def _everything(stage: Mapping[str, Any]) -> tuple[str, ...]:
    if stage["group_by"] == "occupation":
        return ("welding", "machining", "electrical", "mining", "culinary", "ceramics")
    return ("manufacturing", "energy", "transport", "food", "culture", "services")


def _other_readings(value: dict[str, Any], rng: Random) -> None:
    """Choose among the values of the readings that have several, and declare every reading that a stage may need."""
    known = {one["id"]: one for one in value["readings"]}
    for rule in CATALOGUE:
        # How often the public votes is nothing that these plays touch: they import totals.
        if rule.id in known and len(rule.values) > 1 and rule.id != "public_ballot":
            least_likely = rule.id == "min_approval" and rng.random() < 0.5
            known[rule.id]["chosen"] = rule.values[0] if least_likely else rng.choice(rule.values)
            known[rule.id]["alternatives"] = [one for one in rule.values if one != known[rule.id]["chosen"]]
