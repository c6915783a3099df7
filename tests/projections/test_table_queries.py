"""The worked questions, each asked of a real database and held against what the pure projections say."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger.errors import StoreError
from ledger.selection import Selection
from ledger.state.casts import Cast
from ledger.statements import Act, decode_own_entry
from projections.ballots import rounds
from projections.candidates import stage_lists
from projections.inspecting import Answer, ask, questions, sql_of, title_of
from projections.live import live
from projections.notices import notices
from projections.objections import Standing, objections
from projections.offpath import off_path
from projections.results import results
from projections.status import findings
from projections.tables import open_tables
from projections.vacancies import HolderView, places
from tests.projections.tabled import tabled
from tests.sequenced import SERVICE, Site
from tests.simulator import freeze
from tests.test_scenario import contested, ledger_of


class Asked(NamedTuple):
    """What every worked question gave."""

    answers: dict[str, Answer]

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        return list(self.answers[question].rows)


@pytest.fixture(scope="module")
def asked(postgres_dsn: str, installed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """All questions, asked of the contested log."""
    name = "test_questions"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        query = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(query.format(sql.Identifier(name), sql.Identifier(installed)))
        dsn = make_conninfo(postgres_dsn, dbname=name)
        folder: Path = tmp_path_factory.mktemp("questions")
        log = tabled(Site(dsn, make_conninfo(dsn, user=SERVICE), folder / "pin"), freeze(contested()[0]))
        with log.site.store() as store:
            with live(store):
                pass
            with open_tables(store) as tables:
                yield Asked({one: ask(tables, sql_of(one)) for one in questions()})
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def state() -> Selection:
    return contested()[0].state


def acts() -> tuple[Act, ...]:
    return tuple(decode_own_entry(entry) for entry in ledger_of(contested()[0]).entries)


def test_there_are_ten_and_each_says_what_it_asks_in_two_languages() -> None:
    assert len(questions()) == 10
    for one in questions():
        zh, _, en = title_of(one).partition(" · ")
        assert any("\u4e00" <= character <= "\u9fff" for character in zh)
        assert en
    with pytest.raises(StoreError) as caught:
        sql_of("no_such_question")
    assert caught.value.code == "QUERY_UNKNOWN"


def test_every_answer_names_its_position(asked: Asked) -> None:
    assert {answer.size for answer in asked.answers.values()} == {state().size}
    assert all(answer.rows for name, answer in asked.answers.items() if name != "open_findings")


def test_named_and_how(asked: Asked) -> None:
    view, titles = places(state(), state().at), state().naming.titles
    assert view is not None
    assert titles is not None
    last: dict[int, HolderView] = {place.seat: place.holders[-1] for place in view.places}
    expected = [
        (
            one.person, seat, one.alternate, one.since, one.inspected, one.agreed,
            one.notice.index if one.notice else None, titles.index, state().naming.conferred, None,
        )
        for seat, one in sorted(last.items())
        if one.person in titles.candidates
    ]  # fmt: skip
    assert asked.rows("named_and_how") == expected
    assert len(expected) == 10


def choice_of(cast: Cast, candidate: str) -> str:
    lists = {"approve": cast.approve, "against": cast.against, "abstain": cast.abstain}
    return next((name for name, people in lists.items() if candidate in people), "blank")


def test_who_voted_what(asked: Asked) -> None:
    final = [one for one in state().rounds.by_id.values() if one.stage == "final" and one.superseded is None]
    expected = [
        (one.runoff, cast.member, candidate, choice_of(cast, candidate), cast.index, cast.invalid is None)
        for one in final
        for cast in sorted(one.ballots.values(), key=lambda cast: cast.member)
        for candidate in sorted(one.candidates)
    ]
    assert asked.rows("who_voted_what") == expected


def test_recount(asked: Asked) -> None:
    expected = {
        (one.subject, row["candidate"], row["rank"], row["approve"])
        for one in results(state())
        for row in one.rows
        if "rank" in row
    }
    rows = asked.rows("recount")
    assert {row[:4] for row in rows} == expected
    assert len(rows) == len(expected)
    assert [row for row in rows if row[3] != row[4]] == []


def test_open_findings(asked: Asked) -> None:
    order = {"breach": 0, "warn": 1, "info": 2}
    expected = [
        (one.severity, one.code, one.id, one.raised, list(one.entries), one.said.zh, one.said.en)
        for one in sorted(findings(state()), key=lambda one: (order[one.severity], one.raised, one.id))
    ]
    assert asked.rows("open_findings") == expected


def test_outside_the_path(asked: Asked) -> None:
    lines = off_path(state(), acts())
    counts = Counter(one.category.value for one in lines)
    expected = [
        (name, times, sorted(one.line.index for one in lines if one.category.value == name))
        for name, times in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    assert asked.rows("outside_the_path") == expected


def test_recused_and_voted(asked: Asked) -> None:
    """Whoever stood back before voting left the place blank."""
    expected = [
        (stage, group or "", candidate, member, entry, played.id, cast.index, choice_of(cast, candidate))
        for (stage, group), recused in state().bodies.recusals.items()
        for candidate, members in recused.items()
        for member, entry in members.items()
        for played in state().rounds.session(stage, group).rounds
        for cast in [played.ballots.get(member)]
        if cast is not None and candidate in played.candidates
    ]
    assert asked.rows("recused_and_voted") == sorted(expected, key=lambda row: (row[4], row[6]))
    assert all(row[7] == "blank" for row in expected if row[4] < row[6])


def test_several_bodies(asked: Asked) -> None:
    seated: dict[str, set[str]] = {}
    for (stage, _), roster in state().bodies.rosters.items():
        for person in roster.members:
            seated.setdefault(person, set()).add(stage)
    expected = [(person, sorted(stages)) for person, stages in sorted(seated.items()) if len(stages) > 1]
    assert asked.rows("several_bodies") == expected


def test_alike_ballots(asked: Asked) -> None:
    expected = set()
    for one in rounds(state()):
        casts = state().rounds.by_id[one.round].ballots
        for first, second in combinations(sorted(casts), 2):
            alike = sum(choice_of(casts[first], who) == choice_of(casts[second], who) for who in one.candidates)
            expected.add((one.round, first, second, alike, len(one.candidates)))
    assert set(asked.rows("alike_ballots")) == expected


def test_notices_and_objections(asked: Asked) -> None:
    filed = objections(state(), acts(), state().at)
    waiting = (Standing.WAITING, Standing.OPEN, Standing.DECIDED)
    expected = []
    for notice in notices(state(), state().at):
        for one in notice.people:
            about = [each for each in filed if one.person in each.against]
            sustained = sum(
                outcome.sustained for each in about for outcome in each.outcomes if outcome.person == one.person
            )
            unanswered = sum(each.standing in waiting for each in about)
            expected.append((one.person, one.notice, one.index, one.last_day, len(about), sustained, unanswered))
    rows = [(*row[:4], *row[5:]) for row in asked.rows("notices_and_objections")]
    assert rows == sorted(expected, key=lambda row: (row[2], row[0]))


def test_who_left(asked: Asked) -> None:
    gone = {(one.person, one.cause, one.index) for view in stage_lists(state()) for one in view.out}
    kinds = {act.index: (act.statement.type, act.at) for act in acts()}
    rows = asked.rows("who_left")
    assert {row[:3] for row in rows} == gone
    assert len(rows) == len(gone)
    for _, _, entry, kind, when in rows:
        assert (kind, int(when.timestamp() * 1000)) == kinds[entry]
