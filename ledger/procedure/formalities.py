"""What an application still lacks before screening may pass it: clauses 六(二), 六(三), 七(二) and 七(四)2.

The applicant's consent; the way in (a unit's initial review, then recommendations level by level); the required
materials; the paper filing. When something arrived is judged elsewhere.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ledger.procedure.programme import MaterialKind, Paper, Programme, Way

_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Dossier:
    """What has come in for one application.

    Attributes:
        way: the id of the way in.
        consented: the applicant signed, or agreed to, the application.
        reviewed: the unit's review body did its initial review, originals checked against copies.
        levels: the levels that recommended it, in the order of their acts.
        materials: the kinds of the documents filed.
        on_paper: the paper filing is complete.
    """

    way: str
    consented: bool
    reviewed: bool
    levels: tuple[str, ...]
    materials: frozenset[str]
    on_paper: bool


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is missing: code, clause, and what exactly (a level, a kind of material, or nothing further)."""

    code: str
    clause: str
    what: str = "-"


def lacking(programme: Programme, dossier: Dossier) -> tuple[Lack, ...]:
    """Clauses 六(二), 六(三), 七(二), 七(四)2: everything the application lacks, in the notice's order."""
    found: list[Lack] = []
    if not dossier.consented:
        found.append(Lack("NO_APPLICANT_CONSENT", "六(二)"))
    way = programme.way(dossier.way)
    if way is not None and way.levels:
        if not dossier.reviewed:
            found.append(Lack("REVIEW_MISSING", "七(二)"))
        found += [Lack("RECOMMENDATION_MISSING", "六(二)1", one) for one in way.levels if one not in dossier.levels]
    found += [Lack("MATERIAL_MISSING", "六(三)", one) for one in missing_materials(programme, dossier.materials)]
    if programme.paper.forms and not dossier.on_paper:
        found.append(Lack("PAPER_MISSING", "七(四)2"))
    return tuple(found)


def missing_materials(programme: Programme, filed: Collection[str]) -> tuple[str, ...]:
    """Clause 六(三): the required kinds of material that are not there."""
    return tuple(kind.id for kind in programme.materials if kind.required and kind.id not in filed)


def next_level(way: Way, recommended: Sequence[str]) -> str | None:
    """Clause 六(二)1: the level whose turn it is, from below upward; None when all have recommended."""
    return next((level for level in way.levels if level not in recommended), None)


def paper_complete(paper: Paper, kinds: Sequence[MaterialKind], filed: Collection[str], forms: int, sets: int) -> bool:
    """Clause 七(四)2: enough copies of the form, and of the bound proofs where any were filed."""
    claimed = any(kind.id in filed and not kind.required for kind in kinds)
    return forms >= paper.forms and (not claimed or sets >= paper.proof_sets)


def paper_deadline(paper: Paper, closes_at: int) -> int:
    """Reading `filing_complete`: the first instant (UTC ms) that is too late for the paper copies."""
    return closes_at + paper.grace_days * _DAY
