"""The play of applications and screening: keys for everybody, filings before and after the deadline, each criterion.

Works for any programme: occupations, industries, ways, levels, materials and criteria are read from its value. A plan
says how many apply and how many of them in an unusual manner; the same plan in the same world gives the same entries.
"""

from dataclasses import dataclass

from api.rehearsal.driver import World
from ledger.procedure.checklist import failing_clauses
from ledger.procedure.notice import civil_date
from ledger.procedure.programme import Criterion, Programme, Stage, Way
from ledger.state.application_window import applications_stage, closes_at, programme_of, screening_stage
from ledger.state.screening import eligibility
from ledger.statements.applications import (
    ApplicationFiled,
    ApplicationRefused,
    ConsentGiven,
    Material,
    PaperReceived,
    RecommendationEntered,
    RecommendationMade,
    ReviewRecorded,
)
from ledger.statements.foundation import StageClosed, StageOpened
from ledger.statements.screening import CriterionDecided, DepartmentReplied, ScreeningDecided

HOUR = 3_600_000
STAFF = (("intake-1", "intake_office"), ("intake-2", "intake_office"), ("screener-2", "organiser"))


@dataclass(frozen=True, slots=True)
class Applicant:
    """One invented applicant: alias, application id, employer, occupation, industry, way in, and how it goes."""

    alias: str
    application: str
    unit: str
    occupation: str
    industry: str
    way: str
    special: bool
    late: bool = False
    keyed_late: bool = False
    ineligible: bool = False

    @property
    def recommender(self) -> str:
        """The alias of the recommender of the applicant's own unit."""
        return f"recommender-{self.unit}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Who applies: the applicants in order, and their employers."""

    applicants: tuple[Applicant, ...]

    @property
    def units(self) -> tuple[str, ...]:
        """The employers, sorted."""
        return tuple(sorted({one.unit for one in self.applicants}))

    @property
    def timely(self) -> tuple[Applicant, ...]:
        """Those whose applications count as in time."""
        return tuple(one for one in self.applicants if not one.late)

    @property
    def eligible(self) -> tuple[Applicant, ...]:
        """Those whom screening lets pass."""
        return tuple(one for one in self.timely if not one.ineligible)

    def of(self, alias: str) -> Applicant:
        """Return the applicant of an alias."""
        return next(one for one in self.applicants if one.alias == alias)


def default_plan(
    programme: Programme,
    applicants: int = 62,
    *,
    late: int = 1,
    keyed_late: int = 1,
    ineligible: int = 2,
    units: int = 20,
) -> Plan:
    """Return a plan over up to six occupations and all industries that the programme's groups cover.

    The last `late` file after the deadline; before them `keyed_late` send paper in time that is keyed late, and before
    those `ineligible` are found to be under an exclusion. Every tenth names a special circumstance.
    """
    occupations = covered(programme, "occupation")[:6] or ("machinist", "electrician")
    industries = covered(programme, "industry") or ("manufacturing",)
    levelled = [way for way in programme.ways if way.levels]
    special = [way for way in programme.ways if way.special]
    made = []
    for number in range(1, applicants + 1):
        from_end = applicants - number
        outside = special and (number % 10 == 0 or not levelled)
        way = special[number // 10 % len(special)] if outside else levelled[0]
        made.append(
            Applicant(
                alias=f"applicant-{number:02d}",
                application=f"application-{number:02d}",
                unit=f"employer-{number % units + 1:02d}",
                occupation=occupations[number % len(occupations)],
                industry=industries[number % len(occupations) % len(industries)],
                way=way.id,
                special=way.special,
                late=from_end < late,
                keyed_late=late <= from_end < late + keyed_late,
                ineligible=late + keyed_late <= from_end < late + keyed_late + ineligible,
            )
        )
    return Plan(tuple(made))


def covered(programme: Programme, what: str) -> tuple[str, ...]:
    """Return the occupations or industries that the programme's groups cover, spread over the groups."""
    lists = [group.covers for stage in programme.stages if stage.group_by == what for group in stage.groups]
    longest = max((len(one) for one in lists), default=0)
    return tuple(dict.fromkeys(one[place] for place in range(longest) for one in lists if place < len(one)))


def play_enrolment(world: World, plan: Plan) -> None:
    """Enrol the reception desk, a second screener, the recommenders of every unit and level, and every applicant."""
    programme = world.state.charter.latest.programme
    for alias, role in STAFF:
        world.enrol(alias, role, unit=f"office-{alias}")
    for unit in plan.units:
        world.enrol(f"recommender-{unit}", "recommender", unit=unit)
    for level in sorted({level for way in programme.ways for level in way.levels[1:]}):
        world.enrol(f"recommender-{level}", "recommender", unit=f"{level}-union")
    for one in plan.applicants:
        world.enrol(one.alias, "applicant", unit=one.unit)


def play_applications(world: World, plan: Plan) -> None:
    """Open the window, let everybody file and be recommended, refuse the late, and close it after the deadline."""
    stage = applications_stage(world.state)
    world.now = max(world.now, stage.opens_at or 0)
    world.must("organiser", StageOpened(stage.id))
    for one in plan.timely:
        if not one.keyed_late:
            play_filing(world, one)
    deadline = closes_at(world.state)
    world.now = max(world.now, deadline + HOUR)
    for one in plan.applicants:
        if one.keyed_late:
            _keyed_late(world, one, deadline - HOUR)
        elif one.late:
            play_late_filing(world, one)
    world.must("organiser", StageClosed(stage.id))


def play_filing(world: World, one: Applicant) -> None:
    """File, review, recommend and bring on paper one application in time."""
    file_application(world, one)
    play_recommendation(world, one)
    receive_paper(world, one, world.now)


def play_late_filing(world: World, one: Applicant) -> None:
    """File after the deadline: an entry with a receipt, and its refusal another."""
    file_application(world, one)
    world.must("organiser", ApplicationRefused(one.application, "late", "超过申报截止时间，不予受理"))


def _keyed_late(world: World, one: Applicant, arrived_at: int) -> None:
    """The paper arrived in time and was keyed by the desk after the deadline; the applicant agrees by the own key."""
    world.must("intake-1", filing(world, one, consent=world.digest(f"consent/{one.alias}")))
    receive_paper(world, one, arrived_at)
    world.must(one.alias, ConsentGiven(one.application))
    way = programme_of(world.state, applications_stage(world.state)).way(one.way)
    for level in way.levels if way else ():
        world.cosign(world.must("intake-1", paper_recommendation(world, one, level, arrived_at)), "intake-2")


def paper_recommendation(
    world: World, one: Applicant, level: str, arrived_at: int, **changes: object
) -> RecommendationEntered:
    """Return a level's recommendation as its paper shows it, the first level's with the initial review."""
    way = programme_of(world.state, applications_stage(world.state)).way(one.way)
    first = way is not None and level == way.levels[0]
    values: dict[str, object] = {
        "application": one.application,
        "arrived_at": arrived_at,
        "callback": world.digest(f"callback/{one.application}/{level}"),
        "level": level,
        "opinion": "同意推荐",
        "originals_checked": first,
        "review_body": f"review-{one.unit}" if first else None,
        "scan": world.digest(f"scan/{one.application}/{level}"),
        "unit": one.unit if first else f"{level}-union",
    }
    return RecommendationEntered(**(values | changes))  # type: ignore[arg-type]


def filing(world: World, one: Applicant, **changes: object) -> ApplicationFiled:
    """Return the filing of an applicant with every required material and a proof."""
    programme = programme_of(world.state, applications_stage(world.state))
    kinds = [kind.id for kind in programme.materials if kind.required]
    kinds += [kind.id for kind in programme.materials if not kind.required][:1]
    values: dict[str, object] = {
        "applicant": world.person(one.alias),
        "application": one.application,
        "consent": None,
        "id_tag": world.actor(one.alias).id_tag,
        "industry": one.industry,
        "materials": tuple(Material(world.digest(f"material/{one.application}/{kind}"), kind) for kind in kinds),
        "occupation": one.occupation,
        "recommender": None if one.special else world.person(one.recommender),
        "record": world.digest(f"record/{one.alias}"),
        "special_circumstance": "所在单位未建立工会，由本人直接申报" if one.special else None,
        "unit": one.unit,
        "way": one.way,
    }
    return ApplicationFiled(**(values | changes))  # type: ignore[arg-type]


def file_application(world: World, one: Applicant, **changes: object) -> None:
    """Let an applicant file with the own key."""
    world.must(one.alias, filing(world, one, **changes))


def play_recommendation(world: World, one: Applicant) -> None:
    """Let the unit review and every level recommend, from below upward; nothing where the way has no levels."""
    way = programme_of(world.state, applications_stage(world.state)).way(one.way)
    if way is None or not way.levels:
        return
    world.must(one.recommender, review(world, one))
    for level in way.levels:
        world.must(recommender_of(way, level, one), recommendation(world, one, level))


def review(world: World, one: Applicant, **changes: object) -> ReviewRecorded:
    """Return the initial review by the unit's own body."""
    values: dict[str, object] = {
        "application": one.application,
        "minutes": world.digest(f"minutes/{one.application}"),
        "opinion": "经初评，业绩属实，同意推荐",
        "originals_checked": True,
        "review_body": f"review-{one.unit}",
        "seal": world.digest(f"seal/{one.application}"),
    }
    return ReviewRecorded(**(values | changes))  # type: ignore[arg-type]


def recommendation(world: World, one: Applicant, level: str) -> RecommendationMade:
    """Return a level's recommendation."""
    return RecommendationMade(one.application, level, "同意推荐", world.digest(f"seal/{one.application}/{level}"))


def recommender_of(way: Way, level: str, one: Applicant) -> str:
    """Return the alias of who recommends at a level: the own unit's recommender first, then each union's."""
    return one.recommender if level == way.levels[0] else f"recommender-{level}"


def receive_paper(world: World, one: Applicant, arrived_at: int, **changes: object) -> None:
    """Let the reception desk receive the paper copies, with a second signer."""
    act = world.must("intake-1", paper(world, one, arrived_at, **changes))
    world.cosign(act, "intake-2")


def paper(world: World, one: Applicant, arrived_at: int, **changes: object) -> PaperReceived:
    """Return the receipt of a complete paper filing."""
    wanted = programme_of(world.state, applications_stage(world.state)).paper
    values: dict[str, object] = {
        "application": one.application,
        "arrived_at": arrived_at,
        "forms": wanted.forms,
        "proof_sets": wanted.proof_sets,
        "scan": world.digest(f"scan/{one.application}"),
    }
    return PaperReceived(**(values | changes))  # type: ignore[arg-type]


def play_screening(world: World, plan: Plan) -> None:
    """Open screening, decide every criterion of every application in time, and close it."""
    stage = screening_stage(world.state)
    world.must("organiser", StageOpened(stage.id))
    for one in plan.timely:
        screen(world, one)
    world.must("organiser", StageClosed(stage.id))


def screen(world: World, one: Applicant, screener: str = "organiser") -> None:
    """Collect the replies on one application, decide its criteria, and derive the outcome."""
    programme = programme_of(world.state, screening_stage(world.state))
    exclusion = next(item for item in programme.criteria if item.exclusion and not item.heads_only)
    for criterion in programme.criteria:
        applies = one.ineligible and criterion is exclusion
        if criterion.joint_check and not criterion.heads_only:
            world.must(screener, reply(world, one, criterion, clear=not applies))
        world.must(screener, ruling(world, one, criterion, met=applies if criterion.exclusion else True))
    world.must(screener, outcome(world, one, screening_stage(world.state), programme))


def today(world: World) -> str:
    """Return the civil date of the play."""
    return civil_date(world.now, world.offset_minutes).isoformat()


def reply(
    world: World, one: Applicant, criterion: Criterion, *, clear: bool = True, recheck: bool = False
) -> DepartmentReplied:
    """Return the reply of the programme's first sponsor on one exclusion."""
    sponsor = world.state.charter.latest.programme.sponsors[0]
    document = world.digest(f"reply/{one.application}/{criterion.id}/{recheck}")
    return DepartmentReplied(one.application, clear, criterion.id, today(world), sponsor, document, recheck)


def ruling(world: World, one: Applicant, criterion: Criterion, *, met: bool, **changes: object) -> CriterionDecided:
    """Return the ruling on one criterion with everything it needs to count."""
    day = today(world)
    values: dict[str, object] = {
        "application": one.application,
        "binds": not criterion.heads_only or met,
        "criterion": criterion.id,
        "dated": day,
        "evidence": world.digest(f"evidence/{one.application}/{criterion.id}"),
        "happened_on": day if met and criterion.lookback_years is not None else None,
        "met": met,
        "reason": "经核对原件，属实" if met else "经核查，无此情形",
        "runs_until": "2099-12-31" if met and criterion.while_running else None,
        "supporting": world.digest(f"facts/{one.application}/{criterion.id}") if met else None,
    }
    return CriterionDecided(**(values | changes))  # type: ignore[arg-type]


def outcome(world: World, one: Applicant, stage: Stage, programme: Programme) -> ScreeningDecided:
    """Return the outcome that the rulings give, with clauses and notice where it is a refusal."""
    result = eligibility(world.state, world.state.applications.by_id[one.application])
    if result.eligible:
        return ScreeningDecided(one.application, (), True, None, "符合申报条件，无不得参加的情形")
    clauses = failing_clauses(result, programme, stage.clause)
    return ScreeningDecided(
        one.application, clauses, False, world.digest(f"notice/{one.application}"), "不符合申报条件"
    )
