"""What blocks the next step is said by the rule that blocks it, for whom and until when."""

import pytest

from ledger.procedure.reasons import Refusal
from ledger.selection import Selection
from ledger.statements.foundation import StageClosed, StageOpened
from ledger.statements.roll import KeyRevoked, RoleGranted
from projections.asking import would_refuse
from projections.next_steps import StepView
from projections.objections import Standing
from projections.replay import replay
from projections.status import StatusView, findings, status
from tests.projections.worlds import Played, eventful
from tests.simulator import new_world, resume


@pytest.fixture(scope="module")
def played() -> Played:
    return eventful()


def seen(played: Played, size: int) -> StatusView:
    state = replay(played.entries, size=size)
    return status(state, state.at)


def step(view: StatusView, kind: str) -> StepView:
    (found,) = [one for one in view.next_steps if one.kind == kind]
    return found


def codes(view: StatusView) -> list[str]:
    return [one.said.code for one in view.missing]


def test_before_all_sponsors_have_endorsed_each_missing_one_is_named(played: Played) -> None:
    view = seen(played, 3)
    assert [one.subject for one in view.missing] == ["union", "hrss", "industry"]
    assert [len(one.who) for one in view.missing] == [1, 1, 1]
    assert (view.in_force, view.next_steps) == (False, ())


def test_the_window_says_until_when(played: Played) -> None:
    view = seen(played, played.state.charter.stages["applications"].opened + 1)
    assert codes(view) == ["WINDOW_RUNNING"]
    assert view.missing[0].until == played.state.charter.latest.programme.stages[0].closes_at
    closing = step(view, "stage.closed")
    assert closing.blocked_by is not None
    assert closing.blocked_by.code == "WINDOW_NOT_ENDED"
    assert [one.standing for one in view.stages[:2]] == ["open", "not_begun"]


def test_screening_lists_every_application_that_is_undecided(played: Played) -> None:
    view = seen(played, played.state.charter.stages["screening"].opened + 1)
    undecided = [one for one in view.missing if one.said.code == "APPLICATION_UNDECIDED"]
    assert len(undecided) == 33
    criteria = len(played.state.charter.latest.programme.criteria)
    assert {one.said.facts["criteria"] for one in undecided} == {criteria}
    assert step(view, "stage.closed").blocked_by.code in {"SCREENING_INCOMPLETE", "APPLICATION_UNDECIDED"}  # type: ignore[union-attr]


def test_a_stage_of_groups_first_lacks_its_table_then_declarations_and_members(played: Played) -> None:
    opened = played.state.charter.stages["experts"].opened
    before = seen(played, opened + 1)
    assert codes(before) == ["TABLE_MISSING"]
    assert step(before, "groups.certified").possible
    after = seen(played, opened + 2)
    wanted = ["DECLARATIONS_MISSING", "MEMBERS_AWAY", "DISCUSSION_MISSING"]
    assert codes(after) == wanted * 3
    assert len(after.missing[0].who) == 5
    assert not step_of(after, "scoring.closed", "stage:experts:power").possible


def step_of(view: StatusView, kind: str, subject: str) -> StepView:
    return next(one for one in view.next_steps if (one.kind, one.subject) == (kind, subject))


def test_an_open_round_may_close_once_everybody_present_has_voted(played: Played) -> None:
    early, voted = (seen(played, played.marks[one]) for one in ("shortlist:open", "shortlist:voted"))
    assert early.missing[0].said.facts["voted"] == 2
    blocked = step(early, "round.closed").blocked_by
    assert blocked is not None
    assert (blocked.code, blocked.facts["waiting"]) == ("EARLY_CLOSE", 7)
    assert step(voted, "round.closed").possible
    assert set(step(voted, "round.closed").people) == {played.person("organiser"), played.person("screener-2")}


def test_a_closed_round_waits_for_its_run_off_or_its_certification(played: Played) -> None:
    (runoff,) = played.state.rounds.session("final", None).runoffs
    tied = seen(played, runoff.opened)
    assert codes(tied) == ["RUNOFF_DUE"]
    assert step(tied, "round.opened").possible
    counted = seen(played, played.marks["shortlist:counted"])
    assert codes(counted) == ["RESULT_NOT_CERTIFIED"]
    assert step(counted, "result.certified").possible


def test_what_is_said_to_be_possible_is_admitted(played: Played) -> None:
    world = resume(played.histories["shortlist"])
    view = status(world.state, world.now)
    assert step(view, "stage.opened").possible
    world.must("organiser", StageOpened("shortlist"))
    blocked = step(status(world.state, world.now), "stage.closed").blocked_by
    assert blocked is not None
    assert world.refused("organiser", StageClosed("shortlist")).code == blocked.code


def test_pending_acts_say_who_could_sign(played: Played) -> None:
    index = next(act.index for act in played.acts if act.statement.type == "round.closed")
    view = seen(played, index + 1)
    (waiting,) = view.pending
    assert (waiting.kind, waiting.needs, waiting.roles) == ("round.closed", 2, ("scrutineer",))
    assert set(waiting.may_sign) == {played.person("scrutineer-1"), played.person("scrutineer-2")}
    (half,) = seen(played, index + 2).pending
    assert half.needs == 1
    assert set(half.may_sign) == set(waiting.may_sign) - {half.signers[1]}


def test_places_inspections_notices_and_objections_are_listed_person_by_person(played: Played) -> None:
    opened = played.state.charter.stages["inspection"].opened
    assert codes(seen(played, opened + 1)) == ["INSPECTION_MISSING"] * 10
    vacant = seen(played, played.state.deliberation.places.fillings[0].at)
    assert codes(vacant)[0] == "PLACE_VACANT"
    assert step(vacant, "vacancy.filled").possible
    running = seen(played, played.marks["objection:open"])
    assert codes(running).count("NOTICE_RUNNING") == 10
    (objection,) = running.objections
    assert (objection.number, objection.standing) == (1, Standing.OPEN)
    assert codes(running)[-1] == "OBJECTION_UNEXAMINED"
    assert running.missing[-1].who == ("discipline",)
    assert {one.days_left for one in running.notices} == {5}


def test_each_step_of_an_objection_has_its_own_line(played: Played) -> None:
    of_interest = (
        "objection.examined", "hearing.notified", "objection.investigated", "deliberation.closed", "objection.decided",
    )  # fmt: skip
    start = played.marks["objection:open"]
    acts = [act for act in played.acts[start:] if act.statement.type in of_interest][:5]
    seen_codes = [codes(seen(played, act.index + 1))[-1] for act in acts]
    assert seen_codes == [
        "OBJECTION_UNHEARD", "OBJECTION_UNINVESTIGATED", "OBJECTION_UNVOTED", "OBJECTION_UNDECIDED",
        "OBJECTION_UNANSWERED",
    ]  # fmt: skip


def test_before_approval_every_check_that_is_due_again_is_named(played: Played) -> None:
    opened = played.state.charter.stages["approval"].opened
    view = seen(played, opened + 1)
    assert set(codes(view)) == {"RECHECK_MISSING"}
    assert len({one.subject for one in view.missing}) == 10
    assert step(view, "approval.submitted").blocked_by.code == "PREREQUISITE_MISSING"  # type: ignore[union-attr]
    (submitted,) = played.state.naming.submissions.values()
    assert not step(seen(played, submitted.index + 1), "approval.decided").possible
    assert step(seen(played, submitted.decided or 0), "approval.decided").possible


def test_open_findings_are_said_in_words_and_breaches_counted(played: Played) -> None:
    shown = findings(played.state)
    assert [one.code for one in shown].count("PRESENCE_BY_PROXY") == 1
    for one in shown:
        assert one.said.zh != one.code
        assert one.closed is None
        assert all(0 <= entry < played.state.size for entry in one.entries)
    assert status(played.state, played.state.at).breaches == len(played.state.findings.open_breaches())
    assert len(findings(played.state, everything=True)) == len(played.state.findings.by_id)


def test_asking_needs_a_key_in_force_and_changes_nothing() -> None:
    world = new_world()
    state: Selection = world.state
    body = StageOpened("applications")
    assert would_refuse(state, world.person("organiser"), body, world.now) is None
    assert would_refuse(state, "stranger", body, world.now) == Refusal("KEY_UNKNOWN", "七(三)", {"key": "-"})
    assert would_refuse(state, world.person("registrar"), body, world.now).code == "NOT_AUTHORISED"  # type: ignore[union-attr]
    world.enrol("helper", "organiser")
    key = state.roll.people[world.person("helper")].keys[0]
    revoked = world.must("registrar", KeyRevoked("lost", key, world.person("helper"), "遗失", None))
    assert would_refuse(state, world.person("helper"), body, world.now).code == "KEY_UNKNOWN"  # type: ignore[union-attr]
    assert [one.may_sign for one in status(state, world.now).pending] == [(world.person("discipline"),)]
    assert revoked.index in state.pending
    size = state.size
    granted = RoleGranted(world.person("helper"), "工作需要", "inspector")
    assert would_refuse(state, world.person("registrar"), granted, world.now) is None
    assert state.size == size
