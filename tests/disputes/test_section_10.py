"""Section 10, what auditors ask: decisive votes (4), who knew what before (5), a ballot in the log (7), exports (8)."""

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from api.rehearsal.steps_applications import HOUR
from api.rehearsal.steps_objections import examine, receive
from api.rehearsal.steps_rounds import (
    SessionPlan,
    ballot,
    close_round,
    enter_on_paper,
    play_panel_stage,
    play_people,
)
from ledger.checkpoint import open_checkpoint
from ledger.lists import entering
from ledger.opening import create_home
from ledger.proving import receipt_at
from ledger.state.rounds import Round
from ledger.statements import decode_entry
from ledger.statements.foundation import StageOpened
from projections.comparing_sources import showing
from projections.disclosure import Audience
from projections.interim import Way, interim
from projections.margin_search import Touch
from projections.margins import margins
from projections.whatif import Change, what_if
from tests.api.calling import call
from tests.exports.stored import export_of
from tests.finalists import CITY, notice_history
from tests.http.conftest import served
from tests.http.live import listening
from tests.http.reading import REASON
from tests.http.test_statements import open_round_history
from tests.projections.worlds import eventful
from tests.sequenced import Site, played_on
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN, entries_of, freeze, resume
from tests.voting import PANEL, world_before


def _taken_without(played: Round, members: tuple[str, ...], seats: int) -> set[str] | None:
    """Who is taken by plain counting of the other ballots; None where the cut falls among equals."""
    counted = {
        one: sum(one in cast.approve for cast in played.ballots.values() if cast.member not in members)
        for one in played.standing
    }
    ordered = sorted(counted, key=lambda one: -counted[one])
    return None if counted[ordered[seats - 1]] == counted[ordered[seats]] else set(ordered[:seats])


def test_item_4_whose_single_ballot_was_decisive_and_how_few_change_a_seat() -> None:
    world = world_before("shortlist")
    stage = world.state.charter.stage("shortlist")
    assert stage is not None
    order = sorted(world.alias_of(person) for person in entering(world.state, stage))
    approvals = dict.fromkeys(order[:13], 8) | {order[13]: 5, order[14]: 4} | dict.fromkeys(order[15:], 1)
    play_panel_stage(world, "shortlist", SessionPlan(order=order, approvals=approvals))
    session = world.state.rounds.sessions["shortlist", None]
    played = session.main
    assert played is not None
    outcome = session.outcome
    assert outcome is not None
    size = world.state.size

    acts = [decode_entry(entry) for entry in entries_of(world)]
    (answer,) = margins(world.state, acts, "shortlist")
    (whole,) = answer.rounds
    assert answer.hypothetical
    assert answer.certified == outcome.index
    assert whole.removal.changes is not None
    fewest = whole.removal.changes
    assert (fewest.label, fewest.lower) == ("exact", 2)

    for taken_away in range(1, fewest.lower + 1):
        sets = list(combinations(played.ballots, taken_away))
        left = [_taken_without(played, members, played.seats) for members in sets]
        changed = [one for one in left if one is not None and one != set(outcome.taken)]
        assert len(changed) == (fewest.sets if taken_away == fewest.lower else 0)

    decisive = {one.member for one in whole.decisive if one.touch is Touch.REMOVAL}
    opened = {member for member in played.ballots if _taken_without(played, (member,), played.seats) is None}
    assert decisive == opened != set()

    supposed = what_if(entries_of(world), Change(entries=frozenset(fewest.entries)))
    (compared,) = (one for one in supposed.compared if one.subject == "stage:shortlist")
    assert compared.seats_change
    assert world.state.size == size, "nothing is written"


def _knowers(secret: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for one in secret["knowers"]:
        found.setdefault(one["way"], []).append(one)
    return found


@pytest.mark.usefixtures("world_from")  # which leaves plays in memory to the test
def test_item_5_who_could_have_known_interim_results_and_when(site: Site, tmp_path: Path) -> None:
    """Papers, early openings, channels, roles, recorded readings, seals, custodians: by command and over HTTP alike."""
    history, round_id = open_round_history()
    world = resume(history)
    earlier = next(iter(world.state.rounds.by_id))
    act = enter_on_paper(world, round_id, PANEL[0], ())
    home = create_home(tmp_path / "home", ORIGIN, log_key=LOG_KEY)
    with served(site, freeze(world), home.folder) as service, listening(service) as live:
        world, auditor = service.world, live.session("discipline") | REASON
        reading = live.http.get(f"/v1/rounds/{earlier}/ballots", headers=auditor)
        assert reading.status_code == 200
        while_open = _of(live.http.get("/v1/interim", headers=auditor).json()["interim"], f"round:{round_id}")
        assert (while_open["ended"], while_open["certified"]) == (None, None)
        assert set(_knowers(while_open)) == {"custodian", "entered_paper", "read"}, "nobody by a role while it is open"
        for member in PANEL[1:]:
            world.must(member, ballot(world, round_id, ()))
        closed = close_round(world, round_id)
        over_http = live.http.get("/v1/interim", headers=auditor).json()["interim"]
        assert live.http.get("/v1/interim", headers=live.session("organiser") | REASON).status_code == 403
    for name, path in (("pin", site.pin_path), ("attempts.pin", site.attempts_pin_path)):
        (home.folder / name).write_bytes(path.read_bytes())
    answer = call("known", "--home", home.folder, "--json", DATABASE_URL=site.service_dsn)
    assert answer.code == 0
    assert answer.value["interim"] == over_http
    secret = _of(over_http, f"round:{round_id}")
    assert secret["opened"] == world.state.rounds.by_id[round_id].opened
    assert secret["ended"] > closed.index
    by = _knowers(secret)
    assert [one["person"] for one in by["custodian"]] == ["database"]
    teller, scrutineer = by["entered_paper"]
    assert (teller["person"], scrutineer["person"]) == (world.person("teller-1"), world.person("scrutineer-1"))
    assert (teller["entries"], scrutineer["entries"]) == ([act.index], [act.index, act.index + 1])
    (read,) = by["read"]
    assert (read["person"], earlier in read["en"]) == (world.person("discipline"), True)
    # What is counted and not certified is read by role, from the end of the vote on.
    assert world.person("organiser") in {one["person"] for one in by["counted"]}
    assert not {world.person(member) for member in PANEL} & {one["person"] for one in by["counted"]}
    assert {one["since"] for one in by["counted"]} == {world.state.at}
    told = call("known", "--home", home.folder, "--lang", "en", DATABASE_URL=site.service_dsn)
    assert "could have known interim results" in told.out
    assert "entered or countersigned a ballot paper" in told.out


def test_item_5_channels_early_openings_and_seals() -> None:
    world = resume(notice_history(CITY))
    about = world.state.notices.by_id["notice-1"].candidates[0]
    objection = receive(world, about)
    examine(world, objection)
    acts = [decode_entry(entry) for entry in entries_of(world)]
    found = {one.subject: one for one in interim(world.state, acts, frozenset({"organiser"}))}
    poll = next(iter(world.state.polls.by_id.values()))
    ways = {one.way: one for one in found[f"poll:{poll.id}"].knowers}
    operators = {world.state.polls.channels[one].operator for one in poll.channels}
    assert {one.person for one in found[f"poll:{poll.id}"].knowers if one.way is Way.OWN_CHANNEL} == operators
    assert ways[Way.COUNTED].person == world.person("organiser")
    assert ways[Way.COUNTED].until == acts[poll.outcome.index].at if poll.outcome else None
    sealed = found[f"objection:{objection}"]
    assert {one.person for one in sealed.knowers if one.way is Way.SEAL_OPENED} == {world.person("discipline")}
    assert {"sealing_key", world.person("discipline")} <= {one.person for one in sealed.knowers}
    early = [one for one in acts if one.statement.type == "round.opened"]
    assert len([one for one in found if one.startswith("round:")]) == len(early)


def _of(secrets: list[dict[str, Any]], subject: str) -> dict[str, Any]:
    (found,) = (one for one in secrets if one["subject"] == subject)
    return found


@pytest.fixture
def year(site: Site, tmp_path: Path) -> tuple[Path, Path, int]:
    """A log as exported for the public on day d and again a month later, and a ballot that was cast before day d."""
    history = eventful().histories["shortlist"]
    ballots = [row.place for row in history.rows if row.topic == "ballot.cast"]
    with played_on(site, history) as world:
        export_of(site, tmp_path / "day-d.zip", Audience.PUBLIC)
        world.now += 30 * 24 * HOUR
        play_people(world, "shortlist")
        world.must("organiser", StageOpened("shortlist"))
        export_of(site, tmp_path / "today.zip", Audience.PUBLIC)
    return tmp_path / "day-d.zip", tmp_path / "today.zip", ballots[0]


def test_item_7_ballot_b_is_in_the_log_of_day_d_and_todays_log_extends_it(
    year: tuple[Path, Path, int], site: Site, tmp_path: Path
) -> None:
    day_d, today, ballot = year
    with showing(day_d) as shown:
        public_saw = shown.note
    # What the holder of ballot b hands over: its entry, and its proof against what the public saw on day d.
    with site.store() as store:
        entry = store.entry(ballot)
        size = open_checkpoint(public_saw, (LOG_VKEY,)).size
        proof = receipt_at(store, ballot, size)
    assert entry is not None
    (tmp_path / "b.entry").write_bytes(entry)
    (tmp_path / "b.tlog-proof").write_bytes(proof.encode())

    # The third party knows the log's key and has these files; no ledger, no network.
    arguments = ("--vkey", LOG_VKEY.encode(), "--json")
    held = call("verify", tmp_path / "b.tlog-proof", "--entry", tmp_path / "b.entry", *arguments)
    assert held.code == 0
    with showing(tmp_path / "b.tlog-proof") as shown:
        assert shown.note == public_saw, "it is the tree that the public saw"
    later = call("compare", tmp_path / "b.tlog-proof", today, "--no-memory", *arguments)
    assert (later.code, later.value["verdict"]) == (0, "prefix")
    assert later.value["comparisons"][0]["proof"]
    both = call("compare", day_d, today, "--no-memory", *arguments)
    assert (both.code, both.value["verdict"]) == (0, "prefix")

    (tmp_path / "b.entry").write_bytes(entry.replace(b'"index"', b'"indeX"'))
    assert call("verify", tmp_path / "b.tlog-proof", "--entry", tmp_path / "b.entry", *arguments).code == 1


def test_item_8_the_export_of_last_month_is_a_prefix_of_this_one(year: tuple[Path, Path, int], tmp_path: Path) -> None:
    last_month, now, _ = year
    state = ("--vkey", LOG_VKEY.encode(), "--state", tmp_path / "seen.json")
    answer = call("compare", last_month, now, *state, "--lang", "en")
    assert answer.code == 0
    assert "holds all of the earlier one" in answer.out
    back = call("compare", last_month, *state, "--json")
    assert (back.code, back.value["verdict"]) == (1, "rollback"), "what was seen since is remembered"
