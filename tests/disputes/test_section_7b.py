"""Section 7 of the catalogue, what needs a proof: notices that were watched, and forged certificates."""

import base64
import json
from dataclasses import replace

import pytest

from api.cli.attesting import StoredReceipts
from api.rehearsal.driver import World
from api.rehearsal.steps_naming import play_approval, play_naming
from ledger import canonical
from ledger.errors import VerificationError
from ledger.procedure.notice import NoticeStatus
from ledger.state.clocks import clock_of
from ledger.statements import decode_own_entry
from ledger.statements.naming import TitlesNamed
from ledger.statements.notices import NoticeChanged, NoticeObserved
from projections.certificate import certify, check_scanned, read_scanned, verify_certificate
from projections.notices import notices
from tests.finalists import alternates, at_approval, at_notice, nominees, refuses
from tests.plays import findings, flagged, replayed
from tests.sequenced import Site, WorldFrom
from tests.simulator import LOG_VKEY, MemoryLedger, entries_of, freeze

CLAUSE = "五(七)"
DAY, MINUTE = 86_400_000, 60_000


def notice_id(world: World) -> str:
    return next(iter(world.state.notices.by_id))


def channel(world: World) -> str:
    return world.state.notices.by_id[notice_id(world)].channels[0]


def look(world: World, page: str | None, alias: str = "discipline") -> int:
    """A look at the notice, reported a minute later; return its entry."""
    world.now += 2 * MINUTE
    digest = world.digest(page) if page is not None else None
    body = NoticeObserved(channel(world), notice_id(world), world.now - MINUTE, digest)
    return world.must(alias, body).index


def test_G02_a_notice_taken_down_for_two_days_is_a_breach_that_cites_the_looks_around_the_gap() -> None:
    world = at_notice()
    before = look(world, "page")
    world.now += DAY
    first = look(world, None)
    assert findings(world.state, "NOTICE_INTERRUPTED") == []
    world.now += DAY
    second = look(world, None, "inspector-1")
    breach = flagged(world, "NOTICE_INTERRUPTED", "breach", before, first, second)
    assert breach in world.state.findings.open_breaches()
    world.now += DAY // 2
    back = look(world, "page")
    restored = flagged(world, "NOTICE_RESTORED", "warn", before, first, second, back)
    assert int(restored.facts["minutes"]) >= 36 * 60
    look(world, None)
    assert len(findings(world.state, "NOTICE_INTERRUPTED")) == 1
    (view,) = notices(world.state, world.now)
    assert [one.page is None for one in view.looks] == [False, True, True, False, True]
    assert all(one.in_time for one in view.looks)
    assert notices(replayed(world), world.now) == (view,)


def test_G02_a_list_changed_without_a_word_is_a_breach_and_a_change_on_record_restarts_the_clock() -> None:
    world = at_notice()
    shown = look(world, "page")
    other = look(world, "another page", "inspector-1")
    flagged(world, "NOTICE_ALTERED", "breach", shown, other)
    look(world, "another page")
    look(world, "page")
    assert len(findings(world.state, "NOTICE_ALTERED")) == 1
    world.now += DAY
    started = clock_of(world.state, nominees(world)[0])
    world.must("organiser", NoticeChanged(world.digest("more deeds"), True, notice_id(world), "补充主要事迹"))
    restarted = clock_of(world.state, nominees(world)[0])
    assert started is not None
    assert restarted is not None
    assert restarted.published_at > started.published_at
    look(world, "another page")
    look(world, "another page", "inspector-2")
    assert len(findings(world.state, "NOTICE_ALTERED")) == 1


def test_G02_one_look_that_fails_may_be_the_observers_own_line() -> None:
    world = at_notice()
    missed = look(world, None)
    back = look(world, "page", "inspector-1")
    flagged(world, "NOTICE_UNREACHED_ONCE", "info", missed, back)
    assert world.state.findings.open_breaches() == ()


def test_G02_a_look_is_judged_by_when_it_was_sequenced_and_by_nobody_who_publishes() -> None:
    world = at_notice()
    body = NoticeObserved(channel(world), notice_id(world), world.now, world.digest("page"))
    refuses(world, "organiser", body, "NOT_AUTHORISED", CLAUSE)
    refuses(world, "discipline", replace(body, notice="elsewhere"), "UNKNOWN_NOTICE", CLAUSE)
    refuses(world, "discipline", replace(body, channel="somebodys-blog"), "CHANNEL_NOT_DECLARED", CLAUSE)
    published = world.state.notices.by_id[notice_id(world)].published_at
    for observed_at in (published - 1, world.now + DAY):
        late = replace(body, observed_at=observed_at)
        refuses(world, "discipline", late, "OBSERVATION_TIME_INVALID", CLAUSE, published_at=published)
    clock = clock_of(world.state, nominees(world)[0])
    assert clock is not None
    world.now = clock.ends_at + MINUTE
    for _ in range(2):
        act = world.must("discipline", replace(body, observed_at=clock.ends_at - 1, page=None))
        flagged(world, "NOTICE_OBSERVED_LATE", "info", act.index)
    assert findings(world.state, "NOTICE_INTERRUPTED") == []
    (view,) = notices(world.state, world.now)
    assert [one.in_time for one in view.looks] == [False, False]
    assert {one.status for one in view.people} == {NoticeStatus.ELAPSED}


def test_G15_a_forged_certificate_or_one_with_other_names_is_not_in_the_log(world_from: WorldFrom, site: Site) -> None:
    world = world_from(freeze(at_approval()))
    play_approval(world)
    naming = play_naming(world)
    acts = [decode_own_entry(entry) for entry in entries_of(world)]
    with site.store() as store:
        data = certify(world.state, acts, StoredReceipts(store), nominees(world)[0])
    found = verify_certificate(data, LOG_VKEY)
    assert (found.named, found.person) == (naming, nominees(world)[0])
    value = json.loads(data)

    def not_in_log(**members: object) -> None:
        with pytest.raises(VerificationError, match="CERTIFICATE_NOT_IN_LOG"):
            verify_certificate(canonical.encode(value | members) + b"\n", LOG_VKEY)

    favourite = alternates(world)[0]
    not_in_log(person=favourite)
    not_in_log(named=value["named"] | {"entry": base64.b64encode(document_naming(world, favourite)).decode()})
    check_scanned(read_scanned(found.scanned), world.state, acts, world.state.charter.origin)
    forged = read_scanned(found.scanned.replace(found.person, favourite))
    with pytest.raises(VerificationError, match="CERTIFICATE_NOT_IN_LOG"):
        check_scanned(forged, world.state, acts, world.state.charter.origin)


def document_naming(world: World, favourite: str) -> bytes:
    """The entry of a document with wrong names (红头文件), which the organiser really signed, in a log of their own."""
    elsewhere = at_approval()
    assert isinstance(elsewhere.ledger, MemoryLedger)
    elsewhere.ledger.honest = False
    names = (*nominees(world)[:-1], favourite)
    return elsewhere.must("organiser", TitlesNamed(names, elsewhere.digest("document"), "0" * 64)).entry
