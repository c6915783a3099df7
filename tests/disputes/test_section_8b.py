"""Dispute H26: an auditor closes the findings of a friend."""

from api.rehearsal.steps_naming import play_rechecks, submission
from ledger.statements.foundation import ActCountersigned
from ledger.statements.naming import FindingClosed, FindingRaised
from tests.finalists import at_approval, refuses
from tests.plays import flagged, replayed


def test_H26_a_breach_is_closed_by_two_auditors_with_reason() -> None:
    world = at_approval()
    play_rechecks(world)
    raised = world.must("discipline", FindingRaised("OTHER", (7, 8), "公示页面曾被替换", "breach"))
    finding = flagged(world, "OTHER", "breach", 7, 8)
    refuses(world, "leader-01", submission(world), "FINDING_OPEN", "五(八)", first=finding.id)
    refuses(world, "discipline", FindingClosed(finding.id, " "), "REASON_REQUIRED", "七(三)")
    act = world.must("discipline", FindingClosed(finding.id, "朋友说没有问题"))
    alone = ActCountersigned(act.index, act.leaf.hex())
    refuses(world, "discipline", alone, "SECOND_AUDITOR_NEEDED", "七(三)", index=act.index)
    refuses(world, "organiser", alone, "NOT_AUTHORISED")
    refuses(world, "leader-01", submission(world), "FINDING_OPEN", "五(八)")
    last = world.cosign(act, "auditor-2")
    closed = replayed(world).findings.by_id[finding.id]
    assert (closed.raised, closed.closed) == (raised.index, last.index)
    world.must("leader-01", submission(world))


def test_H26_a_warning_is_closed_by_one_auditor_on_the_record() -> None:
    world = at_approval()
    act = world.must("organiser", FindingRaised("OUTAGE", (9,), "网页中断两小时", "warn"))
    finding = f"OUTAGE:{act.index}"
    closed = world.must("auditor-2", FindingClosed(finding, "已延长展示"))
    assert replayed(world).findings.by_id[finding].closed == closed.index
    refuses(world, "discipline", FindingClosed(finding, "再关一次"), "FINDING_CLOSED", "七(三)", index=closed.index)
