"""Seven(三): disputes and findings, closed by auditors, a breach by two; evidence on file and erased."""

from dataclasses import replace

from ledger.programmes import load_shipped
from ledger.statements.foundation import ActCountersigned, ActDeclined, SelectionSuspended
from ledger.statements.naming import DisputeOpened, EvidenceAttached, EvidenceErased, FindingClosed, FindingRaised
from tests.finalists import at_final, refuses
from tests.plays import flagged, replayed
from tests.simulator import new_world

CLAUSE = "七(三)"
REPORTED = FindingRaised("UNDECLARED_CONFLICT", (5, 6), "两人电话号码相同", "warn")


def test_anybody_known_disputes_an_entry_with_reason() -> None:
    world = at_final()
    size = world.state.size
    refuses(world, "applicant-01", DisputeOpened(size, "不是我签的"), "UNKNOWN_ENTRY", CLAUSE, index=size)
    refuses(world, "applicant-01", DisputeOpened(9, " "), "REASON_REQUIRED", CLAUSE)
    act = world.must("applicant-01", DisputeOpened(9, "不是我签的"))
    flagged(world, "DISPUTE_OPENED", "warn", 9, act.index)


def test_a_finding_rests_on_entries_and_a_reason() -> None:
    world = at_final()
    refuses(world, "applicant-01", REPORTED, "NOT_AUTHORISED")
    refuses(world, "discipline", replace(REPORTED, entries=()), "PREREQUISITE_MISSING", CLAUSE)
    refuses(world, "discipline", replace(REPORTED, entries=(5, world.state.size)), "UNKNOWN_ENTRY", CLAUSE)
    refuses(world, "discipline", replace(REPORTED, reason=" "), "REASON_REQUIRED", CLAUSE)
    world.must("discipline", REPORTED)
    flagged(world, "UNDECLARED_CONFLICT", "warn", 5, 6)


def test_an_auditor_closes_a_finding_once_with_reason() -> None:
    world = at_final()
    finding = f"UNDECLARED_CONFLICT:{world.must('discipline', REPORTED).index}"
    body = FindingClosed(finding, "核实为同事，已回避")
    refuses(world, "organiser", body, "NOT_AUTHORISED")
    refuses(world, "discipline", replace(body, finding="NOTHING:1"), "UNKNOWN_FINDING", CLAUSE)
    refuses(world, "discipline", replace(body, reason=" "), "REASON_REQUIRED", CLAUSE)
    act = world.must("auditor-2", body)
    assert world.state.findings.by_id[finding].closed == act.index
    refuses(world, "discipline", body, "FINDING_CLOSED", CLAUSE, index=act.index)


def test_a_breach_is_closed_by_two_different_auditors() -> None:
    world = at_final()
    finding = f"OTHER:{world.must('discipline', FindingRaised('OTHER', (5,), '票箱未封', 'breach')).index}"
    body = FindingClosed(finding, "现场录像证明已封")
    other = f"OTHER:{world.must('discipline', FindingRaised('OTHER', (6,), '无监票', 'breach')).index}"
    world.must("auditor-2", FindingClosed(other, "监票人在场"))
    act = world.must("discipline", body)
    assert world.state.findings.by_id[finding].closed is None
    again = ActCountersigned(act.index, act.leaf.hex())
    refuses(world, "discipline", again, "SECOND_AUDITOR_NEEDED", CLAUSE)
    refuses(world, "discipline", ActDeclined(act.index, act.leaf.hex(), "撤回"), "SECOND_AUDITOR_NEEDED", CLAUSE)
    refuses(world, "organiser", again, "NOT_AUTHORISED")
    refuses(world, "auditor-2", body, "ALREADY_PENDING", CLAUSE, index=act.index)
    world.decline(act, "auditor-2")
    assert world.state.findings.open_breaches() != ()
    world.cosign(world.must("auditor-2", body), "discipline")
    assert [one.id for one in world.state.findings.open_breaches()] == [other]


def test_evidence_is_put_on_file_once_for_each_thing_it_belongs_to() -> None:
    world = at_final()
    body = EvidenceAttached("applicant-01", world.digest("scan"), "personal", "image/png", 1234)
    act = world.must("intake-1", body)
    refuses(world, "intake-2", body, "EVIDENCE_KNOWN", CLAUSE, index=act.index)
    for other in ({"size": 1}, {"media_type": "image/gif"}, {"evidence_class": "deciding"}):
        changed = replace(body, about="objection-1", **other)
        refuses(world, "intake-1", changed, "ATTACHMENT_MISMATCH", CLAUSE)
    world.must("intake-1", replace(body, about="objection-1"))
    assert set(world.state.evidence[body.digest].about) == {"applicant-01", "objection-1"}


def test_personal_evidence_is_erased_with_reason_and_deciding_evidence_kept() -> None:
    world = at_final()
    personal = EvidenceAttached("applicant-01", world.digest("record"), "personal", "text/plain", 12)
    deciding = replace(personal, digest=world.digest("ballot"), evidence_class="deciding")
    world.must("intake-1", personal)
    world.must("intake-1", deciding)
    body = EvidenceErased(personal.digest, "本人申请删除")
    refuses(world, "intake-1", body, "NOT_AUTHORISED")
    refuses(world, "registrar", replace(body, reason=" "), "REASON_REQUIRED", CLAUSE)
    refuses(world, "registrar", replace(body, digest="0" * 64), "UNKNOWN_EVIDENCE", CLAUSE)
    refuses(world, "registrar", replace(body, digest=deciding.digest), "EVIDENCE_RETAINED", CLAUSE)
    act = world.must("registrar", body)
    refuses(world, "registrar", body, "EVIDENCE_ERASED", CLAUSE, index=act.index)
    refuses(world, "intake-1", replace(personal, about="again"), "EVIDENCE_ERASED", CLAUSE)


def test_what_a_statement_rested_on_is_kept_whatever_class_it_was_filed_under() -> None:
    """The minutes of the panel's discussion, filed afterwards; and a scan filed before the suspension that names it."""
    world = at_final()
    minutes, index = next((digest, index) for digest, index in world.state.deciding.items())
    body = EvidenceAttached("minutes", minutes, "personal", "application/pdf", 1000)
    refuses(world, "intake-1", body, "EVIDENCE_DECIDES", CLAUSE, digest=minutes, index=index)
    world.must("intake-1", replace(body, evidence_class="deciding"))
    early = EvidenceAttached("outage", world.digest("outage"), "personal", "application/pdf", 1000)
    world.must("intake-1", early)
    world.must("organiser", SelectionSuspended(early.digest, "停电"))
    erasing = EvidenceErased(early.digest, "本人申请删除")
    refuses(world, "registrar", erasing, "EVIDENCE_RETAINED", CLAUSE, digest=early.digest, until="-")
    assert replayed(world).deciding == world.state.deciding


def test_deciding_evidence_is_erased_after_the_programmes_retention_date() -> None:
    value = dict(load_shipped("zhuyuan-2022")) | {"evidence_until": "2032-12-31"}
    world = new_world(value)
    world.enrol("intake-1", "intake_office")
    body = EvidenceAttached("minutes", world.digest("ballots"), "deciding", "application/pdf", 1000)
    world.must("intake-1", body)
    erasing = EvidenceErased(body.digest, "保存期满")
    world.set_time("2032-12-31", 23, 59)
    refuses(world, "registrar", erasing, "EVIDENCE_RETAINED", CLAUSE, digest=body.digest, until="2032-12-31")
    world.set_time("2033-01-01", 0)
    act = world.must("registrar", erasing)
    assert world.state.evidence[body.digest].erased == act.index
