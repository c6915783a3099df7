"""六, 七(二) and 七(四): how an application comes in, is reviewed, recommended, supplemented, withdrawn, on paper."""

from dataclasses import replace

from api.rehearsal.driver import World
from api.rehearsal.steps_applications import (
    HOUR,
    file_application,
    filing,
    paper,
    paper_recommendation,
    play_filing,
    receive_paper,
    recommendation,
    review,
)
from ledger.state.application_window import closes_at
from ledger.statements.applications import (
    ApplicationRefused,
    ApplicationSupplemented,
    ApplicationWithdrawn,
    ConsentGiven,
    DuplicateLinked,
    Material,
    SupplementRequested,
    WithdrawalEntered,
)
from ledger.statements.foundation import DeadlineExtended, NameCorrected, StageClosed
from tests.clauses.founding import FIRST, SECOND, SPONSORS
from tests.clauses.row import Forbidden, Row

BY_ASSOCIATION = replace(FIRST, way="association", special=True)
OWN_SECOND_WAY = replace(FIRST, application="application-01-b", way="self", special=True)


def after_deadline(world: World) -> World:
    world.now = max(world.now, closes_at(world.state) + HOUR)
    return world


def by_recommender(world: World) -> None:
    world.must(FIRST.recommender, filing(world, FIRST))
    world.must(FIRST.alias, ConsentGiven(FIRST.application))


def consent_of_another(world: World) -> Forbidden:
    world.must(SECOND.recommender, filing(world, SECOND))
    return Forbidden(FIRST.alias, ConsentGiven(SECOND.application))


def second_way(world: World) -> None:
    file_application(world, OWN_SECOND_WAY)


def same_way_again(world: World) -> Forbidden:
    return Forbidden(SECOND.alias, filing(world, replace(SECOND, application="application-02-b")))


def linked(world: World) -> None:
    other = replace(SECOND, application="application-x", way="self", special=True)
    world.must(
        "intake-1",
        filing(
            world,
            other,
            applicant=world.identifier("somebody"),
            id_tag=world.digest("other-tag"),
            consent=world.digest("consent"),
        ),
    )
    act = world.must("organiser", DuplicateLinked("application-x", FIRST.application, "同一人"))
    world.cosign(act, "discipline")


def withdrawn_on_paper(world: World) -> None:
    act = world.must("intake-1", WithdrawalEntered(FIRST.application, world.digest("withdrawal")))
    world.cosign(act, "registrar")


def level_by_level(world: World) -> None:
    file_application(world, FIRST)
    world.must(FIRST.recommender, review(world, FIRST))
    world.must(FIRST.recommender, recommendation(world, FIRST, "unit"))
    world.must("recommender-county", recommendation(world, FIRST, "county"))


def city_before_county(world: World) -> Forbidden:
    file_application(world, SECOND)
    world.must(SECOND.recommender, review(world, SECOND))
    world.must(SECOND.recommender, recommendation(world, SECOND, "unit"))
    return Forbidden("recommender-city", recommendation(world, SECOND, "city"))


def on_paper(world: World) -> None:
    file_application(world, FIRST)
    act = world.must("intake-1", paper_recommendation(world, FIRST, "unit", world.now))
    world.cosign(act, "intake-2")


def paper_of_another_unit(world: World) -> Forbidden:
    file_application(world, SECOND)
    return Forbidden("intake-1", paper_recommendation(world, SECOND, "unit", world.now, unit="employer-06"))


def reviewed(world: World) -> None:
    file_application(world, FIRST)
    world.must(FIRST.recommender, review(world, FIRST))
    world.must(FIRST.recommender, recommendation(world, FIRST, "unit"))


def unreviewed(world: World) -> Forbidden:
    file_application(world, SECOND)
    return Forbidden(SECOND.recommender, recommendation(world, SECOND, "unit"))


def originals_unchecked(world: World) -> Forbidden:
    file_application(world, SECOND)
    world.must(SECOND.recommender, review(world, SECOND, originals_checked=False))
    return Forbidden(SECOND.recommender, recommendation(world, SECOND, "unit"))


def reviewed_by_another_unit(world: World) -> Forbidden:
    file_application(world, SECOND)
    other = FIRST.recommender if FIRST.unit != SECOND.unit else "recommender-employer-06"
    return Forbidden(other, review(world, SECOND))


def supplement(world: World, one: str, kind: str, request: int | None = None) -> ApplicationSupplemented:
    return ApplicationSupplemented(one, (Material(world.digest(f"supplement/{one}"), kind),), request)


def asked_for(world: World) -> None:
    asked = SupplementRequested(FIRST.application, world.now + 3 * 24 * HOUR, "请补交获奖证书")
    index = world.must("organiser", asked).index
    world.must(FIRST.alias, supplement(world, FIRST.application, "proof", index))


def corrected(world: World, alias: str, before: str) -> NameCorrected:
    return NameCorrected(world.digest(f"corrected/{alias}"), before, world.person(alias), "姓名误写")


def late(world: World) -> None:
    file_application(after_deadline(world), FIRST)
    world.must("organiser", ApplicationRefused(FIRST.application, "late", "过期不予受理"))


def paper_of_a_late_one(world: World) -> Forbidden:
    file_application(after_deadline(world), SECOND)
    return Forbidden("intake-1", paper(world, SECOND, world.now))


def with_paper(world: World) -> None:
    file_application(world, FIRST)
    receive_paper(world, FIRST, world.now)


def two_forms(world: World) -> Forbidden:
    file_application(world, SECOND)
    return Forbidden("intake-1", paper(world, SECOND, world.now, forms=2))


def extension(world: World, **changes: object) -> DeadlineExtended:
    values = {
        "closes_at": closes_at(world.state) + 72 * HOUR,
        "only_for": None,
        "published": world.digest("published"),
        "reason": "网络故障，全体顺延",
        "stage": "applications",
    }
    return DeadlineExtended(**(values | changes))  # type: ignore[arg-type]


def extend(world: World) -> None:
    world.cosign(world.must(SPONSORS[0], extension(world)), *SPONSORS[1:])


def ways() -> tuple[Row, ...]:
    """六(二): who files, by which way."""
    return (
        Row(
            "六(二)",
            "The applicant files, or the recommender with the applicant's consent.",
            "window",
            by_recommender,
            consent_of_another,
            "NOT_AUTHORISED",
        ),
        Row(
            "六(二)",
            "Nobody else files in somebody's name.",
            "window",
            lambda world: file_application(world, FIRST),
            lambda world: Forbidden("organiser", filing(world, SECOND)),
            "NOT_AUTHORISED",
        ),
        Row(
            "六(二)",
            "One person, one application a year: a second way in is linked, the same way again would count twice.",
            "filed",
            second_way,
            same_way_again,
            "DUPLICATE_APPLICANT",
        ),
        Row(
            "六(二)",
            "Two applications found to be one person's are linked by decision of two.",
            "filed",
            linked,
            lambda world: Forbidden("organiser", DuplicateLinked(SECOND.application, "no-such-application", "同一人")),
            "UNKNOWN_APPLICATION",
        ),
        Row(
            "六(二)",
            "Withdrawal at any time, by the applicant.",
            "screened",
            lambda world: world.must(FIRST.alias, ApplicationWithdrawn(FIRST.application, "个人原因")),
            lambda world: Forbidden("organiser", ApplicationWithdrawn(SECOND.application, "代其退出")),
            "NOT_AUTHORISED",
        ),
        Row(
            "六(二)",
            "A withdrawal on paper is entered by two, once.",
            "filed",
            withdrawn_on_paper,
            lambda world: Forbidden(SECOND.alias, WithdrawalEntered(SECOND.application, world.digest("scan"))),
            "NOT_AUTHORISED",
        ),
        Row(
            "六(二)1",
            "As a rule recommended upward union by union.",
            "window",
            level_by_level,
            city_before_county,
            "LEVEL_ORDER",
        ),
        Row(
            "六(二)1",
            "Association, expert or self only with the special circumstance stated.",
            "window",
            lambda world: file_application(world, BY_ASSOCIATION),
            lambda world: Forbidden(
                SECOND.alias, filing(world, replace(SECOND, way="self", special=True), special_circumstance=None)
            ),
            "SPECIAL_CIRCUMSTANCE_MISSING",
        ),
        Row(
            "六(二)1",
            "A recommendation on paper is entered by two, from the applicant's own unit, with a call back.",
            "window",
            on_paper,
            paper_of_another_unit,
            "UNIT_MISMATCH",
        ),
        Row(
            "六(二)2",
            "Filed electronically and on paper.",
            "window",
            lambda world: play_filing(world, FIRST),
            lambda world: Forbidden("intake-1", paper(world, SECOND, world.now)),
            "UNKNOWN_APPLICATION",
        ),
    )


ROWS = (
    *ways(),
    Row(
        "六(三)",
        "Materials are of the kinds that the programme lists; supplements are free until the deadline.",
        "filed",
        lambda world: world.must(FIRST.alias, supplement(world, FIRST.application, "proof")),
        lambda world: Forbidden(SECOND.alias, supplement(world, SECOND.application, "medal-photo")),
        "UNKNOWN_MATERIAL",
    ),
    Row(
        "六(三)",
        "Afterwards supplements only on a recorded request with its own deadline.",
        "screening",
        asked_for,
        lambda world: Forbidden(SECOND.alias, supplement(world, SECOND.application, "proof")),
        "ATTACHMENT_FROZEN",
    ),
    Row(
        "七(二)",
        "A unit's recommendation presupposes its own review body's initial review.",
        "window",
        reviewed,
        unreviewed,
        "REVIEW_MISSING",
    ),
    Row(
        "七(二)",
        "Originals are checked against the copies.",
        "window",
        reviewed,
        originals_unchecked,
        "REVIEW_MISSING",
    ),
    Row(
        "七(二)",
        "The review is the applicant's own unit's.",
        "window",
        reviewed,
        reviewed_by_another_unit,
        "UNIT_MISMATCH",
    ),
    Row(
        "七(二)",
        "The non-material correction of a misspelt name is a reasoned act on the record it corrects.",
        "filed",
        lambda world: world.cosign(
            world.must("organiser", corrected(world, FIRST.alias, world.digest(f"record/{FIRST.alias}"))), "discipline"
        ),
        lambda world: Forbidden("organiser", corrected(world, SECOND.alias, "0" * 64)),
        "RECORD_MISMATCH",
    ),
    Row(
        "七(四)1",
        "The window ends when the 24th has ended, not before.",
        "filed",
        lambda world: after_deadline(world).must("organiser", StageClosed("applications")),
        lambda world: Forbidden("screener-2", StageClosed("applications")),
        "WINDOW_NOT_ENDED",
    ),
    Row(
        "七(四)1",
        "A late filing is an entry, its refusal another, and nothing else follows from it.",
        "window",
        late,
        paper_of_a_late_one,
        "DEADLINE_PASSED",
    ),
    Row(
        "七(四)1",
        "A general extension is for everybody, and signed by every sponsor.",
        "filed",
        extend,
        lambda world: Forbidden(SPONSORS[1], extension(world, only_for=world.person(SECOND.alias))),
        "SCOPE_NOT_GENERAL",
    ),
    Row(
        "七(四)1",
        "An extension comes before the old deadline has passed.",
        "filed",
        extend,
        lambda world: Forbidden(SPONSORS[1], extension(after_deadline(world))),
        "DEADLINE_PASSED",
        after=True,
    ),
    Row(
        "七(四)2",
        "The form three times and the bound proofs twice, on paper.",
        "window",
        with_paper,
        two_forms,
        "PAPER_INCOMPLETE",
    ),
)
