"""Exports of a log on a real PostgreSQL: evidence as it is on file, votes that are not over, a tampered database."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import StoreError
from ledger.evidence import EvidenceFolder
from ledger.statements.naming import EvidenceAttached, EvidenceErased
from projections.audit.export import Trust, verify_export
from projections.disclosure import Audience
from tests.exports.stored import export_of
from tests.projections.test_secrecy import vote
from tests.projections.worlds import eventful
from tests.sequenced import Site, played_on
from tests.simulator import LOG_VKEY, freeze, new_world

TRUST = Trust(key=LOG_VKEY)
CONTENTS = (b"minutes", b"record", b"a letter")


@pytest.fixture
def filed(site: Site) -> tuple[str, ...]:
    """A log that puts evidence on file, and erases the second piece of it; the digests."""
    folder = EvidenceFolder(site.pin_path.parent / "evidence")
    digests = tuple(folder.put(content, "personal", "text/plain") for content in CONTENTS)
    with played_on(site, freeze(new_world())) as world:
        for digest, content in zip(digests, CONTENTS, strict=True):
            world.must("organiser", EvidenceAttached("minutes", digest, "personal", "text/plain", len(content)))
        act = world.must("registrar", EvidenceErased(digests[1], "本人申请删除"))
        folder.erase(digests[1], act.index)
    return digests


def found(path: Path) -> set[tuple[str, str]]:
    return {(one.code, one.place) for one in verify_export(path, TRUST).failures}


def test_evidence_is_exported_checked_and_counted(site: Site, filed: tuple[str, ...], tmp_path: Path) -> None:
    done = export_of(site, tmp_path / "x.zip", Audience.AUDITOR)
    assert (done.counts["evidence"], done.counts["erased"]) == (2, 1)
    report = verify_export(tmp_path / "x.zip", TRUST)
    assert (report.exit_code, report.erased, report.failures) == (0, 1, [])


def test_an_export_of_a_size_before_an_erasure_names_the_entry_that_erased(
    site: Site, filed: tuple[str, ...], tmp_path: Path
) -> None:
    with site.store() as store:
        size = store.size()
    with pytest.raises(StoreError, match="EXPORT_BEFORE_ERASURE") as refused:
        export_of(site, tmp_path / "x", Audience.AUDITOR, size - 1)
    assert refused.value.facts == {"size": size - 1, "index": size - 1}
    assert not (tmp_path / "x").exists()
    # Before it was filed there was nothing to erase; the public gets no evidence at all.
    for audience, earlier in ((Audience.AUDITOR, size - 3), (Audience.PUBLIC, size - 1)):
        export_of(site, tmp_path / audience, audience, earlier)
        assert verify_export(tmp_path / audience, TRUST).exit_code == 0


@pytest.mark.parametrize("content", [b"x", b"another letter of some length"])
def test_evidence_that_was_swapped_on_the_server_is_found_in_the_export(
    site: Site, filed: tuple[str, ...], tmp_path: Path, content: bytes
) -> None:
    path = f"{filed[2][:2]}/{filed[2]}"
    (site.pin_path.parent / "evidence" / path).write_bytes(content)
    export_of(site, tmp_path / "x", Audience.AUDITOR)
    assert ("ATTACHMENT_MISMATCH", f"core/evidence/{path}") in found(tmp_path / "x")


def spoil_record(path: Path) -> None:
    path.with_suffix(".json").write_bytes(b"{}")


def remove_record(path: Path) -> None:
    path.with_suffix(".json").unlink()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [(Path.unlink, "EVIDENCE_MISSING"), (remove_record, "EVIDENCE_MISSING"), (spoil_record, "ATTACHMENT_MISMATCH")],
)
def test_evidence_that_is_gone_or_unreadable_is_found_in_the_export(
    site: Site, filed: tuple[str, ...], tmp_path: Path, spoil: Callable[[Path], None], code: str
) -> None:
    path = f"{filed[0][:2]}/{filed[0]}"
    spoil(site.pin_path.parent / "evidence" / path)
    export_of(site, tmp_path / "x", Audience.AUDITOR)
    assert (code, f"core/evidence/{path}") in found(tmp_path / "x")


def test_an_open_vote_ends_what_auditors_get_and_closing_it_opens_it(site: Site, tmp_path: Path) -> None:
    with played_on(site, eventful().histories["shortlist"]) as world:
        vote(world, True)
        (played,) = world.state.rounds.session("shortlist", None).rounds
        done = export_of(site, tmp_path / "x", Audience.AUDITOR)
        assert done.size == played.opened + 1
        with pytest.raises(StoreError, match="EXPORT_WITHHELD"):
            export_of(site, tmp_path / "y", Audience.AUDITOR, world.state.size)
        assert export_of(site, tmp_path / "z", Audience.PUBLIC).size == world.state.size
    assert verify_export(tmp_path / "x", TRUST).exit_code == 0
    assert verify_export(tmp_path / "z", TRUST).exit_code == 0


def test_a_tampered_database_is_not_exported(site: Site, tmp_path: Path) -> None:
    with played_on(site, freeze(new_world())) as world:
        size = world.state.size
    site.tamper("UPDATE {}.entries SET state = overlay(state placing 'x' from 40) WHERE position = 4")
    for audience, code in ((Audience.AUDITOR, "EVENT_ALTERED"), (Audience.PUBLIC, "EVENT_ALTERED|CHECKPOINT_MISMATCH")):
        with pytest.raises(StoreError, match=code):
            export_of(site, tmp_path / "x", audience, size)
    assert not (tmp_path / "x").exists()
