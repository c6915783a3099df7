"""Attempts to learn from what is refused: nothing that is kept of a refused ballot says whom it named."""

from collections.abc import Callable

from api.rehearsal.steps_rounds import SCRUTINEERS, ballot, open_round
from ledger.attempts_check import verify_attempts
from ledger.log_keys import LogKeys
from tests.sequenced import Site, played_on
from tests.simulator import LOG_VKEY, freeze
from tests.voting import PANEL, PEOPLE, sitting


def test_what_is_kept_of_a_refused_ballot_names_nobody(new_site: Callable[[], Site]) -> None:
    site = new_site()
    with played_on(site, freeze(sitting("shortlist"))) as world:
        played = open_round(world, "shortlist", None)
        twice = ballot(world, played.id, PEOPLE[:2], against=PEOPLE[:1])
        assert world.refused(PANEL[0], twice).facts["candidate"] == world.person(PEOPLE[0])
        world.refused(PANEL[1], ballot(world, played.id, PEOPLE[:15]))
        world.refused(SCRUTINEERS[0], ballot(world, played.id, PEOPLE[:1]))
    with site.store() as store:
        kept = [(one.code, str(one.facts)) for one in verify_attempts(store, LogKeys.of(LOG_VKEY)).attempts]
    assert [code for code, _ in kept] == ["DUPLICATE_CHOICE", "OVERVOTE", "NOT_BALLOT_OWNER"]
    assert not any(world.person(one) in facts for one in PEOPLE for _, facts in kept)
    assert not any("approvals" in facts for _, facts in kept)
