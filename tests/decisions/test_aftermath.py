"""Two, seven(三): the end of a qualification, revocation with reclaim, responsibility, benefits of the next year."""

from dataclasses import replace

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_naming import next_year, play_aftermath, play_approval, play_benefit, play_naming
from api.rehearsal.steps_stages import enter, programme_of
from ledger.procedure.programme import StageKind
from ledger.procedure.vacancies import DropOut
from ledger.state.places import vacancies
from ledger.statements.deliberation import VacancyFilled
from ledger.statements.foundation import ActCountersigned, StageClosed
from ledger.statements.naming import (
    BenefitApplied,
    BenefitGranted,
    BenefitInspected,
    QualificationEnded,
    ResponsibilityReferred,
    TitleRevoked,
)
from tests.finalists import CITY, MEDAL, alternates, at_approval, at_final, nominees, refuses

CLAUSE, BENEFITS = "七(三)", "二"


def named(programme: str = CITY) -> World:
    """Return a play in which titles have been named and the year after has begun."""
    world = at_approval(programme)
    play_approval(world)
    play_naming(world)
    enter(world, StageKind.AFTERMATH)
    next_year(world)
    return world


def naming_of(world: World) -> int:
    assert world.state.naming.titles is not None
    return world.state.naming.titles.index


def ending(world: World, person: str) -> QualificationEnded:
    return QualificationEnded(person, world.digest("falsehood"), "申报材料造假，已查实")


def test_falsehood_ends_a_qualification_at_any_time_by_two_offices() -> None:
    world = at_final()
    first, second = nominees(world)[:2]
    body = ending(world, first)
    refuses(world, "discipline", body, "NOT_AUTHORISED")
    refuses(world, "organiser", replace(body, candidate=world.person("leader-01")), "NOT_AN_APPLICANT", CLAUSE)
    refuses(world, "organiser", replace(body, reason=" "), "REASON_REQUIRED", CLAUSE)
    act = world.must("organiser", body)
    twice = world.must("organiser", replace(body, reason="另案"))
    assert first not in world.state.out
    refuses(world, "organiser", ActCountersigned(act.index, act.leaf.hex()), "SECOND_SIGNER_NEEDED")
    last = world.cosign(act, "discipline")
    out = world.state.out[first]
    assert (out.cause, out.index) == (DropOut.TERMINATED, last.index)
    refuses(world, "auditor-2", ActCountersigned(twice.index, twice.leaf.hex()), "ALREADY_OUT", CLAUSE)
    refuses(world, "organiser", body, "ALREADY_OUT", CLAUSE, index=last.index)
    assert second not in world.state.out
    assert [one.vacated_by for one in vacancies(world.state)] == [first]


def test_the_responsibility_of_a_recommender_is_referred_once_falsehood_is_proven() -> None:
    world = at_final()
    person = nominees(world)[0]
    recommender = world.person(next(alias for alias in world.actors if alias.startswith("recommender-")))
    body = ResponsibilityReferred(person, "推荐失实", recommender)
    refuses(world, "organiser", body, "PREREQUISITE_MISSING", CLAUSE, step="qualification.ended", subject=person)
    world.cosign(world.must("organiser", ending(world, person)), "discipline")
    refuses(world, "leader-01", body, "NOT_AUTHORISED")
    refuses(world, "organiser", replace(body, recommender="nobody"), "UNKNOWN_PERSON", CLAUSE)
    refuses(world, "organiser", replace(body, reason=" "), "REASON_REQUIRED", CLAUSE)
    act = world.must("discipline", body)
    refuses(world, "organiser", body, "ALREADY_REFERRED", CLAUSE, index=act.index)
    world.must("organiser", replace(body, recommender=world.person("intake-1")))


def test_a_title_is_revoked_by_two_offices_and_the_money_comes_back() -> None:
    world = named()
    first, second = nominees(world)[:2]
    play_aftermath(world, first)
    paid = world.state.naming.paid_cents(first)
    assert paid == 1_000_000
    body = TitleRevoked(first, world.digest("falsehood"), naming_of(world), "骗取荣誉，已查实", paid)
    refuses(world, "organiser", ending(world, first), "ALREADY_NAMED", CLAUSE)
    refuses(world, "organiser", replace(body, naming=5), "NAMING_MISMATCH", expected=naming_of(world))
    refuses(world, "organiser", replace(body, candidate=alternates(world)[0]), "NOT_NAMED", CLAUSE)
    refuses(world, "organiser", replace(body, reclaim_cents=0), "AMOUNT_MISMATCH", CLAUSE, expected=paid)
    refuses(world, "organiser", replace(body, candidate=second), "AMOUNT_MISMATCH", CLAUSE, expected=0)
    refuses(world, "organiser", replace(body, reason=" "), "REASON_REQUIRED", CLAUSE)
    act = world.must("organiser", body)
    assert world.state.naming.holds_title(first)
    last = world.cosign(act, "discipline")
    assert (world.state.naming.holds_title(first), world.state.naming.revoked) == (False, {first: last.index})
    assert world.state.naming.titles is not None
    assert first in world.state.naming.titles.candidates
    refuses(world, "organiser", body, "ALREADY_REVOKED", CLAUSE, index=last.index)
    recommender = world.person(next(alias for alias in world.actors if alias.startswith("recommender-")))
    world.must("organiser", ResponsibilityReferred(first, "推荐失实", recommender))


def test_a_revoked_place_is_not_filled_again() -> None:
    world = at_approval()
    play_approval(world)
    play_naming(world, close=False)
    person = nominees(world)[0]
    body = TitleRevoked(person, world.digest("falsehood"), naming_of(world), "骗取荣誉", 0)
    world.cosign(world.must("organiser", body), "discipline")
    refuses(world, "organiser", VacancyFilled(None, (), person), "NO_VACANCY")
    assert vacancies(world.state) == ()


def test_benefits_are_for_those_who_hold_the_title_in_the_year_after() -> None:
    world = at_approval()
    play_approval(world)
    play_naming(world)
    enter(world, StageKind.AFTERMATH)
    first, second = nominees(world)[:2]
    alias, index = world.alias_of(first), naming_of(world)
    early = BenefitApplied("studio", index)
    refuses(world, alias, early, "BENEFIT_YEAR", BENEFITS, due=2023, given=2022)
    next_year(world)
    refuses(world, alias, BenefitApplied("studio", 3), "NAMING_MISMATCH", BENEFITS)
    refuses(world, alias, BenefitApplied("house", index), "UNKNOWN_BENEFIT", BENEFITS)
    refuses(world, alias, BenefitApplied("medal", index), "NOT_ON_APPLICATION", BENEFITS)
    refuses(world, world.alias_of(alternates(world)[0]), early, "NOT_NAMED", BENEFITS)
    report = BenefitInspected("studio", first, True, world.digest("report"))
    refuses(world, "inspector-1", report, "PREREQUISITE_MISSING", BENEFITS, step="benefit.applied")
    act = world.must(alias, early)
    refuses(world, alias, early, "ALREADY_APPLIED", BENEFITS, index=act.index)
    grant = BenefitGranted("studio", first, 1_000_000, index, "考察合格", 2023)
    refuses(world, "organiser", grant, "PREREQUISITE_MISSING", BENEFITS, step="benefit.inspected")
    refuses(world, "organiser", replace(grant, candidate=second), "PREREQUISITE_MISSING", step="benefit.applied")
    refuses(world, "leader-01", report, "NOT_AUTHORISED")
    world.must("inspector-1", report)
    refuses(world, "inspector-2", report, "ALREADY_INSPECTED", BENEFITS)
    refuses(world, "organiser", replace(grant, grant_cents=2_000_000), "AMOUNT_MISMATCH", BENEFITS)
    refuses(world, "organiser", replace(grant, year=2024), "BENEFIT_YEAR", BENEFITS)
    refuses(world, "organiser", replace(grant, naming=2), "NAMING_MISMATCH", BENEFITS)
    refuses(world, "organiser", replace(grant, benefit="house"), "UNKNOWN_BENEFIT", BENEFITS)
    granted = world.must("organiser", grant)
    refuses(world, "organiser", grant, "ALREADY_GRANTED", BENEFITS, index=granted.index)
    world.set_time("2024-01-02")
    refuses(world, world.alias_of(second), early, "BENEFIT_YEAR", BENEFITS, due=2023, given=2024)
    refuses(world, "inspector-1", replace(report, candidate=second), "BENEFIT_YEAR", BENEFITS)


def test_who_fails_the_inspection_of_a_benefit_gets_none() -> None:
    world = named()
    person, index = nominees(world)[0], naming_of(world)
    world.must(world.alias_of(person), BenefitApplied("studio", index))
    leaving = StageClosed(programme_of(world).stages[-1].id)
    refuses(world, "organiser", leaving, "PREREQUISITE_MISSING", step="benefit.granted", subject=f"studio:{person}")
    world.must("inspector-1", BenefitInspected("studio", person, False, world.digest("report")))
    grant = BenefitGranted("studio", person, 1_000_000, index, "考察", 2023)
    refuses(world, "organiser", grant, "PREREQUISITE_MISSING", BENEFITS, step="benefit.inspected")
    world.must("organiser", leaving)


def test_a_revoked_title_brings_no_benefit() -> None:
    world = named()
    person, index = nominees(world)[0], naming_of(world)
    world.cosign(world.must("organiser", TitleRevoked(person, "1" * 64, index, "骗取荣誉", 0)), "discipline")
    refuses(world, world.alias_of(person), BenefitApplied("studio", index), "NOT_NAMED", BENEFITS)
    refuses(world, "organiser", BenefitGranted("recuperation", person, 0, index, "疗休养", 2023), "NOT_NAMED")


@pytest.mark.parametrize(("programme", "total"), [(CITY, 1_000_000), (MEDAL, 300_000)])
def test_every_benefit_of_either_programme_is_granted(programme: str, total: int) -> None:
    world = named(programme)
    people = nominees(world)[:2]
    play_aftermath(world, *people)
    assert [world.state.naming.paid_cents(person) for person in people] == [total, total]
    world.must("organiser", StageClosed(programme_of(world).stages[-1].id))


def test_one_benefit_is_given_without_the_others() -> None:
    world = named()
    person = nominees(world)[3]
    play_benefit(world, "recuperation", person, 2023)
    assert world.state.naming.benefit("recuperation", person).granted is not None
    assert world.state.naming.benefit("studio", person).granted is None
