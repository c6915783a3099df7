"""Applications and screening by chance: ways in, late and double filings, withdrawals, rulings on the edge of days."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from api.rehearsal.steps_applications import (
    HOUR,
    Applicant,
    Plan,
    covered,
    filing,
    outcome,
    paper,
    paper_recommendation,
    play_enrolment,
    play_recommendation,
    recommendation,
    recommender_of,
    reply,
    review,
    ruling,
)
from api.rehearsal.steps_bodies import play_members
from api.rehearsal.steps_deliberation import play_deciders
from api.rehearsal.steps_notice import play_calendar
from api.rehearsal.steps_polls import play_channels
from api.rehearsal.steps_rounds import play_watchers
from ledger.procedure import formalities
from ledger.procedure.programme import Criterion, Programme, StageKind
from ledger.state.application_book import Application
from ledger.state.application_window import applications_stage, closes_at, screening_stage
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
from ledger.statements.foundation import DeadlineExtended, StageClosed, StageOpened
from ledger.statements.screening import AppealDecided, AppealFiled, EligibilityChallenged
from tests.model.play import DAY, Play
from tests.model.rules import years_before

FATES = {
    "plain": 60,
    "by_recommender": 8,
    "by_desk": 6,
    "twice": 6,
    "never_agrees": 3,
    "no_paper": 4,
    "files_anew": 4,
    "withdraws": 3,
    "late": 4,
    "keyed_late": 4,
}


def programme_of(play: Play) -> Programme:
    """The programme."""
    return play.world.state.charter.latest.programme


def people(play: Play) -> Plan:
    """Give everybody a key: staff, recommenders, applicants, members, deciders, channels; and record the calendar."""
    rng, programme = play.rng, programme_of(play)
    occupations = covered(programme, "occupation") or ("machinist",)
    industries = covered(programme, "industry") or ("manufacturing",)
    units = [f"employer-{number:02d}" for number in range(1, 6)]
    levelled = next(way.id for way in programme.ways if way.levels)
    special = [way.id for way in programme.ways if way.special]
    made = []
    for number in range(1, rng.randint(6, 22) + 1):
        outside = play.chance(0.2)
        made.append(
            Applicant(
                alias=f"applicant-{number:02d}",
                application=f"application-{number:02d}",
                unit=rng.choice(units),
                occupation=rng.choice(occupations),
                industry=rng.choice(industries),
                way=rng.choice(special) if outside else levelled,
                special=outside,
            )
        )
    plan = Plan(tuple(made))
    play_enrolment(play.world, plan)
    play_members(play.world)
    play_watchers(play.world)
    play_deciders(play.world)
    if play.chance(0.4):
        play.world.enrol("leader-99", "leader", unit=rng.choice(units))
    for stage in programme.stages_of(StageKind.PUBLIC_VOTE):
        play_channels(play.world, stage.id, tuple(play.some(stage.channels)) if play.chance(0.5) else ())
    play_calendar(play.world, programme.year, programme.year + 1)
    play.check()
    return plan


def applications(play: Play, plan: Plan) -> None:
    """Open the window, file in every manner, extend it sometimes, and close it."""
    world, stage = play.world, applications_stage(play.world.state)
    if stage.opens_at and world.now < stage.opens_at:
        play.no("organiser", StageOpened(stage.id), "WINDOW_NOT_BEGUN")
        play.no(plan.applicants[0].alias, filing(world, plan.applicants[0]), "STAGE_NOT_OPEN")
        world.now = stage.opens_at
    play.must("organiser", StageOpened(stage.id))
    fates = play.rng.choices(list(FATES), list(FATES.values()), k=len(plan.applicants))
    fates[0] = "plain"
    _all(play, plan, fates, after=False)
    play.no("organiser", StageClosed(stage.id), "WINDOW_NOT_ENDED")
    if play.chance(0.2):
        _extend(play, stage.id)
    world.now = max(world.now, closes_at(world.state) + HOUR)
    _all(play, plan, fates, after=True)
    late = DeadlineExtended(world.now + DAY, None, world.digest("extension"), "补充宣传", stage.id)
    play.no("organiser", late, "DEADLINE_PASSED")
    play.must("organiser", StageClosed(stage.id))
    play.check()


def _all(play: Play, plan: Plan, fates: list[str], *, after: bool) -> None:
    for one, fate in zip(plan.applicants, fates, strict=True):
        if (fate in ("late", "keyed_late")) == after:
            WAYS_IN[fate](play, one)
            if play.chance(0.15):
                _forbidden(play, one)


def _extend(play: Play, stage: str) -> None:
    world = play.world
    deadline = closes_at(world.state)
    sponsors = [f"sponsor-{office}" for office in programme_of(play).sponsors]
    body = DeadlineExtended(deadline + 3 * DAY, None, world.digest("published"), "网络故障，全体顺延", stage)
    play.no(sponsors[0], replace(body, only_for=play.person("applicant-01")), "SCOPE_NOT_GENERAL")
    play.no("organiser", replace(body, closes_at=deadline - DAY), "DEADLINE_SHORTENED")
    act = world.must(sponsors[0], body)
    assert closes_at(world.state) == deadline
    world.cosign(act, *sponsors[1:])
    assert closes_at(world.state) == deadline + 3 * DAY


def _complete(play: Play, one: Applicant, *, with_paper: bool = True) -> None:
    play_recommendation(play.world, one)
    if with_paper:
        play.must("intake-1", paper(play.world, one, play.world.now), "intake-2")


def _plain(play: Play, one: Applicant) -> None:
    play.must(one.alias, filing(play.world, one))
    _complete(play, one)


def _by_recommender(play: Play, one: Applicant) -> None:
    body = filing(play.world, one, recommender=play.person(one.recommender))
    play.must(one.recommender, body)
    play.no(one.recommender, ConsentGiven(one.application), "NOT_AUTHORISED")
    play.must(one.alias, ConsentGiven(one.application))
    _complete(play, one)


def _by_desk(play: Play, one: Applicant) -> None:
    play.must("intake-1", filing(play.world, one, consent=play.world.digest(f"consent/{one.alias}")))
    play.must(one.alias, ConsentGiven(one.application))
    _complete(play, one)


def _second_way(play: Play, one: Applicant) -> Applicant | None:
    """The same person's application by another way, where the programme has one."""
    others = [way.id for way in programme_of(play).ways if way.special and way.id != one.way]
    return replace(one, application=f"{one.application}-b", way=others[0], special=True) if others else None


def _twice(play: Play, one: Applicant) -> None:
    _plain(play, one)
    again = replace(one, application=f"{one.application}-a")
    play.no(one.alias, filing(play.world, again), "DUPLICATE_APPLICANT")
    other = _second_way(play, one)
    if other is not None:
        play.must(one.alias, filing(play.world, other))
        linked = DuplicateLinked(other.application, one.application, "同一人")
        play.no("organiser", linked, "ALREADY_LINKED")
        if play.chance(0.5):
            _complete(play, other)
        if play.chance(0.3):
            play.must(one.alias, ApplicationWithdrawn(one.application, "改由另一途径申报"))


def _never_agrees(play: Play, one: Applicant) -> None:
    play.must(one.recommender, filing(play.world, one, recommender=play.person(one.recommender)))


def _no_paper(play: Play, one: Applicant) -> None:
    play.must(one.alias, filing(play.world, one))
    _complete(play, one, with_paper=False)
    short = paper(play.world, one, play.world.now, forms=0)
    play.no("intake-1", short, "PAPER_INCOMPLETE")


def _files_anew(play: Play, one: Applicant) -> None:
    _plain(play, one)
    play.must(one.alias, ApplicationWithdrawn(one.application, "材料有误，重新申报"))
    play.no(one.alias, ApplicationWithdrawn(one.application, "再次退出"), "APPLICATION_WITHDRAWN")
    _plain(play, replace(one, application=f"{one.application}-c"))


def _withdraws(play: Play, one: Applicant) -> None:
    _plain(play, one)
    play.no("organiser", ApplicationWithdrawn(one.application, "代其退出"), "NOT_AUTHORISED")
    if play.chance(0.5):
        play.must(one.alias, ApplicationWithdrawn(one.application, "个人原因"))
    else:
        scan = play.world.digest(f"withdrawal/{one.alias}")
        play.must("intake-1", WithdrawalEntered(one.application, scan), "registrar")


def _late(play: Play, one: Applicant) -> None:
    play.must(one.alias, filing(play.world, one))
    play.no("intake-1", paper(play.world, one, play.world.now), "DEADLINE_PASSED")
    play.no("organiser", ApplicationRefused(one.application, "duplicate", "重复"), "GROUND_NOT_MET")
    play.must("organiser", ApplicationRefused(one.application, "late", "过期不予受理"))


def _keyed_late(play: Play, one: Applicant) -> None:
    world, arrived_at = play.world, closes_at(play.world.state) - HOUR
    play.must("intake-1", filing(world, one, consent=world.digest(f"consent/{one.alias}")))
    play.no("intake-1", paper(world, one, world.now + HOUR), "ARRIVAL_IN_FUTURE")
    play.must("intake-1", paper(world, one, arrived_at), "intake-2")
    play.must(one.alias, ConsentGiven(one.application))
    way = programme_of(play).way(one.way)
    for level in way.levels if way else ():
        play.must("intake-1", paper_recommendation(world, one, level, arrived_at), "intake-2")


WAYS_IN: dict[str, Callable[[Play, Applicant], None]] = {
    "plain": _plain,
    "by_recommender": _by_recommender,
    "by_desk": _by_desk,
    "twice": _twice,
    "never_agrees": _never_agrees,
    "no_paper": _no_paper,
    "files_anew": _files_anew,
    "withdraws": _withdraws,
    "late": _late,
    "keyed_late": _keyed_late,
}


def _forbidden(play: Play, one: Applicant) -> None:
    """Something that an applicant, a recommender or a clerk must not do."""
    world = play.world
    unknown = replace(one, application="no-such-application")
    tries: list[Callable[[], None]] = [
        lambda: play.no(one.alias, filing(world, one), "APPLICATION_EXISTS"),
        lambda: play.no("organiser", filing(world, unknown), "NOT_AUTHORISED"),
        lambda: play.no(one.alias, filing(world, unknown, way="by-friendship"), "UNKNOWN_WAY"),
        lambda: play.no(one.recommender, review(world, unknown), "UNKNOWN_APPLICATION"),
        lambda: play.no("applicant-01", recommendation(world, one, "unit"), "NOT_AUTHORISED"),
        lambda: play.no(one.alias, ApplicationSupplemented(unknown.application, (), None), "UNKNOWN_APPLICATION"),
        lambda: play.no(
            "organiser", SupplementRequested(unknown.application, world.now + DAY, "缺证明"), "UNKNOWN_APPLICATION"
        ),
    ]
    way = programme_of(play).way(one.way)
    if way is not None and way.levels:
        last = way.levels[-1]
        repeated = recommendation(world, one, last)
        codes = ("LEVEL_ORDER", "DEADLINE_PASSED", "APPLICATION_WITHDRAWN", "REVIEW_MISSING")
        tries.append(lambda: play.no(recommender_of(way, last, one), repeated, *codes))
    play.rng.choice(tries)()


def screening(play: Play, plan: Plan) -> None:
    """Decide every application that counts; refuse those that lack something for good."""
    world, stage = play.world, screening_stage(play.world.state)
    programme = programme_of(play)
    world.now = max(world.now, closes_at(world.state) + (programme.paper.grace_days + 1) * DAY)
    play.must("organiser", StageOpened(stage.id))
    applicants = {item: one for one in plan.applicants for item in _names(one)}
    while waiting := [one for one in world.state.applications.by_id.values() if _waits(play, one)]:
        play.no("organiser", StageClosed(stage.id), "APPLICATION_UNDECIDED", "SCREENING_INCOMPLETE")
        filed = waiting[0]
        one = replace(applicants[filed.application], application=filed.application)
        if formalities.lacking(programme, filed.dossier):
            play.must("organiser", ApplicationRefused(filed.application, "incomplete", "材料不全"))
        else:
            _screen(play, one, forced=not world.state.applications.eligible())
        play.check()
    play.must("organiser", StageClosed(stage.id))
    play.check()


def _names(one: Applicant) -> tuple[str, ...]:
    return tuple(f"{one.application}{suffix}" for suffix in ("", "-a", "-b", "-c"))


def _waits(play: Play, filed: Application) -> bool:
    open_still = filed.standing and filed.decision is None
    return open_still and play.world.state.applications.counts(filed)


def _screen(play: Play, one: Applicant, *, forced: bool) -> None:
    world, programme = play.world, programme_of(play)
    stage = screening_stage(world.state)
    for criterion in play.rng.sample(programme.criteria, len(programme.criteria)):
        _decide(play, one, criterion, forced)
    if play.chance(0.2):
        _forbidden_screening(play, one)
    decided = outcome(world, one, stage, programme)
    play.no("organiser", replace(decided, eligible=not decided.eligible), "RESULT_NOT_DERIVED", "CLAUSE_REQUIRED")
    play.must("organiser", decided)
    if not decided.eligible and play.chance(0.5):
        _appeal(play, one)
    elif decided.eligible and play.chance(0.15):
        _challenge(play, one)


def _decide(play: Play, one: Applicant, criterion: Criterion, forced: bool) -> None:
    world = play.world
    if criterion.exclusion:
        met = not forced and play.chance(0.05)
        if criterion.joint_check and (met or not criterion.heads_only):
            if play.chance(0.2):
                plain = ruling(world, one, criterion, met=False, binds=True)
                if not world.state.applications.by_id[one.application].replies.get(criterion.id):
                    play.no("organiser", plain, "JOINT_CHECK_MISSING")
            play.must("organiser", reply(world, one, criterion, clear=not met or play.chance(0.3)))
        play.must("organiser", ruling(world, one, criterion, met=met, **_days(play, criterion, met)))
        return
    met = forced or play.chance(0.97 if criterion.required else 0.7)
    facts = world.digest(f"facts/{one.application}/{criterion.id}") if forced or play.chance(0.5) else None
    play.must("organiser", ruling(world, one, criterion, met=met, supporting=facts))


def _days(play: Play, criterion: Criterion, met: bool) -> dict[str, object]:
    """Days about the edge of what still counts."""
    edge = date.fromisoformat(programme_of(play).eligibility_date)
    around = timedelta(days=play.rng.choice([-30, -1, 0, 1, 30]))
    if not met:
        return {}
    if criterion.lookback_years is not None:
        return {"happened_on": (years_before(edge, criterion.lookback_years) + around).isoformat()}
    return {"runs_until": (edge + around).isoformat()} if criterion.while_running else {}


def _appeal(play: Play, one: Applicant) -> None:
    world = play.world
    play.no("organiser", AppealDecided(one.application, "无申诉", True), "NO_OPEN_APPEAL")
    play.must(one.alias, AppealFiled(one.application, world.digest(f"appeal/{one.application}")))
    upheld = play.chance(0.5)
    play.must("organiser", AppealDecided(one.application, "复核", upheld))
    if upheld:
        for criterion in programme_of(play).criteria:
            _decide(play, one, criterion, play.chance(0.5))
        play.must("organiser", outcome(world, one, screening_stage(world.state), programme_of(play)))
    again = AppealFiled(one.application, world.digest("again"))
    play.no(one.alias, again, "APPEAL_USED")


def _challenge(play: Play, one: Applicant) -> None:
    world = play.world
    criterion = play.rng.choice(programme_of(play).criteria)
    body = EligibilityChallenged(one.application, criterion.id, world.digest("later"), "事后反映")
    play.must("discipline", body)
    play.no("discipline", body, "ALREADY_CHALLENGED")
    _decide(play, one, criterion, forced=False)
    if world.state.applications.by_id[one.application].decision is None:
        play.must("organiser", outcome(world, one, screening_stage(world.state), programme_of(play)))


def _forbidden_screening(play: Play, one: Applicant) -> None:
    world, criterion = play.world, programme_of(play).criteria[0]
    good = ruling(world, one, criterion, met=True)
    tries: list[Callable[[], None]] = [
        lambda: play.no("organiser", replace(good, criterion="no-such"), "UNKNOWN_CRITERION"),
        lambda: play.no("organiser", replace(good, dated="2022-02-30"), "DATE_INVALID"),
        lambda: play.no("organiser", replace(good, dated="2099-01-01"), "DATE_INVALID"),
        lambda: play.no("discipline", good, "NOT_AUTHORISED"),
        lambda: play.no("organiser", replace(good, application="no-such"), "UNKNOWN_APPLICATION"),
        lambda: play.no(one.alias, AppealFiled(one.application, world.digest("a")), "NOTHING_TO_APPEAL"),
        lambda: play.no(
            one.alias,
            ApplicationSupplemented(one.application, (Material(world.digest("m"), "form"),), None),
            "ATTACHMENT_FROZEN",
        ),
    ]
    play.rng.choice(tries)()
