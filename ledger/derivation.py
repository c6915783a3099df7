"""How a session stands: lines, ladder of keys, ranking and cut, derived from the state and from nothing else.

Clauses five(一)–(三) and five(五). An open round's lines are never asked for: a session counts only rounds whose close
two scrutineers have signed. What a certification signs of it is for `results`.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from ledger.derived import Derivation
from ledger.procedure.closing import Balance
from ledger.procedure.counting import Ballot, MinApproval, Tally, reaches_minimum, tally
from ledger.procedure.cuts import CutChange, cut, runoff_needed, runoffs_exhausted, share_changes_cut
from ledger.procedure.programme import Programme, Stage, StageKind
from ledger.procedure.ranking import (
    DecidedBy,
    Key,
    RecusalRanking,
    decided_key,
    mean_score_key,
    public_votes_key,
    rank,
    runoff_key,
)
from ledger.procedure.scores import mean_scores
from ledger.state.books import Books
from ledger.state.rounds import Round, RoundStatus, Session


def rules_of(state: Books, stage_id: str) -> tuple[Programme, Stage]:
    """Return the programme version that governs a stage, and the stage; raises `LookupError` for an unknown one."""
    programme = state.charter.version_for(stage_id).programme
    stage = programme.stage(stage_id)
    if stage is None:
        raise LookupError(stage_id)
    return programme, stage


def recusals_of(state: Books, played: Round) -> dict[str, frozenset[str]]:
    """Return the members recused for each candidate as they bind this round.

    A recusal acts forward: it takes nothing from a ballot that was in before it.
    """
    ballots = played.ballots
    return {
        candidate: frozenset(
            member for member, entry in members.items() if member not in ballots or entry < ballots[member].index
        )
        for candidate, members in state.bodies.recused(played.stage, played.group).items()
        if candidate in played.standing
    }


def present_voters(state: Books, played: Round) -> frozenset[str]:
    """Return the members present who may vote in this round: on the roster, and not recused for everybody."""
    roster = state.bodies.roster(played.stage, played.group)
    members = frozenset(roster.members if roster else ()) & played.session.present.keys()
    recusals = recusals_of(state, played)
    kept_out = frozenset.intersection(*(recusals.get(one, frozenset()) for one in played.candidates))
    return members - kept_out


def balance_of(played: Round) -> Balance:
    """Return the ballots of a round as they are on record."""
    returned = len(played.ballots)
    void = sum(cast.void for cast in played.ballots.values())
    return Balance(len(played.issued), returned, len(played.issued) - returned, void)


def lines_of(state: Books, played: Round, candidates: AbstractSet[str] | None = None) -> tuple[Tally, ...]:
    """Count a round for these candidates (by default its whole list); a ballot invalidated by decision is void."""
    ballots = (
        Ballot(cast.member, frozenset(), void=True)
        if cast.void or cast.invalid is not None
        else Ballot(cast.member, frozenset(cast.approve), frozenset(cast.against), frozenset(cast.abstain))
        for cast in played.ballots.values()
    )
    return tally(played.standing if candidates is None else candidates, ballots, recusals_of(state, played))


def polled_before(programme: Programme, stage: Stage) -> Stage | None:
    """Return the public vote that orders equals of this stage, if there is one before it: clause five(五)."""
    if stage.takes != "nominees":
        return None
    polls = [earlier for earlier in programme.before(stage.id) if earlier.kind is StageKind.PUBLIC_VOTE]
    return polls[-1] if polls else None


def ladder(state: Books, session: Session) -> tuple[Key, ...]:
    """Return the keys that settle equals, in order: scores or public votes, run-offs, the leaders' votes or a lot."""
    programme, stage = rules_of(state, session.stage)
    reading = RecusalRanking(programme.reading("recusal_ranking") or RecusalRanking.RAW)
    keys: list[Key] = []
    if programme.reading(stage.tie_reading or "") == "score_then_runoff":
        means = mean_scores(entry.sheet for entry in session.sheets.values())
        keys.append(mean_score_key({one.candidate: one.mean for one in means}, session.subject))
    polled = polled_before(programme, stage)
    if polled is not None:
        poll = state.polls.of_stage(polled.id)
        keys.append(public_votes_key(state.polls.deciding(poll) if poll else {}, f"poll:{poll.id}" if poll else ""))
    keys += [runoff_key(rank(lines_of(state, one), (), reading), one.id) for one in session.runoffs]
    for settled in session.resolutions:
        keys.append(decided_key(DecidedBy.LOT if settled.by_lot else DecidedBy.DECISION, settled.values, settled.round))
    return tuple(keys)


def derive(state: Books, session: Session) -> Derivation | None:
    """Count a session as it stands; None before its vote is closed."""
    played = session.main
    if played is None or played.status is not RoundStatus.CLOSED:
        return None
    programme, stage = rules_of(state, session.stage)
    lines = {line.candidate: line for line in lines_of(state, played)}
    held = [one.standing for one in session.runoffs]
    return settled(programme, stage, played, lines, ladder(state, session), state.out.keys(), held)


def settled(
    programme: Programme,
    stage: Stage,
    played: Round,
    lines: Mapping[str, Tally],
    keys: tuple[Key, ...],
    gone: AbstractSet[str],
    held: Iterable[AbstractSet[str]],
) -> Derivation:
    """Rank counted lines and cut: who has `gone` is left out; `held` are those who stood together in each run-off."""
    reading = RecusalRanking(programme.reading("recusal_ranking") or RecusalRanking.RAW)
    least = MinApproval(programme.reading("min_approval") or MinApproval.NONE)
    standing = [line for candidate, line in lines.items() if candidate not in gone]
    ranking = rank([line for line in standing if reaches_minimum(line, least)], keys, reading)
    order_matters = stage.takes == "nominees"
    due = runoff_needed(ranking, played.seats, order_matters=order_matters)
    return Derivation(
        played,
        lines,
        keys,
        ranking,
        below=rank([line for line in standing if not reaches_minimum(line, least)], keys, reading),
        everybody=rank([line for line in lines.values() if reaches_minimum(line, least)], keys, reading),
        cut=cut(ranking, played.seats, order_matters=order_matters),
        due=due,
        exhausted=due is not None and runoffs_exhausted(due, held, programme.runoffs_most),
    )


def share_change(derived: Derivation) -> CutChange | None:
    """Reading `recusal_ranking`: would the other reading cut differently among those who can be taken?"""
    taken = [derived.lines[candidate] for candidate in derived.ranking.candidates]
    return share_changes_cut(taken, derived.keys, derived.played.seats)
