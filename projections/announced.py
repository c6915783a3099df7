"""An announced result held against the derived one: every place where they differ, each with its cause.

Clauses five(一)–(八). A cause is looked for among the ways in which results have been got wrong: words counted that do
not count, another key asked than the tie, another length of the list, an alternate passed over. Whatever none of them
explains is said to be unexplained; a difference is never left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from projections.announced_causes import order_cause, sum_causes
from projections.announced_places import Places, place_cause
from projections.announced_session import Announced, Extra, Held

__all__ = ["Announced", "Basis", "Discrepancy", "Extra", "Held", "Places", "What", "compare"]


class What(StrEnum):
    """In what an announced row, or a whole list, differs."""

    RANK = "rank"
    TAKEN = "taken"
    APPROVE = "approve"
    VOTES = "votes"
    LENGTH = "length"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Basis:
    """What an announced result is held against.

    `votes`: the public votes by stage, channel and candidate. `left`: why and from which stage on people dropped out.
    `list_stages`: the stages whose announced rows are the list of who holds a place.
    """

    sessions: tuple[Held, ...]
    votes: Mapping[str, Mapping[str, Mapping[str, int]]]
    places: Places | None
    left: Mapping[str, str]
    list_stages: Mapping[str, str]

    def held(self, stage: str, group: str | None) -> Held | None:
        """Return the session of a stage and group."""
        return next((one for one in self.sessions if (one.stage, one.group) == (stage, group)), None)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One place where the announced result differs.

    `row` is 0 where the file has no row. `announced` and `derived` are what each says, "-" for nothing; `cause` is a
    stable code, `facts` what its sentence shows.
    """

    what: What
    stage: str
    group: str | None
    clause: str
    candidate: str
    row: int
    announced: str
    derived: str
    cause: str
    facts: Mapping[str, str | int]


def compare(announced: Sequence[Announced], basis: Basis) -> tuple[Discrepancy, ...]:
    """Return every difference, stage by stage in the programme's order; then rows of stages that are not known."""
    found: list[Discrepancy] = []
    wrong: dict[str, str] = {}
    rest = list(announced)
    for held in basis.sessions:
        rows = [one for one in rest if (one.stage, one.group) == (held.stage, held.group)]
        if rows:
            found += _session(rows, held, basis, wrong)
            rest = [one for one in rest if one not in rows]
    for stage, by_channel in basis.votes.items():
        rows = [one for one in rest if one.stage == stage]
        found += _votes(rows, by_channel)
        rest = [one for one in rest if one.stage != stage]
    for stage, clause in basis.list_stages.items():
        rows = [one for one in rest if one.stage == stage]
        if rows and basis.places is not None:
            found += _list(rows, basis.places, basis, clause, wrong)
            rest = [one for one in rest if one.stage != stage]
    found += [_unknown(row) for row in rest]
    return tuple(found)


def _unknown(row: Announced) -> Discrepancy:
    where = row.stage + (f":{row.group}" if row.group else "")
    facts: dict[str, str | int] = {"where": where}
    return Discrepancy(
        What.LENGTH, row.stage, row.group, "-", row.candidate, row.row, "-", "-", "ANNOUNCED_NO_RESULT", facts
    )


def _session(rows: Sequence[Announced], held: Held, basis: Basis, wrong: dict[str, str]) -> Iterator[Discrepancy]:
    """Sums first, then order and cut, so that a wrong order can be told to follow from a wrong sum."""
    by_candidate = {row.candidate: row for row in rows}
    lacking = sorted(held.taken - by_candidate.keys())
    absent = {one: Announced(0, held.stage, held.group, one, None, None, None, False) for one in lacking}
    everybody = by_candidate | absent
    sums = sum_causes({row.candidate: row.approve for row in rows if row.approve is not None}, held)
    for candidate, (cause, facts) in sums.items():
        row = by_candidate[candidate]
        yield _told(What.APPROVE, held, row, str(row.approve), str(held.rows[candidate]["approve"]), cause, facts)
    for row in rows:
        if row.votes is not None and held.votes and row.votes != held.votes.get(row.candidate, 0):
            derived = held.votes.get(row.candidate, 0)
            facts = {"announced": row.votes, "derived": derived}
            yield _told(What.VOTES, held, row, str(row.votes), str(derived), "ANNOUNCED_SUM_WRONG", facts)
    yield from _length(rows, held)
    taken = {row.candidate for row in rows if row.taken}
    for row in rows:
        known = held.rows.get(row.candidate)
        rank, is_taken = (known["rank"], known["taken"]) if known else (None, False)
        differs = row.rank is not None and row.rank != rank
        if row.taken == is_taken and not (differs and known):
            continue
        if not known and not row.taken:
            continue
        what = What.TAKEN if row.taken != is_taken else What.RANK
        cause, facts = _cause(row, held, basis, wrong, everybody, sums, len(taken))
        yield _told(what, held, row, _standing(row.rank, row.taken), _standing(rank, bool(is_taken)), cause, facts)
    for candidate, row in absent.items():
        cause, facts = _cause(row, held, basis, wrong, everybody, sums, len(taken))
        yield _told(What.TAKEN, held, row, "-", _standing(held.rows[candidate]["rank"], True), cause, facts)
    for candidate in sorted(taken ^ held.taken):
        wrong.setdefault(candidate, held.stage)


def _standing(rank: object, taken: bool) -> str:
    return f"{'-' if rank in (None, 0) else rank}{'*' if taken else ''}"


def _length(rows: Sequence[Announced], held: Held) -> Iterator[Discrepancy]:
    """How many were taken; where another reading of the rounding gives that number, which."""
    number, due = sum(row.taken for row in rows), len(held.taken)
    if number == due:
        return
    reading = next((name for name, length in held.lengths.items() if length == number), None)
    cause = "ANNOUNCED_OTHER_ROUNDING" if reading else "ANNOUNCED_OTHER_LENGTH"
    facts: dict[str, str | int] = {"announced": number, "derived": due}
    if reading:
        facts["reading"] = reading
    row = Announced(0, held.stage, held.group, "", None, None, None, False)
    yield _told(What.LENGTH, held, row, str(number), str(due), cause, facts)


def _cause(
    row: Announced,
    held: Held,
    basis: Basis,
    wrong: Mapping[str, str],
    announced: Mapping[str, Announced],
    sums: Mapping[str, tuple[str, dict[str, str | int]]],
    number: int,
) -> tuple[str, dict[str, str | int]]:
    """Why one person stands elsewhere than they should: the first explanation that holds."""
    known, person = held.rows.get(row.candidate), row.candidate
    if person in wrong and (known is None or not known["taken"]):
        return "ANNOUNCED_FOLLOWS", {"stage": wrong[person]}
    if known is None or known["status"] == "removed":
        gone = basis.left.get(person)
        return ("ANNOUNCED_DROPPED_OUT", {"cause": gone}) if gone else ("ANNOUNCED_NOT_ON_LIST", {"stage": held.stage})
    if person in sums:
        return sums[person]
    if known["status"] == "below_minimum":
        return "ANNOUNCED_BELOW_MINIMUM", {"approve": _whole(known["approve"])}
    return _order_or_cut(row, held, wrong, announced, sums, number)


def _order_or_cut(
    row: Announced,
    held: Held,
    wrong: Mapping[str, str],
    announced: Mapping[str, Announced],
    sums: Mapping[str, tuple[str, dict[str, str | int]]],
    number: int,
) -> tuple[str, dict[str, str | int]]:
    """Why somebody who stands in the ranking is announced at another place of it."""
    known = held.rows[row.candidate]
    instead = {one: other for one, other in announced.items() if other.taken and one not in held.taken}
    before = order_cause(row, held, announced if row.row else instead, sums)
    if before is not None:
        return before
    if not row.row:
        return "ANNOUNCED_MISSING", {"rank": _whole(known["rank"])}
    if number != len(held.taken) and row.taken != known["taken"]:
        return "ANNOUNCED_CUT_ELSEWHERE", {"announced": number, "derived": len(held.taken)}
    replaced = sorted(one for one in announced if announced[one].taken and one not in held.taken and one in wrong)
    if replaced:
        return "ANNOUNCED_FOLLOWS", {"stage": wrong[replaced[0]]}
    return "ANNOUNCED_UNEXPLAINED", {"rank": _whole(known["rank"])}


def _votes(rows: Sequence[Announced], by_channel: Mapping[str, Mapping[str, int]]) -> Iterator[Discrepancy]:
    """Clause five(四): the announced totals; one that lacks a channel is told which."""
    for row in rows:
        given = {channel: votes.get(row.candidate, 0) for channel, votes in by_channel.items()}
        derived = sum(given.values())
        if row.votes is None or row.votes == derived:
            continue
        without = next((channel for channel, votes in given.items() if votes and derived - votes == row.votes), None)
        cause = "ANNOUNCED_CHANNEL_LEFT_OUT" if without else "ANNOUNCED_SUM_WRONG"
        facts: dict[str, str | int] = {"announced": row.votes, "derived": derived}
        if without:
            facts = {"channel": without, "votes": given[without]}
        yield Discrepancy(
            What.VOTES,
            row.stage,
            row.group,
            "五(四)",
            row.candidate,
            row.row,
            str(row.votes),
            str(derived),
            cause,
            facts,
        )


def _list(
    rows: Sequence[Announced], places: Places, basis: Basis, clause: str, wrong: Mapping[str, str]
) -> Iterator[Discrepancy]:
    """Clauses five(六), five(七): who holds a place in the end."""
    listed = {row.candidate: row for row in rows if row.taken}
    holders = {person for person in places.holders if person is not None}
    for person in sorted(listed.keys() ^ holders):
        stage = rows[0].stage
        row = listed.get(person) or Announced(0, stage, None, person, None, None, None, False)
        cause, facts = place_cause(person, listed.keys(), places, basis.left, wrong)
        told = ("*", "-") if person in listed else ("-", "*")
        yield Discrepancy(What.PLACE, stage, None, clause, person, row.row, *told, cause, facts)


def _told(
    what: What, held: Held, row: Announced, announced: str, derived: str, cause: str, facts: Mapping[str, str | int]
) -> Discrepancy:
    return Discrepancy(
        what, held.stage, held.group, held.clause, row.candidate, row.row, announced, derived, cause, facts
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
