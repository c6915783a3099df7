"""一, 五 and 七(三): the charter, keys and roles, order of stages, amendments, rest, and what is on file."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

from api.rehearsal.driver import World, founders
from ledger.calendar_source import announced_year
from ledger.checkpoint import VerifierKey
from ledger.log_keys import possession
from ledger.procedure.programme_value import difference
from ledger.programmes import load_shipped, programme_hash
from ledger.roll import possession_message
from ledger.signing import SigningKey, encode_base64, key_id
from ledger.statements.foundation import (
    ActCountersigned,
    ActDeclined,
    CalendarRecorded,
    CharterEndorsed,
    CharterSealed,
    Difference,
    ProgrammeAmended,
    SelectionResumed,
    SelectionSuspended,
    StageClosed,
    StageOpened,
)
from ledger.statements.log import LogKeyRotated, LogRecovered
from ledger.statements.naming import DisputeOpened, EvidenceAttached, EvidenceErased, FindingClosed, FindingRaised
from ledger.statements.roll import KeyRevoked, KeyRotated, OfficeSucceeded, RoleGranted, RoleWithdrawn
from tests.clauses.row import Forbidden, Row
from tests.plays import PLAN
from tests.simulator import LOG_VKEY, NEXT_LOG_KEY, ORIGIN

FIRST, SECOND = PLAN.applicants[0], PLAN.applicants[1]
SPONSORS = tuple(f"sponsor-{office}" for office in ("org-dept", "publicity", "union", "hrss", "industry"))


def endorse(world: World, *aliases: str) -> None:
    for alias in aliases:
        world.must(alias, CharterEndorsed(world.state.charter.leaf.hex()))


def begin(world: World) -> None:
    endorse(world, *SPONSORS)
    world.must("organiser", calendar(world))


def calendar(world: World, year: int = 2022, drop: int = 0) -> CalendarRecorded:
    off, on = (tuple(day.isoformat() for day in days) for days in announced_year(year))
    return CalendarRecorded(off[drop:], on, "国务院办公厅关于节假日安排的通知", year)


def charter(world: World) -> CharterSealed:
    value = load_shipped("zhuyuan-2022")
    key, digest = LOG_VKEY.encode(), programme_hash(value)
    return CharterSealed(founders(world, value), key, ORIGIN, value, digest, rehearsal=True)


def amendment(world: World, stage: str, **changes: Any) -> ProgrammeAmended:
    old = world.state.charter.latest.value
    new: dict[str, Any] = deepcopy(dict(old))
    place = [one["id"] for one in new["stages"]].index(stage)
    new["stages"][place] |= changes
    items = tuple(Difference(after, before, path) for path, before, after in difference(old, new))
    return ProgrammeAmended(items, new, "经研究调整")


def amend(world: World, stage: str, **changes: Any) -> None:
    world.cosign(world.must("organiser", amendment(world, stage, **changes)), *SPONSORS)


def rotation(world: World, alias: str, seed: int = 1) -> tuple[SigningKey, KeyRotated]:
    key, challenge = SigningKey.from_seed(bytes([seed]) * 32), world.digest(f"rotation/{alias}")
    message = possession_message(world.state.charter.id, world.person(alias), key_id(key.public), challenge)
    proof, public = encode_base64(key.sign(message)), encode_base64(key.public)
    return key, KeyRotated("ed25519", challenge, proof, public)


def rotate(world: World, alias: str) -> None:
    key, body = rotation(world, alias)
    world.must(alias, body)
    world.actor(alias).key = key


def revocation(world: World, alias: str) -> KeyRevoked:
    return KeyRevoked("stolen", key_id(world.actor(alias).key.public), world.person(alias), "设备被盗", None)


def revoke(world: World, alias: str) -> None:
    world.cosign(world.must("registrar", revocation(world, alias)), "discipline")


def succession(world: World, old: str, new: str, role: str) -> OfficeSucceeded:
    return OfficeSucceeded(world.person(old), "岗位调整", role, world.person(new))


def succeed(world: World) -> None:
    world.enrol("newcomer", unit="office-newcomer")
    world.cosign(world.must("registrar", succession(world, "inspector-1", "newcomer", "inspector")), "discipline")


def granted(world: World, alias: str, role: str) -> RoleGranted:
    return RoleGranted(world.person(alias), "工作需要", role)


def withdrawn(world: World) -> None:
    body = RoleWithdrawn(world.person("inspector-2"), "任务结束", "inspector")
    world.cosign(world.must("registrar", body), "discipline")


def log_key_rotation(world: World, key: SigningKey = NEXT_LOG_KEY) -> LogKeyRotated:
    new = VerifierKey(ORIGIN, key.public)
    proof = key.sign(possession(world.state.log.keys.newest, new))
    return LogKeyRotated(new.encode(), encode_base64(proof), "密钥定期更换")


def rotate_log_key(world: World) -> None:
    world.cosign(world.must(SPONSORS[0], log_key_rotation(world)), SPONSORS[1])


def rotate_alone(world: World) -> Forbidden:
    act = world.must(SPONSORS[2], log_key_rotation(world))
    return Forbidden(SPONSORS[2], ActCountersigned(act.index, act.leaf.hex()))


def recovered(world: World, size: int = 2) -> LogRecovered:
    return LogRecovered("数据库由旧备份恢复", world.state.size, size, (world.digest("export"),))


def suspend(world: World) -> None:
    body = SelectionSuspended(world.digest("outage"), "疫情防控")
    world.cosign(world.must("organiser", body), SPONSORS[0])


def rest_and_resume(world: World) -> None:
    suspend(world)
    world.cosign(world.must("organiser", SelectionResumed("疫情结束")), SPONSORS[1])


def while_resting(world: World) -> Forbidden:
    suspend(world)
    return Forbidden("organiser", calendar(world))


def finding(world: World, severity: Any) -> str:
    act = world.must("registrar", FindingRaised("OTHER", (0,), "同一联系电话", severity))
    return f"OTHER:{act.index}"


def close_breach(world: World) -> None:
    world.cosign(world.must("discipline", FindingClosed(finding(world, "breach"), "已核查")), "auditor-2")


def own_second_signature(world: World) -> Forbidden:
    act = world.must("discipline", FindingClosed(finding(world, "breach"), "已核查"))
    return Forbidden("discipline", ActCountersigned(act.index, act.leaf.hex()))


def attached(world: World, name: str, kind: Any = "personal") -> EvidenceAttached:
    return EvidenceAttached("minutes", world.digest(name), kind, "application/pdf", 1000)


def attach_and_erase(world: World) -> None:
    world.must("organiser", attached(world, "letter"))
    world.must("registrar", EvidenceErased(world.digest("letter"), "本人要求删除"))


def erase_what_decides(world: World) -> Forbidden:
    world.must("organiser", attached(world, "scan", "deciding"))
    return Forbidden("registrar", EvidenceErased(world.digest("scan"), "本人要求删除"))


def decline(world: World) -> None:
    act = world.must("registrar", granted(world, "inspector-1", "teller"))
    world.decline(act, "discipline")


def decline_alone(world: World) -> Forbidden:
    act = world.must("registrar", granted(world, "inspector-2", "teller"))
    return Forbidden("registrar", ActDeclined(act.index, act.leaf.hex(), "另行安排"))


def enrolled(world: World) -> None:
    world.enrol("new-member", "inspector", unit="unit-new")


def enrolled_without_proof(world: World) -> Forbidden:
    stranger = world.actor("stranger")
    proof = encode_base64(stranger.key.sign(b"something else"))
    return Forbidden("registrar", world.enrolment("stranger", proof=proof))


def second_member(world: World) -> Forbidden:
    tag = world.actor("inspector-1").id_tag
    return Forbidden("registrar", world.enrolment("stranger", id_tag=tag))


def used_key(world: World) -> Forbidden:
    holder = world.actor("inspector-1")
    message = possession_message(
        world.state.charter.id, world.person("stranger"), key_id(holder.key.public), world.digest("challenge")
    )
    body = world.enrolment(
        "stranger",
        challenge=world.digest("challenge"),
        proof=encode_base64(holder.key.sign(message)),
        public_key=encode_base64(holder.key.public),
    )
    return Forbidden("registrar", body)


def chartering(world: World) -> Forbidden:
    return Forbidden("organiser", charter(world), {"programme": None, "rules": None, "seen": None})


def stage_rows() -> tuple[Row, ...]:
    """The stages follow one another, and open with every reading declared."""
    return (
        Row(
            "五",
            "Stages begin in the programme's order, each once the one before it has ended.",
            "screened",
            lambda world: world.must("organiser", StageOpened("experts")),
            lambda world: Forbidden("screener-2", StageOpened("industry")),
            "STAGE_ORDER",
        ),
        Row(
            "五",
            "A stage cannot open while a reading that it needs is undeclared.",
            "undeclared",
            lambda world: world.must(SPONSORS[0], DisputeOpened(0, "章程未写明截止日")),
            lambda world: Forbidden("organiser", StageOpened("applications")),
            "RULE_UNDECLARED",
        ),
        Row(
            "五",
            "An amendment shows its difference, is signed by every sponsor and touches no stage that has begun.",
            "window",
            lambda world: amend(world, "notice", notice_days=7),
            lambda world: Forbidden("organiser", amendment(world, "applications", closes_at="2022-11-25T00:00")),
            "RULES_FROZEN",
        ),
        Row(
            "五",
            "A statement names the version of the rules that governs its stage.",
            "founded",
            lambda world: world.must("organiser", calendar(world)),
            lambda world: Forbidden("discipline", DisputeOpened(0, "旧版规则"), {"rules": "0" * 64}),
            "RULES_HASH_MISMATCH",
        ),
        Row(
            "五",
            "Only the organiser ends a stage, and only one that has begun.",
            "received",
            lambda world: world.must("organiser", StageOpened("screening")),
            lambda world: Forbidden("screener-2", StageClosed("screening")),
            "STAGE_NOT_OPEN",
        ),
    )


ROWS = (
    Row(
        "一",
        "Five departments sponsor the selection: each endorses this very charter.",
        "sealed",
        lambda world: endorse(world, SPONSORS[0]),
        lambda world: Forbidden(SPONSORS[1], CharterEndorsed("0" * 64)),
        "LEAF_MISMATCH",
    ),
    Row(
        "一",
        "Until all sponsors have endorsed the charter nothing else is admitted.",
        "sealed",
        begin,
        lambda world: Forbidden("registrar", world.enrolment("early")),
        "CHARTER_NOT_ENDORSED",
    ),
    Row(
        "一",
        "There is one charter, and it comes first.",
        "sealed",
        lambda world: endorse(world, *SPONSORS),
        chartering,
        "CHARTER_EXISTS",
        after=True,
    ),
    Row(
        "一",
        "Whoever enrols keys never confirms them: registrar and discipline sign both.",
        "staffed",
        enrolled,
        lambda world: Forbidden("discipline", world.enrolment("stranger")),
        "NOT_AUTHORISED",
    ),
    Row(
        "七(三)",
        "A key enters with its member's own proof of possession.",
        "staffed",
        enrolled,
        enrolled_without_proof,
        "POSSESSION_NOT_PROVEN",
    ),
    Row(
        "七(三)",
        "A person is one person whatever keys they hold.",
        "staffed",
        enrolled,
        second_member,
        "DUPLICATE_MEMBER",
    ),
    Row("七(三)", "One key is one person's.", "staffed", enrolled, used_key, "DUPLICATE_KEY"),
    Row(
        "七(三)",
        "Nobody holds the organiser's role with registrar, scrutineer or discipline.",
        "staffed",
        lambda world: world.grant("inspector-1", "recommender"),
        lambda world: Forbidden("registrar", granted(world, "organiser", "scrutineer")),
        "ROLE_CONFLICT",
    ),
    Row(
        "七(三)",
        "A role is taken back by two offices too.",
        "staffed",
        withdrawn,
        lambda world: Forbidden("registrar", RoleWithdrawn(world.person("inspector-1"), "任务结束", "teller")),
        "ROLE_NOT_HELD",
    ),
    Row(
        "七(三)",
        "A member replaces the own key; the old one signs no more.",
        "staffed",
        lambda world: rotate(world, "inspector-1"),
        lambda world: Forbidden("inspector-2", replace(rotation(world, "inspector-2")[1], challenge="0" * 64)),
        "POSSESSION_NOT_PROVEN",
    ),
    Row(
        "七(三)",
        "A stolen key is revoked forward from its entry.",
        "staffed",
        lambda world: revoke(world, "inspector-1"),
        lambda world: Forbidden("inspector-1", DisputeOpened(0, "用被盗的密钥")),
        "KEY_REVOKED",
        after=True,
    ),
    Row(
        "七(三)",
        "An office-holder's successor takes over by a recorded change, without reopening anything.",
        "staffed",
        succeed,
        lambda world: Forbidden("registrar", succession(world, "inspector-2", "intake-1", "teller")),
        "ROLE_NOT_HELD",
    ),
    Row(
        "七(三)",
        "An act of two signers waits for the second, who is somebody else and may decline.",
        "staffed",
        decline,
        decline_alone,
        "SECOND_SIGNER_NEEDED",
    ),
    Row(
        "七(三)",
        "Suspension and resumption are reasoned acts of two; nothing goes on meanwhile.",
        "staffed",
        rest_and_resume,
        while_resting,
        "SELECTION_SUSPENDED",
        after=True,
    ),
    Row(
        "七(三)",
        "A person who disputes an entry is heard; everybody signs for themselves.",
        "staffed",
        lambda world: world.must("inspector-1", DisputeOpened(0, "章程与文件不符")),
        lambda world: Forbidden(
            "inspector-2", DisputeOpened(0, "代他人提出"), {"on_behalf_of": world.person("inspector-1")}
        ),
        "ON_BEHALF_MISMATCH",
    ),
    Row(
        "七(三)",
        "A breach is closed by two auditors.",
        "staffed",
        close_breach,
        own_second_signature,
        "SECOND_AUDITOR_NEEDED",
    ),
    Row(
        "七(三)",
        "Personal evidence is erasable by an entry; what decided something is kept.",
        "staffed",
        attach_and_erase,
        erase_what_decides,
        "EVIDENCE_RETAINED",
    ),
    Row(
        "七(三)",
        "A rehearsal and another year's selection are other programmes: their statements do not fit.",
        "staffed",
        lambda world: world.must("organiser", calendar(world)),
        lambda world: Forbidden("inspector-1", DisputeOpened(0, "演练中签名"), {"programme": "0" * 64}),
        "WRONG_CONTEXT",
    ),
    Row(
        "七(三)",
        "The log's key is replaced by two sponsors; the new key signs for itself, and the name stays.",
        "staffed",
        rotate_log_key,
        rotate_alone,
        "SECOND_SIGNER_NEEDED",
    ),
    Row(
        "七(三)",
        "The log turns to no key whose private half its sequencer does not hold.",
        "staffed",
        rotate_log_key,
        lambda world: Forbidden(SPONSORS[3], log_key_rotation(world, SigningKey.from_seed(bytes([9]) * 32))),
        "LOG_KEY_NOT_HELD",
    ),
    Row(
        "七(三)",
        "What was lost and brought back is told by the discipline office and a sponsor.",
        "staffed",
        lambda world: world.cosign(world.must("discipline", recovered(world)), SPONSORS[0]),
        lambda world: Forbidden("auditor-2", recovered(world, world.state.size)),
        "RECOVERY_IMPOSSIBLE",
    ),
    *stage_rows(),
)
