"""The play of the bodies: members with keys, draws by commit and reveal, rosters, declarations, groups."""

from collections.abc import Sequence

from api.rehearsal.driver import World
from ledger import grouping
from ledger.procedure.draws import commitment
from ledger.procedure.groups import SharesImpossible
from ledger.procedure.programme import Programme, Stage, StageKind
from ledger.statements.bodies import (
    DeclarationMade,
    DrawAnnounced,
    GroupRow,
    GroupsCertified,
    RosterSet,
    SeedCommitted,
    SeedRevealed,
)

COMMITTERS = ("registrar", "discipline")
RESERVES = 2
_ROUNDS = (StageKind.GROUP_ROUND, StageKind.PANEL_ROUND)


def members_of(programme: Programme, stage: Stage, group: str | None, reserves: int = RESERVES) -> tuple[str, ...]:
    """Return the aliases of a body's people for a stage and group: the members, then the reserves.

    A body that sits in several stages without groups has the same people in all of them.
    """
    body = programme.body(stage.body or "")
    if body is None:
        return ()
    prefix = body.id if group is None else f"{body.id}-{group}"
    return tuple(f"{prefix}-{number:02d}" for number in range(1, body.least_members + reserves + 1))


def groups_of(stage: Stage) -> tuple[str | None, ...]:
    """Return the groups of a stage, or one None where it has none."""
    return tuple(group.id for group in stage.groups) or (None,)


def play_members(world: World, stages: Sequence[str] | None = None, reserves: int = RESERVES) -> None:
    """Enrol the people of the bodies that vote, each with key and role; best before any stage opens."""
    programme = world.state.charter.latest.programme
    for stage in programme.stages:
        body = programme.body(stage.body or "")
        if body is None or stage.kind not in _ROUNDS or (stages is not None and stage.id not in stages):
            continue
        for group in groups_of(stage):
            for alias in members_of(programme, stage, group, reserves):
                if world.person(alias) not in world.state.roll.people:
                    world.enrol(alias, body.role, unit=f"unit-{alias}")


def play_draw(
    world: World, purpose: str, subject: str, pool: Sequence[str], draw: str | None = None
) -> tuple[str, ...]:
    """Announce a draw, let both committers commit and then reveal; returns the drawn order."""
    draw_id = draw or f"draw-{len(world.state.bodies.draws) + 1}"
    people = tuple(world.person(alias) for alias in COMMITTERS)
    world.must("organiser", DrawAnnounced(people, draw_id, tuple(pool), purpose, subject))  # type: ignore[arg-type]
    seeds = {alias: world.digest(f"seed/{draw_id}/{alias}") for alias in COMMITTERS}
    for alias, seed in seeds.items():
        committed = commitment(bytes.fromhex(seed), world.person(alias)).hex()
        world.must(alias, SeedCommitted(committed, draw_id))
    for alias, seed in seeds.items():
        world.must(alias, SeedRevealed(draw_id, seed))
    return world.state.bodies.draws[draw_id].order or ()


def play_rosters(world: World, stage_id: str, *, reserves: int = RESERVES, drawn: bool = False) -> None:
    """Set the roster of every group of a stage: in the order of the aliases, or drawn by commit and reveal."""
    charter = world.state.charter
    programme, stage = charter.version_for(stage_id).programme, charter.stage(stage_id)
    if stage is None:
        raise LookupError(stage_id)
    for group in groups_of(stage):
        aliases = members_of(programme, stage, group, reserves)
        people = tuple(world.person(alias) for alias in aliases)
        draw = f"draw-{len(world.state.bodies.draws) + 1}" if drawn else None
        if draw is not None:
            people = play_draw(world, "roster", grouping.subject(stage.id, group), sorted(people), draw)
        size = len(people) - reserves
        rule = world.digest("composition-measure")
        world.must("organiser", RosterSet(draw, group, people[:size], people[size:], rule, stage.id))


def play_declarations(world: World, stage_id: str, group: str | None = None, *others: str) -> None:
    """Let every member of a roster, and the others named (scrutineers, tellers), declare no relations."""
    roster = world.state.bodies.roster(stage_id, group)
    aliases = [world.alias_of(person) for person in roster.members] if roster else []
    for alias in (*aliases, *others):
        world.must(alias, DeclarationMade(group, (), stage_id))


def play_groups(world: World, stage_id: str) -> None:
    """Certify the derived table of groups of an open stage, after a draw for equal remainders where one is needed."""
    stage = world.state.charter.stage(stage_id)
    if stage is None or not stage.groups:
        return
    if isinstance(grouping.table(world.state, stage), SharesImpossible):
        play_draw(world, grouping.SHARES, grouping.subject(stage.id), sorted(group.id for group in stage.groups))
    world.must("organiser", groups_table(world, stage))


def groups_table(world: World, stage: Stage) -> GroupsCertified:
    """Return the table of groups as the rule gives it; raises `LookupError` where the rule gives none."""
    table = grouping.table(world.state, stage)
    if isinstance(table, SharesImpossible):
        raise LookupError(table.reason)
    return GroupsCertified(
        tuple(GroupRow(row.candidates, row.group, row.received, row.seats) for row in table), stage.id
    )
