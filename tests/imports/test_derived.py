"""What follows from imported rows is what followed where the selection was played, in whatever order the rows come."""

from dataclasses import replace
from random import Random

import pytest

from ledger.import_tables import Cells
from ledger.imported_result import results_hash
from ledger.importing import dry_run
from ledger.procedure.programme_value import programme_from_value
from ledger.procedure.vacancies import DropOut
from tests.imports.exporting import holders_of, source_of, tables_of
from tests.imports.playing import played
from tests.imports.small import MEMBERS, PROGRAMME, VALUE, Tables, at, ballot, tables, tried

SEEDS = (0, 2, 5, 6, 21, 31, 42, 66)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_exported_selection_comes_out_the_same(seed: int) -> None:
    state = played(seed)
    rows = tables_of(state)
    run = dry_run(state.charter.latest.programme, source_of(rows))
    assert run.problems == ()
    live = {one.outcome.subject: one.outcome for one in state.rounds.sessions.values() if one.outcome is not None}
    assert {one.subject: one.outcome.rows for one in run.derived.sessions} == {
        subject: outcome.rows for subject, outcome in live.items()
    }
    assert run.derived.results_hash == results_hash(live.values())
    assert tuple(one.person for one in run.derived.places) == holders_of(state)
    rng = Random(seed)
    mixed = {name: rng.sample(lines, len(lines)) for name, lines in rows.items()}
    assert dry_run(state.charter.latest.programme, source_of(mixed)).derived == run.derived


def test_the_small_selection_is_decided_by_approvals_then_public_votes() -> None:
    run = tried(tables())
    assert run.admissible
    assert (run.derived.nominees, run.derived.alternates) == (("a1", "a3"), ("a2",))
    final = run.derived.session("final")
    assert final is not None
    row = final.outcome.row("a3")
    assert row is not None
    assert (row["decided_by"], row["keys"][0]["value"]) == ("public_votes", "30/1")
    assert run.rows["ballots"] == 8
    assert run.span == (int(at(0)), int(at(6)))
    assert run.derived.differences == ()


def decided(*rows: Cells) -> Tables:
    return tables() | {"decisions": list(rows)}


def test_a_vacancy_is_filled_at_once_or_where_a_row_says() -> None:
    out = ("d1", "declined", "a3", "", at(8), "")
    filled = tried(decided(out)).derived
    assert [one.person for one in filled.places] == ["a1", "a2"]
    assert (filled.fillings[0].vacated_by, filled.fillings[0].filled_by) == ("a3", "a2")
    later = ("d2", "place_filled", "a3", "", at(10), "")
    alternate_leaves = ("d3", "withdrawn", "a2", "", at(9), "")
    assert [one.person for one in tried(decided(out, later, alternate_leaves)).derived.places] == ["a1", None]
    assert [one.person for one in tried(decided(out, alternate_leaves)).derived.places] == ["a1", None]
    idle = tried(decided(("d4", "place_filled", "a1", "", at(9), ""))).derived
    assert [one.code for one in idle.differences] == ["IMPORT_NO_VACANCY"]


@pytest.mark.parametrize("cause", list(DropOut))
def test_whoever_left_before_a_result_is_out_of_it(cause: DropOut) -> None:
    run = tried(decided(("d1", cause.value, "a1", "final", at(6), "")))
    assert (run.derived.nominees, run.derived.alternates) == (("a3", "a2"), ())
    assert run.derived.fillings == ()
    final = run.derived.session("final")
    assert final is not None
    assert final.derived.removed == ("a1",)


def test_a_list_other_than_derived_counts_and_is_shown() -> None:
    rows = tables() | {"candidates": [("r-final", one) for one in ("a1", "a2", "a3", "a4")]}
    run = tried(rows)
    assert run.admissible
    (difference,) = run.derived.differences
    assert (difference.code, difference.subject) == ("IMPORT_LIST_DIFFERS", "stage:final")
    assert difference.facts == {"round": "r-final", "added": "a4", "missing": "-"}
    final = run.derived.session("final")
    assert final is not None
    assert set(final.derived.lines) == {"a1", "a2", "a3", "a4"}


def tied() -> Tables:
    """The public votes are gone, so that a run-off between a2 and a3 is due."""
    rows = tables() | {"totals": []}
    rows["rounds"].append(("r-off", "final", "", "1", "", at(7), at(8), "", "4", ""))
    return rows


def test_a_tie_is_settled_by_the_run_off_that_was_due() -> None:
    rows = tied()
    rows["ballots"] += [ballot("r-off", member, "a2") for member in MEMBERS[:3]] + [ballot("r-off", "m4", "a3")]
    run = tried(rows)
    assert run.derived.nominees == ("a1", "a2")
    assert run.derived.differences == ()


def test_a_tie_that_nothing_settles_is_shown() -> None:
    rows = tables() | {"totals": []}
    run = tried(rows)
    (difference,) = run.derived.differences
    assert (difference.code, difference.facts) == ("IMPORT_TIE_OPEN", {"tied": "a2, a3", "places": 1})
    assert run.derived.nominees == ("a1",)


def test_a_tie_after_the_last_run_off_is_settled_by_the_leaders_or_a_lot() -> None:
    programme = programme_from_value({**VALUE, "runoffs_most": 1})
    rows = tied()
    rows["ballots"] += [ballot("r-off", one, "a2") for one in MEMBERS[:2]]
    rows["ballots"] += [ballot("r-off", one, "a3") for one in MEMBERS[2:]]
    assert [one.code for one in tried(rows, programme).derived.differences] == ["IMPORT_TIE_OPEN"]
    for way, decided_by in (("decision", "decision"), ("lot", "lot")):
        rows["tie_orders"] = [("r-off", "a2", way, "3"), ("r-off", "a3", way, "1")]
        run = tried(rows, programme)
        assert run.derived.nominees == ("a1", "a2")
        final = run.derived.session("final")
        assert final is not None
        row = final.outcome.row("a2")
        assert row is not None
        assert row["decided_by"] == decided_by
    too_early = tied() | {"tie_orders": [("r-final", "a2", "lot", "2"), ("r-final", "a3", "lot", "1")]}
    too_early["rounds"].pop()
    codes = [one.code for one in tried(too_early, programme).derived.differences]
    assert codes == ["IMPORT_TIE_ORDER_NOT_DUE"]


def test_a_run_off_that_was_not_due_is_shown() -> None:
    rows = tables()
    rows["rounds"].append(("r-off", "final", "", "1", "", at(7), at(8), "", "4", ""))
    rows["ballots"] += [ballot("r-off", member, "a2") for member in MEMBERS]
    run = tried(rows)
    assert [one.code for one in run.derived.differences] == ["IMPORT_RUNOFF_NOT_DUE"]
    assert run.derived.nominees == ("a1", "a3")


@pytest.mark.parametrize(("voters", "recused", "code"), [(2, 0, "NO_QUORUM"), (4, 2, "QUORUM_LOST_BY_RECUSAL")])
def test_a_quorum_that_failed_is_shown(voters: int, recused: int, code: str) -> None:
    rows = tables()
    rows["rounds"][1] = (*rows["rounds"][1][:7], "", "", "")
    gone = MEMBERS[voters:]
    rows["ballots"] = [row for row in rows["ballots"] if row[0] == "r-long" or row[1] not in gone]
    rows["recusals"] = [("final", member, "a2", "") for member in MEMBERS[2 : 2 + recused]]
    found = {one.code: one for one in tried(rows).derived.differences}
    assert found[code].severity == "breach"
    assert found[code].subject == "stage:final"


def test_a_recusal_acts_forward_by_the_attested_times() -> None:
    rows = tables()
    rows["recusals"] = [("final", "m1", "a1", at(5))]
    rows["ballots"] = [
        (*row[:6], str(int(at(5)) + 10)) if row[:2] == ("r-final", "m1") else row for row in rows["ballots"]
    ]
    assert [one.code for one in tried(rows).problems] == ["RECUSED"]
    rows["recusals"] = [("final", "m1", "a1", str(int(at(5)) + 20))]
    run = tried(rows)
    assert run.admissible
    final = run.derived.session("final")
    assert final is not None
    assert (final.derived.lines["a1"].approve, final.derived.lines["a1"].recused) == (3, 0)
    assert [one.members for one in final.quorum] == [4, 4, 4]


def test_a_stage_that_nobody_voted_in_is_shown() -> None:
    rows = tables()
    rows["rounds"].pop()
    rows["ballots"] = rows["ballots"][:4]
    run = tried(rows)
    assert [one.code for one in run.derived.differences] == ["IMPORT_ROUND_MISSING"]
    assert run.derived.places == ()


def test_totals_that_cannot_be_checked_break_no_tie() -> None:
    rows = tables()
    rows["totals"] = [(*row[:5], "no") for row in rows["totals"]]
    assert [one.code for one in tried(rows).derived.differences] == ["UNVERIFIABLE_SOURCE", "IMPORT_TIE_OPEN"]


def test_a_round_that_was_voted_again_does_not_count() -> None:
    rows = tables()
    first = ("r-first", "final", "", "0", "no", at(3), at(4), "", "1", "")
    rows["rounds"].append(first)
    rows["ballots"].append(ballot("r-first", "m1", "a5"))
    assert tried(rows).derived == replace(tried(tables()).derived)


def test_the_dry_run_tells_how_far_it_has_read() -> None:
    told: list[tuple[str, int]] = []
    dry_run(PROGRAMME, source_of(tables()), progress=lambda table, rows: told.append((table, rows)))
    assert ("ballots", 8) in told
