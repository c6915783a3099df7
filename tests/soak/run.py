"""One soak: load, kills at random by a seed, and then everything that must be true of the log that is left.

Every acknowledged statement is in the log once, under its receipt, and nothing else is; every acknowledged ballot
counts once, and the totals are exact; the export verifies offline; memory is what the log needs, not what time took.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api.rehearsal.live import SequencedLedger
from ledger.opening import open_sequencer, open_store
from ledger.statements import Act, decode_own_entry
from ledger.statements.poll import PollClosed
from ledger.statements.poll_ballots import PollBatch
from ledger.store.store import Store
from tests.api.calling import call
from tests.public_ballots import CHANNEL, OPERATOR, open_totals
from tests.simulator import LOG_VKEY, resume
from tests.soak.ground import Ground, Play, play, prepared
from tests.soak.load import Book, Clerk, Hand, Voter
from tests.soak.supervising import ROOT, Service

READY_SECONDS = 120
END_SECONDS = 60
SAMPLE_SECONDS = 0.5
FRESH_SECONDS = 5.0
SLACK_KIB = 24 << 10
SLACK_PERCENT = 25


@dataclass(frozen=True, slots=True)
class Plan:
    """What a soak does; `pause` is the mean number of seconds between two acts of one hand, `calm` between kills."""

    seed: int
    seconds: float
    embedded: bool = True
    workers: int = 2
    clerks: int = 4
    ballot_hands: int = 4
    pause: float = 0.05
    calm: float = 4.0

    @property
    def voters(self) -> int:
        """More than can vote in the time."""
        return int(self.ballot_hands * (self.seconds + END_SECONDS) / self.pause) + 1


@dataclass(slots=True)
class Told:
    """What a soak did, and what was not as it must be."""

    plan: Plan
    kills: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    memory_kib: dict[str, int] = field(default_factory=dict)
    samples: list[tuple[float, str, int, int]] = field(default_factory=list)
    """When (monotonic seconds), what process, its id, and its memory in KiB."""
    violations: list[str] = field(default_factory=list)

    def must(self, holds: bool, what: str) -> None:
        """Note a violation unless something holds."""
        if not holds:
            self.violations.append(what)

    def lines(self) -> Iterator[str]:
        """What to print."""
        plan = self.plan
        where = "embedded PostgreSQL" if plan.embedded else "PostgreSQL beside the service"
        yield f"soak: seed {plan.seed}, {plan.seconds:g} s, {plan.workers} workers, {where}"
        for name, found in (("kills", self.kills), ("counts", self.counts), ("memory, KiB", self.memory_kib)):
            yield f"  {name}: " + ", ".join(f"{one} {number}" for one, number in sorted(found.items()))
        yield from (f"  VIOLATED: {one}" for one in self.violations)
        yield "  every invariant holds" if not self.violations else f"  {len(self.violations)} violations"


def soak(plan: Plan, say: Callable[[str], object] = print) -> Told:
    """Run one soak and return what it found; raises only where it cannot be run at all."""
    told, book = Told(plan), Book()
    say(f"soak: seed {plan.seed}")
    given = play(plan.clerks, plan.voters)
    with prepared(given, plan.embedded) as ground:
        service = Service(ground.home.folder, ground.environment, plan.workers)
        service.start()
        try:
            told.must(service.wait_ready(READY_SECONDS), "the service did not become ready")
            hands = _hands(plan, given, service.url, book)
            _kill_at_random(plan, service, ground, told, say)
            _begin_anew(service, told)
            _bring_to_an_end(hands, told)
            told.must(service.stop() == 0, "the service did not end in order the second time")
            _hold_the_memory(told)
        finally:
            service.stop()
        told.violations += book.violations
        _count(book, told, service)
        with _database(ground):
            _hold_the_log_to(given, book, ground, told)
            _verify_offline(ground, told)
        if told.violations:
            told.violations.append("the service's last words: " + _last_words(service))
    return told


def _hands(plan: Plan, given: Play, url: str, book: Book) -> list[Hand]:
    hands: list[Hand] = [Clerk(name, given, url, book, f"{plan.seed}/{name}", plan.pause) for name in given.clerks]
    for number in range(plan.ballot_hands):
        mine = range(number, given.voters, plan.ballot_hands)
        hands.append(Voter(f"voter-{number}", given, url, book, f"{plan.seed}/voter/{number}", plan.pause, mine))
    for hand in hands:
        hand.start()
    return hands


def _kill_at_random(plan: Plan, service: Service, ground: Ground, told: Told, say: Callable[[str], object]) -> None:
    """Kill by the seed until the time is over; whatever was killed must come back by itself."""
    chosen = random.Random(plan.seed)
    ways: dict[str, Callable[[], object]] = {
        "worker": lambda: service.kill_worker(chosen),
        "sequencer": service.kill_sequencer,
        "database": ground.kill_database,
        "sequencer and database": lambda: (service.kill_sequencer(), ground.kill_database()),
        "worker and database": lambda: (service.kill_worker(chosen), ground.kill_database()),
    }
    order = _order(chosen, ways)
    began = time.monotonic()
    while (left := began + plan.seconds - time.monotonic()) > 0:
        _watch_memory(min(left, chosen.uniform(0.5, 1.5) * plan.calm), service, told)
        if time.monotonic() >= began + plan.seconds:
            return
        what = next(order)
        ways[what]()
        told.kills[what] = told.kills.get(what, 0) + 1
        # Now and then the next blow comes before the last is healed.
        if chosen.random() < 0.25:
            continue
        healing = time.monotonic()
        if not service.wait_ready(READY_SECONDS):
            told.must(False, f"not ready within {READY_SECONDS} s of killing: {what}")
            return
        took = time.monotonic() - healing
        say(f"  {time.monotonic() - began:6.1f} s: killed {what}; ready again after {took:.1f} s")
        told.counts["longest to heal, ms"] = max(told.counts.get("longest to heal, ms", 0), int(took * 1000))


def _order(chosen: random.Random, ways: dict[str, Callable[[], object]]) -> Iterator[str]:
    """Give what to kill: everything once in some order, then as it comes, workers and database the most."""
    first = list(ways)
    chosen.shuffle(first)
    yield from first
    while True:
        yield chosen.choices(list(ways), (5, 2, 3, 1, 1))[0]


def _watch_memory(seconds: float, service: Service, told: Told) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = time.monotonic()
        told.samples += [(now, *one) for one in service.memory()]
        time.sleep(SAMPLE_SECONDS)


def _bring_to_an_end(hands: Sequence[Hand], told: Told) -> None:
    """Let everybody finish what they have begun: all of it must be acknowledged now."""
    for hand in hands:
        hand.ending.set()
    end = time.monotonic() + END_SECONDS
    for hand in hands:
        hand.join(max(0.0, end - time.monotonic()))
    for hand in hands:
        hand.given_up.set()
    for hand in hands:
        hand.join(END_SECONDS)
        told.must(not hand.is_alive(), f"{hand.name} hangs")


def _begin_anew(service: Service, told: Told) -> None:
    """End in order under load, and begin anew on the same log: for the memory that this log and load need."""
    told.must(service.wait_ready(READY_SECONDS), "the service did not heal from the last of all kills")
    told.must(service.stop() == 0, "the service did not end in order")
    service.start()
    told.must(service.wait_ready(READY_SECONDS), "the service did not begin anew")
    before = len(told.samples)
    _watch_memory(FRESH_SECONDS, service, told)
    for name in ("sequencer", "worker"):
        told.memory_kib[f"{name}, fresh"] = max((one[3] for one in told.samples[before:] if one[1] == name), default=0)


def _hold_the_memory(told: Told) -> None:
    """Hold what every process ever took to what a fresh one takes: it is the log's size that counts, not the time."""
    for name in ("sequencer", "worker"):
        most = max((one for one in told.samples if one[1] == name), key=lambda one: one[3])
        fresh = told.memory_kib[f"{name}, fresh"]
        told.memory_kib[f"{name}, most"] = most[3]
        bound = fresh + fresh * SLACK_PERCENT // 100 + SLACK_KIB
        course = [one[3] for one in told.samples if one[2] == most[2]]
        shown = course[:: max(1, len(course) // 12)]
        told.must(most[3] <= bound, f"memory of a {name} grew to {most[3]} KiB, above {bound} KiB: {shown}")


def _count(book: Book, told: Told, service: Service) -> None:
    told.counts |= {
        "acknowledged statements": len(book.statements),
        "acknowledged ballots": len(book.ballots),
        "handed in twice": book.repeated,
        "forgeries": book.forged,
        "tries again": book.tries,
        "starts of the service": service.starts,
    }
    told.must(len(book.statements) > 0, "nothing was acknowledged")


@contextmanager
def _database(ground: Ground) -> Iterator[None]:
    """Let this process find the ledger's database as the service does."""
    before = os.environ.get("DATABASE_URL", "")
    os.environ["DATABASE_URL"] = ground.environment["DATABASE_URL"]
    try:
        yield
    finally:
        os.environ["DATABASE_URL"] = before


def _hold_the_log_to(given: Play, book: Book, ground: Ground, told: Told) -> None:
    """Hold every entry to what was acknowledged, then close the poll, open its totals, and hold those to it too."""
    with open_store(ground.home) as store:
        before = len(given.history.rows)
        acts = [decode_own_entry(entry) for _, entry in store.read_entries(before)]
        _each_statement_once(acts, book, told)
        batches = [act for act in acts if isinstance(act.body, PollBatch)]
        ballots = sum(act.body.count for act in batches)
        told.counts |= {"entries": before + len(acts), "batches of ballots": len(batches)}
        told.must(ballots == len(book.ballots), f"{ballots} ballots in the log, {len(book.ballots)} acknowledged")
        others = len(acts) - len(batches) - len(book.statements)
        told.must(others == 0, f"{others} entries that nobody was acknowledged")
        if book.ballots:
            _hold_the_totals_to(given, book, ground, store, told)


def _each_statement_once(acts: Sequence[Act], book: Book, told: Told) -> None:
    by_index = {act.index: act for act in acts}
    for one in book.statements.values():
        found = by_index.get(one.index)
        told.must(found is not None and found.entry == one.entry, f"entry {one.index} is not what was acknowledged")
    told.must(len({one.index for one in book.statements.values()}) == len(book.statements), "two for one entry")
    told.must(len({act.signed.id for act in acts}) == len(acts), "a statement is in the log twice")


def _hold_the_totals_to(given: Play, book: Book, ground: Ground, store: Store, told: Told) -> None:
    with open_sequencer(ground.home, store) as sequencer:
        world = resume(given.history, SequencedLedger(sequencer))
        for alias in (OPERATOR, "organiser"):
            actor = world.actor(alias)
            actor.counter = world.state.roll.people[actor.person].counter
        poll = world.state.polls.by_id[given.poll]
        world.now = poll.closes_at
        world.must("organiser", PollClosed(poll.id))
        open_totals(world, poll, store)
        counted = [poll.totals[CHANNEL].totals[one] for one in poll.candidates]
    votes = [0] * len(poll.candidates)
    for places, _ in book.ballots.values():
        for place in places:
            votes[place] += 1
    told.must(counted == votes, f"totals {counted}, cast {votes}")


def _verify_offline(ground: Ground, told: Told) -> None:
    """Export for auditors, and verify that by the offline verifier in a process of its own."""
    path = ground.home.folder / "export.zip"
    made = call("export", "--home", ground.home.folder, "--audience", "auditor", path, "--json", **ground.environment)
    told.must(made.code == 0, f"the export failed: {made.out[-500:]}")
    command = [sys.executable, "-m", "api.verify", str(path), "--vkey", LOG_VKEY.encode(), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    told.counts["offline verification, exit code"] = done.returncode
    told.must(done.returncode == 0, f"offline verification: {done.stdout[-2000:]} {done.stderr[-500:]}")


def _last_words(service: Service) -> str:
    lines = Path(service.log).read_text("utf-8", "replace").splitlines()
    kept = [line for line in lines if '"event":"request"' not in line]
    return json.dumps(kept[-4:], ensure_ascii=False)
