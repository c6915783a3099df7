"""The naive model, second part: groups and seats, rounds and their lines, rankings, who is taken, the public vote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ledger.procedure import draws
from ledger.statements import Act
from tests.model.applying import Applying, Filed
from tests.model.rules import classes, cut, shares, shortlist_size

Session = tuple[str, str | None]


@dataclass
class Ballot:
    """One ballot: its entry, and what it says."""

    index: int
    approve: set[str]
    against: set[str]
    void: bool
    invalid: bool = False


@dataclass
class Vote:
    """One round."""

    id: str
    candidates: list[str]
    seats: int
    runoff: bool
    ballots: dict[str, Ballot] = field(default_factory=dict)
    closed: bool = False
    gone: bool = False


@dataclass
class Line:
    """What the ballots say on one candidate."""

    approve: int
    against: int
    abstain: int
    void: int
    recused: int

    @property
    def valid(self) -> int:
        """Ballots that say something on the candidate."""
        return self.approve + self.against + self.abstain

    @property
    def possible(self) -> int:
        """Ballots that could have approved: all but those of recused members; a void one only spoiled its chance."""
        return self.valid + self.void


@dataclass
class Tie:
    """Candidates whom nothing separates yet, where it matters: for how many places, and whether the cut hangs on it."""

    people: list[str]
    places: int
    at_cut: bool
    exhausted: bool


class Voting(Applying):
    """Groups, rounds and polls."""

    def __init__(self) -> None:
        super().__init__()
        self.moved: dict[str, dict[str, str]] = {}
        self.tables: dict[str, dict[str, tuple[list[str], int, int]]] = {}
        self.announced: dict[str, Any] = {}
        self.seeds: dict[str, dict[str, bytes]] = {}
        self.drawn: dict[tuple[str, str], list[str]] = {}
        self.recused: dict[Session, dict[tuple[str, str], int]] = {}
        self.sheets: dict[Session, dict[tuple[str, str], int]] = {}
        self.votes: dict[Session, list[Vote]] = {}
        self.settled: dict[Session, list[tuple[str, dict[str, Fraction]]]] = {}
        self.certified: dict[Session, tuple[list[str], list[str]]] = {}
        self.final: tuple[list[str], list[str]] | None = None
        self.verifiable: dict[str, bool] = {}
        self.polls: dict[str, dict[str, dict[str, int]]] = {}
        self.public: dict[str, int] | None = None
        self.matters: dict[str, dict[str, dict[str, bool]]] = {}
        self.ended: set[str] = set()

    # Draws; the drum itself is the ledger's, what is done with its order is not

    def on_draw_announced(self, act: Act, now: Act) -> None:
        self.announced[act.body.draw] = act.body

    def on_seed_revealed(self, act: Act, now: Act) -> None:
        body = self.announced[act.body.draw]
        seeds = self.seeds.setdefault(body.draw, {})
        seeds[act.person] = bytes.fromhex(act.body.seed)
        if len(seeds) == len(body.committers):
            context = f"{body.purpose}/{body.subject}/{body.draw}"
            self.drawn.setdefault((body.purpose, body.subject), list(draws.order(seeds, body.pool, context)))

    # Lists and groups

    def entering(self, stage_id: str) -> list[str]:
        """Who comes into a stage: the eligible, or those taken in the rounds just before, without who is out."""
        people = []
        for stage in self.programme["stages"]:
            if stage["id"] == stage_id:
                break
            if stage["kind"] == "screening":
                people = self.eligible()
            if stage["kind"] in ("group_round", "panel_round"):
                results = [taken for (name, _), (taken, _) in self.certified.items() if name == stage["id"]]
                people = [one for taken in results for one in taken]
        return sorted(one for one in people if one not in self.out)

    def group_of(self, stage: Any, filed: Filed) -> str | None:
        """五(一), 五(二): the group that covers the occupation or industry, unless moved."""
        value = filed.occupation if stage["group_by"] == "occupation" else filed.industry
        covering = [group["id"] for group in stage["groups"] if value in group["covers"]]
        return self.moved.get(stage["id"], {}).get(filed.person) or next(iter(covering), None)

    def table(self, stage_id: str) -> dict[str, tuple[list[str], int, int]] | None:
        """The table of groups: candidates, applications received, seats; None where a draw is needed."""
        stage = self.stage(stage_id)
        rows: dict[str, tuple[list[str], int]] = {}
        for group in stage["groups"]:
            people = [
                one for one in self.entering(stage_id) if self.group_of(stage, self.of_person(one)) == group["id"]
            ]
            got = sum(self.group_of(stage, filed) == group["id"] for filed in self.received())
            rows[group["id"]] = people, got
        filled = {group: (got, len(people)) for group, (people, got) in rows.items() if people}
        seats = shares(filled, stage["total"], self.drawn.get(("shares", f"stage:{stage_id}"), []))
        if seats is None:
            return None
        return {group: (people, got, seats.get(group, 0)) for group, (people, got) in rows.items()}

    def on_candidate_regrouped(self, act: Act, now: Act) -> None:
        self.moved.setdefault(act.body.stage, {})[act.body.candidate] = act.body.group

    def on_groups_certified(self, act: Act, now: Act) -> None:
        said = {row.group: (list(row.candidates), row.received, row.seats) for row in act.body.groups}
        self.claim(act, "table", self.table(act.body.stage), said)
        self.tables[act.body.stage] = said

    def candidates(self, session: Session) -> list[str]:
        """Who stands in a session now."""
        stage, group = session
        if self.stage(stage)["kind"] == "panel_round":
            return self.entering(stage)
        return [one for one in self.tables[stage][group or ""][0] if one in self.entering(stage)]

    def places(self, session: Session) -> int:
        """How many the vote of the whole list takes."""
        stage, group = session
        people = len(self.candidates(session))
        if self.stage(stage)["kind"] == "group_round":
            seats: int = self.tables[stage][group or ""][2]
            return min(seats, people)
        if self.stage(stage)["takes"] == "shortlist":
            return min(shortlist_size(int(self.programme["seats"]), self.readings["shortlist_rounding"]), people)
        return min(int(self.programme["seats"]), people)

    # Recusals, scores, ballots

    def _recuse(self, act: Act, member: str) -> None:
        session = self.recused.setdefault((act.body.stage, act.body.group), {})
        session.setdefault((member, act.body.candidate), act.index)

    def on_recusal_made(self, act: Act, now: Act) -> None:
        self._recuse(act, act.person)

    def on_recusal_imposed(self, act: Act, now: Act) -> None:
        self._recuse(act, act.body.member)

    def on_score_given(self, act: Act, now: Act) -> None:
        sheets = self.sheets.setdefault((act.body.stage, act.body.group), {})
        sheets[act.person, act.body.candidate] = sum(points.hundredths for points in act.body.points)

    on_score_revised = on_score_given

    def on_round_opened(self, act: Act, now: Act) -> None:
        body = act.body
        session = body.stage, body.group
        tie = self.tie(session)
        people, places = (tie.people, tie.places) if tie else (self.candidates(session), self.places(session))
        self.claim(act, "candidates", sorted(people), sorted(body.candidates))
        self.claim(act, "seats", (places, places, bool(tie)), (body.seats, body.max_approvals, bool(body.runoff)))
        self.votes.setdefault(session, []).append(Vote(body.round, people, places, bool(body.runoff)))

    def vote(self, round_id: str) -> tuple[Session, Vote]:
        """The round of an id, and its session."""
        return next((session, vote) for session, held in self.votes.items() for vote in held if vote.id == round_id)

    def on_ballot_cast(self, act: Act, now: Act) -> None:
        self._ballot(act, act.person, void=False)

    def on_paper_ballot_entered(self, act: Act, now: Act) -> None:
        self._ballot(act, act.body.member, void=act.body.void is not None)

    def _ballot(self, act: Act, member: str, void: bool) -> None:
        _, vote = self.vote(act.body.round)
        vote.ballots[member] = Ballot(act.index, set(act.body.approve), set(act.body.against), void)

    def _find(self, index: int) -> Ballot:
        held = [vote for votes in self.votes.values() for vote in votes]
        return next(one for vote in held for one in vote.ballots.values() if one.index == index)

    def on_ballot_invalidated(self, act: Act, now: Act) -> None:
        self._find(act.body.index).invalid = True

    def on_ballot_reinstated(self, act: Act, now: Act) -> None:
        self._find(act.body.index).invalid = False

    def on_round_closed(self, act: Act, now: Act) -> None:
        self.vote(act.body.round)[1].closed = True

    def on_round_reopened(self, act: Act, now: Act) -> None:
        session, vote = self.vote(act.body.round)
        held = self.votes[session]
        for later in held[held.index(vote) :]:
            later.gone = True
        gone = {one.id for one in held if one.gone}
        self.settled[session] = [one for one in self.settled.get(session, []) if one[0] not in gone]

    # Lines and rankings

    def lines(self, session: Session, vote: Vote) -> dict[str, Line]:
        """Count a round: blank is abstention, a void ballot is void for all, a recused member's line is nothing."""
        counted = {}
        for one in vote.candidates:
            line = Line(0, 0, 0, 0, 0)
            for member, ballot in vote.ballots.items():
                recused = self.recused.get(session, {}).get((member, one))
                if recused is not None and recused < ballot.index:
                    line.recused += 1
                elif ballot.void or ballot.invalid:
                    line.void += 1
                elif one in ballot.approve:
                    line.approve += 1
                elif one in ballot.against:
                    line.against += 1
                else:
                    line.abstain += 1
            counted[one] = line
        return counted

    def measure(self, session: Session, vote: Vote) -> dict[str, Fraction]:
        """Approvals, or under the other reading their share of those possible."""
        lines = self.lines(session, vote)
        share = self.readings["recusal_ranking"] == "share"
        return {one: Fraction(line.approve, (line.possible or 1) if share else 1) for one, line in lines.items()}

    def main(self, session: Session) -> Vote | None:
        """The vote of the whole list that counts."""
        return next((vote for vote in self.votes.get(session, []) if not vote.gone and not vote.runoff), None)

    def runoffs(self, session: Session) -> list[Vote]:
        """The run-offs that count and are closed."""
        return [vote for vote in self.votes.get(session, []) if vote.runoff and vote.closed and not vote.gone]

    def ranking(self, session: Session) -> list[list[str]]:
        """Approvals high to low; equals by the ladder that the programme declares."""
        vote = self.main(session)
        if vote is None or not vote.closed:
            return []
        lines = self.lines(session, vote)
        majority = self.readings["min_approval"] == "majority_of_valid"
        people = [
            one
            for one in vote.candidates
            if one not in self.out and (not majority or lines[one].approve * 2 > lines[one].valid)
        ]
        keys: list[Mapping[str, Fraction]] = [self.measure(session, vote)]
        stage = self.stage(session[0])
        if self.readings.get(stage.get("tie_reading", "")) == "score_then_runoff":
            keys.append(self.means(session))
        if stage.get("takes") == "nominees" and self.public is not None:
            keys.append({one: Fraction(count) for one, count in self.public.items()})
        keys += [self.measure(session, runoff) for runoff in self.runoffs(session)]
        keys += [values for _, values in self.settled.get(session, [])]
        return classes(people, keys)

    def means(self, session: Session) -> dict[str, Fraction]:
        """五(一): the mean of all scores given, exactly."""
        totals: dict[str, list[int]] = {}
        for (_, candidate), total in self.sheets.get(session, {}).items():
            totals.setdefault(candidate, []).append(total)
        return {candidate: Fraction(sum(given), len(given)) for candidate, given in totals.items()}

    def tie(self, session: Session) -> Tie | None:
        """The tie that is to be settled next: at the cut, or of the nominees' vote also among the alternates."""
        vote = self.main(session)
        if vote is None or not vote.closed:
            return None
        taken, across, below = cut(self.ranking(session), vote.seats)
        open_below = [equal for equal in below if len(equal) > 1]
        if across:
            people, places = across, vote.seats - len(taken)
        elif self.stage(session[0]).get("takes") == "nominees" and open_below:
            people, places = open_below[0], len(open_below[0]) - 1
        else:
            return None
        together = sum(set(people) <= set(one.candidates) for one in self.runoffs(session))
        return Tie(people, places, bool(across), together >= self.programme["runoffs_most"])

    def last_on(self, session: Session, people: Sequence[str]) -> Vote | None:
        """The last round in which all of these stood."""
        held = [vote for vote in [self.main(session), *self.runoffs(session)] if vote is not None]
        return next((vote for vote in reversed(held) if set(people) <= set(vote.candidates)), None)

    def on_tie_resolved(self, act: Act, now: Act) -> None:
        session, _ = self.vote(act.body.round)
        tie = self.tie(session)
        people = tie.people if tie else []
        if self.readings["runoff_exhausted"] == "lot":
            order = [one for one in self.drawn[("lot", act.body.round)] if one in people]
            values = {one: Fraction(-place) for place, one in enumerate(order)}
        else:
            voices = self.matters[f"tie:{act.body.round}"].values()
            values = {one: Fraction(sum(voice[one] for voice in voices)) for one in people}
        expected = sorted(values, key=lambda one: (-values[one], one))
        self.claim(act, "order", expected, list(act.body.order))
        self.settled.setdefault(session, []).append((act.body.round, values))

    def on_deliberation_voted(self, act: Act, now: Act) -> None:
        if act.body.matter in self.ended:
            self.ended.discard(act.body.matter)
            self.matters.pop(act.body.matter, None)
        voices = {voice.subject: voice.agree for voice in act.body.voices}
        self.matters.setdefault(act.body.matter, {})[act.person] = voices

    # Public vote and results

    def on_channel_registered(self, act: Act, now: Act) -> None:
        self.verifiable[act.body.channel] = act.body.verifiable

    def on_poll_opened(self, act: Act, now: Act) -> None:
        self.polls[act.body.poll] = {}
        self.claim(act, "candidates", self.entering(act.body.stage), sorted(act.body.candidates))

    def on_totals_imported(self, act: Act, now: Act) -> None:
        self.polls[act.body.poll][act.body.channel] = {one.candidate: one.votes for one in act.body.totals}

    def on_result_certified(self, act: Act, now: Act) -> None:
        kind, _, name = act.body.subject.partition(":")
        if kind == "poll":
            checked = [totals for channel, totals in self.polls[name].items() if self.verifiable[channel]]
            people = next(iter(self.polls[name].values()))
            self.public = {one: sum(totals[one] for totals in checked) for one in people} if checked else None
            return
        stage, _, group = name.partition(":")
        session = stage, group or None
        vote = self.main(session)
        self.claim(act, "tie", None, self.tie(session))
        taken, _, below = cut(self.ranking(session), vote.seats if vote else 0)
        self.certified[session] = taken, [one for equal in below for one in equal]
        if self.stage(stage).get("takes") == "nominees":
            self.final = self.certified[session]
            self.fixed()

    def fixed(self) -> None:
        """The final order is fixed."""
