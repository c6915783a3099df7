"""四: requirement, conditions and exclusions, each on dated evidence; outcome, appeal, what is found later."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import (
    Applicant,
    filing,
    outcome,
    paper,
    play_filing,
    reply,
    review,
    ruling,
    screen,
)
from ledger.procedure.programme import Criterion
from ledger.state.application_window import screening_stage
from ledger.statements.foundation import ActCountersigned, StageClosed, StageOpened
from ledger.statements.screening import (
    AppealDecided,
    AppealFiled,
    CriterionDecided,
    EligibilityChallenged,
    ScreeningDecided,
)
from tests.clauses.applying import after_deadline
from tests.clauses.founding import FIRST, SECOND
from tests.clauses.row import Forbidden, Row
from tests.plays import PLAN, PROGRAMME


def criterion(criterion_id: str) -> Criterion:
    found = PROGRAMME.criterion(criterion_id)
    if found is None:
        raise LookupError(criterion_id)
    return found


def rule(world: World, one: Applicant, met: Mapping[str, Mapping[str, Any]]) -> None:
    """Decide every criterion of one: those named are met (with these changes), no other, but the employer is local."""
    for item in PROGRAMME.criteria:
        holds = item.id in met or item.required
        if item.joint_check and (holds or not item.heads_only):
            world.must("organiser", reply(world, one, item, clear=not holds))
        body = ruling(world, one, item, met=holds)
        world.must("organiser", replace(body, **met.get(item.id, {})))


def decide(world: World, one: Applicant) -> None:
    world.must("organiser", outcome(world, one, screening_stage(world.state), PROGRAMME))


def passes_by(**met: Mapping[str, Any]) -> Callable[[World], None]:
    """The first applicant meets these criteria and passes."""

    def play(world: World) -> None:
        rule(world, FIRST, {name.replace("_", "-"): changes for name, changes in met.items()})
        decide(world, FIRST)
        assert world.state.applications.eligible() == (world.person(FIRST.alias),)

    return play


def said_eligible(**met: Mapping[str, Any]) -> Callable[[World], Forbidden]:
    """The second applicant, of whom only this holds, is said to be eligible."""

    def play(world: World) -> Forbidden:
        rule(world, SECOND, {name.replace("_", "-"): changes for name, changes in met.items()})
        return Forbidden("organiser", ScreeningDecided(SECOND.application, (), True, None, "符合条件"))

    return play


def ruled(world: World, one: Applicant, criterion_id: str, **changes: Any) -> CriterionDecided:
    return replace(ruling(world, one, criterion(criterion_id), met=True), **changes)


def heard_from_departments(world: World) -> None:
    world.must("organiser", reply(world, FIRST, criterion("violation")))
    world.must("organiser", ruling(world, FIRST, criterion("violation"), met=False))


def unheard_from_departments(world: World) -> Forbidden:
    return Forbidden("organiser", ruling(world, SECOND, criterion("violation"), met=False))


def refuse(world: World, one: Applicant) -> None:
    screen(world, replace(one, ineligible=True))


def appealed(world: World) -> None:
    refuse(world, FIRST)
    world.must(FIRST.alias, AppealFiled(FIRST.application, world.digest("appeal")))
    world.must("organiser", AppealDecided(FIRST.application, "复核无误", upheld=False))


def appealed_twice(world: World) -> Forbidden:
    refuse(world, SECOND)
    world.must(SECOND.alias, AppealFiled(SECOND.application, world.digest("appeal")))
    world.must("organiser", AppealDecided(SECOND.application, "复核无误", upheld=False))
    return Forbidden(SECOND.alias, AppealFiled(SECOND.application, world.digest("second appeal")))


def without_clause(world: World) -> Forbidden:
    rule(world, SECOND, {"skill": {}, "violation": {}})
    return Forbidden("organiser", ScreeningDecided(SECOND.application, (), False, None, "不符合"))


def colleague(world: World, one: Applicant) -> None:
    world.enrol("screener-colleague", "organiser", unit=one.unit)


def second_screener(world: World) -> None:
    colleague(world, FIRST)
    act = world.must("screener-colleague", ruling(world, FIRST, criterion("skill"), met=True))
    world.cosign(act, "organiser")


def two_colleagues(world: World) -> Forbidden:
    colleague(world, SECOND)
    world.enrol("screener-other", "organiser", unit=SECOND.unit)
    act = world.must("screener-colleague", ruling(world, SECOND, criterion("skill"), met=True))
    return Forbidden("screener-other", ActCountersigned(act.index, act.leaf.hex()))


def everybody(world: World) -> None:
    for one in PLAN.applicants:
        screen(world, one)
    world.must("organiser", StageClosed("screening"))


def only_one(world: World) -> Forbidden:
    screen(world, SECOND)
    return Forbidden("organiser", StageClosed("screening"))


def later_fact(world: World) -> None:
    body = EligibilityChallenged(FIRST.application, "violation", world.digest("later"), "事后反映")
    world.must("discipline", body)
    world.must("organiser", ruling(world, FIRST, criterion("violation"), met=False))


def decided_again(world: World) -> Forbidden:
    return Forbidden("organiser", ruling(world, SECOND, criterion("violation"), met=False))


def incomplete(world: World) -> World:
    """Somebody whose recommendation never came, in screening."""
    world.must(SECOND.alias, filing(world, SECOND))
    world.must(SECOND.recommender, review(world, SECOND))
    act = world.must("intake-1", paper(world, SECOND, world.now))
    world.cosign(act, "intake-2")
    after_deadline(world).must("organiser", StageClosed("applications"))
    world.must("organiser", StageOpened("screening"))
    return world


def complete(world: World) -> None:
    play_filing(world, FIRST)


def never_recommended(world: World) -> Forbidden:
    incomplete(world)
    rule(world, SECOND, {"skill": {}})
    return Forbidden("organiser", ScreeningDecided(SECOND.application, (), True, None, "符合条件"))


def recheck(world: World) -> None:
    world.must("organiser", reply(world, FIRST, criterion("violation"), recheck=True))


def condition(clause: str, criterion_id: str, sentence: str) -> Row:
    """A condition is enough alone; without any, nobody passes."""
    return Row(
        clause,
        sentence,
        "screening",
        passes_by(**{criterion_id.replace("-", "_"): {}}),
        said_eligible(),
        "RESULT_NOT_DERIVED",
    )


def exclusion(clause: str, criterion_id: str, sentence: str, **changes: Any) -> Row:
    """An exclusion keeps out whom it applies to, whatever conditions are met."""
    return Row(
        clause,
        sentence,
        "screening",
        passes_by(skill={}),
        said_eligible(**{"skill": {}, criterion_id.replace("-", "_"): changes}),
        "RESULT_NOT_DERIVED",
    )


CONDITIONS = (
    condition("四(一)", "skill", "Consummate skill alone is enough."),
    condition("四(二)", "leadership", "A leading part alone is enough."),
    condition("四(三)", "contribution", "An outstanding contribution alone is enough."),
    condition("四(四)", "honour-title", "An honour alone is enough."),
    condition("四(五)", "allowance", "A government allowance alone is enough."),
    Row(
        "四(四)",
        "The science award also needs the resulting benefit.",
        "screening",
        passes_by(science_award={}),
        said_eligible(science_award={"supporting": None}),
        "RESULT_NOT_DERIVED",
    ),
)
EXCLUSIONS = (
    exclusion("四、1", "violation", "Serious violations exclude."),
    exclusion("四、2", "political", "Breaches of political discipline exclude."),
    exclusion("四、3", "sanction", "A sanction whose period still ran on the eligibility date excludes."),
    exclusion("四、4", "dishonesty", "The list of dishonest persons excludes."),
    exclusion("四、5", "enterprise-head", "Three years bind heads of enterprises.", happened_on="2020-05-01"),
    exclusion("四、6", "other-reason", "Another reason excludes, with stated facts."),
    Row(
        "四、3",
        "The period of influence counts on the eligibility date, so its last day is stated.",
        "screening",
        passes_by(skill={}, sanction={"runs_until": "2022-10-23"}),
        lambda world: Forbidden("organiser", ruled(world, SECOND, "sanction", runs_until=None)),
        "DATE_REQUIRED",
    ),
    Row(
        "四、5",
        "Only heads of enterprises are bound, and only three years back from the eligibility date.",
        "screening",
        passes_by(skill={}, enterprise_head={"happened_on": "2019-10-23"}),
        lambda world: Forbidden("organiser", ruled(world, SECOND, "enterprise-head", binds=False)),
        "CRITERION_INCONSISTENT",
    ),
    Row(
        "四、6",
        "The sixth needs stated facts.",
        "screening",
        lambda world: world.must("organiser", ruled(world, FIRST, "other-reason")),
        lambda world: Forbidden("organiser", ruled(world, SECOND, "other-reason", supporting=None)),
        "FACTS_REQUIRED",
    ),
)
ROWS = (
    Row(
        "四",
        "The employer is registered in the city.",
        "screening",
        passes_by(skill={}),
        said_eligible(skill={}, registered_employer={"met": False}),
        "RESULT_NOT_DERIVED",
    ),
    *CONDITIONS,
    *EXCLUSIONS,
    Row(
        "四",
        "Each criterion is decided by itself, on dated evidence.",
        "screening",
        lambda world: world.must("organiser", ruled(world, FIRST, "skill")),
        lambda world: Forbidden("organiser", ruled(world, SECOND, "skill", dated="2099-01-01")),
        "DATE_INVALID",
    ),
    Row(
        "四",
        "Departments reply on exclusions before they are decided.",
        "screening",
        heard_from_departments,
        unheard_from_departments,
        "JOINT_CHECK_MISSING",
    ),
    Row(
        "四",
        "And again before approval, each department for itself.",
        "experts",
        recheck,
        lambda world: Forbidden("discipline", reply(world, SECOND, criterion("violation"), recheck=True)),
        "NOT_AUTHORISED",
    ),
    Row(
        "四",
        "The second joint check comes after screening.",
        "screening",
        heard_from_departments,
        lambda world: Forbidden("organiser", reply(world, SECOND, criterion("violation"), recheck=True)),
        "RECHECK_TOO_EARLY",
    ),
    Row(
        "四",
        "A refusal names its clauses and that the applicant was told.",
        "screening",
        lambda world: refuse(world, FIRST),
        without_clause,
        "CLAUSE_REQUIRED",
    ),
    Row("四", "A refusal can be appealed once.", "screening", appealed, appealed_twice, "APPEAL_USED"),
    Row(
        "四",
        "A screener of the applicant's own unit needs a second one, of another.",
        "screening",
        second_screener,
        two_colleagues,
        "SCREENER_CONFLICT",
    ),
    Row(
        "四",
        "Screening ends when everybody is decided.",
        "screening",
        everybody,
        only_one,
        "APPLICATION_UNDECIDED",
    ),
    Row(
        "四",
        "A fact found later has its criterion decided anew; nothing else is touched.",
        "experts",
        later_fact,
        decided_again,
        "CRITERION_DECIDED",
    ),
    Row(
        "四",
        "Nobody passes without the recommendations of every level.",
        "window",
        complete,
        never_recommended,
        "RECOMMENDATION_MISSING",
        after=True,
    ),
)
