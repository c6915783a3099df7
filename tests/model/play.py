"""A play by chance: the world, the naive model that follows it, and what was refused on the way."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from api.rehearsal.driver import World, found
from ledger.statements import Act
from ledger.statements.kinds import name_of
from ledger.statements.naming import FindingClosed
from tests.model import comparing
from tests.model.naive import Naive, consume
from tests.model.programmes import varied
from tests.simulator import LOG_VKEY, ORIGIN, START, MemoryLedger

DAY = 86_400_000


class Play:
    """One selection of random acts: the same seed plays the same."""

    def __init__(self, seed: int) -> None:
        self.seed, self.rng = seed, Random(seed)
        self.value = varied(self.rng)
        self.ledger = MemoryLedger()
        self.world = World(self.ledger, f"model-{seed}", START)
        self.model = Naive()
        self.refusals: Counter[str] = Counter()
        self.watch: Callable[[MemoryLedger], None] = _look_away
        found(self.world, self.value, ORIGIN, LOG_VKEY.encode())

    def chance(self, probability: float) -> bool:
        """Toss."""
        return self.rng.random() < probability

    def some(self, things: Any, most: int | None = None) -> list[Any]:
        """Draw some of these, perhaps none."""
        pool = list(things)
        return self.rng.sample(pool, self.rng.randint(0, min(len(pool), len(pool) if most is None else most)))

    def check(self) -> None:
        """Let the model catch up, and compare."""
        consume(self.model, self.ledger.entries)
        comparing.same(self.world.state, self.model)
        self.watch(self.ledger)

    def must(self, alias: str, body: Any, *cosigners: str, **header: Any) -> Act:
        """Do what the rules allow, with its further signers."""
        act = self.world.must(alias, body, **header)
        self.world.cosign(act, *cosigners)
        return act

    def no(self, alias: str, body: Any, *codes: str, **header: Any) -> None:
        """Do what the rules forbid: it is refused with one of these codes, and nothing changes."""
        before = self.ledger.entries[-1], len(self.ledger.entries)
        refusal = self.world.refused(alias, body, **header)
        assert refusal.code in codes, f"{alias}: {name_of(type(body))[0]}: {refusal}"
        assert (self.ledger.entries[-1], len(self.ledger.entries)) == before
        self.refusals[refusal.code] += 1

    def person(self, alias: str) -> str:
        """Return a person id."""
        return self.world.person(alias)

    def alias(self, person: str) -> str:
        """Return an alias."""
        return self.world.alias_of(person)

    def settle_breaches(self) -> None:
        """Let two auditors close every open breach, so that results can be certified."""
        for finding in self.world.state.findings.open_breaches():
            body = FindingClosed(finding.id, "已经核查")
            act = self.must("discipline", body)
            self.no("discipline", body, "ALREADY_PENDING")
            self.world.cosign(act, "auditor-2")


def _look_away(ledger: MemoryLedger) -> None:
    """Watch nothing."""
