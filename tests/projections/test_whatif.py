"""What-if: held against recounts by hand, and never saying more than anybody can know."""

from collections import Counter
from collections.abc import Callable

import pytest

from ledger.state.rounds import Round, Session
from projections.replay import replay
from projections.whatif import Change, Compared, WhatIf, WhatIfError, what_if
from tests.projections.worlds import Played, eventful, smooth

NOTICE = "zhuyuan-2022"


def _session(played: Played, stage: str, group: str | None = None) -> Session:
    return played.state.rounds.sessions[stage, group]


def _vote(session: Session) -> Round:
    assert session.main is not None
    return session.main


def _of(answer: WhatIf, subject: str) -> Compared:
    (found,) = (one for one in answer.compared if one.subject == subject)
    return found


def _by_hand(vote: Round, without: set[str]) -> list[int]:
    """The approvals of each candidate, high to low, by plain counting of the ballots that remain."""
    counted = Counter(person for cast in vote.ballots.values() if cast.member not in without for person in cast.approve)
    return sorted((counted[person] for person in vote.standing), reverse=True)


@pytest.mark.parametrize("play", [lambda: smooth(NOTICE), eventful, lambda: smooth("labour-medal-2024")])
def test_changing_nothing_changes_nothing(play: Callable[[], Played]) -> None:
    played = play()
    answer = what_if(played.entries, Change())
    assert answer.hypothetical
    assert answer.undetermined is None
    assert answer.left_out == ()
    assert len(answer.compared) == sum(one.outcome is not None for one in played.state.rounds.sessions.values())
    assert not any(one.changed for one in answer.compared)


@pytest.mark.parametrize("place", range(9))
def test_a_member_left_out_is_a_recount_without_their_ballots(place: int) -> None:
    played = eventful()
    vote = _vote(_session(played, "final"))
    member = sorted(vote.ballots)[place]
    answer = what_if(played.entries, Change(members=frozenset({member})))
    assert vote.ballots[member].index in answer.left_out
    compared = _of(answer, "stage:final")
    recount = {
        person: sum(person in cast.approve for cast in vote.ballots.values() if cast.member != member)
        for person in vote.standing
    }
    ordered = [one.candidate for one in sorted(compared.candidates, key=lambda one: one.rank_if or 99)]
    assert [recount[person] for person in ordered] == _by_hand(vote, {member})
    seats = {one.candidate for one in compared.candidates if one.taken_if}
    worst = min(recount[person] for person in seats)
    assert all(recount[person] <= worst for person in recount.keys() - seats)


def test_another_rounding_needs_ballots_that_nobody_cast() -> None:
    played = smooth(NOTICE)
    answer = what_if(played.entries, Change(readings={"shortlist_rounding": "floor"}))
    shortlist = _of(answer, "stage:shortlist")
    over = sum(len(cast.approve) > 13 for cast in _vote(_session(played, "shortlist")).ballots.values())
    assert over
    assert shortlist.ballots_over == over
    assert answer.undetermined is not None
    assert (answer.undetermined.code, answer.undetermined.subject) == ("BALLOTS_NOT_CAST", "stage:shortlist")
    assert answer.undetermined.index == shortlist.certified
    assert answer.compared[-1] is shortlist, "nothing is said of what would have come after"


def test_the_same_number_by_another_reading_changes_nothing() -> None:
    answer = what_if(smooth(NOTICE).entries, Change(readings={"shortlist_rounding": "strictly_more"}))
    assert answer.undetermined is None
    assert not any(one.changed for one in answer.compared)


def test_without_the_public_votes_a_tie_they_broke_needs_a_run_off() -> None:
    played = eventful()
    channels = frozenset(played.state.polls.channels)
    answer = what_if(played.entries, Change(channels=channels))
    assert answer.left_out
    final = _of(answer, "stage:final")
    tied = {one.candidate for one in final.candidates if one.rank in (10, 11)}
    assert tied <= set(final.tie)
    assert answer.undetermined is not None
    assert answer.undetermined.code == "RUNOFF_NOT_HELD"


def test_an_entry_left_out_takes_with_it_what_refers_to_it() -> None:
    played = eventful()
    vote = _vote(_session(played, "final"))
    answer = what_if(played.entries, Change(entries=frozenset({vote.opened})))
    assert answer.left_out == (vote.opened,)
    assert answer.undetermined is not None
    assert answer.undetermined.code == "BUILDS_ON_LEFT_OUT"


def test_a_unit_left_out_is_everybody_enrolled_with_it() -> None:
    played = smooth(NOTICE)
    vote = _vote(_session(played, "final"))
    unit = played.state.roll.people[next(iter(vote.ballots))].unit
    of_unit = {member for member in vote.ballots if played.state.roll.people[member].unit == unit}
    answer = what_if(played.entries, Change(unit=unit))
    assert {vote.ballots[member].index for member in of_unit} <= set(answer.left_out)
    spared = [cast.index for member, cast in vote.ballots.items() if member not in of_unit]
    assert not set(spared) & set(answer.left_out)


def test_who_would_not_have_dropped_out_ends_the_answer() -> None:
    """Without the leaders who objected, somebody else holds the place: what followed was done about another person."""
    played = eventful()
    gone = [person for person, out in played.state.out.items() if out.cause.value == "not_agreed"]
    assert gone, "the play must hold a leadership objection"
    against = frozenset(
        vote_of
        for matter in played.state.deliberation.matters.values()
        for vote_of, vote in matter.votes.items()
        if any(not voice.agree and voice.subject in gone for voice in vote.voices)
    )
    answer = what_if(played.entries, Change(members=against))
    assert answer.undetermined is not None
    assert answer.undetermined.code == "ANOTHER_DROPS_OUT"


def test_nothing_is_written() -> None:
    played = eventful()
    before = [bytes(entry) for entry in played.entries]
    what_if(played.entries, Change(readings={"shortlist_rounding": "round"}))
    assert played.entries == before
    assert replay(played.entries).size == played.state.size


@pytest.mark.parametrize(
    ("readings", "code"),
    [({"no-such": "ceil"}, "READING_UNKNOWN"), ({"shortlist_rounding": "thirteen"}, "READING_NOT_PERMITTED")],
)
def test_a_reading_that_no_catalogue_has_is_refused(readings: dict[str, str], code: str) -> None:
    with pytest.raises(WhatIfError) as caught:
        what_if(smooth(NOTICE).entries, Change(readings=readings))
    assert caught.value.code == code
