"""Why somebody is on the announced list of places, or is not, against the derivation: clauses five(六), five(七)."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Places:
    """The places as derived: who was nominated, who stood by in which order, who holds each place in the end."""

    nominees: Sequence[str]
    alternates: Sequence[str]
    holders: Sequence[str | None]


def place_cause(
    person: str, listed: AbstractSet[str], places: Places, left: Mapping[str, str], wrong: Mapping[str, str]
) -> tuple[str, dict[str, str | int]]:
    """Return the cause for a person who is on one of the two lists alone."""
    if person in listed and person in left:
        return "ANNOUNCED_DROPPED_OUT", {"cause": left[person]}
    if person in wrong:
        return "ANNOUNCED_FOLLOWS", {"stage": wrong[person]}
    if person in listed:
        return _listed(person, listed, places, left)
    if person in places.alternates:
        before = [one for one in places.alternates if one in listed and one not in places.holders]
        if before:
            return "ANNOUNCED_ALTERNATE_SKIPPED", {"skipped": person, "instead": before[0]}
        return "ANNOUNCED_PLACE_NOT_FILLED", {"alternate": person}
    return "ANNOUNCED_NOMINEE_MISSING", {"person": person}


def _listed(
    person: str, listed: AbstractSet[str], places: Places, left: Mapping[str, str]
) -> tuple[str, dict[str, str | int]]:
    """Somebody listed who holds no place and has not dropped out: an alternate out of turn, or nobody's alternate."""
    if person not in places.alternates:
        return "ANNOUNCED_NOT_ON_LIST", {"stage": "-"}
    before = places.alternates[: places.alternates.index(person)]
    skipped = [one for one in before if one not in listed and one not in left]
    if skipped:
        return "ANNOUNCED_ALTERNATE_SKIPPED", {"skipped": skipped[0], "instead": person}
    return "ANNOUNCED_MOVED_UP_EARLY", {"person": person}
