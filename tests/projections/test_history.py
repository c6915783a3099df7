"""Histories, what was outside the normal path, objections, and what was known when it should have been."""

import re
from collections.abc import Iterable
from dataclasses import fields
from enum import StrEnum
from fractions import Fraction

import pytest

from api.rehearsal.steps_deliberation import play_deliberation_stage
from api.rehearsal.steps_notice import publish
from api.rehearsal.steps_objections import play_objection, receive
from ledger.messages import LANGUAGES, catalogue
from ledger.roll import SEALED_PREFIX
from ledger.state.places import standing
from ledger.statements import decode_entry
from ledger.statements.foundation import ActDeclined, StageOpened
from ledger.statements.kinds import all_kinds, name_of
from ledger.statements.naming import DisputeOpened, FindingRaised
from ledger.statements.notices import ObjectionWithdrawn
from ledger.statements.roll import KeyRevoked
from projections.history import (
    HistoryLine,
    history_of_all,
    history_of_application,
    history_of_objection,
    history_of_person,
    history_of_round,
    history_of_session,
)
from projections.knowledge import Matter, happened_at, knowledge
from projections.objections import Filing, Standing, objection, objections
from projections.offpath import OffPath, off_path
from projections.plain import to_bytes, to_json
from projections.replay import replay
from projections.secrecy import SEALED_FIELDS
from projections.words import Both, Speaker, civil
from tests.projections.views import all_views
from tests.projections.worlds import Played, eventful
from tests.simulator import MemoryLedger, new_world, resume

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)(?::time)?\}")


@pytest.fixture(scope="module")
def played() -> Played:
    return eventful()


def kinds(lines: Iterable[HistoryLine]) -> list[str]:
    return [line.kind for line in lines]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_act_has_a_sentence_whose_facts_the_act_has(language: str) -> None:
    texts = catalogue()[language]["history"]
    for body in all_kinds().values():
        kind = name_of(body)[0]
        known = {field.name for field in fields(body)} | {"author", "agree", "against"}
        assert set(_PLACE.findall(texts[kind])) <= known, kind
        sealed = texts.get(f"{kind}.sealed")
        if sealed is not None:
            assert set(_PLACE.findall(sealed)) <= known - SEALED_FIELDS - {"agree"}, kind


def test_everything_is_told_once_in_order_with_its_civil_time(played: Played) -> None:
    lines = history_of_all(played.state, played.acts)
    assert [line.index for line in lines] == list(range(played.state.size))
    assert lines[0].civil == "2022-09-23 09:00:01+08:00"
    assert {line.standing for line in lines} == {"effective"}
    assert not any("{" in line.zh + line.en for line in lines)


def test_a_person_s_history_has_what_they_did_and_what_was_done_about_them(played: Played) -> None:
    final = played.state.rounds.final
    assert final is not None
    person = final.alternates[0]
    told = kinds(history_of_person(played.state, played.acts, person))
    assert {"key.enrolled", "application.filed", "inspection.reported", "titles.named"} <= set(told)
    casts = [cast for one in played.state.rounds.by_id.values() for cast in one.ballots.values()]
    assert told.count("ballot.cast") == sum(
        person in {*cast.approve, *cast.against, *cast.abstain} for cast in casts
    ) - sum(cast.grade == "paper" and person in cast.approve for cast in casts)
    member = played.person("panel-01")
    by_member = history_of_person(played.state, played.acts, member)
    assert kinds(by_member).count("ballot.cast") == 4
    assert "act.countersigned" in kinds(by_member)


def test_an_application_is_told_from_its_filing_with_every_signature(played: Played) -> None:
    keyed_late = next(
        one for one in played.state.applications.by_id.values() if "LATE_KEYING" in _found(played, one.index)
    )
    lines = history_of_application(played.state, played.acts, keyed_late.application)
    assert kinds(lines)[:3] == ["application.filed", "paper.received", "act.countersigned"]
    assert lines[1].signers == (played.person("intake-1"), played.person("intake-2"))
    assert lines[1].effective == lines[2].index
    assert "screening.decided" in kinds(lines)


def _found(played: Played, index: int) -> set[str]:
    return {one.code for one in played.state.findings.by_id.values() if index in one.entries}


def test_a_round_s_history_goes_from_its_opening_to_what_certified_it(played: Played) -> None:
    first, second = played.state.rounds.session("shortlist", None).rounds
    told = kinds(history_of_round(played.state, played.acts, first.id))
    assert (told[0], told.count("ballot.cast"), told.count("paper_ballot.entered")) == ("round.opened", 8, 1)
    assert told[-3:] == ["round.reopened", "act.countersigned", "result.certified"]
    assert kinds(history_of_round(played.state, played.acts, second.id))[-1] == "result.certified"
    session = kinds(history_of_session(played.state, played.acts, "shortlist", None))
    assert session.count("round.opened") == 2
    assert {"attendance.witnessed", "discussion.recorded", "declaration.made", "result.certified"} <= set(session)


def test_pending_and_lapsed_acts_are_shown_as_such() -> None:
    world = new_world()
    pending = world.must("registrar", world.enrolment("helper"))
    lapsed = world.must("registrar", world.enrolment("other"))
    world.must("discipline", ActDeclined(lapsed.index, lapsed.leaf.hex(), "身份未核实"))
    world.must("discipline", DisputeOpened(lapsed.index, "请复核"))
    world.must("discipline", FindingRaised("OTHER", (lapsed.index,), "线索", "info"))
    assert isinstance(world.ledger, MemoryLedger)
    acts = [decode_entry(entry) for entry in world.ledger.entries]
    lines = {line.index: line for line in history_of_all(world.state, acts)}
    assert (lines[pending.index].standing, lines[pending.index].effective) == ("pending", None)
    assert (lines[lapsed.index].standing, lines[lapsed.index].effective) == ("lapsed", None)
    told = kinds(history_of_person(world.state, acts, world.person("other")))
    assert told == ["key.enrolled", "act.declined", "dispute.opened", "finding.raised"]
    assert [one.category for one in off_path(world.state, acts)] == [
        OffPath.DECLINED, OffPath.DISPUTE, OffPath.DISPUTE,
    ]  # fmt: skip


def test_what_was_outside_the_normal_path_is_listed_with_its_entries(played: Played) -> None:
    lines = off_path(played.state, played.acts)
    found = {one.category for one in lines}
    assert {
        OffPath.PAPER, OffPath.LATE_FILING, OffPath.LATE_KEYING, OffPath.SPECIAL_WAY, OffPath.NOT_ACCEPTED,
        OffPath.PROXY_PRESENCE, OffPath.REOPENING, OffPath.EARLY_CLOSE, OffPath.SEAL_OPENED, OffPath.TOP_REMOVED,
        OffPath.LATE_OBJECTION,
    } <= found  # fmt: skip
    assert OffPath.FORCED_RECUSAL not in found
    (reopening,) = [one for one in lines if one.category is OffPath.REOPENING]
    assert reopening.entries == (reopening.line.index, reopening.line.effective)
    (proxy,) = [one for one in lines if one.category is OffPath.PROXY_PRESENCE]
    assert [one.split(":")[0] for one in proxy.findings] == ["PRESENCE_BY_PROXY"]
    assert [one.line.index for one in lines] == sorted(one.line.index for one in lines)
    for one in lines:
        assert one.zh != one.en
        assert all(0 <= entry < played.state.size for entry in one.entries)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_way_of_leaving_the_path_has_words(language: str) -> None:
    texts = catalogue()[language]["history"]
    assert [one for one in OffPath if f"off.{one.value}" not in texts] == []


def test_objections_show_their_handling_and_never_their_filer(played: Played) -> None:
    views = objections(played.state, played.acts, played.state.at)
    assert [one.number for one in views] == [1, 2, 3, 4, 5]
    assert [one.standing for one in views] == [
        Standing.LAPSED, Standing.ANSWERED, Standing.ANSWERED, Standing.LEAD, Standing.LEAD,
    ]  # fmt: skip
    unfounded, sustained = views[1], views[2]
    assert [one.sustained for one in (*unfounded.outcomes, *sustained.outcomes)] == [False, True]
    assert sustained.vote is not None
    assert len(sustained.vote.voices) == 12
    assert sustained.answered is not None
    assert sustained.answered_at == played.acts[sustained.answered].at
    assert [one.filing for one in views] == [Filing.DESK, Filing.DESK, Filing.DESK, Filing.ONE_TIME_KEY, Filing.DESK]
    assert views[4].against == ()
    assert len(views[4].late) == 1
    assert all(one.handling_days >= 0 for one in views)
    assert objection(played.state, played.acts, sustained.objection, played.state.at) == sustained
    assert objection(played.state, played.acts, "none", 0) is None


def test_no_view_names_a_filer_or_the_sealed_evidence(played: Played) -> None:
    sealed = {act.body.sealed for act in played.acts if act.statement.type == "objection.received"}
    one_time = {act.person for act in played.acts if act.person.startswith(SEALED_PREFIX)}
    assert len(sealed) == 5
    assert len(one_time) == 1
    shown = b"".join(all_views(played.state, played.acts, played.state.at).values()).decode()
    assert SEALED_PREFIX not in shown
    for secret in sealed | one_time:
        assert secret.removeprefix(SEALED_PREFIX) not in shown


def test_an_objection_is_told_from_its_receipt_to_its_answer(played: Played) -> None:
    view = objections(played.state, played.acts, played.state.at)[2]
    told = kinds(history_of_objection(played.state, played.acts, view.objection))
    assert told[:3] == ["objection.received", "seal.opened", "objection.examined"]
    assert told[-2:] == ["objection.decided", "objection.answered"]
    anonymous = objections(played.state, played.acts, played.state.at)[3]
    first = history_of_objection(played.state, played.acts, anonymous.objection)[0]
    assert (first.person, first.signers) == ("sealed", ("sealed",))


def test_an_objection_withdrawn_by_its_own_key_stays_sealed(played: Played) -> None:
    world = resume(played.histories["deliberation"])
    play_deliberation_stage(world)
    world.must("organiser", StageOpened("notice"))
    publish(world)
    first, second = standing(world.state)[:2]
    made = receive(world, first, anonymous=True)
    world.must(f"objector-{made[:8]}", ObjectionWithdrawn(None, made))
    play_objection(world, second, sustained=False)
    assert isinstance(world.ledger, MemoryLedger)
    acts = [decode_entry(entry) for entry in world.ledger.entries]
    views = objections(world.state, acts, world.now)
    assert [one.standing for one in views] == [Standing.LEAD, Standing.ANSWERED]
    assert views[0].withdrawn is not None
    assert OffPath.WITHDRAWN_OBJECTION in {one.category for one in off_path(world.state, acts)}
    assert SEALED_PREFIX.encode() not in to_bytes(history_of_all(world.state, acts))


def test_paper_that_arrived_in_time_should_have_been_known(played: Played) -> None:
    acts = played.acts
    (late,) = [one for one in played.state.findings.by_id.values() if one.code == "LATE_KEYING"]
    paper = next(acts[entry] for entry in late.entries if acts[entry].statement.type == "paper.received")
    then = knowledge(acts, until=paper.at - 1)
    differences = {(one.matter, one.subject) for one in then.differences}
    assert (Matter.APPLICATION, paper.body.application) in differences
    (difference,) = [one for one in then.differences if one.matter is Matter.APPLICATION]
    assert (difference.happened_at, difference.known_at) == (paper.body.arrived_at, acts[paper.index + 1].at)
    assert difference.effective == paper.index + 1
    counted = next(one for one in then.compared if one.matter is Matter.APPLICATION)
    assert (counted.should, counted.missing) == (counted.known + 1, (paper.body.application,))
    before = knowledge(acts, until=paper.body.arrived_at - 1)
    after = knowledge(acts, size=paper.index + 2)
    assert [one for one in before.differences if one.matter is Matter.APPLICATION] == []
    assert [one for one in after.differences if one.matter is Matter.APPLICATION] == []


def test_a_paper_ballot_counts_when_it_was_given_not_when_it_was_keyed(played: Played) -> None:
    acts = played.acts
    keyed = next(
        act for act in acts if act.statement.type == "paper_ballot.entered" and act.body.round in _shortlist(played)
    )
    assert happened_at(keyed) <= keyed.at
    then = knowledge(acts, size=keyed.index + 1)
    (line,) = [one for one in then.compared if (one.matter, one.subject) == (Matter.BALLOT, keyed.body.round)]
    assert (line.known, line.should) == (8, 9)
    assert then.waiting == (keyed.index,)
    assert then.later == len(acts) - keyed.index - 1
    assert replay(played.entries, keyed.index + 1).size == then.size


def _shortlist(played: Played) -> set[str]:
    return {one.id for one in played.state.rounds.session("shortlist", None).rounds}


def test_a_key_is_suspect_from_the_entry_that_its_revocation_names() -> None:
    world = new_world()
    world.enrol("helper")
    key = world.state.roll.people[world.person("helper")].keys[0]
    suspect = world.state.size - 1
    world.now += 60_000
    revoked = world.must("registrar", KeyRevoked("stolen", key, world.person("helper"), "被盗", suspect))
    assert isinstance(world.ledger, MemoryLedger)
    acts = [decode_entry(entry) for entry in world.ledger.entries]
    then = knowledge(acts, size=revoked.index)
    assert [(one.matter, one.subject, one.effective) for one in then.differences] == [(Matter.KEY, key, None)]
    assert knowledge(acts, size=suspect).differences == ()
    assert knowledge(acts, size=0).civil.startswith("1970-01-01")


class Colour(StrEnum):
    RED = "red"


def test_values_are_written_one_way_and_floats_not_at_all() -> None:
    view = {"b": (Fraction(40, 3), frozenset({"y", "x"})), Colour.RED: None}
    assert to_json(view) == {"b": ["40/3", ["x", "y"]], "red": None}
    assert to_bytes({"z": 1, "a": b"\x01"}) == b'{"a":"01","z":1}'
    with pytest.raises(TypeError, match="float"):
        to_json(0.5)


def test_names_are_put_into_sentences_but_never_into_facts(played: Played) -> None:
    person = played.person("applicant-01")
    speaker = Speaker.of(played.state, {person: "张伟"})
    said = speaker.say("history", "consent.given", "六(二)", 3, 1, 3, author=person, application="a-1")
    assert said.zh == "张伟 同意申报 a-1"
    assert said.facts["author"] == person
    assert said.entries == (1, 3)
    listed = speaker.say("history", "candidates.proposed", candidates=(person, "x"))
    assert (listed.zh, listed.en) == ("提出建议人选：张伟、x", "The candidate list was proposed: 张伟, x.")
    assert speaker.say("history", "stage.opened", stage=Both("甲", "a")).en == "a began."
    assert civil(0, 480) == "1970-01-01 08:00:00+08:00"
