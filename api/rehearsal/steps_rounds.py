"""The play of a session: attendance, scores, discussion, ballots, run-offs, close and certification.

Each function plays one thing that people do; `play_group_stage` and `play_panel_stage` play a stage from its opening to
its close. Works for any programme: bodies, seats and criteria are read from its value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from api.rehearsal.driver import World
from api.rehearsal.steps_bodies import groups_of, play_declarations, play_groups, play_members, play_rosters
from api.rehearsal.votes import ballots_for, clear_votes
from ledger.derivation import balance_of
from ledger.lists import candidates_of, groups_with_candidates
from ledger.outcome import Outcome
from ledger.procedure.programme import Programme, Stage
from ledger.procedure.reasons import Refusal
from ledger.results import poll_outcome, session_outcome
from ledger.round_plan import RoundPlan, due_round
from ledger.state.outcomes import POLL, subject_of
from ledger.state.rounds import Round
from ledger.statements import Act
from ledger.statements.bodies import RecusalMade
from ledger.statements.foundation import StageClosed, StageOpened
from ledger.statements.rounds import (
    AttendanceRecorded,
    BallotCast,
    DiscussionRecorded,
    PaperBallotEntered,
    Points,
    ResultCertified,
    RoundClosed,
    RoundOpened,
    ScoreGiven,
    ScoringClosed,
)

HOUR = 3_600_000
SCRUTINEERS = ("scrutineer-1", "scrutineer-2")
TELLER = "teller-1"
WATCHERS = ((SCRUTINEERS[0], "scrutineer"), (SCRUTINEERS[1], "scrutineer"), (TELLER, "teller"))


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What is to happen in one session; people are named by alias.

    `order`: candidates from best to last, for scores and for votes not stated (by default as listed). `approvals`:
    wanted approvals of the vote of the whole list, all or some of them. `runoffs`: the same for each run-off; one that
    is not stated goes by `order`. `recusals`: (member, candidate). `paper`: members whose ballots come on paper.
    `absent`: members who do not come.
    """

    order: Sequence[str] = ()
    approvals: Mapping[str, int] = field(default_factory=dict)
    runoffs: Sequence[Mapping[str, int]] = ()
    recusals: Sequence[tuple[str, str]] = ()
    paper: Sequence[str] = ()
    absent: Sequence[str] = ()


NO_PLAN = SessionPlan()


def programme_of(world: World, stage_id: str) -> tuple[Programme, Stage]:
    """Return the programme that governs a stage, and the stage."""
    programme = world.state.charter.version_for(stage_id).programme
    stage = programme.stage(stage_id)
    if stage is None:
        raise LookupError(stage_id)
    return programme, stage


def play_watchers(world: World) -> None:
    """Enrol two scrutineers and a teller, each of a unit of their own; best before any stage opens."""
    for alias, role in WATCHERS:
        if world.person(alias) not in world.state.roll.people:
            world.enrol(alias, role, unit=f"unit-{alias}")


def play_group_stage(world: World, stage_id: str, plan: Mapping[str, SessionPlan] | None = None) -> None:
    """Play a stage of groups from its opening to its close; `plan` by group."""
    plans = plan or {}
    play_people(world, stage_id)
    world.must("organiser", StageOpened(stage_id))
    play_groups(world, stage_id)
    for group in groups_with_candidates(world.state, programme_of(world, stage_id)[1]):
        play_session(world, stage_id, group, plans.get(group or "", NO_PLAN))
    world.must("organiser", StageClosed(stage_id))


def play_panel_stage(world: World, stage_id: str, plan: SessionPlan = NO_PLAN) -> None:
    """Play a stage of the panel from its opening to its close."""
    play_people(world, stage_id)
    world.must("organiser", StageOpened(stage_id))
    play_session(world, stage_id, None, plan)
    world.must("organiser", StageClosed(stage_id))


def play_people(world: World, stage_id: str) -> None:
    """Enrol whoever is missing for a stage, and set its rosters where they are not set."""
    _, stage = programme_of(world, stage_id)
    play_watchers(world)
    play_members(world, [stage_id])
    if stage.body and all(world.state.bodies.roster(stage_id, group) is None for group in groups_of(stage)):
        play_rosters(world, stage_id)


def play_session(world: World, stage_id: str, group: str | None, plan: SessionPlan = NO_PLAN) -> None:
    """Play one body or group, from attendance to the certified result."""
    play_sitting(world, stage_id, group, plan)
    play_round(world, stage_id, group, plan)
    for wanted in [*plan.runoffs, *[{}] * 9]:
        if isinstance(due_round(world.state, programme_of(world, stage_id)[1], group), Refusal):
            break
        play_round(world, stage_id, group, plan, wanted)
    certify(world, world.state.rounds.session(stage_id, group).subject)


def play_sitting(world: World, stage_id: str, group: str | None, plan: SessionPlan = NO_PLAN) -> None:
    """Play what comes before a ballot: declarations, recusals, attendance, scores, discussion."""
    _, stage = programme_of(world, stage_id)
    present = [one for one in members(world, stage_id, group) if one not in plan.absent]
    play_declarations(world, stage_id, group)
    for member, candidate in plan.recusals:
        world.must(member, RecusalMade(world.person(candidate), group, "与该人选有师徒关系", stage_id))
    for member in present:
        world.must(member, AttendanceRecorded(group, stage_id))
    if stage.scored:
        play_scores(world, stage_id, group, plan)
        world.must("organiser", ScoringClosed(group, stage_id))
    world.must("organiser", discussion(world, stage_id, group))


def members(world: World, stage_id: str, group: str | None) -> tuple[str, ...]:
    """Return the aliases of the members of a session, in the order of the roster."""
    roster = world.state.bodies.roster(stage_id, group)
    return tuple(world.alias_of(person) for person in roster.members) if roster else ()


def candidates(world: World, stage_id: str, group: str | None, plan: SessionPlan = NO_PLAN) -> tuple[str, ...]:
    """Return the aliases of a session's candidates, from best to last as the plan has it, the others by alias."""
    people = candidates_of(world.state, programme_of(world, stage_id)[1], group)
    listed = sorted(world.alias_of(person) for person in people)
    first = [alias for alias in plan.order if alias in listed]
    return (*first, *[alias for alias in listed if alias not in first])


def discussion(world: World, stage_id: str, group: str | None) -> DiscussionRecorded:
    """Return the record of a discussion of everybody on the list by everybody present."""
    present = tuple(sorted(world.state.rounds.session(stage_id, group).present))
    people = candidates_of(world.state, programme_of(world, stage_id)[1], group)
    return DiscussionRecorded(present, people, group, world.digest(f"discussion/{stage_id}/{group}"), stage_id)


def play_scores(world: World, stage_id: str, group: str | None, plan: SessionPlan = NO_PLAN) -> None:
    """Let everybody present score everybody they are not recused for: the better the place in the plan, the more."""
    present = [one for one in members(world, stage_id, group) if one not in plan.absent]
    recused = world.state.bodies.recused(stage_id, group)
    for place, candidate in enumerate(candidates(world, stage_id, group, plan)):
        for number, member in enumerate(present):
            if world.person(member) not in recused.get(world.person(candidate), {}):
                world.must(member, score(world, stage_id, group, candidate, percent=max(95 - place, 40), add=number))


def score(world: World, stage_id: str, group: str | None, candidate: str, *, percent: int, add: int = 0) -> ScoreGiven:
    """Return a sheet that gives `percent` of the most points in each criterion, less `add` hundredths of a point."""
    _, stage = programme_of(world, stage_id)
    points = tuple(Points(item.most_hundredths * percent // 100 - add, item.id) for item in stage.score_items)
    evaluation = world.digest(f"evaluation/{stage_id}/{candidate}/{add}")
    return ScoreGiven(world.person(candidate), evaluation, group, points, stage_id)


def play_round(
    world: World,
    stage_id: str,
    group: str | None,
    plan: SessionPlan = NO_PLAN,
    wanted: Mapping[str, int] | None = None,
) -> Round:
    """Open the round that is due, let everybody present vote, and close it before two scrutineers.

    `wanted` are the approvals of this round; by default those that the plan has for the vote of the whole list.
    """
    played = open_round(world, stage_id, group)
    choices = choices_of(world, played, plan, plan.approvals if wanted is None else wanted)
    for member, approve in choices.items():
        if member in plan.paper:
            enter_on_paper(world, played.id, member, approve)
        else:
            world.must(member, ballot(world, played.id, approve))
    close_round(world, played.id)
    return played


def choices_of(world: World, played: Round, plan: SessionPlan, wanted: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """Return whom each member present approves of in a round, by alias."""
    listed = [world.alias_of(person) for person in played.candidates]
    order = [*[one for one in plan.order if one in listed], *sorted(one for one in listed if one not in plan.order)]
    present = [one for one in members(world, played.stage, played.group) if world.person(one) in played.session.present]
    votes = clear_votes(order, len(present), played.seats) | dict(wanted)
    votes = {candidate: votes[candidate] for candidate in order}
    recused = {
        world.alias_of(candidate): {world.alias_of(member) for member in standing_back}
        for candidate, standing_back in world.state.bodies.recused(played.stage, played.group).items()
        if world.alias_of(candidate) in listed
    }
    for candidate, standing_back in recused.items():
        votes[candidate] = min(votes[candidate], len(set(present) - standing_back))
    return ballots_for(votes, present, played.max_approvals, recused)


def plan_of(world: World, stage_id: str, group: str | None) -> RoundPlan:
    """Return the round that is due; raises `LookupError` where none is."""
    due = due_round(world.state, programme_of(world, stage_id)[1], group)
    if isinstance(due, Refusal):
        raise LookupError(due.code)
    return due


def opening(world: World, stage_id: str, group: str | None, **changes: object) -> RoundOpened:
    """Return the opening of the round that is due, four hours long."""
    due = plan_of(world, stage_id, group)
    round_id = world.identifier(f"round/{stage_id}/{group}/{due.runoff}/{due.attempt}")
    values: dict[str, object] = {
        "attempt": due.attempt,
        "candidates": due.candidates,
        "closes_at": world.now + 4 * HOUR,
        "group": group,
        "list_hash": due.list_hash(round_id),
        "max_approvals": due.max_approvals,
        "round": round_id,
        "runoff": due.runoff,
        "seats": due.seats,
        "stage": stage_id,
    }
    return RoundOpened(**(values | changes))  # type: ignore[arg-type]


def open_round(world: World, stage_id: str, group: str | None) -> Round:
    """Open the round that is due."""
    act = world.must("organiser", opening(world, stage_id, group))
    return world.state.rounds.by_id[act.body.round]


def ballot(
    world: World, round_id: str, approve: Sequence[str], against: Sequence[str] = (), abstain: Sequence[str] = ()
) -> BallotCast:
    """Return a ballot by the aliases it names."""
    played = world.state.rounds.by_id[round_id]
    named = [tuple(world.person(alias) for alias in words) for words in (abstain, against, approve)]
    return BallotCast(named[0], named[1], named[2], played.list_hash, round_id)


def paper_ballot(
    world: World, round_id: str, member: str, approve: Sequence[str], void: str | None = None
) -> PaperBallotEntered:
    """Return a member's paper ballot as a teller enters it."""
    played = world.state.rounds.by_id[round_id]
    people = tuple(world.person(alias) for alias in approve)
    scan = world.digest(f"scan/{round_id}/{member}")
    return PaperBallotEntered((), (), people, played.list_hash, world.person(member), round_id, scan, void)


def enter_on_paper(world: World, round_id: str, member: str, approve: Sequence[str], void: str | None = None) -> Act:
    """Let the teller enter a paper ballot and a scrutineer countersign it; returns the ballot's entry."""
    body = paper_ballot(world, round_id, member, approve, void)
    act = world.must(TELLER, body, on_behalf_of=body.member, claimed_at=world.now)
    world.cosign(act, SCRUTINEERS[0])
    return act


def closing(world: World, round_id: str, **changes: int) -> RoundClosed:
    """Return the close of a round with the balance of ballots on record."""
    held = balance_of(world.state.rounds.by_id[round_id])
    values: dict[str, int] = {
        "issued": held.issued,
        "returned": held.returned,
        "unreturned": held.unreturned,
        "void": held.void,
    }
    return RoundClosed(round=round_id, **(values | changes))


def close_round(world: World, round_id: str) -> Act:
    """Close a round; two scrutineers countersign. Returns the entry of the close."""
    act = world.must("organiser", closing(world, round_id))
    world.cosign(act, *SCRUTINEERS)
    return act


def outcome_of(world: World, subject: str) -> Outcome:
    """Return a result as it is derived now; raises `LookupError` where there is nothing to count."""
    kind, name, group = subject_of(subject)
    if kind == POLL:
        return poll_outcome(world.state, world.state.polls.by_id[name])
    found = session_outcome(world.state, world.state.rounds.session(name, group))
    if found is None:
        raise LookupError(subject)
    return found


def certification(world: World, subject: str, **changes: object) -> ResultCertified:
    """Return the certification of a result as of the newest checkpoint."""
    kind, name, _ = subject_of(subject)
    derived, seen = outcome_of(world, subject), world.ledger.seen()
    stage_id = world.state.polls.by_id[name].stage if kind == POLL else name
    if seen is None:
        raise LookupError("no checkpoint")
    values: dict[str, object] = {
        "as_of": seen.size,
        "projection": derived.projection,
        "rows": len(derived.rows),
        "rows_root": derived.rows_root,
        "rules": world.state.charter.version_for(stage_id).hash,
        "subject": subject,
        "tree_root": seen.root,
        "tree_size": seen.size,
    }
    return ResultCertified(**(values | changes))  # type: ignore[arg-type]


def certify(world: World, subject: str) -> Act:
    """Certify a result by the organiser."""
    return world.must("organiser", certification(world, subject))
