"""Keys that were first used from an administrator's session: from the service's record and the log (dispute H01).

The record says that a statement by a key that had signed nothing came with the session, or over the connection, of
somebody who enrols keys. It counts only if that statement is in the log and is indeed the first by its key.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledger.selection import Selection
from ledger.statements import Act

CODE = "KEY_USED_FROM_ADMIN"
WHAT = "key_used_from_admin"
"""What the service's record calls it."""
SESSION, CONNECTION = "session", "connection"


@dataclass(frozen=True, slots=True)
class Noted:
    """One record of the service: when (UTC ms), who was reading, the key and the statement, and what they shared."""

    at: int
    admin: str
    key: str
    statement: str
    how: str


@dataclass(frozen=True, slots=True)
class FirstUse:
    """A breach: `admin` was at the other end when `member`'s key signed for the first time, entry `used`.

    `enrolled` is the entry from which on the key is in force; `raised` the one that put this on record in the log.
    """

    code: str
    severity: str
    admin: str
    member: str
    key: str
    enrolled: int
    used: int
    at: int
    how: str
    raised: int | None = None

    def finding(self) -> dict[str, Any]:
        """Return the statement that puts it on record in the log, to be signed by an auditor."""
        reason = f"密钥 {self.key} 首次使用（第 {self.used} 条）来自 {self.admin} 的{_ZH[self.how]}"
        entries = sorted({self.enrolled, self.used})
        body = {"code": self.code, "entries": entries, "reason": reason, "severity": self.severity}
        return {"body": body, "kind": "finding.raised"}


_ZH = {SESSION: "会话", CONNECTION: "连接"}


def subject_of(key: str, statement: bytes) -> str:
    """Return how the record names a key and the statement by it."""
    return f"{key}:{statement.hex()}"


def first_uses(state: Selection, acts: Iterable[Act], noted: Iterable[Noted]) -> tuple[FirstUse, ...]:
    """Return every first use that the record and the log show together, in the order of the log."""
    wanted = {one.key: one for one in reversed(tuple(noted))}
    raised = {tuple(one.entries): one.raised for one in state.findings.by_id.values() if one.code == CODE}
    found: dict[str, FirstUse | None] = {}
    for act in acts:
        key = act.statement.key
        if key not in wanted or key in found:
            continue
        one, enrolled = wanted[key], state.roll.keys.get(key)
        found[key] = None
        if enrolled is not None and one.statement == act.signed.id.hex() and one.admin != act.person:
            entries = tuple(sorted({enrolled.since, act.index}))
            found[key] = FirstUse(
                CODE, "breach", one.admin, act.person, key, enrolled.since, act.index, one.at, one.how,
                raised.get(entries),
            )  # fmt: skip
    return tuple(one for one in found.values() if one is not None)
