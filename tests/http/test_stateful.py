"""A panel's vote by chance over HTTP, against the naive model: statements right and wrong, repeated, lost, reordered.

Hypothesis plays the members, the organiser, the scrutineers and whoever should not be there. What must be refused is
refused with its code; what is taken is in the log once; and whatever is read, now or at any earlier entry, is what the
naive model makes of the entries that receipts prove.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from api.client import Receipted
from api.http.routes_statements import LINES, MANY
from api.rehearsal.steps_rounds import SCRUTINEERS, ballot, certification, closing, opening
from ledger.signing import envelope_bytes
from ledger.statements import Act, decode_own_entry, open_envelope
from ledger.statements.foundation import ActCountersigned
from ledger.statements.rounds import (
    BallotCast,
    BallotDisputed,
    BallotInvalidated,
    BallotReinstated,
    RoundReopened,
)
from tests.http.live import Lasting, Live, live_service
from tests.http.panel import SESSION, SUBJECT, Begin, Hands, agrees, begin, expected_of_ballot, in_the_log_once
from tests.http.test_statements import open_round_history
from tests.model.naive import Naive, consume
from tests.voting import PANEL

MEMBERS = st.sampled_from(PANEL)
OTHERS = st.sampled_from(("organiser", "applicant-01", "inspector-1", "a stranger"))
TURNS = st.integers(0, 19)
COUNTS = st.integers(0, 16)


class Panel(RuleBasedStateMachine):
    """One panel, from the opening of its round on."""

    make: ClassVar[Begin]
    met: ClassVar[Counter[str]]

    @initialize(voted=st.sampled_from((0, 1, 2)), turn=TURNS)
    def start(self, voted: int, turn: int) -> None:
        """Begin where the round has just been opened, where all have voted, or where it is closed."""
        self.begun = begin(type(self).make)
        self.hands: Hands = self.begun.hands
        self.closing: Act | None = None
        self.signers = 0
        self.prepared: list[tuple[str, bytes]] = []
        self.looked = 0
        if voted:
            self.everybody_else_votes(turn)
        if voted == 2:
            self.closes()
            for number in (0, 1):
                self.a_scrutineer_signs(number)

    def teardown(self) -> None:
        """Whatever happened, the log holds what was receipted, once."""
        if not hasattr(self, "begun"):
            return
        try:
            in_the_log_once(self.hands)
            agrees(self.hands, self.hands.model)
            assert self.hands.model.claims == []
            self.met.update(open_envelope(one).statement.type for one, _ in self.hands.taken)
        finally:
            self.begun.end.close()

    # What may be expected

    @property
    def open(self) -> bool:
        """Whether ballots are taken."""
        closes_at = self.hands.world.state.rounds.by_id[self.hands.vote.id].closes_at
        return self.closing is None and not self.hands.vote.closed and self.hands.world.now + 1000 < closes_at

    @property
    def over(self) -> bool:
        """Whether the round is closed before two scrutineers."""
        return self.hands.vote.closed

    def answered(self, envelope: bytes, expected: str | None) -> Receipted | None:
        """Hand in: taken once where nothing is expected, else refused with that code."""
        size = len(self.hands.entries)
        answer = self.hands.hand_in(envelope)
        if expected is None:
            assert isinstance(answer, Receipted), f"refused: {answer}"
            assert (answer.index, answer.again) == (size, False)
            return answer
        assert answer == expected
        assert len(self.hands.entries) == size
        self.met[expected] += 1
        return None

    def does(self, alias: str, body: Any, expected: str | None = None, **header: Any) -> Receipted | None:
        """Sign as somebody, above what they signed from forms, and hand in."""
        actor = self.hands.world.actor(alias)
        known = self.hands.world.state.roll.people.get(actor.person)
        actor.counter = max(actor.counter, known.counter if known is not None else 0)
        return self.answered(self.hands.world.envelope(alias, body, **header), expected)

    def chosen(self, turn: int, approvals: int, against: int) -> tuple[list[str], list[str]]:
        """Approvals and votes against, from a turned list, so that members agree and disagree."""
        people = self.hands.vote.candidates
        turned = people[turn % len(people) :] + people[: turn % len(people)]
        return turned[:approvals], turned[approvals : approvals + against]

    # Ballots

    @rule(member=MEMBERS, turn=TURNS, approvals=COUNTS, against=st.integers(0, 4))
    def votes(self, member: str, turn: int, approvals: int, against: int) -> None:
        """A member votes from the service's own form, perhaps for too many, perhaps too late or twice."""
        approve, refuse = self.chosen(turn, approvals, against)
        envelope = self.hands.signed_ballot(member, approve, refuse)
        body = open_envelope(envelope).statement.body
        self.answered(envelope, expected_of_ballot(self.hands, member, body, self.open))

    @rule(turn=TURNS)
    @precondition(lambda self: self.open)
    def everybody_else_votes(self, turn: int) -> None:
        """All who have not voted do: alike, so that nobody is tied at the cut, or each a little differently."""
        left = [one for one in PANEL if self.hands.world.person(one) not in self.hands.vote.ballots]
        for number, member in enumerate(left):
            seats = self.hands.vote.seats
            approve, _ = self.chosen(0, seats, 0) if turn % 2 else self.chosen(number % 3, min(seats, 5), 0)
            self.answered(self.hands.signed_ballot(member, approve, []), None)

    @rule(member=MEMBERS, turn=TURNS)
    def prepares(self, member: str, turn: int) -> None:
        """A member signs a ballot and keeps it."""
        approve, against = self.chosen(turn, min(3, self.hands.vote.seats), 1)
        self.prepared.append((member, self.hands.signed_ballot(member, approve, against)))

    @rule(how=st.sampled_from((MANY, LINES)), order=st.randoms(use_true_random=False))
    @precondition(lambda self: len(self.prepared) > 1)
    def delivers(self, how: str, order: Any) -> None:
        """What was kept arrives as one request, in another order than it was signed in."""
        order.shuffle(self.prepared)
        envelopes = [envelope for _, envelope in self.prepared]
        joined = b'{"statements":[%b]}' % b",".join(envelopes) if how == MANY else b"\n".join(envelopes)
        voted = set(self.hands.vote.ballots)
        opened, list_hash = self.open, self.hands.world.state.rounds.by_id[self.hands.vote.id].list_hash
        answers = self.hands.hand_in_together(envelopes, how, joined)
        for (member, envelope), answer in zip(self.prepared, answers, strict=True):
            body, person = open_envelope(envelope).statement.body, self.hands.world.person(member)
            expected = {"ROUND_CLOSED"} if not opened or body.list_hash != list_hash else set()
            if not expected and person in voted:
                expected = {"ALREADY_VOTED"}
            assert isinstance(answer, Receipted) if not expected else answer in expected
            voted.add(person)
        self.prepared.clear()

    @rule(number=st.integers(0, 1000))
    @precondition(lambda self: self.hands.taken)
    def sends_again(self, number: int) -> None:
        """The same bytes once more: the same receipt, and nothing happens."""
        envelope, first = self.hands.taken[number % len(self.hands.taken)]
        again = self.hands.hand_in(envelope)
        assert isinstance(again, Receipted)
        assert (again.index, again.at, again.receipt, again.again) == (first.index, first.at, first.receipt, True)

    @rule(member=MEMBERS, turn=TURNS, lost=st.integers(1, 3))
    def votes_and_never_hears(self, member: str, turn: int, lost: int) -> None:
        """The answer is lost, once or more; the client sends the same bytes until it hears, and votes once."""
        approve, _ = self.chosen(turn, 1, 0)
        envelope = self.hands.signed_ballot(member, approve, [])
        expected = expected_of_ballot(self.hands, member, open_envelope(envelope).statement.body, self.open)
        size = len(self.hands.entries)
        self.hands.network.lose = lost
        self.hands.world.now += 1000
        answer = self.hands.client.submit(envelope, self.hands.world.now)
        if expected is not None:
            assert not isinstance(answer, Receipted)
            assert answer.refusal.code == expected
            return
        assert isinstance(answer, Receipted)
        assert (answer.index, answer.again) == (size, True)
        self.hands.keep(envelope, answer)

    # What nobody may

    @rule(alias=OTHERS, turn=TURNS)
    def somebody_else_votes(self, alias: str, turn: int) -> None:
        """Who does not sit in the panel has no vote, whoever it is."""
        world, body = self.hands.world, self.ballot(turn)
        known = world.person(alias) in world.state.roll.people
        if not known:
            expected = "KEY_UNKNOWN"
        elif not self.open:
            expected = "ROUND_CLOSED"
        else:
            expected = "NOT_ON_ROSTER" if alias == "applicant-01" else "NOT_BALLOT_OWNER"
        self.does(alias, body, expected)

    def ballot(self, turn: int, **changes: Any) -> BallotCast:
        """A ballot for one candidate, changed."""
        aliases = [self.hands.world.alias_of(one) for one in self.chosen(turn, 1, 0)[0]]
        return replace(ballot(self.hands.world, self.hands.vote.id, aliases), **changes)

    @rule(member=MEMBERS, turn=TURNS, number=st.integers(0, 1000))
    def a_ballot_is_wrong(self, member: str, turn: int, number: int) -> None:
        """A member's own ballot that is wrong in one way."""
        people = self.hands.vote.candidates
        one = people[turn % len(people)]
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"list_hash": "f" * 64}, "WRONG_CONTEXT"),
            ({"against": (one,)}, "DUPLICATE_CHOICE"),
            ({"abstain": (one,)}, "DUPLICATE_CHOICE"),
            ({"approve": (one, one)}, "DUPLICATE_CHOICE"),
            ({"approve": (self.hands.world.person("organiser"),)}, "UNKNOWN_CANDIDATE"),
            ({"approve": tuple(people[: self.hands.vote.seats + 1])}, "OVERVOTE"),
        ]
        changes, code = wrong[number % len(wrong)]
        if changes.get("approve") == tuple(people):
            return
        body = self.ballot(turn, **changes)
        expected = code if self.open and code == "WRONG_CONTEXT" else None
        self.does(member, body, expected or expected_of_ballot(self.hands, member, body, self.open))

    @rule(member=MEMBERS, turn=TURNS, number=st.integers(0, 1000))
    def a_header_is_wrong(self, member: str, turn: int, number: int) -> None:
        """A good ballot under a header that is not right: refused for that, whatever the round is."""
        world, body = self.hands.world, self.ballot(turn)
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"programme": "0" * 64}, "WRONG_CONTEXT"),
            ({"rules": "0" * 64}, "RULES_HASH_MISMATCH"),
            ({"person": world.person("organiser")}, "KEY_NOT_OWNERS"),
            ({"on_behalf_of": world.person("organiser")}, "NOT_BALLOT_OWNER"),
            ({"counter": 1}, expected_of_ballot(self.hands, member, body, self.open) or "IDEMPOTENCY_CONFLICT"),
        ]
        header, code = wrong[number % len(wrong)]
        self.does(member, body, code, **header)

    @rule(member=MEMBERS, turn=TURNS, place=st.integers(0, 10_000))
    def bytes_are_wrong(self, member: str, turn: int, place: int) -> None:
        """A signature by another key, a byte that changed, a space too many: no statement at all."""
        world = self.hands.world
        good = world.envelope(member, self.ballot(turn))
        signed = open_envelope(good)
        name = signed.statement.key
        forged = envelope_bytes(signed.payload_type, signed.payload, name, world.actor("discipline").key.sign(good))
        self.fails(forged, "SIGNATURE_INVALID")
        at = place % len(good)
        self.fails(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        self.fails(good.replace(b'"payload":', b'"payload": '), "NOT_CANONICAL")

    def fails(self, body: bytes, *codes: str) -> None:
        """What is no statement gets a problem, and leaves nothing behind."""
        size = self.hands.live.service.sequencer.size
        path, headers = f"/v1/statements?at={self.hands.world.now}", {"content-type": "application/json"}
        answer = self.hands.live.http.post(path, content=body, headers=headers)
        told = answer.json()
        assert 400 <= answer.status_code < 500, told
        assert not codes or told["code"] in codes
        assert self.hands.live.service.sequencer.size == size

    # Closing, disputes, certification

    @rule()
    @precondition(lambda self: self.open)
    def nobody_closes_early(self) -> None:
        """While somebody present has not voted and time is left, the round stays open."""
        voted = self.hands.vote.ballots
        if any(self.hands.world.person(one) not in voted for one in PANEL):
            self.does("organiser", closing(self.hands.world, self.hands.vote.id), "EARLY_CLOSE")

    @rule()
    @precondition(lambda self: self.open)
    def closes(self) -> None:
        """Once all have voted the organiser closes, with the balance that is on record and no other."""
        world, vote = self.hands.world, self.hands.vote
        if any(world.person(one) not in vote.ballots for one in PANEL):
            return
        body = closing(world, vote.id)
        self.does("organiser", replace(body, issued=body.issued + 1), "BALANCE_MISMATCH")
        self.does(PANEL[0], body, "NOT_AUTHORISED")
        taken = self.does("organiser", body)
        assert taken is not None
        assert taken.needs == 2
        self.closing, self.signers = self.act(taken), 0

    def act(self, taken: Receipted) -> Act:
        """The act of an entry."""
        return decode_own_entry(taken.entry)

    @rule(number=st.integers(0, 1))
    @precondition(lambda self: self.closing is not None)
    def a_scrutineer_signs(self, number: int) -> None:
        """Two scrutineers, each once."""
        assert self.closing is not None
        body = ActCountersigned(self.closing.index, self.closing.leaf.hex())
        self.does("organiser", body, "SECOND_SIGNER_NEEDED")
        if self.signers & (1 << number):
            self.does(SCRUTINEERS[number], body, "SECOND_SIGNER_NEEDED")
            return
        self.does(SCRUTINEERS[number], body)
        self.signers |= 1 << number
        if self.signers == 3:
            self.closing = None
            assert self.over

    @rule(number=st.integers(0, 8))
    @precondition(lambda self: self.over and SESSION not in self.hands.model.certified)
    def a_ballot_is_disowned(self, number: int) -> None:
        """A member disowns the own ballot, it is invalidated, and perhaps reinstated."""
        world, vote = self.hands.world, self.hands.vote
        person, cast = sorted(vote.ballots.items())[number % len(vote.ballots)]
        played = world.state.rounds.by_id[vote.id].ballots[person]
        self.does("organiser", BallotDisputed(cast.index, "不是本人所投"), "NOT_BALLOT_OWNER")
        body = BallotDisputed(cast.index, "不是本人所投")
        if played.disowned is not None:
            self.does(world.alias_of(person), body, "ALREADY_DISPUTED")
            return
        self.does(world.alias_of(person), body)
        self.two("organiser", BallotInvalidated(cast.index, "核实不是本人所投"))
        if number % 2:
            self.two("organiser", BallotReinstated(cast.index, "复核"))

    def two(self, alias: str, body: Any) -> None:
        """An act that takes effect when discipline countersigns."""
        taken = self.does(alias, body)
        assert taken is not None
        act = self.act(taken)
        self.does("discipline", ActCountersigned(act.index, act.leaf.hex()))

    @rule(where=st.sampled_from(("rows", "rows_root", "projection")))
    @precondition(lambda self: self.over and SESSION not in self.hands.model.certified)
    def certifies(self, where: str) -> None:
        """Nothing but the derivation is certified, and nothing while a tie is open."""
        world = self.hands.world
        good = certification(world, SUBJECT)
        if world.state.findings.open_breaches():
            self.does("organiser", good, "FINDING_OPEN")
            return
        if self.hands.model.tie(SESSION) is not None:
            self.does("organiser", good, "TIE_UNRESOLVED")
            return
        wrong: dict[str, Any] = {"rows": 99, "rows_root": "0" * 64, "projection": "mine@1"}
        self.does("organiser", replace(good, **{where: wrong[where]}), "RESULT_NOT_DERIVED")
        self.does("organiser", certification(world, SUBJECT))

    @rule()
    @precondition(lambda self: self.over and SESSION not in self.hands.model.certified)
    def a_run_off_opens(self) -> None:
        """Where the model sees a tie, the round that is due is a run-off among the tied."""
        tie = self.hands.model.tie(SESSION)
        if tie is None or tie.exhausted:
            return
        body = opening(self.hands.world, *SESSION)
        self.does("organiser", replace(body, seats=body.seats + 1), "LIST_NOT_DERIVED")
        self.does("organiser", body)
        self.prepared.clear()

    @rule()
    @precondition(lambda self: self.over and SESSION not in self.hands.model.certified)
    def the_vote_is_held_again(self) -> None:
        """The vote of the whole list is reopened, and voted again."""
        main = self.hands.model.main(SESSION)
        if main is None:
            return
        self.two("organiser", RoundReopened("程序有瑕疵，重新投票", main.id))
        self.does("organiser", opening(self.hands.world, *SESSION))
        self.prepared.clear()

    # Reading

    @invariant()
    def what_is_read_is_what_the_model_says(self) -> None:
        """Rounds, ranking and status, whenever something happened."""
        if hasattr(self, "hands") and self.looked != len(self.hands.entries):
            self.looked = len(self.hands.entries)
            agrees(self.hands, self.hands.model)

    @rule(back=st.integers(0, 60))
    def looks_back(self, back: int) -> None:
        """At any earlier entry everything reads as the model had it then."""
        size = max(len(self.hands.entries) - back, 1)
        earlier = Naive()
        consume(earlier, self.hands.entries[:size])
        agrees(self.hands, earlier, size - 1)


@contextmanager
def panel(make: Lasting, folders: Iterator[Any]) -> Iterator[Live]:
    """A service of its own whose panel may vote."""
    with live_service(make, next(folders), open_round_history()[0]) as live:
        yield live


def machine(make: Lasting, folders: Callable[[str], Any]) -> type[Panel]:
    """The machine, each run of which has a service of its own."""
    each = (folders(f"panel-{number}") for number in count())
    return type("Played", (Panel,), {"make": staticmethod(lambda: panel(make, each)), "met": Counter()})


def play(make: Lasting, folders: Callable[[str], Any], examples: int, steps: int, derandomize: bool) -> Counter[str]:
    """Let Hypothesis play; returns how often which code was met, and which kind of statement taken."""

    played = machine(make, folders)
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=derandomize,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(played, settings=chosen)
    return played.met


def test_a_panel_votes_over_http_as_the_naive_model_says(
    lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory
) -> None:
    met = play(lasting_site, tmp_path_factory.mktemp, examples=8, steps=40, derandomize=True)
    assert met.keys() >= {"ballot.cast", "round.closed", "ALREADY_VOTED", "ROUND_CLOSED", "KEY_UNKNOWN"}


@pytest.mark.parametrize("turn", [1, 2])
def test_the_hands_reach_a_certified_result_or_a_tie(
    lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory, turn: int
) -> None:
    """What chance seldom comes to: everybody alike and certified; or a tie, a ballot disowned, a run-off."""
    hands = machine(lasting_site, tmp_path_factory.mktemp)()
    try:
        hands.start(voted=2, turn=turn)
        if turn == 1:
            hands.certifies("rows_root")
            assert SESSION in hands.hands.model.certified
        else:
            hands.certifies("rows")
            hands.a_ballot_is_disowned(1)
            hands.a_run_off_opens()
            hands.votes(PANEL[0], 0, 1, 0)
        hands.what_is_read_is_what_the_model_says()
        hands.looks_back(8)
    finally:
        hands.teardown()


@pytest.mark.long
def test_many_panels_vote_over_http_as_the_naive_model_says(
    lasting_site: Lasting, tmp_path_factory: pytest.TempPathFactory
) -> None:
    play(lasting_site, tmp_path_factory.mktemp, examples=60, steps=60, derandomize=False)
