"""五, 五(三): attendance, discussion, recusals, named ballots, closing, run-offs and their end."""

from dataclasses import replace

from api.rehearsal.driver import World
from api.rehearsal.steps_rounds import (
    SCRUTINEERS,
    SessionPlan,
    ballot,
    certification,
    certify,
    choices_of,
    close_round,
    closing,
    discussion,
    enter_on_paper,
    members,
    open_round,
    opening,
    paper_ballot,
    play_round,
)
from ledger.lists import entering
from ledger.round_plan import exhausted_tie
from ledger.state.rounds import Round
from ledger.statements.bodies import (
    DeclarationMade,
    RecusalImposed,
    RecusalMade,
)
from ledger.statements.deliberation import DeliberationClosed, DeliberationVoted, Voice
from ledger.statements.foundation import ActCountersigned, StageClosed
from ledger.statements.rounds import (
    AttendanceLeft,
    AttendanceRecorded,
    AttendanceWitnessed,
    BallotDisputed,
    BallotInvalidated,
    BallotReinstated,
    BallotsOpenedEarly,
    CloseConsented,
    RoundReopened,
    TieResolved,
)
from tests.clauses.founding import SPONSORS
from tests.clauses.row import Forbidden, Row
from tests.voting import PANEL

STAGE = "shortlist"
ONE, TWO = PANEL[0], PANEL[1]


def current(world: World) -> Round:
    return next(one for one in reversed(world.state.rounds.by_id.values()) if one.closed is None)


def vote(world: World, alias: str) -> None:
    played = current(world)
    world.must(alias, ballot(world, played.id, choices_of(world, played, SessionPlan(), {})[alias]))


def all_vote(world: World, *without: str) -> Round:
    played = current(world)
    for alias, approve in choices_of(world, played, SessionPlan(), {}).items():
        if alias not in without:
            world.must(alias, ballot(world, played.id, approve))
    return played


def recused_member(world: World) -> Forbidden:
    played = current(world)
    one = played.candidates[0]
    world.must(TWO, RecusalMade(one, None, "师徒关系", played.stage))
    return Forbidden(TWO, ballot(world, played.id, [world.alias_of(one)]))


def overvote(world: World) -> Forbidden:
    played = current(world)
    everybody = [world.alias_of(one) for one in played.candidates]
    return Forbidden(TWO, ballot(world, played.id, everybody))


def second_ballot(world: World) -> Forbidden:
    vote(world, TWO)
    return Forbidden(TWO, ballot(world, current(world).id, []))


def on_paper(world: World) -> None:
    enter_on_paper(world, current(world).id, ONE, [])


def paper_overvote(world: World) -> Forbidden:
    played = current(world)
    everybody = [world.alias_of(one) for one in played.candidates]
    body = paper_ballot(world, played.id, TWO, everybody)
    return Forbidden("teller-1", body, {"on_behalf_of": body.member, "claimed_at": world.now})


def for_an_absent_member(world: World) -> Forbidden:
    return Forbidden("organiser", ballot(world, current(world).id, []), {"on_behalf_of": world.person(TWO)})


def undeclared(world: World) -> Forbidden:
    """One member came without declaring."""
    for alias in members(world, STAGE, None):
        if alias != TWO:
            world.must(alias, DeclarationMade(None, (), STAGE))
    for alias in members(world, STAGE, None):
        world.must(alias, AttendanceRecorded(None, STAGE))
    world.must("organiser", discussion(world, STAGE, None))
    open_round(world, STAGE, None)
    return Forbidden(TWO, ballot(world, current(world).id, []))


def too_few(world: World) -> Forbidden:
    for alias in PANEL[:5]:
        world.must(alias, DeclarationMade(None, (), STAGE))
        world.must(alias, AttendanceRecorded(None, STAGE))
    present = discussion(world, STAGE, None)
    return Forbidden("organiser", present)


def come(world: World) -> None:
    for alias in PANEL[:6]:
        world.must(alias, DeclarationMade(None, (), STAGE))
        world.must(alias, AttendanceRecorded(None, STAGE))
    world.must("organiser", discussion(world, STAGE, None))


def witnessed(world: World) -> None:
    body = AttendanceWitnessed(None, world.person(ONE), "签到设备故障", STAGE)
    world.cosign(world.must("organiser", body), *SCRUTINEERS)


def witness_twice(world: World) -> Forbidden:
    body = AttendanceWitnessed(None, world.person(TWO), "签到设备故障", STAGE)
    act = world.must("organiser", body)
    world.cosign(act, SCRUTINEERS[0])
    return Forbidden(SCRUTINEERS[0], ActCountersigned(act.index, act.leaf.hex()))


def close(world: World) -> None:
    close_round(world, all_vote(world).id)


def close_early(world: World) -> Forbidden:
    played = all_vote(world, TWO)
    return Forbidden("organiser", closing(world, played.id))


def wrong_balance(world: World) -> Forbidden:
    played = all_vote(world)
    return Forbidden("organiser", closing(world, played.id, void=1))


def one_scrutineer(world: World) -> Forbidden:
    played = all_vote(world)
    act = world.must("organiser", closing(world, played.id))
    world.cosign(act, SCRUTINEERS[0])
    return Forbidden(SCRUTINEERS[0], ActCountersigned(act.index, act.leaf.hex()))


def consented(world: World) -> None:
    played = all_vote(world, TWO)
    for alias in PANEL:
        world.must(alias, CloseConsented(played.id))
    close_round(world, played.id)


def reopened(world: World) -> None:
    played = all_vote(world)
    close_round(world, played.id)
    world.cosign(world.must("organiser", RoundReopened("点票程序有瑕疵", played.id)), "discipline")
    play_round(world, played.stage, None)


def reopened_after_result(world: World) -> Forbidden:
    played = all_vote(world)
    close_round(world, played.id)
    certify(world, f"stage:{played.stage}")
    return Forbidden("organiser", RoundReopened("结果不理想", played.id))


def opened_early(world: World) -> None:
    vote(world, ONE)
    world.cosign(world.must("organiser", BallotsOpenedEarly("设备故障核对", current(world).id)), "discipline")


def opened_when_closed(world: World) -> Forbidden:
    played = all_vote(world)
    close_round(world, played.id)
    return Forbidden("organiser", BallotsOpenedEarly("提前查看", played.id))


def disowned(world: World) -> None:
    vote(world, ONE)
    cast = current(world).ballots[world.person(ONE)]
    world.must(ONE, BallotDisputed(cast.index, "不是本人所投"))
    world.cosign(world.must("organiser", BallotInvalidated(cast.index, "核实不是本人所投")), "discipline")
    world.cosign(world.must("organiser", BallotReinstated(cast.index, "复核为本人所投")), "discipline")


def invalidated_undisputed(world: World) -> Forbidden:
    vote(world, TWO)
    cast = current(world).ballots[world.person(TWO)]
    return Forbidden("organiser", BallotInvalidated(cast.index, "看着不对"))


def certified(world: World) -> None:
    close(world)
    certify(world, f"stage:{STAGE}")
    world.must("organiser", StageClosed(STAGE))


def typed_result(world: World) -> Forbidden:
    close(world)
    return Forbidden("organiser", certification(world, f"stage:{STAGE}", rows_root=world.digest("my list")))


def undiscussed(world: World) -> Forbidden:
    for alias in PANEL:
        world.must(alias, DeclarationMade(None, (), STAGE))
        world.must(alias, AttendanceRecorded(None, STAGE))
    return Forbidden("organiser", opening(world, STAGE, None))


def thirteen(world: World) -> Forbidden:
    body = opening(world, STAGE, None)
    return Forbidden("organiser", replace(body, seats=13))


def fourteen(world: World) -> None:
    assert open_round(world, STAGE, None).seats == 14


def tied_runoff(world: World) -> None:
    """Two equal across the cut: a run-off among them, and the better one is taken."""
    tie_votes(world)
    play_round(world, STAGE, None, SessionPlan(), {})
    certify(world, f"stage:{STAGE}")


def tie_votes(world: World) -> None:
    """Give all panel members the same first thirteen, and split the fourteenth place evenly between two."""
    played = open_round(world, STAGE, None)
    listed = [world.alias_of(one) for one in played.candidates]
    for place, alias in enumerate(PANEL):
        last = listed[13 + place % 2 : 14 + place % 2] if place < 8 else []
        world.must(alias, ballot(world, played.id, [*listed[:13], *last]))
    close_round(world, played.id)


def uncertain(world: World) -> Forbidden:
    tie_votes(world)
    return Forbidden("organiser", certification(world, f"stage:{STAGE}"))


def exhaust(world: World) -> Round:
    """Two run-offs that tie again."""
    tie_votes(world)
    for _ in range(2):
        played = open_round(world, STAGE, None)
        listed = [world.alias_of(one) for one in played.candidates]
        for place, alias in enumerate(PANEL[:8]):
            world.must(alias, ballot(world, played.id, [listed[place % 2]]))
        world.must(PANEL[8], ballot(world, played.id, []))
        close_round(world, played.id)
    tie = exhausted_tie(world.state, world.state.rounds.session(STAGE, None))
    assert tie is not None
    return world.state.rounds.by_id[tie.round]


def leaders(world: World) -> tuple[str, ...]:
    aliases = tuple(f"leader-{number:02d}" for number in range(1, 11))
    for place, alias in enumerate(aliases):
        world.enrol(alias, "leader", unit=SPONSORS[place % 5].removeprefix("sponsor-"))
    return aliases


def leaders_decide(world: World) -> None:
    deciding = leaders(world)
    played = exhaust(world)
    first, second = played.candidates
    matter = f"tie:{played.id}"
    for alias in deciding:
        voices = (Voice(True, "一线业绩更突出", first), Voice(False, "一线业绩稍逊", second))
        world.must(alias, DeliberationVoted(matter, voices))
    world.must("organiser", DeliberationClosed(matter, world.digest("minutes")))
    world.must("organiser", TieResolved((first, second), "经领导小组记名表决", played.id))


def organiser_decides(world: World) -> Forbidden:
    played = exhaust(world)
    return Forbidden("organiser", TieResolved(tuple(reversed(played.candidates)), "经研究决定", played.id))


def listed_first(world: World) -> str:
    stage = world.state.charter.stage(STAGE)
    return entering(world.state, stage)[0] if stage else ""


def imposed(world: World, alias: str) -> RecusalImposed:
    return RecusalImposed(listed_first(world), None, world.person(alias), world.digest("notice"), "同一单位", STAGE)


def imposed_too_late(world: World) -> Forbidden:
    open_round(world, STAGE, None)
    return Forbidden("organiser", imposed(world, TWO))


SESSIONS = (
    Row("五(三)", "The body discusses first, with a quorum.", "shortlist opened", come, too_few, "NO_QUORUM"),
    Row(
        "五(三)",
        "A ballot opens only after the recorded discussion.",
        "shortlist opened",
        lambda world: world.must(ONE, AttendanceRecorded(None, STAGE)),
        undiscussed,
        "DISCUSSION_MISSING",
    ),
    Row(
        "五",
        "Members are present by their own keys.",
        "shortlist opened",
        lambda world: world.must(ONE, AttendanceRecorded(None, STAGE)),
        lambda world: Forbidden("teller-1", AttendanceRecorded(None, STAGE)),
        "NOT_ON_ROSTER",
    ),
    Row(
        "五",
        "Or are recorded as present by staff before two witnesses.",
        "shortlist opened",
        witnessed,
        witness_twice,
        "SECOND_SIGNER_NEEDED",
    ),
    Row(
        "五",
        "Who leaves is recorded.",
        "shortlist sitting",
        lambda world: world.must(ONE, AttendanceLeft(None, None, STAGE)),
        lambda world: Forbidden(TWO, AttendanceLeft(None, world.person(PANEL[2]), STAGE)),
        "NOT_AUTHORISED",
    ),
    Row(
        "五(三)",
        "The shortlist exceeds the seats by a third: 14 of 10.",
        "shortlist sitting",
        fourteen,
        thirteen,
        "LIST_NOT_DERIVED",
    ),
)
BALLOTS = (
    Row(
        "五",
        "A named ballot by the member's own key.",
        "shortlist voting",
        lambda world: vote(world, ONE),
        for_an_absent_member,
        "NOT_BALLOT_OWNER",
    ),
    Row("五", "Once.", "shortlist voting", lambda world: vote(world, ONE), second_ballot, "ALREADY_VOTED"),
    Row(
        "五",
        "With at most as many approvals as seats.",
        "shortlist voting",
        lambda world: vote(world, ONE),
        overvote,
        "OVERVOTE",
    ),
    Row(
        "五",
        "Paper ballots by teller and scrutineer; too many approvals make one void.",
        "shortlist voting",
        on_paper,
        paper_overvote,
        "OVERVOTE",
    ),
    Row("五", "A round closes when all present have voted.", "shortlist voting", close, close_early, "EARLY_CLOSE"),
    Row(
        "五",
        "Or all present consent.",
        "shortlist voting",
        consented,
        lambda world: Forbidden("teller-1", CloseConsented(current(world).id)),
        "NOT_PRESENT",
    ),
    Row("五", "With a balance that comes out.", "shortlist voting", close, wrong_balance, "BALANCE_MISMATCH"),
    Row("五", "And two scrutineers' signatures.", "shortlist voting", close, one_scrutineer, "SECOND_SIGNER_NEEDED"),
    Row(
        "五",
        "A refused close reopens by a statement of two; a certified result does not.",
        "shortlist voting",
        reopened,
        reopened_after_result,
        "RESULT_CERTIFIED",
    ),
    Row(
        "五",
        "Choices are readable before the close only on the record, by two.",
        "shortlist voting",
        opened_early,
        opened_when_closed,
        "ROUND_CLOSED",
    ),
    Row(
        "七(三)",
        "A member disowns the own ballot; only then may it be invalidated, and reinstated.",
        "shortlist voting",
        disowned,
        invalidated_undisputed,
        "BALLOT_NOT_DISPUTED",
    ),
    Row("五", "Nobody types a result.", "shortlist voting", certified, typed_result, "RESULT_NOT_DERIVED"),
    Row(
        "五(三)",
        "Equals at the cut of the shortlist go to a run-off.",
        "shortlist sitting",
        tied_runoff,
        uncertain,
        "TIE_UNRESOLVED",
    ),
    Row(
        "五",
        "After two run-offs the leadership group decides by name, with reasons.",
        "shortlist sitting",
        leaders_decide,
        organiser_decides,
        "TIE_UNRESOLVED",
    ),
)
RECUSALS = (
    Row(
        "七(三)",
        "A member stands back from a candidate of the list.",
        "shortlist sitting",
        lambda world: world.must(ONE, RecusalMade(listed_first(world), None, "师徒关系", STAGE)),
        lambda world: Forbidden(TWO, RecusalMade(world.person("organiser"), None, "师徒关系", STAGE)),
        "UNKNOWN_CANDIDATE",
    ),
    Row(
        "七(三)",
        "Members declare their relations before they vote.",
        "shortlist opened",
        lambda world: world.must(ONE, DeclarationMade(None, (), STAGE)),
        undeclared,
        "NO_DECLARATION",
    ),
    Row(
        "七(三)",
        "Nobody votes where recused.",
        "shortlist voting",
        lambda world: vote(world, ONE),
        recused_member,
        "RECUSED",
    ),
    Row(
        "七(三)",
        "The organiser recuses a member only before the round, with reason and notice.",
        "shortlist sitting",
        lambda world: world.must("organiser", imposed(world, ONE)),
        imposed_too_late,
        "ROSTER_FROZEN",
        after=True,
    ),
)
ROWS = (*SESSIONS, *BALLOTS, *RECUSALS)
