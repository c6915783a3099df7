"""五, 五(一), 五(二): draws, rosters, groups and their seats, scores."""

from dataclasses import replace
from typing import Any

from api.rehearsal.driver import World
from api.rehearsal.steps_bodies import COMMITTERS, groups_table, members_of, play_draw
from api.rehearsal.steps_rounds import (
    certify,
    opening,
    play_round,
    score,
)
from ledger.lists import entering
from ledger.procedure.draws import commitment
from ledger.statements.bodies import (
    CandidateRegrouped,
    DeclarationMade,
    DrawAnnounced,
    Relation,
    RosterAmended,
    RosterSet,
    SeedCommitted,
    SeedRevealed,
)
from ledger.statements.foundation import StageClosed
from ledger.statements.rounds import (
    ScoreRevised,
    ScoringClosed,
)
from tests.clauses.prefixes import GROUP
from tests.clauses.row import Forbidden, Row
from tests.plays import PROGRAMME

EXPERTS = tuple(f"experts-{GROUP}-{number:02d}" for number in range(1, 6))


def drawn(world: World) -> None:
    play_draw(world, "order", "stage:shortlist", [world.person("registrar"), world.person("discipline")])


def announced(world: World, draw: str = "draw-x") -> None:
    people = tuple(world.person(alias) for alias in COMMITTERS)
    world.must("organiser", DrawAnnounced(people, draw, people, "order", "stage:shortlist"))


def revealed_first(world: World) -> Forbidden:
    announced(world)
    seed = world.digest("seed")
    committed = commitment(bytes.fromhex(seed), world.person("registrar")).hex()
    world.must("registrar", SeedCommitted(committed, "draw-x"))
    return Forbidden("registrar", SeedRevealed("draw-x", seed))


def roster(world: World, group: str, **changes: object) -> RosterSet:
    stage = PROGRAMME.stage("experts")
    if stage is None:
        raise LookupError("experts")
    people = tuple(world.person(alias) for alias in members_of(PROGRAMME, stage, group))
    values: dict[str, object] = {
        "draw": None,
        "group": group,
        "members": people[:5],
        "reserves": people[5:],
        "rule": world.digest("composition-measure"),
        "stage": "experts",
    }
    return RosterSet(**(values | changes))  # type: ignore[arg-type]


def seated_twice(world: World) -> Forbidden:
    first = roster(world, GROUP)
    world.must("organiser", first)
    second = roster(world, "power")
    return Forbidden("organiser", replace(second, members=(*second.members[:4], first.members[0])))


def amended(world: World, outgoing: str, incoming: str) -> RosterAmended:
    return RosterAmended(GROUP, world.person(incoming), world.person(outgoing), "因公出差", "experts")


def table(world: World) -> Any:
    stage = world.state.charter.stage("experts")
    if stage is None:
        raise LookupError("experts")
    return groups_table(world, stage)


def one_seat_more(world: World) -> Forbidden:
    body = table(world)
    first = body.groups[0]
    return Forbidden("organiser", replace(body, groups=(replace(first, seats=first.seats + 1), *body.groups[1:])))


def one_seat_moved(world: World) -> Forbidden:
    body = table(world)
    first, second, *others = body.groups
    moved = (replace(first, seats=first.seats - 1), replace(second, seats=second.seats + 1), *others)
    return Forbidden("organiser", replace(body, groups=moved))


def regroup(world: World, place: int, group: str) -> CandidateRegrouped:
    stage = world.state.charter.stage("experts")
    people = entering(world.state, stage) if stage else ()
    return CandidateRegrouped(people[place], group, "所属工种更相近", "experts")


def regroup_first(world: World) -> None:
    stage_groups = {person: row.group for row in table(world).groups for person in row.candidates}
    first = min(stage_groups)
    other = next(group for group in ("power", "crafts") if group != stage_groups[first])
    world.must("organiser", CandidateRegrouped(first, other, "所属工种更相近", "experts"))


def regrouped_after_a_score(world: World) -> Forbidden:
    world.must(EXPERTS[0], scored(world))
    return Forbidden("organiser", regroup(world, 0, "power"))


def scored(world: World, percent: int = 80) -> Any:
    first = sorted(world.state.bodies.group_of("experts"))
    mine = [one for one in first if world.state.bodies.group_of("experts")[one] == GROUP]
    return score(world, "experts", GROUP, world.alias_of(mine[0]), percent=percent)


def overscored(world: World) -> Forbidden:
    body = scored(world)
    return Forbidden(EXPERTS[1], replace(body, points=(replace(body.points[0], hundredths=10**6), *body.points[1:])))


def revised(world: World) -> None:
    body = scored(world)
    world.must(EXPERTS[0], body)
    again = scored(world, 70)
    revision = ScoreRevised(body.candidate, again.evaluation, GROUP, again.points, "合计有误", "experts")
    world.must(EXPERTS[0], revision)


def never_scored(world: World) -> Forbidden:
    body = scored(world)
    return Forbidden(
        EXPERTS[1], ScoreRevised(body.candidate, body.evaluation, GROUP, body.points, "合计有误", "experts")
    )


def everything_scored(world: World) -> None:
    groups = world.state.bodies.group_of("experts")
    for candidate in sorted(one for one, group in groups.items() if group == GROUP):
        for alias in EXPERTS:
            world.must(alias, score(world, "experts", GROUP, world.alias_of(candidate), percent=80))
    world.must("organiser", ScoringClosed(GROUP, "experts"))


def partly_scored(world: World) -> Forbidden:
    world.must(EXPERTS[0], scored(world))
    return Forbidden("organiser", ScoringClosed(GROUP, "experts"))


def expert_vote(world: World) -> None:
    play_round(world, "experts", GROUP)
    certify(world, f"stage:experts:{GROUP}")


def industry_table(world: World) -> Any:
    stage = world.state.charter.stage("industry")
    if stage is None:
        raise LookupError("industry")
    return groups_table(world, stage)


def regroup_back(world: World) -> None:
    groups = world.state.bodies.group_of("experts")
    one = min(person for person, group in groups.items() if group == "crafts")
    world.must("organiser", CandidateRegrouped(one, "power", "所属工种更相近", "experts"))
    world.must("organiser", table(world))


BODIES = (
    Row(
        "五",
        "A draw is announced with its pool; all commit, then all reveal.",
        "screened",
        drawn,
        revealed_first,
        "REVEAL_TOO_EARLY",
    ),
    Row(
        "五",
        "A body has its members, nobody sits in two groups or bodies.",
        "screened",
        lambda world: world.must("organiser", roster(world, "crafts")),
        seated_twice,
        "DOUBLE_ROLE",
    ),
    Row(
        "五",
        "A member is replaced by the next of the reserve order, with reason.",
        "experts",
        lambda world: world.must("organiser", amended(world, EXPERTS[0], f"experts-{GROUP}-06")),
        lambda world: Forbidden("organiser", amended(world, f"experts-{GROUP}-07", "organiser")),
        "NOT_ON_ROSTER",
    ),
    Row(
        "七(三)",
        "Relations are declared to candidates of the list.",
        "experts",
        lambda world: world.must(EXPERTS[0], DeclarationMade(GROUP, (), "experts")),
        lambda world: Forbidden(
            EXPERTS[1], DeclarationMade(GROUP, (Relation(world.person("organiser"), "kin"),), "experts")
        ),
        "UNKNOWN_CANDIDATE",
    ),
)


GROUPS = (
    Row(
        "五(一)",
        "Each group's number follows from how many applied: the table adds up to the stage's total.",
        "experts",
        lambda world: world.must("organiser", table(world)),
        one_seat_more,
        "QUOTA_SUM",
    ),
    Row(
        "五(一)",
        "And is what the declared rule gives, group by group.",
        "experts",
        lambda world: world.must("organiser", table(world)),
        one_seat_moved,
        "QUOTA_DERIVATION",
    ),
    Row(
        "五(一)",
        "Candidates are grouped by occupation, and moved before the first score only.",
        "experts scoring",
        regroup_back,
        regrouped_after_a_score,
        "GROUPING_FROZEN",
        after=True,
    ),
    Row(
        "五(一)",
        "A quantitative score within its criteria, with a written evaluation.",
        "experts scoring",
        lambda world: world.must(EXPERTS[0], scored(world)),
        overscored,
        "SCORE_INVALID",
    ),
    Row(
        "五(一)",
        "A score is revised by whoever gave it, with reason.",
        "experts scoring",
        revised,
        never_scored,
        "NOT_SCORED",
    ),
    Row(
        "五(一)",
        "Scoring ends when whoever came has scored everybody.",
        "experts scoring",
        everything_scored,
        partly_scored,
        "SCORING_INCOMPLETE",
    ),
    Row(
        "五(一)",
        "Named ballot in the group, ranked by approvals.",
        "experts scored",
        expert_vote,
        lambda world: Forbidden("organiser", opening(world, "experts", GROUP, max_approvals=99)),
        "LIST_NOT_DERIVED",
    ),
    Row(
        "五(二)",
        "Regrouped by industry; again a number for each group by the year's applicants.",
        "industry opened",
        lambda world: world.must("organiser", industry_table(world)),
        lambda world: Forbidden("organiser", StageClosed("industry")),
        "QUOTA_NOT_CERTIFIED",
    ),
)
ROWS = (*BODIES, *GROUPS)
