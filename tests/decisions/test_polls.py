"""The public vote: channels, the poll and its window, totals under two signers, and what they may decide."""

from dataclasses import replace
from typing import Any

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_bodies import play_draw
from api.rehearsal.steps_polls import (
    import_totals,
    open_poll,
    operator_of,
    play_channels,
    play_public_vote,
    poll_opening,
    totals,
)
from api.rehearsal.steps_rounds import (
    SessionPlan,
    certification,
    certify,
    play_people,
    play_round,
    play_session,
    play_sitting,
)
from ledger.place_reasons import reasons
from ledger.procedure.ballots import list_hash
from ledger.state.poll_book import Poll
from ledger.statements.applications import ApplicationWithdrawn
from ledger.statements.foundation import ActCountersigned, StageClosed, StageOpened
from ledger.statements.poll import ChannelRegistered, PollClosed, Total
from ledger.statements.rounds import ResultCertified
from tests.voting import PEOPLE, changed, finding, findings, play_until, prepared, refused, replayed, world_before

STAGE, CLAUSE, CHANNEL = "public", "五(四)", "union-wechat"
TENTH, ELEVENTH = PEOPLE[9], PEOPLE[10]
TIED_AT_CUT = dict.fromkeys(PEOPLE[:9], 7) | {TENTH: 5, ELEVENTH: 5, PEOPLE[11]: 3, PEOPLE[12]: 2, PEOPLE[13]: 1}


def polling() -> tuple[World, Poll]:
    world = world_before(STAGE)
    world.must("organiser", StageOpened(STAGE))
    return world, open_poll(world, STAGE)


def closed() -> tuple[World, Poll]:
    world, poll = polling()
    world.now = poll.closes_at
    world.must("organiser", PollClosed(poll.id))
    return world, poll


def two_channels(unverifiable: tuple[str, ...]) -> World:
    value = changed(readings={})
    stages: list[dict[str, Any]] = [dict(stage) for stage in value["stages"]]
    public = next(stage for stage in stages if stage["id"] == STAGE)
    public["channels"] = [CHANNEL, "city-news"]
    world = prepared_with(value | {"stages": stages}, unverifiable)
    play_until(world, STAGE)
    return world


def prepared_with(value: dict[str, Any], unverifiable: tuple[str, ...]) -> World:
    world = prepared(value, channels=False)
    play_channels(world, STAGE, unverifiable)
    return world


def test_a_channel_is_one_the_programme_names_with_somebody_who_signs() -> None:
    world = prepared(channels=False)
    world.enrol("operator", "channel")
    body = ChannelRegistered(CHANNEL, world.person("operator"), "网上投票平台", True)

    refused(world, "organiser", replace(body, channel="somebody-elses"), "UNKNOWN_CHANNEL", CLAUSE)
    refused(world, "organiser", replace(body, operator=world.person("registrar")), "ROLE_NOT_HELD", CLAUSE)
    refused(world, "registrar", body, "NOT_AUTHORISED", CLAUSE)
    world.must("organiser", body)
    refused(world, "organiser", body, "CHANNEL_KNOWN", CLAUSE)


def test_the_whole_shortlist_goes_to_the_public_and_once() -> None:
    world = world_before(STAGE)
    world.must("organiser", StageOpened(STAGE))
    body = poll_opening(world, STAGE)
    assert len(body.candidates) == 14

    for wrong, where in (
        (replace(body, candidates=body.candidates[1:]), "candidates"),
        (replace(body, candidates=body.candidates[::-1]), "candidates"),
        (replace(body, list_hash=list_hash(body.poll, STAGE, None, body.candidates, 11, 11)), "list_hash"),
    ):
        assert refused(world, "organiser", wrong, "LIST_NOT_DERIVED", CLAUSE).facts == {"where": where}
    for channels in ((), ("union-website",), (CHANNEL, CHANNEL)):
        refused(world, "organiser", replace(body, channels=channels), "UNKNOWN_CHANNEL", CLAUSE)
    refused(world, "organiser", replace(body, closes_at=world.now), "CLOSING_TIME_PAST", CLAUSE)
    world.must("organiser", body)
    refused(world, "organiser", body, "POLL_EXISTS", CLAUSE)
    refused(world, "organiser", replace(body, poll="second"), "POLL_EXISTS", CLAUSE)


def test_F11_the_order_shown_is_declared_or_drawn() -> None:
    world = world_before(STAGE)
    world.must("organiser", StageOpened(STAGE))
    by_id = poll_opening(world, STAGE)
    assert list(by_id.candidates) == sorted(by_id.candidates)
    drawn = play_draw(world, "order", f"stage:{STAGE}", by_id.candidates)

    refused(world, "organiser", by_id, "LIST_NOT_DERIVED", CLAUSE)
    poll = open_poll(world, STAGE)

    assert (poll.candidates, poll.page) == (drawn, by_id.page)


def test_the_window_runs_to_its_end() -> None:
    world, poll = polling()
    refused(world, "organiser", PollClosed("no-poll"), "UNKNOWN_POLL", CLAUSE)
    refused(world, "organiser", PollClosed(poll.id), "POLL_NOT_ELAPSED", CLAUSE)
    refused(world, operator_of(CHANNEL), totals(world, poll.id, CHANNEL), "POLL_NOT_CLOSED", CLAUSE)
    refused(world, "organiser", certification_of(world, poll), "POLL_NOT_CLOSED", CLAUSE)
    world.now = poll.closes_at
    world.must("organiser", PollClosed(poll.id))
    refused(world, "organiser", PollClosed(poll.id), "POLL_CLOSED", CLAUSE)
    refused(world, "organiser", certification_of(world, poll), "TOTALS_MISSING", CLAUSE)
    refused(world, "organiser", StageClosed(STAGE), "PUBLIC_NOT_CERTIFIED", CLAUSE)


def certification_of(world: World, poll: Poll) -> ResultCertified:
    seen = world.ledger.seen()
    assert seen is not None
    digest = world.digest("rows")
    return ResultCertified(seen.size, "poll-totals@1", 1, digest, digest, f"poll:{poll.id}", seen.root, seen.size)


def test_totals_name_every_candidate_once_and_are_the_channels_own() -> None:
    world, poll = closed()
    body = totals(world, poll.id, CHANNEL)
    stranger = Total(world.person("stranger"), 1)

    for rows, fault in (
        (body.totals[1:], "missing"),
        ((*body.totals, body.totals[0]), "twice"),
        ((*body.totals[1:], stranger), "unknown_candidate"),
    ):
        refusal = refused(world, operator_of(CHANNEL), replace(body, totals=rows), "TOTALS_INVALID", CLAUSE)
        assert refusal.facts["fault"] == fault
    refused(world, operator_of(CHANNEL), replace(body, channel="city-news"), "UNKNOWN_CHANNEL", CLAUSE)
    refused(world, operator_of(CHANNEL), replace(body, poll="no-poll"), "UNKNOWN_POLL", CLAUSE)
    refused(world, "organiser", body, "NOT_AUTHORISED", CLAUSE)
    world.enrol("another-operator", "channel")
    refused(world, "another-operator", body, "NOT_AUTHORISED", CLAUSE)


def test_F07_totals_need_a_second_signer() -> None:
    world, poll = closed()
    act = world.must(operator_of(CHANNEL), totals(world, poll.id, CHANNEL))
    assert poll.totals == {}
    own = ActCountersigned(act.index, act.leaf.hex())
    refused(world, operator_of(CHANNEL), own, "SECOND_SIGNER_NEEDED", CLAUSE)
    world.cosign(act, "organiser")

    assert poll.totals[CHANNEL].index == act.index
    assert findings(world, "UNVERIFIABLE_SOURCE") == ()


def test_F08_what_is_replaced_before_certification_is_shown_and_afterwards_nothing_changes() -> None:
    world, poll = closed()
    first = import_totals(world, poll.id, CHANNEL)
    corrected = totals(world, poll.id, CHANNEL, {PEOPLE[0]: 77})
    second = world.must(operator_of(CHANNEL), corrected)
    waiting = world.must(operator_of(CHANNEL), totals(world, poll.id, CHANNEL, {PEOPLE[0]: 78}))
    world.cosign(second, "scrutineer-1")
    found = finding(world, "TOTALS_REPLACED", "warn")
    assert (found.entries, found.facts) == ((first.index, second.index), {"channel": CHANNEL})
    assert [one.index for one in poll.replaced] == [first.index]

    act = certify(world, f"poll:{poll.id}")

    refused(world, "scrutineer-1", ActCountersigned(waiting.index, waiting.leaf.hex()), "PUBLIC_CERTIFIED", CLAUSE)
    refused(world, operator_of(CHANNEL), totals(world, poll.id, CHANNEL), "PUBLIC_CERTIFIED", CLAUSE)
    refused(world, "organiser", certification(world, f"poll:{poll.id}"), "PUBLIC_CERTIFIED", CLAUSE)
    world.must("organiser", StageClosed(STAGE))
    refused(world, operator_of(CHANNEL), totals(world, poll.id, CHANNEL), "STAGE_CLOSED", CLAUSE)
    outcome = replayed(world).polls.by_id[poll.id].outcome
    assert outcome == poll.outcome
    assert outcome is not None
    assert outcome.index == act.index
    row = outcome.row(world.person(PEOPLE[0]))
    assert row is not None
    assert (row["votes"], row["deciding_votes"]) == (77, 77)


@pytest.mark.parametrize(("unverifiable", "won"), [((), TENTH), (("city-news",), ELEVENTH)])
def test_F07_unverifiable_totals_break_no_tie_but_are_shown(unverifiable: tuple[str, ...], won: str) -> None:
    """Both channels together favour one, the verifiable channel alone the other."""
    world = two_channels(unverifiable)
    world.must("organiser", StageOpened(STAGE))
    poll = open_poll(world, STAGE)
    world.now = poll.closes_at
    world.must("organiser", PollClosed(poll.id))
    import_totals(world, poll.id, CHANNEL, {TENTH: 100, ELEVENTH: 101})
    refused(world, "organiser", certification_of(world, poll), "TOTALS_MISSING", CLAUSE)
    import_totals(world, poll.id, "city-news", {TENTH: 900, ELEVENTH: 1})
    certify(world, f"poll:{poll.id}")
    world.must("organiser", StageClosed(STAGE))
    assert len(findings(world, "UNVERIFIABLE_SOURCE")) == len(unverifiable)
    play_people(world, "final")
    world.must("organiser", StageOpened("final"))
    play_session(world, "final", None, SessionPlan(approvals=TIED_AT_CUT))

    final = world.state.rounds.final
    assert final is not None
    assert world.person(won) in final.nominees
    outcome = poll.outcome
    assert outcome is not None
    row = outcome.row(world.person(TENTH))
    assert row is not None
    assert row["votes"] == 1000
    assert [one["verifiable"] for one in row["channels"]] == [not unverifiable, True]


def test_without_a_verifiable_channel_a_runoff_decides() -> None:
    value = changed(readings={})
    world = prepared_with(value, (CHANNEL,))
    play_until(world, STAGE)
    play_public_vote(world, STAGE, {TENTH: 1, ELEVENTH: 999}, (CHANNEL,))
    assert finding(world, "UNVERIFIABLE_SOURCE", "warn").facts == {"channel": CHANNEL}
    play_people(world, "final")
    world.must("organiser", StageOpened("final"))
    play_sitting(world, "final", None)
    play_round(world, "final", None, SessionPlan(approvals=TIED_AT_CUT))
    play_round(world, "final", None, SessionPlan(), {TENTH: 5, ELEVENTH: 4})
    certify(world, "stage:final")

    outcome = world.state.rounds.session("final", None).outcome
    assert outcome is not None
    assert world.person(TENTH) in outcome.taken
    codes = [one.code for one in reasons(world.state, outcome, world.person(TENTH))]
    assert codes == ["PLACE_BY_APPROVALS", "TIED_WITH", "SILENT_PUBLIC_VOTES", "SEPARATED_BY_RUNOFF"]


def test_a_poll_has_no_places_to_explain() -> None:
    world, poll = closed()
    import_totals(world, poll.id, CHANNEL)
    certify(world, f"poll:{poll.id}")

    assert poll.outcome is not None
    assert reasons(world.state, poll.outcome, poll.candidates[0]) == ()


def test_the_shortlist_is_not_refilled_after_a_withdrawal() -> None:
    world = world_before(STAGE)
    gone = world.alias_of(world.state.rounds.outcomes("shortlist")[0].taken[0])
    application = world.state.applications.of_person(world.person(gone))
    assert application is not None
    world.must(gone, ApplicationWithdrawn(application.application, "个人原因"))
    world.must("organiser", StageOpened(STAGE))

    assert len(open_poll(world, STAGE).candidates) == 13
