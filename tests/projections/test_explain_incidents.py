"""What happens only sometimes is explained as well: recusals, ballots that do not count, people who leave, ties."""

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import close_vote, leaders, voices
from api.rehearsal.steps_polls import import_totals, open_poll
from api.rehearsal.steps_rounds import (
    SessionPlan,
    ballot,
    certify,
    close_round,
    members,
    open_round,
    play_people,
    play_sitting,
)
from ledger.state.rounds import Round
from ledger.statements import decode_entry
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.deliberation import DeliberationVoted
from ledger.statements.foundation import StageOpened
from ledger.statements.poll import PollClosed
from ledger.statements.rounds import BallotDisputed, BallotInvalidated, TieResolved
from projections.explain import explain_out, explain_place
from projections.named_votes import named_votes
from projections.offpath import OffPath, off_path
from projections.results import ResultStanding, result
from projections.status import status
from tests.projections.worlds import eventful
from tests.simulator import MemoryLedger, resume


def sitting(recused: bool = False) -> tuple[World, Round]:
    world = resume(eventful().histories["shortlist"])
    play_people(world, "shortlist")
    world.must("organiser", StageOpened("shortlist"))
    last = members(world, "shortlist", None)[-1]
    recusals = [(last, "applicant-05"), (last, "applicant-06")] if recused else []
    play_sitting(world, "shortlist", None, SessionPlan(recusals=recusals))
    return world, open_round(world, "shortlist", None)


def listed(world: World, played: Round) -> list[str]:
    return sorted(world.alias_of(person) for person in played.candidates)


def test_recusals_ballots_that_do_not_count_and_people_who_leave_are_explained() -> None:
    world, played = sitting(recused=True)
    *others, last = members(world, "shortlist", None)
    everybody = listed(world, played)
    for place, alias in enumerate(others):
        world.must(alias, ballot(world, played.id, everybody[: 14 - place % 3]))
    unrecused = [one for one in everybody if one not in ("applicant-05", "applicant-06")]
    given = world.must(last, ballot(world, played.id, unrecused[:3]))
    close_round(world, played.id)
    world.must(last, BallotDisputed(given.index, "我没有这样投票"))
    decided = world.must("organiser", BallotInvalidated(given.index, "经核实为他人操作"))
    world.cosign(decided, "discipline")
    gone = world.person("applicant-01")
    application = world.state.applications.of_person(gone)
    assert application is not None
    left = world.must("applicant-01", ApplicationWithdrawn(application.application, "本人原因"))

    answer = explain_place(world.state, "shortlist", world.person("applicant-05"))
    codes = [one.code for one in answer.sentences]
    assert {"MEMBER_RECUSED", "BALLOT_NOT_COUNTED", "REMOVED_BEFORE", "NOT_CERTIFIED"} <= set(codes)
    lower = explain_place(world.state, "shortlist", world.person(everybody[13]))
    assert "Had nobody left, the rank would be 14; it is 13." in lower.en
    assert {given.index, decided.index + 1, left.index} <= set(answer.entries)
    assert "8 were possible" in answer.en
    removed = explain_place(world.state, "shortlist", gone)
    assert [one.code for one in removed.sentences][-2:] == ["REMOVED_BEFORE", "NOT_CERTIFIED"]
    assert "CUT_REMOVED" in {one.code for one in removed.sentences}
    assert explain_out(world.state, gone).entries == (left.index,)
    view = result(world.state, "stage:shortlist")
    assert view is not None
    assert (view.standing, view.removed) == (ResultStanding.TIED, (gone,))


def tied() -> tuple[World, tuple[str, str]]:
    """Fourteenth and fifteenth are equal, and stay so in two run-offs."""
    world, played = sitting()
    everybody = listed(world, played)
    pair = everybody[13], everybody[14]
    aliases = members(world, "shortlist", None)
    for number, alias in enumerate(aliases):
        chosen = [pair[number % 2]] if number < 8 else []
        world.must(alias, ballot(world, played.id, [*everybody[:13], *chosen]))
    close_round(world, played.id)
    for _ in range(2):
        again = open_round(world, "shortlist", None)
        for number, alias in enumerate(aliases):
            world.must(alias, ballot(world, again.id, [pair[number % 2]] if number < 8 else []))
        close_round(world, again.id)
    return world, pair


def test_a_tie_that_run_offs_did_not_settle_is_open_until_the_leaders_have_decided_it() -> None:
    world, (first, second) = tied()
    last = world.state.rounds.session("shortlist", None).runoffs[-1]
    persons = world.person(first), world.person(second)
    open_answer = explain_place(world.state, "shortlist", persons[0])
    assert "PLACE_OPEN" in [one.code for one in open_answer.sentences]
    assert "CUT_TIED" in [one.code for one in open_answer.sentences]
    assert [one.said.code for one in status(world.state, world.now).missing] == ["TIE_EXHAUSTED"]
    view = result(world.state, "stage:shortlist")
    assert view is not None
    assert view.tie is not None
    assert view.tie.exhausted

    matter = f"tie:{last.id}"
    for alias in leaders(world)[:11]:
        world.must(alias, DeliberationVoted(matter, voices(persons, [persons[1]], reasoned=True)))
    assert [(one.kind, one.voted, one.voices) for one in named_votes(world.state)] == [("tie", 11, ())]
    close_vote(world, matter)
    settled = world.must("organiser", TieResolved(persons, "领导小组记名表决", last.id))
    certify(world, "stage:shortlist")
    winner, loser = (explain_place(world.state, "shortlist", person) for person in persons)
    assert "approvals are equal (4); named decision of the leadership group 11 > 0." in winner.en
    assert "CUT_LEFT" in [one.code for one in loser.sentences]
    votes = {vote.index for vote in world.state.deliberation.matters[matter].votes.values()}
    assert votes | {settled.index} <= set(loser.entries)
    assert isinstance(world.ledger, MemoryLedger)
    acts = [decode_entry(entry) for entry in world.ledger.entries]
    assert OffPath.TIE_DECISION in {one.category for one in off_path(world.state, acts)}


def test_a_public_vote_says_what_it_waits_for() -> None:
    world = resume(eventful().histories["public"])
    world.must("organiser", StageOpened("public"))
    assert [one.said.code for one in status(world.state, world.now).missing] == ["POLL_NOT_OPENED"]
    poll = open_poll(world, "public")
    running = status(world.state, world.now)
    assert [(one.said.code, one.until) for one in running.missing] == [("POLL_RUNNING", poll.closes_at)]
    assert next(one.blocked_by.code for one in running.next_steps if one.blocked_by) == "POLL_NOT_ELAPSED"
    person = poll.candidates[0]
    assert explain_place(world.state, "public", person).sentences[-1].code == "POLL_RUNNING"
    world.now = poll.closes_at
    world.must("organiser", PollClosed(poll.id))
    assert [one.said.code for one in status(world.state, world.now).missing] == ["TOTALS_MISSING"]
    import_totals(world, poll.id, poll.channels[0])
    waiting = status(world.state, world.now)
    assert waiting.missing == ()
    assert [one.possible for one in waiting.next_steps if one.kind == "result.certified"] == [True]
    assert explain_place(world.state, "public", person).sentences[-1].code == "PUBLIC_TOTAL"
