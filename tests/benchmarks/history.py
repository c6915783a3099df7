"""A legal log of ballots of any length: one panel of 500, whose final round is opened again and again.

Everything is played and sequenced as it would be in earnest; only the number of members and of reopenings is not.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from api.rehearsal.driver import World
from api.rehearsal.steps_rounds import open_round, play_people, play_sitting
from ledger.programmes import load_shipped
from ledger.sequencer import Sequenced, Sequencer
from ledger.signing import SigningKey, key_id
from ledger.state.rounds import Round
from ledger.statements import Seen, Statement, sign
from ledger.statements.foundation import StageOpened
from ledger.statements.kinds import name_of
from ledger.statements.rounds import BallotCast, RoundReopened
from tests.simulator import History, freeze
from tests.voting import play_until, prepared

STAGE = "final"
MEMBERS = 500
CANDIDATES = 14
PINS = 16
"""Over how many of the newest checkpoints ballots are spread, as over members' pages loaded at different times."""


def history_before_voting(members: int = MEMBERS) -> History:
    """Play the 2022 programme with a panel so large to where its final round, of 14 candidates, may be opened."""
    value = dict(load_shipped("zhuyuan-2022"))
    value["bodies"] = [body | {"least_members": members} if body["id"] == "panel" else body for body in value["bodies"]]
    world = prepared(value)
    play_until(world, STAGE)
    play_people(world, STAGE)
    world.must("organiser", StageOpened(STAGE))
    play_sitting(world, STAGE, None)
    return freeze(world)


@dataclass(slots=True)
class Member:
    """One member of the panel: key, key id, and the counter of the last statement."""

    person: str
    key: SigningKey
    key_id: str
    counter: int


class Panel:
    """The panel at work on a running sequencer: has the round reopened and signs everybody's ballots."""

    def __init__(self, world: World, sequencer: Sequencer) -> None:
        """Go on from a world in which the round may be opened."""
        self.world, self.sequencer = world, sequencer
        roster = world.state.bodies.roster(STAGE, None)
        actors = [world.actors[world.alias_of(person)] for person in roster.members] if roster else []
        self.members = [Member(one.person, one.key, key_id(one.key.public), one.counter) for one in actors]
        self._seen: deque[Seen] = deque(maxlen=PINS)
        self._round: Round | None = None
        self._signed = 0

    def open_round(self) -> None:
        """Open the round for everybody, anew where they have voted."""
        if self._round is not None:
            again = RoundReopened("计票有误，重新投票", self._round.id)
            self.world.cosign(self.world.must("organiser", again), "discipline")
        self._round = open_round(self.world, STAGE, None)
        if len(self._round.candidates) != CANDIDATES:
            raise LookupError(f"{len(self._round.candidates)} candidates")

    def ballots(self, members: Sequence[Member]) -> list[bytes]:
        """Return a signed ballot of each of these members in the open round, all different."""
        seen = self.sequencer.seen()
        if self._round is None or seen is None:
            raise LookupError("no round is open")
        self._seen.append(seen)
        return [self._ballot(self._round, member) for member in members]

    def _ballot(self, played: Round, member: Member) -> bytes:
        member.counter += 1
        self._signed += 1
        charter = self.world.state.charter
        name, version = name_of(BallotCast)
        start, most = self._signed % CANDIDATES, played.max_approvals
        turned = played.candidates[start:] + played.candidates[:start]
        statement = Statement(
            body=BallotCast(turned[most + 2 :], turned[most : most + 2], turned[:most], played.list_hash, played.id),
            claimed_at=None,
            counter=member.counter,
            key=member.key_id,
            nonce=f"{self._signed:032x}",
            on_behalf_of=None,
            person=member.person,
            programme=charter.id,
            rules=charter.version_for(STAGE).hash,
            seen=self._seen[self._signed % len(self._seen)],
            type=name,
            version=version,
        )
        return sign(statement, member.key)

    def submit(self, envelopes: Sequence[bytes]) -> None:
        """Hand in ballots at once and wait for all receipts; raises `LookupError` unless each is sequenced."""
        for answer in self.sequencer.submit_all(envelopes, self.world.now):
            if not isinstance(answer.result(), Sequenced):
                raise LookupError(str(answer.result()))

    def grow(self, size: int) -> None:
        """Go on voting until the log has at least `size` entries."""
        while self.sequencer.size < size:
            self.open_round()
            self.submit(self.ballots(self.members))
