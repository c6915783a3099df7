"""Disputes G05 and H21: the identity of who objects, and personal data that must be erased from what cannot change."""

import json
from pathlib import Path

import pytest

from api.rehearsal.driver import World
from api.rehearsal.steps_objections import examine, objection
from ledger import pin
from ledger.attempts_check import verify_attempts
from ledger.errors import ConflictError, StoreError, VerificationError
from ledger.evidence import EvidenceFolder
from ledger.evidence_duties import Outcome, check_evidence, erase_on_record
from ledger.evidence_media import SEALED
from ledger.log_keys import LogKeys
from ledger.opening import create_home
from ledger.sealing import SealContext, SealTo, new_sealing_key, seal
from ledger.statements.naming import EvidenceAttached, EvidenceErased
from ledger.statements.notices import ObjectionExamined, SealOpened
from ledger.unsealing import open_on_record
from projections.erasures import erasures
from projections.objections import objections
from projections.replay import acts
from tests.api.calling import call
from tests.finalists import CITY, final_history, nominees, notice_history, refuses
from tests.plays import replayed
from tests.sequenced import SCHEMA, Site, WorldFrom
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN

CLAUSE, DISCIPLINE = "五(七)", "七(三)"
LETTER = "实名异议：欧阳慕容，13987650123，反映材料不实".encode()
RECORD = "王二，男，530302197802291937，13987650123".encode()
OFFICE, OFFICE_PUBLIC = new_sealing_key()
RECOVERY, RECOVERY_PUBLIC = new_sealing_key()


@pytest.fixture
def evidence(tmp_path: Path) -> EvidenceFolder:
    return EvidenceFolder(tmp_path / "home" / "evidence")


def file_sealed(world: World, evidence: EvidenceFolder) -> str:
    """Let an objection come in at the desk, its text sealed; returns its id."""
    body = objection(world, nominees(world)[0])
    context = SealContext(world.state.charter.id, body.objection)
    sealed = seal(SealTo(OFFICE_PUBLIC, RECOVERY_PUBLIC), LETTER, context)
    digest = evidence.put(sealed, "personal", SEALED)
    world.must("intake-1", objection(world, nominees(world)[0], sealed=digest))
    return body.objection


def test_G05_who_objects_is_read_by_discipline_alone_with_a_reason_and_on_the_record(
    world_from: WorldFrom, site: Site, evidence: EvidenceFolder
) -> None:
    world = world_from(notice_history(CITY))
    objection_id = file_sealed(world, evidence)
    sealed = world.state.notices.objections.by_id[objection_id].sealed
    opening = SealOpened("核对异议人身份", sealed)
    size = world.state.size
    with pytest.raises(ConflictError, match="SEAL_NOT_ON_RECORD"):
        open_on_record(world.state, evidence, objection_id, size - 1, OFFICE)
    for alias in ("organiser", "intake-1", "registrar"):
        refuses(world, alias, opening, "NOT_AUTHORISED")
    refuses(world, "discipline", SealOpened(" ", sealed), "REASON_REQUIRED", CLAUSE)
    examined = ObjectionExamined(True, objection_id, True, "实名书面提出")
    refuses(world, "discipline", examined, "PREREQUISITE_MISSING", CLAUSE, step="seal.opened")
    assert world.state.size == size

    entry = world.must("discipline", opening).index
    for private in (OFFICE, RECOVERY):
        assert open_on_record(world.state, evidence, objection_id, entry, private) == LETTER
    with pytest.raises(ConflictError, match="SEAL_NOT_ON_RECORD"):
        open_on_record(world.state, evidence, "another", entry, OFFICE)
    with pytest.raises(VerificationError, match="SEAL_NOT_OPENED"):
        open_on_record(world.state, evidence, objection_id, entry, bytes(range(32)))
    # Every read is an event of its own, and shown.
    again = world.must("discipline", SealOpened("复核", sealed)).index
    with site.store() as store:
        told = list(acts(data for _, data in store.read_entries()))
    (shown,) = objections(replayed(world), told, world.now)
    assert shown.seal_opened == (entry, again)
    assert site.audit().clean


def test_G05_nothing_handed_to_the_public_or_kept_of_an_attempt_names_who_objects(
    world_from: WorldFrom, site: Site, evidence: EvidenceFolder, tmp_path: Path
) -> None:
    """A member who objects by their own key, where a one-time key was meant, is refused, and is not kept by name."""
    world = world_from(notice_history(CITY))
    examine(world, file_sealed(world, evidence))
    member = world.person("applicant-01")
    size = world.state.size
    refusal = world.refused("applicant-01", objection(world, nominees(world)[1]))
    assert (refusal.code, world.state.size) == ("NOT_AUTHORISED", size)
    world.refused("organiser", SealOpened("好奇", "0" * 64))
    with site.store() as store:
        report = verify_attempts(store, LogKeys.of(LOG_VKEY), pin.read(site.attempts_pin_path))
    assert report.clean
    assert [(one.type, one.person, dict(one.facts)) for one in report.attempts[-2:-1]] == [
        ("objection.received", "", {})
    ]
    assert report.attempts[-1].person == world.person("organiser")
    assert member not in str(report.attempts[-2])

    home = create_home(tmp_path / "site", ORIGIN, schema=SCHEMA, log_key=LOG_KEY)
    home.pin.symlink_to(site.pin_path)
    out = tmp_path / "public"
    given = call("export", "--audience", "public", out, "--home", home.folder, DATABASE_URL=site.service_dsn)
    assert given.code == 0
    assert json.loads((out / "core" / "manifest.json").read_bytes())["counts"]["hidden"] > 0
    told = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    sealed = next(iter(world.state.notices.objections.by_id.values())).sealed
    assert LETTER not in told
    assert sealed.encode() not in told


def attach(world: World, evidence: EvidenceFolder, content: bytes, evidence_class: str = "personal") -> str:
    """Put content on file and into the log."""
    digest = evidence.put(content, evidence_class, "text/plain")
    body = EvidenceAttached("applicant-01", digest, evidence_class, "text/plain", len(content))  # type: ignore[arg-type]
    world.must("registrar", body)
    return digest


def test_H21_personal_data_is_erased_with_its_salt_and_everything_else_still_verifies(
    world_from: WorldFrom, site: Site, evidence: EvidenceFolder, tmp_path: Path
) -> None:
    world = world_from(final_history(CITY))
    personal, kept = attach(world, evidence, RECORD), attach(world, evidence, "学历证明".encode())
    salt = evidence.get(personal).salt
    ground = "本人依法要求删除"
    before = [(one.outcome, one.code) for one in check_evidence(world.state, evidence)]
    assert before == [(Outcome.SOUND, "")] * 2
    with pytest.raises(ConflictError, match="ERASURE_NOT_ON_RECORD"):
        erase_on_record(world.state, evidence, personal)
    refuses(world, "intake-1", EvidenceErased(personal, ground), "NOT_AUTHORISED")
    refuses(world, "registrar", EvidenceErased(personal, " "), "REASON_REQUIRED", DISCIPLINE)

    entry = world.must("registrar", EvidenceErased(personal, ground)).index
    assert [one.code for one in check_evidence(world.state, evidence) if one.code] == ["EVIDENCE_NOT_ERASED"]
    assert erase_on_record(world.state, evidence, personal) == entry
    with pytest.raises(StoreError, match="EVIDENCE_ERASED"):
        evidence.get(personal)
    left = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert RECORD not in left
    assert json.dumps(salt.hex()).encode() not in left

    after = {one.digest: (one.outcome, one.entries[-1]) for one in check_evidence(world.state, evidence)}
    assert after == {personal: (Outcome.ERASED, entry), kept: (Outcome.SOUND, entry - 1)}
    assert site.audit().clean
    with site.store() as store:
        state = replayed(world)
        (shown,) = erasures(state, acts(data for _, data in store.read_entries()))
    assert (shown.digest, shown.entry, shown.ground) == (personal, entry, ground)
    assert shown.about == (("applicant-01", entry - 2),)
    refuses(world, "registrar", EvidenceErased(personal, ground), "EVIDENCE_ERASED", DISCIPLINE, index=entry)


def test_H21_what_decided_something_is_not_erased_as_personal_data(
    world_from: WorldFrom, evidence: EvidenceFolder
) -> None:
    world = world_from(final_history(CITY))
    ballot = attach(world, evidence, "记名选票".encode(), "deciding")
    size = world.state.size
    refuses(world, "registrar", EvidenceErased(ballot, "不想留底"), "EVIDENCE_RETAINED", DISCIPLINE, digest=ballot)
    named = next(iter(world.state.deciding))
    body = EvidenceAttached("minutes", named, "personal", "text/plain", 1)
    refuses(world, "registrar", body, "EVIDENCE_DECIDES", DISCIPLINE, digest=named)
    assert world.state.size == size
    assert evidence.get(ballot).content == "记名选票".encode()


@pytest.mark.parametrize("gone", [True, False])
def test_H21_what_is_gone_without_an_entry_or_there_after_one_is_found(
    world_from: WorldFrom, evidence: EvidenceFolder, gone: bool
) -> None:
    world = world_from(final_history(CITY))
    digest = attach(world, evidence, RECORD)
    if gone:
        evidence.erase(digest, 0)
        code = "EVIDENCE_ERASED_UNRECORDED"
    else:
        world.must("registrar", EvidenceErased(digest, "本人依法要求删除"))
        code = "EVIDENCE_NOT_ERASED"
    (found,) = check_evidence(world.state, evidence)
    assert (found.outcome, found.code) == (Outcome.FAULT, code)


def test_H21_an_auditors_export_counts_what_was_erased_and_verifies(
    world_from: WorldFrom, site: Site, evidence: EvidenceFolder, tmp_path: Path
) -> None:
    world = world_from(final_history(CITY))
    home = create_home(tmp_path / "site", ORIGIN, schema=SCHEMA, log_key=LOG_KEY)
    home.pin.symlink_to(site.pin_path)
    on_file = EvidenceFolder(home.evidence)
    digest = attach(world, on_file, RECORD)
    attach(world, on_file, "学历证明".encode())
    world.must("registrar", EvidenceErased(digest, "本人依法要求删除"))
    erase_on_record(world.state, on_file, digest)
    out = tmp_path / "auditor"
    given = call("export", "--audience", "auditor", out, "--home", home.folder, DATABASE_URL=site.service_dsn)
    assert given.code == 0
    manifest = json.loads((out / "core" / "manifest.json").read_bytes())
    assert (manifest["counts"]["evidence"], manifest["counts"]["erased"]) == (1, 1)
    told = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert RECORD not in told
    checked = call("evidence", "check", "--home", home.folder, "--json", DATABASE_URL=site.service_dsn)
    assert (checked.code, checked.value["counts"]) == (0, {"sound": 1, "erased": 1, "fault": 0})

    verified = call("verify", out, "--vkey", LOG_VKEY.encode(), "--lang", "en", "--json")
    assert verified.code == 0, verified.out
    assert verified.value["erased"] == 1
    path = out / "core" / "evidence" / digest[:2] / digest
    path.write_bytes(RECORD)
    found = call("verify", out, "--vkey", LOG_VKEY.encode(), "--json")
    assert found.code == 1
    assert "EVIDENCE_NOT_ERASED" in {one["code"] for one in found.value["failures"]}
