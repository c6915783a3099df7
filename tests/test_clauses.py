"""For every clause at least one statement that is admitted and one that is refused, by the real sequencer.

The rows stand in `tests.clause_table`. A clause of the programme, of the contents page or of the table of acts without
a row fails here; so does a row whose example is about one person alone.
"""

import re
from collections.abc import Callable, Iterable

import pytest

from api.rehearsal.driver import World
from ledger.procedure import CONTENTS
from ledger.procedure.acts import ACTS
from ledger.programmes import load_shipped
from ledger.statements import Act, decode_own_entry, open_envelope
from tests.clause_table import ROWS
from tests.clauses.prefixes import history
from tests.clauses.row import Row
from tests.sequenced import Site, played_on
from tests.simulator import MemoryLedger, resume

FOUNDING, IMPORT = {"charter.sealed"}, "import."
"""The entry that every history begins with, and the acts of a log of its own kind, which its own tests play."""
ONE_ACT = 1000


def row_id(row: Row) -> str:
    return f"{row.clause}-{row.sentence[:60]}"


def numbers(clause: str) -> set[str]:
    """The clauses that a text names: `六(二)、七(四)1` names two, `四、1` one."""
    return {clause} if re.fullmatch(r"四、\d", clause) else set(clause.split("、"))


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_one_act_is_admitted_and_one_refused(row: Row, new_site: Callable[[], Site]) -> None:
    with played_on(new_site(), history(row.prefix)) as world:
        begun, clock = world.state.size, world.now
        if row.after:
            row.admitted(world)
        refused(world, row)
        # What was done on the way, or waited for, is not where the admitted act begins.
        touched = world.state.size > begun or world.now > clock + ONE_ACT
        if not touched:
            row.admitted(world)
            assert world.state.size > begun
    if touched and not row.after:
        with played_on(new_site(), history(row.prefix)) as world:
            row.admitted(world)
            assert world.state.size > begun


def refused(world: World, row: Row) -> None:
    """What the row forbids is refused, and nothing changes."""
    forbidden = row.refused(world)
    size = world.state.size
    refusal = world.refused(forbidden.alias, forbidden.body, **forbidden.header)
    assert refusal.code == row.code, refusal
    assert refusal.clause
    assert world.state.size == size


def test_every_clause_has_a_row() -> None:
    covered = {row.clause for row in ROWS}
    programme = load_shipped("zhuyuan-2022")
    named: set[str] = set()
    for item in (*programme["stages"], *programme["criteria"], *programme["benefits"]):
        named |= numbers(item["clause"])
    named |= {clause.number for clause in CONTENTS} | {rule.clause for rule in ACTS.values()}
    assert sorted(one for one in named - covered if not _parts(one, covered)) == []
    assert len(ROWS) > 80


def _parts(clause: str, covered: Iterable[str]) -> bool:
    """Whether rows stand under the numbered parts of a clause (`七(四)1` under `七(四)`)."""
    return any(re.fullmatch(re.escape(clause) + r"\d", one) for one in covered)


def test_every_kind_of_statement_stands_in_some_row_and_two_people_in_each() -> None:
    kinds, lonely = set(FOUNDING), []
    for row in ROWS:
        allowed, said = acts_of(row)
        kinds |= {act.statement.type for act in allowed}
        if len(said) < 2:
            lonely.append(row_id(row))
    assert lonely == []
    assert sorted(one for one in ACTS.keys() - kinds if not one.startswith(IMPORT)) == []


def acts_of(row: Row) -> tuple[list[Act], set[str]]:
    """What a row admits, in memory, and whom that and what it forbids is about."""
    allowed, forbidding = resume(history(row.prefix)), resume(history(row.prefix))
    size = allowed.state.size
    row.admitted(allowed)
    if row.after:
        row.admitted(forbidding)
    forbidden = row.refused(forbidding)
    envelope = forbidding.envelope(forbidden.alias, forbidden.body, **forbidden.header)
    assert isinstance(allowed.ledger, MemoryLedger)
    acts = [decode_own_entry(entry) for entry in allowed.ledger.entries[size:]]
    text = b"".join([*(act.signed.payload for act in acts), open_envelope(envelope).payload]).decode()
    return acts, concerned(text, allowed, forbidding)


def concerned(text: str, *worlds: World) -> set[str]:
    """Whom some statements are about: those they name or are signed by, and whose applications they name."""
    people = {actor.person for world in worlds for actor in world.actors.values() if actor.person in text}
    filed = [one for world in worlds for one in world.state.applications.by_id.values()]
    return people | {one.person for one in filed if f'"{one.application}"' in text}
