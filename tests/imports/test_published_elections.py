"""Published approval elections as oracles of the counting: official totals in, official ranks out.

Transcribed: the approval-voting primary for mayor of the City of St. Louis, 2 March 2021, as finally published: 44,571
ballots; approvals 25,388, 20,659, 17,186 and 6,428 (56.96, 46.35, 38.56 and 14.42 per cent of the ballots; 69,661
approvals in all); the first two advanced. Candidates are numbered by their official order and named nowhere. Only
totals are published, not who approved of whom: they are spread over ballots so that each voter approves of at most two,
as the programme here permits. Sums, shares, ranks and the cut are what is held to the official result.
"""

from fractions import Fraction
from pathlib import Path

from api.importing.reading import read
from ledger.import_programme import expanded
from ledger.importing import dry_run
from ledger.procedure.programme_value import programme_from_value
from tests.imports.folders import write

BALLOTS = 44_571
APPROVALS = (25_388, 20_659, 17_186, 6_428)
PER_CENT = ("56.96", "46.35", "38.56", "14.42")
PROGRAMME = programme_from_value(
    expanded(
        {
            "label": "primary-2021",
            "title": "Approval primary",
            "year": 2021,
            "seats": 2,
            "stages": [{"id": "primary", "kind": "panel_round", "takes": "nominees"}],
        }
    )
)


def transcribed(folder: Path) -> None:
    approved: list[list[str]] = [[] for _ in range(BALLOTS)]
    place = 0
    for number, approvals in enumerate(APPROVALS, start=1):
        for _ in range(approvals):
            approved[place % BALLOTS].append(f"candidate-{number}")
            place += 1
    voters = [f"voter-{number}" for number in range(BALLOTS)]
    people = [f"candidate-{number}" for number in range(1, len(APPROVALS) + 1)]
    write(folder / "applications.csv", [("application", "person", "standing"), *((p, p, "eligible") for p in people)])
    write(folder / "rosters.csv", [("stage", "member"), *(("primary", voter) for voter in voters)])
    rounds = [("round", "stage", "issued", "returned"), ("day", "primary", str(BALLOTS), str(BALLOTS))]
    write(folder / "rounds.csv", rounds)
    ballots = [("day", voter, ";".join(names)) for voter, names in zip(voters, approved, strict=True)]
    write(folder / "ballots.csv", [("round", "member", "approve"), *ballots])


def test_the_first_approval_primary_of_st_louis_comes_out_as_certified(tmp_path: Path) -> None:
    transcribed(tmp_path)
    selected = read(tmp_path, 0)
    assert list(selected.problems) == []
    run = dry_run(PROGRAMME, selected.source)
    assert run.problems == ()
    (session,) = run.derived.sessions
    rows = session.outcome.rows
    assert [(row["candidate"], row["rank"], row["approve"]) for row in rows] == [
        (f"candidate-{number}", number, approvals) for number, approvals in enumerate(APPROVALS, start=1)
    ]
    shares = [round(Fraction(row["approve"] * 10_000, row["returned"])) for row in rows]
    assert tuple(f"{share // 100}.{share % 100:02d}" for share in shares) == PER_CENT
    assert run.derived.nominees == ("candidate-1", "candidate-2")
    assert run.derived.alternates == ("candidate-3", "candidate-4")
