"""Hold the ledger's derived results against the naive model's."""

from fractions import Fraction

from ledger.derivation import derive, lines_of
from ledger.nominees import to_propose, to_publish
from ledger.procedure.programme import StageKind
from ledger.selection import Selection
from ledger.state.clocks import clock_of
from ledger.state.places import held, next_up, standing, vacancies
from tests.model.naive import Naive
from tests.model.rules import cut
from tests.model.voting import Session, Vote


def same(state: Selection, model: Naive) -> None:
    """Everything that is derived: who stands where, in both."""
    assert model.claims == []
    assert state.size == model.size
    assert list(state.applications.eligible()) == model.eligible()
    assert {person: out.index for person, out in state.out.items()} == model.out
    for session, votes in model.votes.items():
        _session(state, model, session, votes)
    if model.final is not None:
        _places(state, model)


def _session(state: Selection, model: Naive, session: Session, votes: list[Vote]) -> None:
    for vote in votes:
        if vote.closed:
            _lines(state, model, session, vote)
    derived = derive(state, state.rounds.session(*session))
    main = model.main(session)
    if derived is None or main is None:
        assert main is None or not main.closed
        return
    ranking = model.ranking(session)
    taken, across, below = cut(ranking, main.seats)
    assert [list(equal) for equal in derived.ranking.classes] == ranking
    assert (list(derived.cut.taken), list(derived.cut.tied_at_cut or ())) == (taken, across)
    assert list(derived.cut.left) == [one for equal in below for one in equal]
    tie = model.tie(session)
    due = derived.due
    assert (due is None) == (tie is None)
    if due is not None and tie is not None:
        assert (list(due.candidates), due.places, due.at_cut) == (tie.people, tie.places, tie.at_cut)
        assert derived.exhausted == tie.exhausted
    outcome = state.rounds.session(*session).outcome
    certified = model.certified.get(session)
    assert (outcome is None) == (certified is None)
    if outcome is not None and certified is not None:
        assert (list(outcome.taken), list(outcome.left)) == certified


def _lines(state: Selection, model: Naive, session: Session, vote: Vote) -> None:
    played = state.rounds.by_id[vote.id]
    predicted = model.lines(session, vote)
    counted = {line.candidate: line for line in lines_of(state, played)}
    assert counted.keys() == predicted.keys()
    for candidate, line in predicted.items():
        theirs = counted[candidate]
        assert (theirs.approve, theirs.against, theirs.abstain) == (line.approve, line.against, line.abstain)
        assert (theirs.void, theirs.recused, theirs.valid) == (line.void, line.recused, line.valid)


def _places(state: Selection, model: Naive) -> None:
    final = state.rounds.final
    assert final is not None
    assert (list(final.nominees), list(final.alternates)) == model.final
    assert [one.person for one in held(state)] == model.held
    assert list(standing(state)) == model.standing()
    assert [one.vacated_by for one in vacancies(state)] == model.vacated()
    assert next_up(state, state.size)[0] == model.next_up()
    assert list(to_propose(state)) == model.to_propose()
    programme = state.charter.latest.programme
    assert list(to_publish(state, programme, state.at)) == model.to_publish()
    for person in model.published:
        clock = clock_of(state, person)
        assert clock is not None
        assert clock.ends_at == model.ends(person), person
    assert [one.id for one in state.notices.objections.open(state.out)] == model.open_objections()
    assert set(state.deliberation.agreed) == model.agreed
    titles = state.naming.titles
    assert list(titles.candidates if titles else ()) == model.named
    assert [one for one in model.named if state.naming.holds_title(one)] == model.titles()


def same_scores(state: Selection, model: Naive, session: Session) -> None:
    """The mean scores of a group, as exact fractions."""
    derived = derive(state, state.rounds.session(*session))
    if derived is None:
        return
    for key in derived.keys:
        if key.name == "mean_score":
            assert dict(key.values) == {one: Fraction(mean) for one, mean in model.means(session).items()}


def deliberation_open(state: Selection) -> bool:
    """Whether the stage of deliberation has begun."""
    programme = state.charter.latest.programme
    return any(stage.id in state.charter.stages for stage in programme.stages_of(StageKind.DELIBERATION))
