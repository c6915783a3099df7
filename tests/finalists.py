"""Worlds that begin where the final order is fixed: everything before it is set on the state, not played."""

from dataclasses import dataclass, field

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import play_deciders, programme_of, stage_of
from api.rehearsal.steps_notice import play_calendar
from ledger.procedure.programme import StageKind
from ledger.results import FinalOrder
from ledger.selection import Selection
from ledger.state.application_book import Applications
from ledger.state.charter import StageProgress
from ledger.statements import decode_entry
from tests.simulator import MemoryLedger, new_world

EARLIER = (
    StageKind.APPLICATIONS,
    StageKind.SCREENING,
    StageKind.GROUP_ROUND,
    StageKind.PANEL_ROUND,
    StageKind.PUBLIC_VOTE,
)
START = {"zhuyuan-2022": ("2022-11-14", 9), "labour-medal-2024": ("2024-04-08", 9)}


@dataclass(slots=True)
class Applied(Applications):
    """Applications of which only is known who applied, and what must still be checked."""

    people: tuple[str, ...] = ()
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    challenged: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def is_applicant(self, person: str) -> bool:
        return person in self.people

    def recheck_missing(self, person: str) -> tuple[str, ...]:
        return self.missing.get(person, ())

    def challenges_open(self, person: str) -> tuple[str, ...]:
        return self.challenged.get(person, ())


class Finalists(World):
    """A world with a final order: `nominees` and `alternates` are person ids in order."""

    nominees: tuple[str, ...] = ()
    alternates: tuple[str, ...] = ()
    prepared: int = 0

    @property
    def everybody(self) -> tuple[str, ...]:
        return self.nominees + self.alternates

    @property
    def applied(self) -> Applied:
        applications = self.state.applications
        assert isinstance(applications, Applied)
        return applications

    def prepare(self, state: Selection) -> None:
        """Set what the stages before have led to."""
        state.rounds.final = FinalOrder(self.nominees, self.alternates, state.size)
        state.applications = Applied(people=self.everybody)
        for stage in state.charter.latest.programme.stages:
            if stage.kind in EARLIER:
                state.charter.stages[stage.id] = StageProgress(state.charter.latest, 1, 1, closed=2)


def finalists(programme: str = "zhuyuan-2022", *, alternates: int = 4, units: bool = False) -> Finalists:
    """Return a world with seats full of nominees, some alternates, everybody who decides, and calendars."""
    made = new_world(programme)
    world = Finalists(made.ledger, made.seed, made.now)
    world.actors, world.nonces = made.actors, made.nonces
    seats = programme_of(world).seats
    aliases = [f"candidate-{number:02d}" for number in range(1, seats + alternates + 1)]
    world.set_time(*START[programme])
    for number, alias in enumerate(aliases, start=1):
        world.enrol(alias, "applicant", unit=f"works-{number:02d}")
    play_deciders(world)
    play_calendar(world)
    people = tuple(world.person(alias) for alias in aliases)
    world.nominees, world.alternates = people[:seats], people[seats:]
    world.prepared = world.state.size
    world.prepare(world.state)
    return world


def replayed(world: Finalists) -> Selection:
    """Fold the entries again from nothing, with the same beginning."""
    assert isinstance(world.ledger, MemoryLedger)
    state = Selection()
    for entry in world.ledger.entries:
        if state.size == world.prepared:
            world.prepare(state)
        state.apply(decode_entry(entry))
    return state


def deliberation_first(world: World) -> bool:
    """Say whether the programme deliberates before it publishes."""
    stages = [stage.id for stage in programme_of(world).stages]
    kinds = (StageKind.DELIBERATION, StageKind.NOTICE)
    first, second = (stages.index(stage_of(world, kind).id) for kind in kinds)
    return first < second
