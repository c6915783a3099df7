"""Groups, sessions, rounds and the public vote by chance: recusals, absences, paper, disputes, run-offs, reopenings."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any

from api.rehearsal.steps_bodies import play_draw, play_groups, play_rosters
from api.rehearsal.steps_polls import import_totals, open_poll, operator_of, poll_opening, totals
from api.rehearsal.steps_rounds import (
    SCRUTINEERS,
    TELLER,
    ballot,
    certification,
    certify,
    closing,
    discussion,
    opening,
    paper_ballot,
    score,
)
from ledger.procedure.programme import Stage, StageKind
from ledger.state.casts import Cast
from ledger.state.rounds import Round
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.bodies import (
    CandidateRegrouped,
    DeclarationMade,
    RecusalImposed,
    RecusalMade,
    Relation,
    RosterAmended,
)
from ledger.statements.deliberation import DeliberationClosed, DeliberationVoted, Voice
from ledger.statements.foundation import ActCountersigned, StageClosed, StageOpened
from ledger.statements.naming import QualificationEnded
from ledger.statements.poll import PollClosed, Total
from ledger.statements.rounds import (
    AttendanceLeft,
    AttendanceRecorded,
    AttendanceWitnessed,
    BallotDisputed,
    BallotInvalidated,
    BallotReinstated,
    BallotsOpenedEarly,
    CloseConsented,
    ResultCertified,
    RoundReopened,
    ScoreRevised,
    ScoringClosed,
    TieResolved,
)
from tests.model import comparing
from tests.model.phase_applications import programme_of
from tests.model.play import DAY, Play
from tests.model.voting import Session, Tie


class Exhausted(Exception):
    """Nobody is left to vote on: the selection ends here, for the model and for the ledger."""


def vote_stage(play: Play, stage: Stage) -> None:
    """Play one stage of rounds from its opening to its close."""
    world = play.world
    play.no("organiser", StageClosed(stage.id), "STAGE_NOT_OPEN")
    play_rosters(world, stage.id, drawn=play.chance(0.2))
    play.must("organiser", StageOpened(stage.id))
    play.check()
    if stage.kind is StageKind.GROUP_ROUND:
        _groups(play, stage)
    for session in _sessions(play, stage):
        _session(play, stage, session)
    play.check()
    if not any(name == stage.id for name, _ in play.model.certified):
        raise Exhausted
    play.must("organiser", StageClosed(stage.id))


def _sessions(play: Play, stage: Stage) -> list[Session]:
    groups: list[str | None] = [group.id for group in stage.groups] or [None]
    return [(stage.id, group) for group in groups if play.model.candidates((stage.id, group))]


def _groups(play: Play, stage: Stage) -> None:
    """五(一), 五(二): the table of groups, perhaps after moving somebody; after a draw where remainders are equal."""
    world, entering = play.world, play.model.entering(stage.id)
    if not entering:
        raise Exhausted
    if entering and len(stage.groups) > 1 and play.chance(0.2):
        one = play.rng.choice(entering)
        now = play.model.group_of(stage_value(play, stage), play.model.of_person(one))
        other = play.rng.choice([group.id for group in stage.groups if group.id != now])
        play.must("organiser", CandidateRegrouped(one, other, "所属职业与专业组更相近", stage.id))
        play.no("organiser", CandidateRegrouped(one, other, "再次调整", stage.id), "GROUP_UNCHANGED")
        play.check()
    if play.model.table(stage.id) is None:
        # The model says that no table can be made yet; the step below draws only if the ledger says so too.
        filled = {play.model.group_of(stage_value(play, stage), play.model.of_person(one)) for one in entering}
        assert len(filled) <= (stage.total or 0)
    play_groups(world, stage.id)
    play.check()


def stage_value(play: Play, stage: Stage) -> object:
    """The stage as the programme file states it."""
    return play.model.stage(stage.id)


def needed(play: Play, members: int) -> int:
    """Reading `quorum`."""
    programme = programme_of(play)
    return max(programme.quorum_floor, ceil(Fraction(programme.quorum) * members))


def _session(play: Play, stage: Stage, session: Session) -> None:
    _declarations(play, session)
    _recusals(play, session)
    _attendance(play, session)
    if stage.scored:
        _scores(play, stage, session)
    play.no("organiser", opening(play.world, *session), "DISCUSSION_MISSING")
    play.must("organiser", discussion(play.world, *session))
    _round(play, stage, session)
    play.check()
    while (tie := play.model.tie(session)) is not None or play.chance(0.07):
        if tie is None or _beyond_leaders(play, session, tie):
            _reopen(play, session)
            _round(play, stage, session)
        elif tie.exhausted:
            _settle(play, session, tie)
        else:
            play.no("organiser", certification(play.world, subject(session)), "TIE_UNRESOLVED", "FINDING_OPEN")
            _round(play, stage, session, runoff=True)
        play.check()
    _leave_midway(play, session)
    if play.model.tie(session) is not None:
        _session_ends(play, stage, session)
    _certify(play, session)


def _session_ends(play: Play, stage: Stage, session: Session) -> None:
    """Somebody left and a tie is open again: settle it as before, without further surprises."""
    while (tie := play.model.tie(session)) is not None:
        if not tie.exhausted:
            _round(play, stage, session, runoff=True)
        elif _beyond_leaders(play, session, tie):
            _reopen(play, session)
            _round(play, stage, session)
        else:
            _settle(play, session, tie)
        play.check()


def subject(session: Session) -> str:
    """The subject of a session's result."""
    return f"stage:{session[0]}" + (f":{session[1]}" if session[1] else "")


def _members(play: Play, session: Session) -> list[str]:
    roster = play.world.state.bodies.roster(*session)
    return [play.alias(person) for person in roster.members] if roster else []


def _declarations(play: Play, session: Session) -> None:
    stage, group = session
    for alias in _members(play, session):
        relations: tuple[Relation, ...] = ()
        if play.chance(0.1):
            relations = tuple(Relation(one, "teacher") for one in play.some(play.model.candidates(session), 2))
        play.must(alias, DeclarationMade(group, relations, stage))
    if play.chance(0.3):
        outsider = "inspector-1"
        play.no(outsider, DeclarationMade(group, (), stage), "NOT_ON_ROSTER")


def _recusals(play: Play, session: Session) -> None:
    """At most two members stand back; where that leaves too few for somebody, reserves take their seats."""
    stage, group = session
    members, candidates = _members(play, session), play.model.candidates(session)
    if play.chance(0.65):
        return
    for alias in play.some(members, 2):
        one = play.rng.choice(candidates)
        if play.chance(0.8):
            play.must(alias, RecusalMade(one, group, "师徒关系", stage))
            play.no(alias, RecusalMade(one, group, "师徒关系", stage), "ALREADY_RECUSED")
        else:
            notice = play.world.digest("recusal-notice")
            play.must("organiser", RecusalImposed(one, group, play.person(alias), notice, "同一单位", stage))
        entitled = len(members) - len(play.world.state.bodies.recused(*session).get(one, {}))
        if entitled < needed(play, entitled):
            _replace(play, session, alias)


def _replace(play: Play, session: Session, alias: str) -> None:
    stage, group = session
    roster = play.world.state.bodies.roster(*session)
    assert roster is not None
    incoming = roster.reserves[0]
    change = RosterAmended(group, incoming, play.person(alias), "该委员回避后人数不足", stage)
    play.no("organiser", replace(change, outgoing=play.person("inspector-1")), "NOT_ON_ROSTER")
    play.must("organiser", change)
    play.must(play.alias(incoming), DeclarationMade(group, (), stage))


def _attendance(play: Play, session: Session) -> None:
    """As many come as are needed for every candidate, by their own keys or before witnesses."""
    stage, group = session
    members = _members(play, session)
    absent = play.some(members, 2) if play.chance(0.4) else []
    present = [one for one in members if one not in absent]
    play.no("inspector-1", AttendanceRecorded(group, stage), "NOT_ON_ROSTER")
    for alias in present:
        _arrive(play, session, alias)
    while (short := _short(play, session)) and absent:
        if group is None and play.chance(0.5):
            play.no("organiser", opening(play.world, *session), "DISCUSSION_MISSING", "NO_QUORUM")
        _arrive(play, session, absent.pop())
    assert not short or not absent
    if len(members) > needed(play, len(members)) + 1 and play.chance(0.1):
        play.must(present[0], AttendanceLeft(group, None, stage))
        if _short(play, session):
            _arrive(play, session, present[0])


def _arrive(play: Play, session: Session, alias: str) -> None:
    stage, group = session
    if play.chance(0.9):
        play.must(alias, AttendanceRecorded(group, stage))
        return
    body = AttendanceWitnessed(group, play.person(alias), "签到设备故障", stage)
    act = play.must("organiser", body)
    play.world.cosign(act, *SCRUTINEERS)
    play.no("organiser", body, "ALREADY_PRESENT")


def _short(play: Play, session: Session) -> bool:
    """Whether for some candidate too few of those entitled are there."""
    members = {play.person(alias) for alias in _members(play, session)}
    present = set(play.world.state.rounds.session(*session).present) & members
    for one in play.model.candidates(session):
        entitled = members - set(play.world.state.bodies.recused(*session).get(one, {}))
        if len(entitled & present) < needed(play, len(entitled)):
            return True
    return len(present) < needed(play, len(members))


def _scores(play: Play, stage: Stage, session: Session) -> None:
    world, group = play.world, session[1]
    attended = [
        one for one in _members(play, session) if play.person(one) in world.state.rounds.session(*session).attended
    ]
    recused = world.state.bodies.recused(*session)
    sheets = [
        (alias, one)
        for alias in attended
        for one in play.model.candidates(session)
        if play.person(alias) not in recused.get(one, {})
    ]
    for place, (alias, one) in enumerate(sheets):
        if place == len(sheets) - 1:
            play.no(
                "organiser", ScoringClosed(group, stage.id), "SCORING_INCOMPLETE", "NO_QUORUM", "QUORUM_LOST_BY_RECUSAL"
            )
        body = score(world, stage.id, group, play.alias(one), percent=play.rng.choice([50, 60, 70]))
        play.must(alias, body)
    alias, one = play.rng.choice(sheets)
    body = score(world, stage.id, group, play.alias(one), percent=60)
    play.no(alias, body, "ALREADY_SCORED")
    too_many = replace(body.points[0], hundredths=10**6)
    revised = ScoreRevised(one, body.evaluation, group, body.points, "计算有误", stage.id)
    play.no(alias, replace(revised, points=(too_many, *body.points[1:])), "SCORE_INVALID")
    play.no("organiser", opening(play.world, *session), "SCORING_OPEN")
    play.must("organiser", ScoringClosed(group, stage.id))
    if play.chance(0.15):
        play.must(alias, revised)
    play.check()
    comparing.same_scores(world.state, play.model, session)


def _leaders(play: Play) -> list[str]:
    return [play.alias(person) for person in sorted(play.model.deciders("deliberation"))]


def _beyond_leaders(play: Play, session: Session, tie: Tie) -> bool:
    """Whether the leaders are too few to give each of the tied another number of votes."""
    return tie.exhausted and len(tie.people) > len(_leaders(play)) and not _by_lot(play)


def _by_lot(play: Play) -> bool:
    return bool(play.model.readings["runoff_exhausted"] == "lot")


def _round(play: Play, stage: Stage, session: Session, *, runoff: bool = False) -> None:
    """Open what is due, vote by chance, close it."""
    world = play.world
    body = opening(world, *session)
    if play.chance(0.3):
        wrong: Any = play.rng.choice([{"seats": body.seats + 1}, {"list_hash": "0" * 64}, {"runoff": body.runoff + 1}])
        play.no("organiser", replace(body, **wrong), "LIST_NOT_DERIVED")
    play.must("organiser", body)
    play.no("organiser", body, "ROUND_EXISTS")
    played = world.state.rounds.by_id[body.round]
    present = [one for one in _members(play, session) if play.person(one) in played.session.present]
    spread = play.rng.random()
    for alias in play.rng.sample(present, len(present)):
        if play.chance(0.06) and _may_miss(play, session, present, alias):
            present.remove(alias)
            continue
        _vote(play, stage, played, alias, spread)
    if play.chance(0.25):
        _forbidden_vote(play, played, present)
    _close(play, played, present)


def _may_miss(play: Play, session: Session, voting: list[str], alias: str) -> bool:
    """Whether the quorum of ballots holds for every candidate without this member."""
    members = {play.person(one) for one in _members(play, session)}
    left = {play.person(one) for one in voting if one != alias}
    for one in play.model.candidates(session):
        entitled = members - set(play.world.state.bodies.recused(*session).get(one, {}))
        if len(entitled & left) < needed(play, len(entitled)):
            return False
    return True


def _vote(play: Play, stage: Stage, played: Round, alias: str, spread: float) -> None:
    """A ballot: the more `spread`, the less members agree; some vote with the crowd, so that ties are common."""
    recused = play.world.state.bodies.recused(played.stage, played.group)
    free = [play.alias(one) for one in played.candidates if play.person(alias) not in recused.get(one, {})]
    many = min(len(free), played.max_approvals)
    approve = play.rng.sample(free, play.rng.randint(0, many)) if play.chance(spread) else free[:many]
    rest = [one for one in free if one not in approve]
    against = play.some(rest)
    abstain = play.some([one for one in rest if one not in against])
    if not play.chance(0.08):
        play.must(alias, ballot(play.world, played.id, approve, against, abstain))
        return
    void = "赞成人数超过规定" if play.chance(0.3) else None
    body = paper_ballot(play.world, played.id, alias, approve, void)
    header = {"on_behalf_of": body.member, "claimed_at": play.world.now}
    act = play.must(TELLER, body, **header)
    play.no(TELLER, body, "ALREADY_PENDING", **header)
    play.no("organiser", closing(play.world, played.id), "PENDING_SUBMISSIONS")
    if play.chance(0.2):
        play.world.decline(act, SCRUTINEERS[1])
        play.must(alias, ballot(play.world, played.id, approve, against, abstain))
    else:
        play.world.cosign(act, SCRUTINEERS[0])


def _forbidden_vote(play: Play, played: Round, voters: list[str]) -> None:
    world, one = play.world, play.rng.choice(voters)
    good = ballot(world, played.id, [])
    tries: list[Callable[[], None]] = [
        lambda: play.no(one, good, "ALREADY_VOTED"),
        lambda: play.no("inspector-1", good, "NOT_ON_ROSTER"),
        lambda: play.no("organiser", good, "NOT_BALLOT_OWNER"),
        lambda: play.no(one, replace(good, list_hash="f" * 64), "WRONG_CONTEXT"),
        lambda: play.no(one, replace(good, round="no-such-round"), "WRONG_CONTEXT", "RULES_HASH_MISMATCH"),
        lambda: play.no("organiser", replace(closing(world, played.id), issued=99), "BALANCE_MISMATCH", "EARLY_CLOSE"),
        lambda: (
            play.no("organiser", certification(world, subject((played.stage, played.group))), "ROUND_NOT_CLOSED")
            if played.session.main is not played
            else None
        ),
        lambda: play.no(one, good, "NOT_BALLOT_OWNER", on_behalf_of=play.person("organiser")),
        lambda: play.no("organiser", BallotDisputed(0, "不是我投的"), "UNKNOWN_BALLOT"),
    ]
    play.rng.choice(tries)()


def _close(play: Play, played: Round, voted: list[str]) -> None:
    """Close before two scrutineers; some ballots are disowned, and decided on, before or after."""
    world = play.world
    everybody = {play.alias(one) for one in played.session.present} & set(_members(play, (played.stage, played.group)))
    body = closing(world, played.id)
    if everybody - set(voted):
        recused_for_all = world.now < played.closes_at
        assert recused_for_all
        if play.chance(0.5):
            for alias in sorted(everybody):
                _consent(play, played, alias)
        else:
            world.now = played.closes_at
    if play.chance(0.1):
        early = BallotsOpenedEarly("核对系统故障", played.id)
        play.must("organiser", early, "discipline")
    act = play.must("organiser", body)
    if voted and play.chance(0.2):
        play.no(voted[0], ballot(world, played.id, []), "ROUND_CLOSED")
    if play.chance(0.1):
        play.world.decline(act, SCRUTINEERS[0])
        _reopen(play, (played.stage, played.group), played)
        play.check()
        stage = world.state.charter.stage(played.stage)
        assert stage is not None
        _round(play, stage, (played.stage, played.group))
        return
    world.cosign(act, SCRUTINEERS[0])
    play.no(SCRUTINEERS[0], ActCountersigned(act.index, act.leaf.hex()), "SECOND_SIGNER_NEEDED")
    play.no("organiser", certification_or_any(play, played), "SCRUTINEER_MISSING", "TIE_UNRESOLVED")
    world.cosign(act, SCRUTINEERS[1])
    for cast in list(played.ballots.values()):
        if play.chance(0.03):
            _dispute(play, cast)


def certification_or_any(play: Play, played: Round) -> object:
    """A certification of the session, well formed even where nothing can be counted yet."""
    try:
        return certification(play.world, subject((played.stage, played.group)))
    except LookupError:
        return ResultCertified(1, "ranking@1", 0, "0" * 64, "0" * 64, subject((played.stage, played.group)), "AAAA", 1)


def _consent(play: Play, played: Round, alias: str) -> None:
    body = CloseConsented(played.id)
    recused = play.world.state.bodies.recused(played.stage, played.group)
    if all(play.person(alias) in recused.get(one, {}) for one in played.candidates):
        play.no(alias, body, "NOT_PRESENT")
        return
    play.must(alias, body)
    play.no(alias, body, "ALREADY_CONSENTED")


def _dispute(play: Play, cast: Cast) -> None:
    alias = play.alias(cast.member)
    play.no("organiser", BallotDisputed(cast.index, "不是本人所投"), "NOT_BALLOT_OWNER")
    play.must(alias, BallotDisputed(cast.index, "不是本人所投"))
    play.no(alias, BallotDisputed(cast.index, "再次提出"), "ALREADY_DISPUTED")
    if play.chance(0.5):
        play.must("organiser", BallotInvalidated(cast.index, "核实不是本人所投"), "discipline")
        play.no("organiser", BallotInvalidated(cast.index, "再次"), "BALLOT_INVALID")
        if play.chance(0.3):
            play.must("organiser", BallotReinstated(cast.index, "复核"), "discipline")
    else:
        play.must("organiser", BallotReinstated(cast.index, "核实为本人所投"), "discipline")
        play.no("organiser", BallotReinstated(cast.index, "再次"), "BALLOT_NOT_DISPUTED")


def _reopen(play: Play, session: Session, played: Round | None = None) -> None:
    """The vote of the whole list (or this round) is held again; the old ballots stay on record."""
    world = play.world
    main = world.state.rounds.session(*session).main
    again = played or main
    assert again is not None
    body = RoundReopened("程序有瑕疵，重新投票", again.id)
    play.must("organiser", body, "discipline")
    play.no("organiser", body, "ROUND_REOPENED")


def _settle(play: Play, session: Session, tie: Tie) -> None:
    """Run-offs are exhausted: the leaders by name, each place with other votes; or a lot over all of the last round."""
    world, model = play.world, play.model
    last = model.last_on(session, tie.people)
    assert last is not None
    played = last.id
    everybody = play.rng.sample(last.candidates, len(last.candidates))
    order = tuple(one for one in everybody if one in tie.people)
    early = TieResolved(order, "加投后仍并列", played)
    if world.state.bodies.drawn("lot", played) is None:
        play.no("organiser", early, "TIE_UNRESOLVED")
    if _by_lot(play):
        if world.state.bodies.drawn("lot", played) is None:
            play_draw(world, "lot", played, everybody)
        order = tuple(one for one in world.state.bodies.drawn("lot", played) or () if one in tie.people)
    else:
        if play.chance(0.2):
            _lead(play, played, order, lambda place, rank: True)
            play.no("organiser", early, "TIE_UNRESOLVED")
        _lead(play, played, order, lambda place, rank: place >= rank)
    play.no("organiser", TieResolved(tuple(reversed(order)), "加投后仍并列", played), "RESULT_NOT_DERIVED")
    play.must("organiser", TieResolved(order, "加投后仍并列", played))


def _lead(play: Play, played: str, order: Sequence[str], agrees: Callable[[int, int], bool]) -> None:
    """All leaders vote on a tie, each as `agrees` says of their number and the candidate's, and it is closed."""
    for place, alias in enumerate(_leaders(play)):
        voices = [Voice(agrees(place, rank), "经讨论", one) for rank, one in enumerate(order)]
        play.must(alias, DeliberationVoted(f"tie:{played}", tuple(voices)))
    minutes = play.world.digest(f"minutes/{played}/{play.world.nonces}")
    play.must("organiser", DeliberationClosed(f"tie:{played}", minutes))
    play.check()


def _leave_midway(play: Play, session: Session) -> None:
    """Between the vote and its certification somebody withdraws, or loses the qualification."""
    people = list(play.model.candidates(session))
    if len(people) < 3 or not play.chance(0.1):
        return
    leave(play, play.rng.choice(people))


def leave(play: Play, person: str) -> None:
    """A person withdraws by the own key, or falsehood is proven."""
    filed = play.world.state.applications.of_person(person)
    assert filed is not None
    if play.chance(0.5):
        play.must(play.alias(person), ApplicationWithdrawn(filed.application, "个人原因"))
    else:
        findings = play.world.digest(f"falsehood/{person}")
        play.must("organiser", QualificationEnded(person, findings, "业绩材料造假"), "discipline")
        again = QualificationEnded(person, play.world.digest("again"), "重复处理")
        play.no("organiser", again, "ALREADY_OUT")
    play.check()


def _certify(play: Play, session: Session) -> None:
    world = play.world
    good = certification(world, subject(session))
    if play.world.state.findings.open_breaches():
        play.no("organiser", good, "FINDING_OPEN")
        play.settle_breaches()
    wrong: Any = play.rng.choice([{"rows": 99}, {"rows_root": "0" * 64}, {"projection": "mine@1"}, {"rules": "0" * 64}])
    play.no("organiser", replace(certification(world, subject(session)), **wrong), "RESULT_NOT_DERIVED")
    play.no("organiser", StageClosed(session[0]), "RESULT_NOT_CERTIFIED")
    certify(world, subject(session))
    play.no("organiser", certification(world, subject(session)), "RESULT_CERTIFIED")
    play.check()


def public_vote(play: Play, stage: Stage) -> None:
    """五(四): every channel gives its totals, with many equal ones; they are certified."""
    world = play.world
    if not play.model.entering(stage.id):
        raise Exhausted
    play.must("organiser", StageOpened(stage.id))
    body = poll_opening(world, stage.id)
    play.no("organiser", replace(body, channels=("no-such-channel",)), "UNKNOWN_CHANNEL")
    play.no("organiser", replace(body, candidates=body.candidates[1:]), "LIST_NOT_DERIVED")
    poll = open_poll(world, stage.id)
    play.no("organiser", PollClosed(poll.id), "POLL_NOT_ELAPSED")
    first = poll.channels[0]
    play.no(operator_of(first), totals(world, poll.id, first), "POLL_NOT_CLOSED")
    if len(poll.candidates) > 2 and play.chance(0.15):
        leave(play, play.rng.choice(poll.candidates))
    world.now = poll.closes_at
    play.must("organiser", PollClosed(poll.id))
    play.no("organiser", StageClosed(stage.id), "PUBLIC_NOT_CERTIFIED")
    for channel in poll.channels:
        votes = {play.alias(one): play.rng.choice([10, 20, 20, 30]) for one in poll.candidates}
        wrong = totals(world, poll.id, channel, votes)
        play.no(operator_of(channel), replace(wrong, totals=(*wrong.totals, Total("nobody", 1))), "TOTALS_INVALID")
        import_totals(world, poll.id, channel, votes)
    play.check()
    if world.state.findings.open_breaches():
        play.no("organiser", certification(world, f"poll:{poll.id}"), "FINDING_OPEN")
        play.settle_breaches()
    certify(world, f"poll:{poll.id}")
    play.no(operator_of(first), totals(world, poll.id, first), "PUBLIC_CERTIFIED")
    play.must("organiser", StageClosed(stage.id))
    world.now += play.rng.randint(0, 20) * DAY
    play.check()
