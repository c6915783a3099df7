"""五(八), 二, 七(三): approval, naming, conferral, the year after, falsehood proven."""

from dataclasses import replace
from typing import Any

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import (
    play_vote,
    refill,
)
from api.rehearsal.steps_naming import naming, play_rechecks, submission
from api.rehearsal.steps_notice import wait_for_notices
from api.rehearsal.steps_objections import (
    play_objection,
    receive,
)
from ledger.nominees import list_hash
from ledger.procedure.notice import civil_date
from ledger.state.places import standing
from ledger.statements.deliberation import VacancyFilled
from ledger.statements.foundation import StageClosed, StageOpened
from ledger.statements.naming import (
    ApprovalDecided,
    BenefitApplied,
    BenefitGranted,
    BenefitInspected,
    QualificationEnded,
    ResponsibilityReferred,
    TitleRevoked,
    TitlesConferred,
)
from tests.clauses.deliberating import first, second
from tests.clauses.founding import SPONSORS
from tests.clauses.row import Forbidden, Row
from tests.finalists import alternates


def submit(world: World) -> None:
    play_rechecks(world)
    world.must("leader-01", submission(world))


def unchecked(world: World) -> Forbidden:
    return Forbidden("leader-02", submission(world))


def open_objection(world: World) -> Forbidden:
    receive(world, second(world))
    wait_for_notices(world)
    world.must("organiser", StageClosed("notice"))
    world.must("organiser", StageOpened("approval"))
    play_rechecks(world)
    return Forbidden("leader-02", submission(world))


def submit_after_answer(world: World) -> None:
    play_objection(world, first(world), sustained=False)
    wait_for_notices(world)
    world.must("organiser", StageClosed("notice"))
    world.must("organiser", StageOpened("approval"))
    submit(world)


def decide(world: World) -> None:
    submit(world)
    matter = "approval:submission-1"
    play_vote(world, matter, ("chair-01", "chair-02", "chair-03", "chair-04", "chair-05"))
    world.must("chair-01", ApprovalDecided(True, world.digest("minutes"), "submission-1"))


def approved_against_the_votes(world: World) -> Forbidden:
    submit(world)
    matter = "approval:submission-1"
    play_vote(world, matter, ("chair-01", "chair-02", "chair-03"), ("submission-1",))
    return Forbidden("chair-02", ApprovalDecided(True, world.digest("minutes"), "submission-1"))


def eleven(world: World) -> Forbidden:
    candidates = (*standing(world.state), alternates(world)[0])
    return Forbidden("organiser", naming(world, candidates=candidates, list_hash=list_hash(candidates)))


def another_list(world: World) -> Forbidden:
    candidates = (*standing(world.state)[1:], alternates(world)[0])
    return Forbidden("organiser", naming(world, candidates=candidates, list_hash=list_hash(candidates)))


def confer(world: World) -> None:
    titles = world.state.naming.titles
    assert titles is not None
    act = world.must(SPONSORS[0], TitlesConferred(world.digest("conferral"), titles.index))
    world.cosign(act, *SPONSORS[1:])


def titles_index(world: World) -> int:
    titles = world.state.naming.titles
    assert titles is not None
    return titles.index


def year(world: World) -> int:
    return civil_date(world.now, world.offset_minutes).year


def studio(world: World, person: str, **changes: Any) -> BenefitGranted:
    body = BenefitGranted("studio", person, 1_000_000, titles_index(world), "考察合格", year(world))
    return replace(body, **changes)


def recuperation(world: World, person: str) -> BenefitGranted:
    return BenefitGranted("recuperation", person, 0, titles_index(world), "优先安排", year(world))


def apply_and_inspect(world: World, person: str) -> None:
    world.must(world.alias_of(person), BenefitApplied("studio", titles_index(world)))
    world.must("inspector-1", BenefitInspected("studio", person, True, world.digest(f"studio/{person}")))


def grant_studio(world: World) -> None:
    apply_and_inspect(world, first(world))
    world.must("organiser", studio(world, first(world)))


def two_thousand_more(world: World) -> Forbidden:
    apply_and_inspect(world, second(world))
    return Forbidden("organiser", studio(world, second(world), grant_cents=1_200_000))


def uninspected_studio(world: World) -> Forbidden:
    world.must(world.alias_of(second(world)), BenefitApplied("studio", titles_index(world)))
    return Forbidden("organiser", studio(world, second(world)))


def grant_medal(world: World) -> None:
    person = first(world)
    world.must("inspector-1", BenefitInspected("medal", person, True, world.digest("medal")))
    world.must("organiser", BenefitGranted("medal", person, 0, titles_index(world), "符合条件", year(world)))


def revoke(world: World) -> None:
    person = first(world)
    act = world.must("organiser", TitleRevoked(person, world.digest("proof"), titles_index(world), "骗取荣誉", 0))
    world.cosign(act, "discipline")
    recommender = world.state.applications.of_person(person)
    assert recommender is not None
    body = ResponsibilityReferred(person, "推荐失实", recommender.recommender or world.person("organiser"))
    world.must("discipline", body)


def ended(world: World, person: str) -> QualificationEnded:
    return QualificationEnded(person, world.digest(f"falsehood/{person}"), "业绩材料造假")


def end_and_fill(world: World) -> None:
    world.cosign(world.must("organiser", ended(world, first(world))), "discipline")
    refill(world)
    assert standing(world.state)[0] == alternates(world)[0]


def refill_revoked(world: World) -> Forbidden:
    world.must("organiser", StageClosed("approval"))
    world.must("organiser", StageOpened("aftermath"))
    act = world.must(
        "organiser", TitleRevoked(second(world), world.digest("proof"), titles_index(world), "骗取荣誉", 0)
    )
    world.cosign(act, "discipline")
    return Forbidden("organiser", VacancyFilled(None, (), second(world)))


NAMING = (
    Row(
        "五(八)",
        "The approval, not the notice, waits for an open objection.",
        "published",
        submit_after_answer,
        open_objection,
        "OBJECTION_OPEN",
    ),
    Row(
        "五(八)",
        "The leadership group submits, the exclusions checked again.",
        "approving",
        submit,
        unchecked,
        "PREREQUISITE_MISSING",
    ),
    Row(
        "五(八)",
        "The chairman's office approves by name, with minutes.",
        "approving",
        decide,
        approved_against_the_votes,
        "RESULT_NOT_DERIVED",
    ),
    Row(
        "五(八)",
        "市总工会 names the approved, not more than there are seats.",
        "approved",
        lambda world: world.must("organiser", naming(world)),
        eleven,
        "SEATS_EXCEEDED",
    ),
    Row(
        "五(八)",
        "And nobody else.",
        "approved",
        lambda world: world.must("organiser", naming(world)),
        another_list,
        "RESULT_NOT_DERIVED",
    ),
    Row(
        "二",
        "Ten titles, conferred jointly by the sponsors on the naming.",
        "named",
        confer,
        lambda world: Forbidden(SPONSORS[1], TitlesConferred(world.digest("other"), 0)),
        "NAMING_MISMATCH",
    ),
)
AFTER = (
    Row(
        "二",
        "In the next year the named apply for a studio.",
        "year after",
        lambda world: world.must(world.alias_of(first(world)), BenefitApplied("studio", titles_index(world))),
        lambda world: Forbidden(world.alias_of(alternates(world)[0]), BenefitApplied("studio", titles_index(world))),
        "NOT_NAMED",
    ),
    Row(
        "二",
        "It is inspected before the plaque is awarded.",
        "year after",
        grant_studio,
        uninspected_studio,
        "PREREQUISITE_MISSING",
    ),
    Row("二", "With ten thousand yuan.", "year after", grant_studio, two_thousand_more, "AMOUNT_MISMATCH"),
    Row(
        "二",
        "The May-First medal where conditions are met.",
        "year after",
        grant_medal,
        lambda world: Forbidden(
            "organiser", BenefitGranted("medal", second(world), 0, titles_index(world), "直接授予", year(world))
        ),
        "PREREQUISITE_MISSING",
    ),
    Row(
        "二",
        "Recuperation leave is for that year too.",
        "year after",
        lambda world: world.must("organiser", recuperation(world, first(world))),
        lambda world: Forbidden("organiser", replace(recuperation(world, second(world)), year=year(world) - 1)),
        "BENEFIT_YEAR",
    ),
    Row(
        "七(三)",
        "Falsehood proven at any time ends the qualification, and the place is filled as in that stage.",
        "published",
        end_and_fill,
        lambda world: Forbidden("organiser", ended(world, world.person("inspector-1"))),
        "NOT_AN_APPLICANT",
    ),
    Row(
        "七(三)",
        "After the naming the title is revoked instead, and the recommender's responsibility referred.",
        "aftermath",
        revoke,
        lambda world: Forbidden("organiser", ended(world, second(world))),
        "ALREADY_NAMED",
    ),
    Row(
        "七(三)",
        "Money is reclaimed: all that was paid, and no more.",
        "year after",
        revoke,
        lambda world: Forbidden(
            "organiser", TitleRevoked(second(world), world.digest("proof"), titles_index(world), "骗取荣誉", 500_000)
        ),
        "AMOUNT_MISMATCH",
    ),
    Row("七(三)", "A revoked place is not filled again.", "named", confer, refill_revoked, "STAGE_CLOSED"),
)
ROWS = (*NAMING, *AFTER)
