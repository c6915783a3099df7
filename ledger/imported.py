"""What follows from imported facts: every session of the programme in order, the final order, the places.

One derivation, three uses: a dry run over files, the decision whether an import may be completed, and whoever reads a
ledger that holds an import. Its rules are those of `procedure`; its rows are those of `results`, so that the same
selection has the same hash whether it was played here or imported.
"""

from ledger.import_checks import RowProblem
from ledger.import_facts import ImportFacts
from ledger.imported_lists import Lists
from ledger.imported_places import Places, places_of
from ledger.imported_result import Difference, ImportedResult, ImportedSession, results_hash
from ledger.imported_sessions import BREACH, WARN, Notes, SessionCount
from ledger.procedure.groups import SharesImpossible
from ledger.procedure.programme import Stage, StageKind
from ledger.procedure.readings import undeclared
from ledger.procedure.scores import sheet_problems
from ledger.state.rounds import Session

__all__ = ["Difference", "ImportedResult", "ImportedSession", "derive_import", "results_hash"]


def derive_import(facts: ImportFacts) -> ImportedResult:
    """Derive every session from the facts so far, stage by stage in the programme's order."""
    lists, notes = Lists(facts), Notes()
    sessions: list[ImportedSession] = []
    _sheets_whole(facts, notes)
    for stage in facts.programme.stages:
        if stage.kind is StageKind.PUBLIC_VOTE:
            _totals_whole(lists, stage, notes)
        elif stage.kind in (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND):
            found = _stage(lists, stage, notes)
            lists.taken[stage.id] = [one for session in found for one in session.outcome.taken]
            sessions += found
    _unused(facts, sessions, notes)
    places = Places((), (), ())
    final = next((one for one in sessions if _takes_nominees(facts, one)), None)
    last = facts.programme.stage(final.stage) if final else None
    taken, left = (final.outcome.taken, final.outcome.left) if final else ((), ())
    if final is not None and last is not None:
        places = places_of(lists, last, taken, left)
        for row in places.idle:
            notes.differ("IMPORT_NO_VACANCY", BREACH, final.subject, decision=row.decision, person=row.person)
    return ImportedResult(
        tuple(sessions),
        taken,
        left,
        places.fillings,
        places.holders,
        tuple(notes.problems),
        tuple(notes.differences),
        notes.bounds,
    )


def _takes_nominees(facts: ImportFacts, session: ImportedSession) -> bool:
    stage = facts.programme.stage(session.stage)
    return stage is not None and stage.takes == "nominees"


def _stage(lists: Lists, stage: Stage, notes: Notes) -> list[ImportedSession]:
    """Clauses five(一)–(三), five(五): the sessions of one stage that were held."""
    facts = lists.facts
    held = {
        group: one for (stage_id, group, runoff), one in facts.counted.items() if stage_id == stage.id and not runoff
    }
    lacking = undeclared(facts.programme, stage) if held else ()
    if lacking:
        _problem(notes, "RULE_UNDECLARED", stage, "rounds", "stage", stage=stage.id, readings=", ".join(lacking))
    everybody = lists.entering(stage)
    gone = lists.gone_before(stage, min((one.opened_at for one in held.values()), default=0))
    standing = [one for one in everybody if one not in gone]
    shares: dict[str | None, int] = {}
    of_group: dict[str | None, list[str]] = {None: standing}
    if stage.kind is StageKind.GROUP_ROUND:
        shares, of_group = _groups(lists, stage, standing, notes)
    found = []
    groups: list[str | None] = [one.id for one in stage.groups]
    for group in groups or [None]:
        session, main = Session(stage.id, group), held.get(group)
        gone = lists.gone_before(stage, main.opened_at if main else 0)
        expected = tuple(sorted(one for one in of_group.get(group, ()) if one not in gone))
        if main is None and expected:
            notes.differ("IMPORT_ROUND_MISSING", WARN, session.subject, candidates=len(expected))
        elif main is not None and not expected and not main.listed:
            _problem(notes, "NO_CANDIDATES", stage, "rounds", "round", round=main.id, subject=session.subject)
        elif main is not None:
            found.append(SessionCount(lists, stage, session, notes).result(main, expected, shares))
    return found


def _groups(
    lists: Lists, stage: Stage, standing: list[str], notes: Notes
) -> tuple[dict[str | None, int], dict[str | None, list[str]]]:
    """Reading `group_seats`: the groups' numbers and who stands in each."""
    of_group: dict[str | None, list[str]] = {}
    for person in standing:
        group = lists.group_of(stage, person)
        of_group.setdefault(group, []).append(person)
    for person in of_group.pop(None, ()):
        _problem(notes, "GROUP_UNCOVERED", stage, "groups", "candidate", stage=stage.id, person=person)
    shares = lists.shares(stage, standing)
    if isinstance(shares, SharesImpossible):
        reason, groups = shares.reason.value, ", ".join(shares.groups)
        _problem(notes, "SHARES_IMPOSSIBLE", stage, "draws", "group", stage=stage.id, reason=reason, groups=groups)
        return {}, of_group
    return {share.group: share.seats for share in shares}, of_group


def _problem(notes: Notes, code: str, at: Stage, table: str, column: str, /, **facts: str | int) -> None:
    notes.problems.append(RowProblem(code, at.clause, table, 0, column, facts))


def _sheets_whole(facts: ImportFacts, notes: Notes) -> None:
    """Clause five(一): a sheet that was given has every criterion."""
    for stage_id, sheets in sorted(facts.scores.items()):
        stage = facts.programme.stage(stage_id)
        if stage is None:
            continue
        highest = {one.id: one.most_hundredths for one in stage.score_items}
        for (member, candidate), points in sorted(sheets.items()):
            for problem in sheet_problems(highest, points.items()):
                where: dict[str, str | int] = {"where": problem.fault.value, "item": problem.criterion}
                where |= {"stage": stage_id, "member": member, "candidate": candidate}
                _problem(notes, "SCORE_INVALID", stage, "scores", "item", **where)


def _totals_whole(lists: Lists, stage: Stage, notes: Notes) -> None:
    """Clause five(四): each channel gives the votes of everybody on the shortlist, and of nobody else."""
    facts = lists.facts
    given: dict[str, set[str]] = {}
    for channel, candidate in facts.totals.get(stage.id, {}):
        given.setdefault(channel, set()).add(candidate)
    everybody = set(lists.entering(stage))
    standing = everybody - lists.gone(stage)
    for channel, candidates in sorted(given.items()):
        for candidate in sorted((standing - candidates) | (candidates - everybody)):
            _problem(
                notes,
                "TOTALS_INVALID",
                stage,
                "totals",
                "candidate",
                stage=stage.id,
                channel=channel,
                candidate=candidate,
            )
        if not facts.verifiable[stage.id, channel]:
            notes.differ("UNVERIFIABLE_SOURCE", WARN, f"poll:{facts.polls[stage.id]}", channel=channel)


def _unused(facts: ImportFacts, sessions: list[ImportedSession], notes: Notes) -> None:
    """A run-off that no vote of the whole list goes before, or whose number leaves a gap, cannot be held to a list."""
    used = {one for session in sessions for one in session.rounds}
    for (_, _, runoff), one in sorted(facts.counted.items(), key=lambda item: item[1].id):
        if one.id not in used and runoff:
            _problem(notes, "NO_ROUND_DUE", one.stage, "rounds", "runoff", round=one.id, subject=one.stage.id)
