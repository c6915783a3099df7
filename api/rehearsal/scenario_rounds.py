"""The contested play: groups with a recusal and a paper ballot, the shortlist, the public vote and its tie."""

from api.rehearsal.beats import Beat, Tell
from api.rehearsal.driver import World
from api.rehearsal.steps_bodies import play_groups
from api.rehearsal.steps_polls import play_public_vote
from api.rehearsal.steps_rounds import (
    SessionPlan,
    ballot,
    candidates,
    certification,
    certify,
    choices_of,
    close_round,
    enter_on_paper,
    members,
    open_round,
    play_panel_stage,
    play_round,
    play_session,
    play_sitting,
)
from ledger.lists import entering, groups_with_candidates
from ledger.procedure.programme import Stage
from ledger.procedure.reasons import Refusal
from ledger.round_plan import due_round
from ledger.state.rounds import Round, Session
from ledger.statements.foundation import StageClosed, StageOpened

FINAL_APPROVALS = (12, 12, 11, 11, 10, 10, 9, 9, 9, 8, 8, 7, 5, 3)
"""What the panel of thirteen gives in the final vote, from first to last: tenth and eleventh get the same."""
SHORTLIST_APPROVALS = (13, 13, 13, 12, 12, 12, 12, 11, 11, 11, 10, 10, 9, 8, 6, 5, 4, 3, 2, 1)
"""What it gives in its first vote: one member more or less does not move the cut after the fourteenth."""
PUBLIC_LEAST, PUBLIC_SPREAD = 800, 3_600


def opinion(world: World, stage: str, aliases: tuple[str, ...]) -> tuple[str, ...]:
    """Return these candidates as a body thinks of them: by a merit that all see, and a little of its own."""

    def merit(alias: str) -> int:
        seen, own = (world.digest(label)[:8] for label in (f"merit/{alias}", f"merit/{stage}/{alias}"))
        return int(seen, 16) % 1000 + int(own, 16) % 150

    return tuple(sorted(aliases, key=lambda alias: (-merit(alias), alias)))


def play_groups_stage(world: World, stage: Stage, contested: bool, tell: Tell) -> None:
    """Play a stage of groups, the first of them with a recusal, a paper ballot and three refusals if `contested`."""
    world.must("organiser", StageOpened(stage.id))
    play_groups(world, stage.id)
    certified = world.state.bodies.table_certified(stage.id)
    seats = {group.id: world.state.bodies.seats(stage.id, group.id) or 0 for group in stage.groups}
    told = ", ".join(f"{group.name} {seats[group.id]}" for group in stage.groups)
    tell(Beat(stage.id, "seats", (certified or 0,), {"table": told, "total": sum(seats.values())}))
    for place, group in enumerate(groups_with_candidates(world.state, stage)):
        plan = SessionPlan(order=opinion(world, stage.id, candidates(world, stage.id, group)))
        if contested and place == 0:
            _contested(world, stage, group, plan, tell)
        else:
            play_session(world, stage.id, group, plan)
        tell_result(world, stage, group, tell)
    world.must("organiser", StageClosed(stage.id))


def _contested(world: World, stage: Stage, group: str | None, plan: SessionPlan, tell: Tell) -> None:
    recused, on_paper, eager = members(world, stage.id, group)[:3]
    pupil = plan.order[1]
    plan = SessionPlan(order=plan.order, recusals=((recused, pupil),), paper=(on_paper,))
    play_sitting(world, stage.id, group, plan)
    played = open_round(world, stage.id, group)
    entry = world.state.bodies.recused(stage.id, group)[world.person(pupil)][world.person(recused)]
    facts = {"who": world.person(recused), "candidate": world.person(pupil)}
    tell(Beat(stage.id, "recusal", (entry,), facts))
    _try(world, stage.id, recused, ballot(world, played.id, (pupil,)), tell)
    for member, approve in choices_of(world, played, plan, plan.approvals).items():
        if member == on_paper:
            act = enter_on_paper(world, played.id, member, approve)
            tell(Beat(stage.id, "paper-ballot", (act.index, act.index + 1), {"who": world.person(member)}))
        else:
            world.must(member, ballot(world, played.id, approve))
        if member == eager:
            _try(world, stage.id, eager, ballot(world, played.id, approve[:1]), tell)
    close_round(world, played.id)
    _run_offs(world, stage, group, plan)
    subject = world.state.rounds.session(stage.id, group).subject
    _try(world, stage.id, "organiser", certification(world, subject, rows_root=world.digest("another result")), tell)
    certify(world, subject)


def _run_offs(world: World, stage: Stage, group: str | None, plan: SessionPlan) -> None:
    while not isinstance(due_round(world.state, stage, group), Refusal):
        play_round(world, stage.id, group, plan, {})


def _try(world: World, stage: str, alias: str, body: object, tell: Tell) -> None:
    """Somebody tries what the rules refuse."""
    refusal = world.refused(alias, body)
    tell(Beat(stage, refusal.code, (), {"who": world.person(alias), "clause": refusal.clause}, refused=True))


def play_shortlist(world: World, stage: Stage, tell: Tell) -> None:
    """Play the panel's first vote."""
    order = opinion(world, stage.id, _entering(world, stage))
    approvals = dict(zip(order, SHORTLIST_APPROVALS, strict=False))
    play_panel_stage(world, stage.id, SessionPlan(order=order, approvals=approvals))
    tell_result(world, stage, None, tell)


def play_public(world: World, stage: Stage, tell: Tell) -> None:
    """Play the public vote: no two totals are the same."""
    votes: dict[str, int] = {}
    for alias in _entering(world, stage):
        drawn = PUBLIC_LEAST + int(world.digest(f"public/{alias}")[:8], 16) % PUBLIC_SPREAD
        while drawn in votes.values():
            drawn += 1
        votes[alias] = drawn
    play_public_vote(world, stage.id, votes)
    poll = world.state.polls.of_stage(stage.id)
    if poll is not None and poll.outcome is not None:
        entries = (poll.opened, *(counted.index for counted in poll.totals.values()), poll.outcome.index)
        tell(Beat(stage.id, "public-vote", entries, {"votes": sum(votes.values()), "channels": len(poll.channels)}))


def play_final(world: World, stage: Stage, tell: Tell) -> None:
    """Play the panel's last vote, in which the places on both sides of the cut have equal approvals."""
    order = opinion(world, stage.id, _entering(world, stage))
    plan = SessionPlan(order=order, approvals=dict(zip(order, FINAL_APPROVALS, strict=False)))
    play_panel_stage(world, stage.id, plan)
    tell_result(world, stage, None, tell)
    final = world.state.rounds.final
    if final is None:
        return
    session = world.state.rounds.session(stage.id, None)
    tell(Beat(stage.id, "tie-broken", _tie_entries(world, session), _tie_facts(world, session)))
    tell(Beat(stage.id, "alternates", (final.index,), {"alternates": final.alternates}))


def _tie_facts(world: World, session: Session) -> dict[str, str | int | tuple[str, ...]]:
    final, outcome = world.state.rounds.final, session.outcome
    if final is None or outcome is None:
        return {}
    last, first_out = final.nominees[-1], final.alternates[0]
    rows = {row["candidate"]: row for row in outcome.rows}
    votes = [next(int(key["value"].split("/")[0]) for key in rows[one]["keys"]) for one in (last, first_out)]
    return {
        "who": last,
        "other": first_out,
        "approvals": rows[last]["approve"],
        "votes": votes[0],
        "other_votes": votes[1],
        "place": len(final.nominees),
    }


def _tie_entries(world: World, session: Session) -> tuple[int, ...]:
    polls = [poll.outcome.index for poll in world.state.polls.by_id.values() if poll.outcome is not None]
    closes = [played.closed for played in session.rounds if played.closed is not None]
    return (*polls, *closes, *([session.outcome.index] if session.outcome else ()))


def _entering(world: World, stage: Stage) -> tuple[str, ...]:
    return tuple(world.alias_of(person) for person in entering(world.state, stage))


def tell_result(world: World, stage: Stage, group: str | None, tell: Tell) -> None:
    """Tell what a session came to."""
    session = world.state.rounds.session(stage.id, group)
    outcome = session.outcome
    if outcome is None:
        return
    facts: dict[str, str | int | tuple[str, ...]] = {
        "group": next((one.name for one in stage.groups if one.id == group), stage.title),
        "candidates": len(outcome.taken) + len(outcome.left),
        "taken": len(outcome.taken),
        "first": outcome.taken[0] if outcome.taken else "-",
        "ballots": sum(len(played.ballots) for played in session.rounds),
        "runoffs": len(session.runoffs),
    }
    tell(Beat(stage.id, "result", _span(session.rounds, outcome.index), facts))


def _span(rounds: list[Round], certified: int) -> tuple[int, ...]:
    return (rounds[0].opened, rounds[-1].closed or rounds[-1].opened, certified) if rounds else (certified,)
