"""What `import` and `compare-announced` say: every problem by file, row and column; the derived result; differences."""

from collections.abc import Iterable, Sequence
from typing import Any

from api.cli.terminal import Terminal, row, table
from api.importing.people import Names
from api.importing.problems import ReadProblem
from api.importing.reading import Selected
from ledger.import_checks import RowProblem
from ledger.importing import DryRun
from ledger.messages import LANGUAGES, text
from ledger.procedure.programme import Programme
from ledger.procedure.ranking import DecidedBy
from projections.announced import Discrepancy

SHOWN = 200
"""So many problems are printed; all of them are in the JSON answer, up to those kept."""
_SECTION = "imports"


def give_problems(made: Terminal, selected: Selected, problems: Sequence[RowProblem], count: int | None = None) -> None:
    """Tell what is wrong with the files, and what the rules refuse of their rows."""
    told = [_read_problem(made, one) for one in selected.problems]
    told += [_row_problem(made, selected, one) for one in problems]
    hints = [_read_problem(made, one) for one in selected.hints]
    number = len(selected.problems) + (len(problems) if count is None else count)
    made.give({"hints": hints, "problem_count": number, "problems": told})
    made.show(made.word("import-problems", count=number), _problem_table(made, told[:SHOWN]))
    if number > min(len(told), SHOWN):
        made.show(made.word("import-more", count=number - min(len(told), SHOWN)))
    if hints:
        made.show(made.word("import-hints"), _problem_table(made, hints[:SHOWN]))


def _problem_table(made: Terminal, told: Iterable[dict[str, Any]]) -> Any:
    shown = table(*(made.word(name) for name in ("file", "row", "column", "code", "meaning")))
    for one in told:
        shown.add_row(*row(one["file"], one["row"] or "-", one["column"] or "-", one["code"], one["text"]))
    return shown


def _texts(made: Terminal, code: str, facts: Any, section: str = _SECTION, offset: int = 480) -> dict[str, str]:
    both = {one: text(code, facts, one, section=section, offset_minutes=offset) for one in LANGUAGES}
    return {"text": both[made.language], **both}


def _read_problem(made: Terminal, one: ReadProblem) -> dict[str, Any]:
    place = {"code": one.code, "column": one.column, "facts": dict(one.facts), "file": one.file, "row": one.row}
    return place | _texts(made, one.code, one.facts)


def _row_problem(made: Terminal, selected: Selected, one: RowProblem) -> dict[str, Any]:
    place: dict[str, Any] = {"code": one.code, "column": one.column, "facts": dict(one.facts), "row": one.row}
    place |= {"clause": one.clause, "file": selected.files.get(one.table, one.table)}
    return place | _texts(made, one.code, one.facts)


def give_dry_run(made: Terminal, selected: Selected, run: DryRun, rules: Programme) -> None:
    """Tell what follows from the rows."""
    derived = run.derived
    hints = [_read_problem(made, one) for one in selected.hints]
    differences = [
        {"code": one.code, "facts": dict(one.facts), "severity": one.severity, "subject": one.subject}
        | _texts(made, one.code, one.facts)
        for one in derived.differences
    ]
    made.give(
        {
            "alternates": list(derived.alternates),
            "differences": differences,
            "hints": hints,
            "nominees": list(derived.nominees),
            "places": [{"person": one.person, "seat": one.seat} for one in derived.places],
            "problems": [],
            "results": [
                {
                    "left": list(one.outcome.left),
                    "rows": [dict(line) for line in one.outcome.rows],
                    "subject": one.subject,
                    "taken": list(one.outcome.taken),
                }
                for one in derived.sessions
            ],
            "results_hash": derived.results_hash,
            "rows": dict(run.rows),
        }
    )
    made.show(made.word("import-rows", rows=sum(run.rows.values()), tables=sum(1 for n in run.rows.values() if n)))
    for session in derived.sessions:
        stage = rules.stage(session.stage)
        title = f"{stage.title if stage else session.stage} {session.group or ''}"
        made.show(title.strip(), _rows(made, session.outcome.rows, selected.names))
    _places(made, run, selected.names)
    for one, told in zip(derived.differences, differences, strict=True):
        severity = made.sentence(one.severity, {}, "status")
        made.show(f"[{severity}] {one.subject} {one.code}  {told['text']}")
    if hints:
        made.show(made.word("import-hints"), _problem_table(made, hints[:SHOWN]))
    made.show(made.word("import-hash", hash=derived.results_hash))


def _rows(made: Terminal, rows: Sequence[Any], names: Names) -> Any:
    shown = table(*("#", *(made.word(name) for name in ("who", "approve", "possible", "decided-by", "standing"))))
    for line in sorted(rows, key=lambda each: (each["rank"] == 0, each["rank"], each["candidate"])):
        decided = made.sentence(line["decided_by"], {}, "reasons")
        cells = (line["rank"] or "-", names.label(line["candidate"]), line["approve"], line["possible"], decided)
        shown.add_row(*row(*cells, made.word(f"status-{line['status']}")))
    return shown


def _places(made: Terminal, run: DryRun, names: Names) -> None:
    derived = run.derived
    if derived.nominees:
        holders = "、".join(names.label(one.person) if one.person else "-" for one in derived.places)
        alternates = "、".join(names.label(one) for one in derived.alternates) or "-"
        made.show(made.word("import-places", holders=holders, alternates=alternates))


def tell_comparison(
    made: Terminal, found: Sequence[Discrepancy], problems: Sequence[RowProblem], names: Names, compared: int
) -> None:
    """Tell every difference with its cause, and which ballots on paper the rules do not count."""
    told = [_discrepancy(made, one) for one in found]
    rows = [_row_problem(made, Selected(), one) for one in problems]
    made.give({"compared": compared, "differences": told, "not_counted": rows})
    made.show(made.word("compared-rows", rows=compared, differences=len(told)))
    if told:
        headings = ("stage", "row", "who", "what", "announced", "derived", "cause", "meaning")
        shown = table(*(made.word(heading) for heading in headings))
        for one in told:
            where = ":".join(filter(None, (one["stage"], one["group"])))
            what = made.word(f"differs-{one['what']}")
            cells = (one["announced"], one["derived"], one["cause"], one["text"])
            shown.add_row(*row(where, one["row"] or "-", names.label(one["candidate"]) or "-", what, *cells))
        made.show(shown, made.word("compared-legend"))
    if rows:
        made.show(made.word("not-counted"), _problem_table(made, rows[:SHOWN]))


def _discrepancy(made: Terminal, one: Discrepancy) -> dict[str, Any]:
    said = {}
    for language in LANGUAGES:
        facts = {name: _in_words(name, value, language) for name, value in one.facts.items()}
        said[language] = text(one.cause, facts, language, section=_SECTION)
    return {
        "announced": one.announced,
        "candidate": one.candidate,
        "cause": one.cause,
        "clause": one.clause,
        "derived": one.derived,
        "facts": dict(one.facts),
        "group": one.group,
        "row": one.row,
        "stage": one.stage,
        "text": said[made.language],
        "what": one.what.value,
        **said,
    }


def _in_words(name: str, value: str | int, language: str) -> str | int:
    """A fact that is the value of an enum, in words."""
    if name == "cause" or (name == "key" and value in set(DecidedBy)):
        return text(str(value), {}, language, section="reasons")
    return value
