"""From the final order to the year after, by chance: inspection, named votes, vacancies, notice, objections, naming."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from api.rehearsal.steps_deliberation import inspection, proposal
from api.rehearsal.steps_naming import naming, next_year, play_benefit, play_rechecks, submission
from api.rehearsal.steps_notice import notice
from api.rehearsal.steps_objections import objection, one_time_actor
from ledger.nominees import list_hash
from ledger.procedure.programme import Stage, StageKind
from ledger.signing import encode_base64
from ledger.statements.deliberation import (
    CandidatesProposed,
    DeliberationClosed,
    DeliberationVoted,
    SeatLeftVacant,
    VacancyFilled,
    Voice,
)
from ledger.statements.foundation import ActDeclined, CalendarRecorded, NameCorrected, StageClosed, StageOpened
from ledger.statements.naming import (
    ApprovalDecided,
    QualificationEnded,
    ResponsibilityReferred,
    TitleRevoked,
    TitlesConferred,
)
from ledger.statements.notices import (
    DecisionBlocked,
    HearingNotified,
    NoticeChanged,
    ObjectionAnswered,
    ObjectionDecided,
    ObjectionExamined,
    ObjectionInvestigated,
    ObjectionReceived,
    ObjectionWithdrawn,
    ReplyGiven,
    SealOpened,
)
from tests.model.phase_applications import programme_of
from tests.model.phase_rounds import leave
from tests.model.play import DAY, Play

HOUR = 3_600_000


def begun(play: Play, kind: StageKind) -> bool:
    """Whether the stage of a kind has been opened."""
    return any(stage.id in play.world.state.charter.stages for stage in programme_of(play).stages_of(kind))


def deliberation(play: Play, stage: Stage) -> None:
    """五(六): until the leadership group has agreed to everybody who holds a place."""
    play.must("organiser", StageOpened(stage.id))
    catch_up(play)
    while play.chance(0.15) and play.model.standing():
        leave(play, play.rng.choice([*play.model.standing(), *play.model.alternates]))
        catch_up(play)
    play.must("organiser", StageClosed(stage.id))
    play.check()


def catch_up(play: Play) -> None:
    """Fill, inspect, propose, deliberate and publish until nothing of it is due."""
    while _refill(play) or _inspect(play) or _propose(play) or _publish(play):
        play.check()


def _refill(play: Play) -> bool:
    model, vacated = play.model, play.model.vacated()
    if not vacated:
        return False
    first, up = vacated[0], model.next_up()
    if len(vacated) > 1:
        play.no("organiser", VacancyFilled(None, (), vacated[1]), "VACANCY_NOT_NEXT")
    if up is None:
        play.no("organiser", VacancyFilled(None, (), first), "ALTERNATES_EXHAUSTED")
        play.must("organiser", SeatLeftVacant("备选人员已全部递补", first))
        return True
    others = [one for one in model.alternates if one != up]
    if others:
        play.no("organiser", VacancyFilled(play.rng.choice(others), (), first), "NOT_NEXT_ALTERNATE")
    play.no("organiser", VacancyFilled(None, (up,), first), "ALTERNATE_SKIPPED")
    play.no("organiser", SeatLeftVacant("无人愿意", first), "ALTERNATE_SKIPPED")
    play.must("organiser", VacancyFilled(play.rng.choice([None, up]), (), first))
    return True


def _inspect(play: Play) -> bool:
    waiting = [one for one in play.model.standing() if one not in play.model.inspected]
    if not waiting or not begun(play, StageKind.DELIBERATION):
        return False
    one = play.rng.choice(waiting)
    body = inspection(play.world, one, passed=not play.chance(0.12))
    play.no("inspector-1", replace(body, candidate=play.person("inspector-2")), "NOT_A_NOMINEE")
    play.no("organiser", body, "NOT_AUTHORISED")
    play.no("organiser", proposal(play.world), "PREREQUISITE_MISSING", "RESULT_NOT_DERIVED")
    play.must("inspector-1", body)
    play.check()
    if body.passed:
        play.no("inspector-2", body, "ALREADY_INSPECTED")
    return True


def _propose(play: Play) -> bool:
    """市总工会 proposes; the leaders vote by name, some stay away."""
    derived = play.model.to_propose()
    if not derived or not begun(play, StageKind.DELIBERATION):
        return False
    if not play.model.agreed_before_notice():
        _wait_published(play, derived)
    if len(derived) > 1:
        short = tuple(derived[1:])
        play.no("organiser", CandidatesProposed(short, list_hash(short)), "RESULT_NOT_DERIVED")
    act = play.must("organiser", proposal(play.world))
    matter = f"proposal:{act.index}"
    against = 0.04 if play.model.readings["deliberation_rule"] == "any_objection" else 0.3
    voters = _voters(play)
    for place, alias in enumerate(voters):
        voices = [Voice(agree := not play.chance(against), None if agree else "群众基础不足", one) for one in derived]
        body = DeliberationVoted(matter, tuple(voices))
        if place == 0:
            _forbidden_voices(play, alias, body)
        play.must(alias, body)
        if place == 0:
            play.no(alias, body, "ALREADY_VOTED")
            if len(voters) > 1:
                play.no("organiser", DeliberationClosed(matter, play.world.digest(matter)), "NO_QUORUM")
    play.must("organiser", DeliberationClosed(matter, play.world.digest(f"minutes/{matter}")))
    play.no(voters[0], DeliberationVoted(matter, ()), "MATTER_CLOSED")
    return True


def _wait_published(play: Play, people: Sequence[str]) -> None:
    """Where the notice comes first, whoever moved up is published to the end before being proposed."""
    while _publish(play):
        play.check()
    ends = max(play.model.ends(one) or 0 for one in people)
    if ends > world_time(play):
        play.no("organiser", proposal(play.world), "NOTICE_NOT_ELAPSED")
        play.world.now = ends


def _forbidden_voices(play: Play, alias: str, body: DeliberationVoted) -> None:
    first = body.voices[0]
    unreasoned = (replace(first, agree=False, reason=None), *body.voices[1:])
    tries: list[Callable[[], None]] = [
        lambda: play.no(alias, replace(body, voices=unreasoned), "REASON_REQUIRED"),
        lambda: play.no(alias, replace(body, voices=()), "VOICES_INCOMPLETE"),
        lambda: play.no(alias, replace(body, voices=(first, *body.voices)), "DUPLICATE_CHOICE"),
        lambda: play.no("inspector-1", body, "NOT_AUTHORISED"),
        lambda: play.no(alias, replace(body, matter="proposal:0"), "UNKNOWN_MATTER"),
    ]
    play.rng.choice(tries)()


def _voters(play: Play) -> list[str]:
    """The leaders who vote: at least as many as must."""
    everybody = [play.alias(one) for one in sorted(play.model.deciders("deliberation"))]
    least = min(programme_of(play).leaders_least, len(everybody))
    return play.rng.sample(everybody, play.rng.randint(least, len(everybody)))


# Notice


def _publish(play: Play) -> bool:
    model = play.model
    due = model.to_publish()
    if not due or not begun(play, StageKind.NOTICE):
        return False
    body = notice(play.world)
    if not model.published and (model.vacated() or any(one not in model.agreed for one in due)) and _agreed_first(play):
        play.no("organiser", body, "PREREQUISITE_MISSING")
        return False
    play.no("organiser", replace(body, channels=("no-such-channel",)), "CHANNEL_NOT_DECLARED")
    if len(due) > 1:
        short = body.candidates[1:]
        play.no("organiser", replace(body, candidates=short, list_hash=list_hash(short)), "RESULT_NOT_DERIVED")
    play.must("organiser", body)
    play.no("organiser", body, "DUPLICATE_ID")
    return True


def _agreed_first(play: Play) -> bool:
    return play.model.agreed_before_notice()


def notices(play: Play, stage: Stage) -> None:
    """五(七): publish, let objections come and be decided, let those who move up have days of their own."""
    world = play.world
    play.must("organiser", StageOpened(stage.id))
    catch_up(play)
    for _ in range(play.rng.randint(1, 5)):
        if not play.model.standing():
            break
        world.now += play.rng.randint(0, 3) * DAY
        play.rng.choice([_objection] * 6 + [_leave, _change, _calendar])(play)
        play.check()
        catch_up(play)
    _elapse(play, stage)


def _elapse(play: Play, stage: Stage) -> None:
    ends = [play.model.ends(one) or 0 for one in play.model.standing()]
    if ends and max(ends) > world_time(play):
        play.no("organiser", StageClosed(stage.id), "NOTICE_NOT_ELAPSED")
        play.world.now = max(ends) - 2000
        play.no("organiser", StageClosed(stage.id), "NOTICE_NOT_ELAPSED")
        play.world.now = max(ends)
    play.must("organiser", StageClosed(stage.id))
    play.check()


def world_time(play: Play) -> int:
    """The clock, after what comes next."""
    return play.world.now + 1000


def _leave(play: Play) -> None:
    leave(play, play.rng.choice(play.model.standing()))


def _change(play: Play) -> None:
    """A notice is changed: materially, or only by a name corrected on the record."""
    world, one = play.world, play.rng.choice(play.model.standing())
    if one not in play.model.published:
        return
    number = play.model.published[one][0]
    if play.chance(0.5):
        play.must("organiser", NoticeChanged(world.digest("deeds-again"), True, number, "补充事迹"))
        return
    slight = NoticeChanged(world.digest("deeds-name"), False, number, "更正姓名用字")
    play.no("organiser", slight, "CHANGE_IS_MATERIAL")
    record = world.state.applications.record_of(one)
    assert record is not None
    after = world.digest(f"corrected/{one}/{world.now}")
    corrected = NameCorrected(after, record, one, "姓名误写")
    play.no("organiser", replace(corrected, before="0" * 64), "RECORD_MISMATCH")
    play.must("organiser", corrected, "discipline")
    play.must("organiser", slight)


def _calendar(play: Play) -> None:
    """A calendar is recorded once more: one that shortens a notice is refused, one that lengthens it stands."""
    years = sorted(play.model.years)
    for year in years:
        off, on = play.model.years[year]
        off_days, on_days = tuple(sorted(off)), tuple(sorted(on))
        if play.chance(0.5) and on_days:
            without = CalendarRecorded(off_days, on_days[1:], "更正", year)
            play.must("organiser", without)
            longer = CalendarRecorded(off_days, on_days, "复原", year)
            play.world.submit("organiser", longer)
    ends = [play.model.ends(one) for one in play.model.published]
    play.check()
    assert all(
        now is not None and then is not None and now >= then for then, now in zip(ends, _ends(play), strict=True)
    )


def _ends(play: Play) -> list[int | None]:
    return [play.model.ends(one) for one in play.model.published]


# Objections


def _objection(play: Play) -> None:
    """One objection from its receipt to the answer; some bear no name, some are withdrawn, some are blocked."""
    world, model = play.world, play.model
    published = [one for one in model.standing() if one in model.published]
    if not published:
        return
    one = play.rng.choice(published)
    against = [
        one,
        *[two for two in published if two != one and model.published[two][0] == model.published[one][0]][:1],
    ]
    body = objection(world, *against[: play.rng.randint(1, len(against))])
    play.no("intake-1", replace(body, notice="no-such-notice"), "UNKNOWN_NOTICE")
    play.no("intake-1", replace(body, against=(play.person("organiser"),)), "NOT_ON_NOTICE")
    play.no("organiser", body, "NOT_AUTHORISED")
    _receive(play, body)
    play.check()
    play.no("organiser", submission(world), "STAGE_NOT_OPEN", "OBJECTION_OPEN", "NOT_AUTHORISED")
    if not model.objections[body.objection].against:
        play.no("organiser", _hearing(play, body, body.against[0]), "OBJECTION_NOT_ADMITTED")
        return
    play.no("discipline", ObjectionExamined(True, body.objection, True, "实名"), "PREREQUISITE_MISSING")
    play.must("discipline", SealOpened("核对身份", body.sealed))
    real = play.chance(0.85)
    play.must("discipline", ObjectionExamined(True, body.objection, real, "核对实名"))
    play.no("discipline", ObjectionExamined(True, body.objection, real, "再核"), "ALREADY_EXAMINED")
    play.check()
    if real:
        _decide(play, body)
    elif play.chance(0.5):
        play.must("intake-1", ObjectionAnswered(body.objection, world.digest("lead")))
    play.check()


def _receive(play: Play, body: ObjectionReceived) -> None:
    """At the desk, on paper with its arrival, or by a one-time key."""
    world, way = play.world, play.rng.random()
    if way < 0.4:
        play.must("intake-1", body)
    elif way < 0.7:
        arrived = replace(body, arrived_at=world.now - play.rng.randint(0, 2) * HOUR)
        act = world.must("intake-1", arrived)
        play.check()
        play.no("discipline", ObjectionExamined(True, body.objection, True, "实名"), "PREREQUISITE_MISSING")
        if play.chance(0.2):
            play.must("intake-2", ActDeclined(act.index, act.leaf.hex(), "收件章不符"))
        else:
            world.cosign(act, "intake-2")
    else:
        alias = f"objector-{body.objection}"
        public = encode_base64(one_time_actor(world, alias).key.public)
        play.no(alias, replace(body, one_time_key=encode_base64(bytes(32))), "ONE_TIME_KEY_INVALID")
        play.must(alias, replace(body, one_time_key=public))


def _hearing(play: Play, body: ObjectionReceived, person: str) -> HearingNotified:
    substance = play.world.digest(f"substance/{body.objection}/{person}")
    return HearingNotified(person, body.objection, play.world.now + DAY, substance)


def _decide(play: Play, body: ObjectionReceived) -> None:
    world, model, known = play.world, play.model, play.model.objections[body.objection]
    about = model.undecided(known)
    findings = world.digest(f"findings/{body.objection}")
    report = ObjectionInvestigated(findings, True, body.objection, "核查属实")
    play.no("organiser", report, "PREREQUISITE_MISSING")
    for one in about:
        _hear(play, body, one)
    play.must("organiser", report)
    if play.chance(0.1):
        _withdraw(play, body)
        return
    bias = play.rng.choice([0.1, 0.7, 0.95])
    _vote(play, body, about, bias)
    decisions = [_decision(play, body, one) for one in about]
    play.no("organiser", replace(decisions[0], sustained=not decisions[0].sustained), "RESULT_NOT_DERIVED")
    play.no("organiser", replace(decisions[0], minutes="0" * 64), "PREREQUISITE_MISSING")
    for decision in decisions:
        play.must("organiser", decision)
        play.check()
    if play.chance(0.2):
        play.must("discipline", DecisionBlocked(body.objection, "程序有瑕疵，重新审议"))
        play.check()
        _vote(play, body, model.undecided(known), 0.5)
        for one in model.undecided(known):
            play.must("organiser", _decision(play, body, one))
    if play.chance(0.3):
        return  # the reply comes late: the approval waits for it
    play.must("intake-1", ObjectionAnswered(body.objection, world.digest(f"answer/{body.objection}")))
    play.no("intake-1", ObjectionAnswered(body.objection, world.digest("again")), "ALREADY_ANSWERED")
    play.no("discipline", DecisionBlocked(body.objection, "过迟"), "ALREADY_ANSWERED")


def _hear(play: Play, body: ObjectionReceived, person: str) -> None:
    world = play.world
    hearing = _hearing(play, body, person)
    play.no("organiser", replace(hearing, substance=body.sealed), "SOURCE_EXPOSED")
    play.must("organiser", hearing)
    play.no("organiser", hearing, "ALREADY_NOTIFIED")
    reply = ReplyGiven(person, body.objection, None, world.digest("reply"))
    play.no("organiser", reply, "NOT_AUTHORISED")
    if play.chance(0.7):
        play.must(play.alias(person), reply)
        play.no(play.alias(person), reply, "ALREADY_REPLIED")
    else:
        world.now = hearing.respond_by
        play.no(play.alias(person), reply, "DEADLINE_PASSED")


def _withdraw(play: Play, body: ObjectionReceived) -> None:
    """Withdrawn by who filed it; sometimes discipline goes on ex officio."""
    world = play.world
    known = world.state.notices.objections.by_id[body.objection]
    play.no("inspector-1", ObjectionWithdrawn(None, body.objection), "NOT_AUTHORISED")
    if known.one_time:
        play.must(f"objector-{body.objection}", ObjectionWithdrawn(None, body.objection))
    else:
        play.must("intake-1", ObjectionWithdrawn(world.digest("withdrawal"), body.objection))
    play.check()


def _vote(play: Play, body: ObjectionReceived, about: Sequence[str], bias: float) -> None:
    matter = f"objection:{body.objection}"
    voters = _voters(play)
    for alias in voters:
        mine = [one for one in about if not play.model.close_to(play.person(alias), one)]
        voices = tuple(Voice(play.chance(bias), "经讨论，理由见纪要", one) for one in mine)
        if len(mine) < len(about):
            everybody = tuple(Voice(True, "经讨论", one) for one in about)
            play.no(alias, DeliberationVoted(matter, everybody), "DECIDER_CONFLICT")
        if mine:
            play.must(alias, DeliberationVoted(matter, voices))
    times = len(play.world.state.deliberation.matters[matter].earlier)
    answer = play.world.submit("organiser", DeliberationClosed(matter, play.world.digest(f"{matter}/{times}")))
    if getattr(answer, "code", None) == "NO_QUORUM":
        for alias in [play.alias(one) for one in sorted(play.model.deciders("deliberation"))]:
            mine = [one for one in about if not play.model.close_to(play.person(alias), one)]
            if alias not in voters and mine:
                voices = tuple(Voice(play.chance(bias), "经讨论，理由见纪要", one) for one in mine)
                play.must(alias, DeliberationVoted(matter, voices))
        play.must("organiser", DeliberationClosed(matter, play.world.digest(f"{matter}/{times}")))
    play.check()


def _decision(play: Play, body: ObjectionReceived, person: str) -> ObjectionDecided:
    matter = f"objection:{body.objection}"
    times = len(play.world.state.deliberation.matters[matter].earlier)
    minutes = play.world.digest(f"{matter}/{times}")
    sustained = play.model.sustained(body.objection, person)
    return ObjectionDecided(person, play.world.digest(f"findings/{body.objection}"), minutes, body.objection, sustained)


# Approval, naming, the year after


def approval(play: Play, stage: Stage) -> None:
    """五(八): submitted, approved by name, named; whatever falls vacant meanwhile goes back as in its stage."""
    world, model = play.world, play.model
    play.must("organiser", StageOpened(stage.id))
    while True:
        if model.standing() and play.chance(0.1):
            _leave(play)
        catch_up(play)
        ends = [model.ends(one) or 0 for one in model.standing()]
        if ends and max(ends) > world_time(play):
            play.no("leader-01", submission(world), "NOTICE_NOT_ELAPSED", "PREREQUISITE_MISSING")
            world.now = max(ends)
        if not model.standing():
            play.no("leader-01", submission(world), "NOTHING_TO_APPROVE")
            return
        for name in list(model.open_objections()):
            play.no("leader-01", submission(world), "OBJECTION_OPEN")
            play.must("intake-1", ObjectionAnswered(name, world.digest(f"answer/{name}")))
            play.check()
        if _approved(play):
            break
    _name(play, stage)


def _approved(play: Play) -> bool:
    world, model = play.world, play.model
    if world.state.applications.recheck_missing(model.standing()[0]):
        play.no("leader-01", submission(world), "PREREQUISITE_MISSING", "FINDING_OPEN")
    play_rechecks(world)
    if world.state.findings.open_breaches():
        play.no("leader-01", submission(world), "FINDING_OPEN")
        play.settle_breaches()
    play.check()
    nameable = model.nameable(world_time(play))
    assert nameable == model.standing()
    good = submission(world)
    more = (*good.candidates, *(play.person(f"nobody-{number}") for number in range(programme_of(play).seats)))
    play.no("leader-01", replace(good, candidates=more, list_hash=list_hash(more)), "SEATS_EXCEEDED")
    play.no("leader-01", replace(good, list_hash="0" * 64), "RESULT_NOT_DERIVED")
    play.must("leader-01", good)
    play.no("leader-01", replace(good, submission="another"), "ALREADY_SUBMITTED")
    matter = f"approval:{good.submission}"
    bias = play.rng.choice([0.4, 0.9, 1.0])
    for alias in [play.alias(one) for one in sorted(model.deciders("approval"))]:
        agree = play.chance(bias)
        play.must(alias, DeliberationVoted(matter, (Voice(agree, None if agree else "再议", good.submission),)))
    play.check()
    approved = model.said(matter, good.submission, True) * 2 > len(model.deciders("approval"))
    decided = ApprovalDecided(approved, world.digest(f"minutes/{matter}"), good.submission)
    play.no("chair-01", replace(decided, approved=not approved), "RESULT_NOT_DERIVED")
    play.must("chair-01", decided)
    play.no("chair-01", decided, "ALREADY_DECIDED")
    play.check()
    return approved


def _name(play: Play, stage: Stage) -> None:
    world = play.world
    body = naming(world)
    short = body.candidates[1:]
    play.no("organiser", replace(body, candidates=short, list_hash=list_hash(short)), "RESULT_NOT_DERIVED")
    act = play.must("organiser", body)
    play.check()
    play.no("organiser", body, "ALREADY_NAMED")
    one = body.candidates[0]
    play.no("organiser", QualificationEnded(one, world.digest("falsehood"), "造假"), "ALREADY_NAMED")
    sponsors = [f"sponsor-{office}" for office in programme_of(play).sponsors]
    conferral = TitlesConferred(world.digest("conferral"), act.index)
    play.no(sponsors[0], replace(conferral, naming=0), "NAMING_MISMATCH")
    play.must(sponsors[0], conferral, *sponsors[1:])
    play.no(sponsors[0], conferral, "ALREADY_CONFERRED")
    play.must("organiser", StageClosed(stage.id))
    play.check()


def aftermath(play: Play, stage: Stage) -> None:
    """二, 七(三): benefits of the year after; a revoked title, its money, its recommender; its place stays empty."""
    world, titles = play.world, play.world.state.naming.titles
    assert titles is not None
    play.must("organiser", StageOpened(stage.id))
    year = next_year(world)
    for one in play.some(titles.candidates, 2):
        for benefit in programme_of(play).benefits:
            play_benefit(world, benefit.id, one, year)
    play.check()
    for one in play.some(titles.candidates, 1):
        paid = world.state.naming.paid_cents(one)
        body = TitleRevoked(one, world.digest("proof"), titles.index, "骗取荣誉", paid)
        play.no("organiser", replace(body, reclaim_cents=paid + 1), "AMOUNT_MISMATCH")
        referred = ResponsibilityReferred(one, "推荐失实", play.person("recommender-employer-01"))
        play.no("organiser", referred, "PREREQUISITE_MISSING", "UNKNOWN_PERSON")
        play.must("organiser", body, "discipline")
        play.no("organiser", body, "ALREADY_REVOKED")
        play.check()
        play.no("organiser", VacancyFilled(None, (), one), "STAGE_CLOSED", "STAGE_NOT_OPEN", "NO_VACANCY")
    play.must("organiser", StageClosed(stage.id))
    play.check()
