"""The demonstration's report while it plays: one line for each beat, under the heading of its stage."""

from typing import Any

from rich.rule import Rule
from rich.text import Text

from api.cli.explaining import cited
from api.cli.people import Cast
from api.cli.terminal import Terminal
from api.cli.view import civil
from api.rehearsal.beats import Beat, Fact, Tell
from api.rehearsal.cast import cast_of
from api.rehearsal.driver import World

_PEOPLE = frozenset({"who", "other", "candidate", "instead", "first", "alternates"})


class Telling:
    """Prints each beat as it comes."""

    def __init__(self, made: Terminal) -> None:
        """Tell on this terminal."""
        self._made = made
        self._beats: list[Beat] = []
        self._stage: str | None = None
        self._world: World | None = None

    def begin(self, world: World) -> Tell:
        """Return what takes the beats of this play."""
        self._world = world
        return self._tell

    def values(self) -> list[dict[str, Any]]:
        """Return the beats as plain values."""
        return [
            {
                "code": beat.code,
                "entries": list(beat.entries),
                "facts": {name: list(fact) if isinstance(fact, tuple) else fact for name, fact in beat.facts.items()},
                "refused": beat.refused,
                "stage": beat.stage,
            }
            for beat in self._beats
        ]

    def _tell(self, beat: Beat) -> None:
        self._beats.append(beat)
        world = self._world
        if world is None or self._made.as_json:
            return
        if beat.stage != self._stage:
            self._stage = beat.stage
            self._made.show(self._heading(world, beat.stage))
        cast = Cast({person: one["name"] for person, one in cast_of(world).items()})
        facts = {name: self._fact(name, fact, cast) for name, fact in beat.facts.items()}
        if beat.refused:
            sentence = self._made.sentence(beat.code, {}, "refusals")
            line = self._made.word("beat-refused", code=beat.code, sentence=sentence, **facts)
            self._made.show(Text(f"  ✗ {line}", style="red"))
            return
        self._made.show(Text.assemble(f"  · {self._made.word(f'beat-{beat.code}', **facts)}", *cited(beat.entries)))

    def _heading(self, world: World, stage_id: str) -> Rule:
        stage = world.state.charter.stage(stage_id)
        title = self._made.word("beat-founding") if stage is None else f"{stage.title} {stage.clause}"
        when = civil(world.state.at, world.offset_minutes)[:10]
        return Rule(Text(f"{title} · {when}", style="bold cyan"), align="left", style="cyan")

    @staticmethod
    def _fact(name: str, fact: Fact, cast: Cast) -> str | int:
        if isinstance(fact, tuple):
            return " → ".join(cast.label(person) for person in fact)
        return cast.label(fact) if name in _PEOPLE and isinstance(fact, str) else fact
