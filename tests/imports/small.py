"""A small selection held elsewhere: two panels over five applicants, a public vote, and whatever a test does to it."""

from collections.abc import Mapping
from typing import Any

from ledger.import_programme import expanded
from ledger.import_tables import TABLES, Cells
from ledger.importing import DryRun, dry_run
from ledger.procedure.programme import Programme
from ledger.procedure.programme_value import programme_from_value
from tests.imports.exporting import source_of

PEOPLE = ("a1", "a2", "a3", "a4", "a5")
MEMBERS = ("m1", "m2", "m3", "m4")
DAY = 86_400_000
FIRST = 1_700_000_000_000
LAST = FIRST + 30 * DAY

VALUE: Mapping[str, Any] = expanded(
    {
        "label": "elsewhere-2023",
        "title": "在别处进行的评选",
        "year": 2023,
        "seats": 2,
        "stages": [
            {
                "id": "long",
                "kind": "panel_round",
                "takes": "shortlist",
                "surplus": {"numerator": 1, "denominator": 3},
            },
            {"id": "public", "kind": "public_vote"},
            {"id": "final", "kind": "panel_round", "takes": "nominees"},
        ],
    }
)
PROGRAMME: Programme = programme_from_value(VALUE)

Tables = dict[str, list[Cells]]


def at(day: int) -> str:
    """Return an attested time."""
    return str(FIRST + day * DAY)


def ballot(round_id: str, member: str, *approve: str, against: str = "", void: str = "", cast: str = "") -> Cells:
    """Return a ballot's row."""
    return round_id, member, " ".join(approve), against, "", void, cast


def tables() -> Tables:
    """Return tables that come in: a1 leads, a2 and a3 are equal in the end and the public orders them, a4 follows."""
    rosters: list[Cells] = [(stage, "", member) for stage in ("long", "final") for member in MEMBERS]
    found: Tables = {
        "applications": [(f"app-{one}", one, "", "", "eligible", at(0)) for one in PEOPLE],
        "rosters": rosters,
        "attendance": list(rosters),
        "rounds": [
            ("r-long", "long", "", "0", "", at(1), at(2), "4", "4", "0"),
            ("r-final", "final", "", "0", "", at(5), at(6), "4", "4", "0"),
        ],
        "ballots": [
            *(ballot("r-long", member, "a1", "a2", "a3", against="a5") for member in MEMBERS[:3]),
            ballot("r-long", "m4", "a3", "a4"),
            ballot("r-final", "m1", "a1", "a2"),
            ballot("r-final", "m2", "a1", "a2"),
            ballot("r-final", "m3", "a1", "a3"),
            ballot("r-final", "m4", "a3"),
        ],
        "totals": [
            ("public", "", "square", "a1", "10", "yes"),
            ("public", "", "square", "a2", "20", "yes"),
            ("public", "", "square", "a3", "30", "yes"),
        ],
    }
    return {name: found.get(name, []) for name in TABLES}


def tried(rows: Tables, value: Programme = PROGRAMME, period: tuple[int, int] | None = None) -> DryRun:
    """Dry-run tables."""
    return dry_run(value, source_of(rows), period=period)
