"""What may happen between two stages, by chance: a pause, other keys and holders, an amendment, findings, evidence."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

from api.rehearsal.driver import Actor
from ledger.procedure.programme_value import difference
from ledger.roll import possession_message
from ledger.signing import SigningKey, encode_base64, key_id
from ledger.statements.foundation import (
    ActCountersigned,
    CharterEndorsed,
    Difference,
    ProgrammeAmended,
    SelectionResumed,
    SelectionSuspended,
    StageClosed,
    StageOpened,
)
from ledger.statements.naming import DisputeOpened, EvidenceAttached, EvidenceErased, FindingClosed, FindingRaised
from ledger.statements.roll import KeyRevoked, KeyRotated, OfficeSucceeded, RoleGranted, RoleWithdrawn
from tests.model.phase_applications import programme_of
from tests.model.play import Play


def between(play: Play) -> None:
    """Perhaps one of these, and always something that the rules forbid whatever the stage."""
    if play.chance(0.5):
        play.rng.choice([_pause, _rotate, _revoke, _succeed, _amend, _finding, _evidence])(play)
        play.check()
    play.rng.choice(FORBIDDEN)(play)


def _pause(play: Play) -> None:
    """Nothing goes on while the selection rests."""
    sponsor = f"sponsor-{programme_of(play).sponsors[0]}"
    suspended = SelectionSuspended(play.world.digest("outage"), "疫情防控")
    act = play.must("organiser", suspended)
    play.no("organiser", ActCountersigned(act.index, act.leaf.hex()), "SECOND_SIGNER_NEEDED")
    play.world.cosign(act, sponsor)
    stage = programme_of(play).stages[0].id
    play.no("organiser", StageOpened(stage), "SELECTION_SUSPENDED")
    play.no("organiser", suspended, "SELECTION_SUSPENDED")
    play.must("organiser", SelectionResumed("条件恢复"), sponsor)
    play.no("organiser", SelectionResumed("条件恢复"), "NOT_SUSPENDED")


def _new_key(play: Play, actor: Actor) -> tuple[SigningKey, dict[str, Any]]:
    world = play.world
    key = SigningKey.from_seed(bytes.fromhex(world.digest(f"new-key/{actor.alias}/{world.nonces}")))
    challenge = world.digest(f"rotation/{actor.alias}/{actor.counter}")
    message = possession_message(world.state.charter.id, actor.person, key_id(key.public), challenge)
    values = {"algorithm": "ed25519", "challenge": challenge, "proof": encode_base64(key.sign(message))}
    return key, values | {"public_key": encode_base64(key.public)}


def _someone(play: Play) -> str:
    """Somebody whose key the play can do without for a while."""
    return play.rng.choice(["inspector-2", "intake-2", "screener-2", "leader-02"])


def _rotate(play: Play) -> None:
    actor = play.world.actor(_someone(play))
    key, values = _new_key(play, actor)
    play.no(actor.alias, KeyRotated(**(values | {"challenge": "0" * 64})), "POSSESSION_NOT_PROVEN")
    own = encode_base64(actor.key.public)
    play.no(actor.alias, KeyRotated(**(values | {"public_key": own})), "DUPLICATE_KEY")
    play.must(actor.alias, KeyRotated(**values))
    play.no(actor.alias, DisputeOpened(0, "旧密钥"), "KEY_REVOKED")
    actor.key = key


def _revoke(play: Play) -> None:
    """Lost: blocked at once, and a new key enrolled for the same person."""
    world, actor = play.world, play.world.actor(_someone(play))
    body = KeyRevoked("lost", key_id(actor.key.public), actor.person, "设备遗失", None)
    act = world.must("registrar", body)
    play.no(actor.alias, DisputeOpened(0, "遗失的密钥"), "KEY_REVOKED")
    play.no("registrar", body, "ALREADY_PENDING")
    world.cosign(act, "discipline")
    play.no("registrar", body, "KEY_REVOKED")
    key, values = _new_key(play, actor)
    enrolment = replace(world.enrolment(actor.alias), **values)
    play.no("registrar", replace(enrolment, id_tag="0" * 64), "PERSON_MISMATCH")
    actor.key = key
    play.must("registrar", enrolment, "discipline")


def _succeed(play: Play) -> None:
    """An office-holder leaves; the successor takes over and nothing is reopened."""
    alias = f"successor-{len(play.world.state.roll.people)}"
    play.world.enrol(alias, unit=f"office-{alias}")
    body = OfficeSucceeded(play.person("inspector-2"), "岗位调整", "inspector", play.person(alias))
    play.no("registrar", replace(body, successor=play.person("nobody")), "UNKNOWN_PERSON")
    play.no("registrar", replace(body, role="teller"), "ROLE_NOT_HELD")
    play.must("registrar", body, "discipline")
    play.no("registrar", body, "ROLE_NOT_HELD")
    granted = RoleGranted(play.person("inspector-2"), "重新任命", "inspector")
    play.must("registrar", RoleWithdrawn(play.person(alias), "任务结束", "inspector"), "discipline")
    play.must("registrar", granted, "discipline")
    play.no("registrar", granted, "ROLE_HELD")


def _amend(play: Play) -> None:
    """Only what has not begun may change, with its derived difference and every sponsor's signature."""
    world, old = play.world, play.world.state.charter.latest.value
    new = deepcopy(dict(old))
    notice = next(stage for stage in new["stages"] if stage["kind"] == "notice")
    notice["notice_days"] = notice["notice_days"] % 7 + 1
    changes = tuple(Difference(after, before, path) for path, before, after in difference(old, new))
    body = ProgrammeAmended(changes, new, "调整公示天数")
    play.no("organiser", replace(body, difference=()), "DIFFERENCE_NOT_DERIVED")
    play.no("organiser", replace(body, programme=old, difference=()), "AMENDMENT_EMPTY")
    if notice["id"] in world.state.charter.stages:
        play.no("organiser", body, "RULES_FROZEN")
        return
    act = world.must("organiser", body)
    for office in programme_of(play).sponsors:
        assert world.state.charter.latest.value == old
        world.cosign(act, f"sponsor-{office}")
    assert world.state.charter.latest.value == new


def _finding(play: Play) -> None:
    world = play.world
    severity: Any = play.rng.choice(["info", "warn", "breach"])
    act = play.must("registrar", FindingRaised("OTHER", (0,), "请核查", severity))
    finding = f"OTHER:{act.index}"
    play.no("registrar", FindingRaised("OTHER", (10**6,), "请核查", severity), "UNKNOWN_ENTRY")
    play.no("organiser", FindingClosed(finding, "无事"), "NOT_AUTHORISED")
    closed = play.must("discipline", FindingClosed(finding, "已核查"))
    if severity == "breach":
        play.no("discipline", ActCountersigned(closed.index, closed.leaf.hex()), "SECOND_AUDITOR_NEEDED")
        world.cosign(closed, "auditor-2")
    play.no("discipline", FindingClosed(finding, "再次"), "FINDING_CLOSED")


def _evidence(play: Play) -> None:
    digest = play.world.digest(f"evidence/{play.world.nonces}")
    body = EvidenceAttached("minutes", digest, "personal", "application/pdf", 1000)
    play.must("organiser", body)
    play.no("organiser", body, "EVIDENCE_KNOWN")
    play.no("organiser", replace(body, about="scan", size=1), "ATTACHMENT_MISMATCH")
    play.must("registrar", EvidenceErased(digest, "本人要求删除"))
    play.no("registrar", EvidenceErased(digest, "再次"), "EVIDENCE_ERASED")
    play.no("organiser", body, "EVIDENCE_ERASED")


def _impersonation(play: Play) -> None:
    play.no("organiser", DisputeOpened(0, "代他人"), "ON_BEHALF_MISMATCH", on_behalf_of=play.person("leader-01"))


def _other_programme(play: Play) -> None:
    play.no("organiser", DisputeOpened(0, "另一年度"), "WRONG_CONTEXT", programme="0" * 64)


def _other_rules(play: Play) -> None:
    play.no("organiser", DisputeOpened(0, "旧规则"), "RULES_HASH_MISMATCH", rules="0" * 64)


def _same_counter(play: Play) -> None:
    used = play.world.state.roll.people[play.person("organiser")].counter
    play.no("organiser", DisputeOpened(0, "重复计数"), "IDEMPOTENCY_CONFLICT", counter=used)


def _unknown_key(play: Play) -> None:
    play.no("stranger", DisputeOpened(0, "外人"), "KEY_UNKNOWN")


def _endorsed(play: Play) -> None:
    sponsor = f"sponsor-{programme_of(play).sponsors[0]}"
    play.no(sponsor, CharterEndorsed(play.world.state.charter.leaf.hex()), "ALREADY_ENDORSED")
    play.no(sponsor, CharterEndorsed("0" * 64), "LEAF_MISMATCH")


def _role_conflict(play: Play) -> None:
    granted = RoleGranted(play.person("organiser"), "兼任", "scrutineer")
    play.no("registrar", granted, "ROLE_CONFLICT")
    play.no("organiser", granted, "NOT_AUTHORISED")
    play.no("registrar", replace(granted, role="emperor"), "UNKNOWN_ROLE")


def _no_such_stage(play: Play) -> None:
    play.no("organiser", StageOpened("no-such-stage"), "UNKNOWN_STAGE")
    first = programme_of(play).stages[0].id
    play.no("organiser", StageOpened(first), "STAGE_ALREADY_BEGUN")
    play.no("organiser", StageClosed(first), "STAGE_CLOSED")


def _too_soon(play: Play) -> None:
    before, last = programme_of(play).stages[-2:]
    if not play.world.state.charter.is_closed(before.id):
        play.no("organiser", StageOpened(last.id), "STAGE_ORDER")


FORBIDDEN: list[Callable[[Play], None]] = [
    _impersonation,
    _other_programme,
    _other_rules,
    _same_counter,
    _unknown_key,
    _endorsed,
    _role_conflict,
    _no_such_stage,
    _too_soon,
]
