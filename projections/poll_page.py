"""The page on which a public poll is shown: in which order, and whether it is still the one on record (dispute F11).

The list is frozen in its declared or drawn order when the poll opens, with the digest of the page. Whoever stands first
is chosen more often, so each turn shows the list rotated by one more place, from a place that follows from the list's
hash: over as many turns as there are candidates everybody stands everywhere once, and anybody can work it out.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from projections.plain import to_bytes

CODE = "PAGE_CHANGED"
_KIND = "ballot-ledger.poll-page.v1"
_START = b"ballot-ledger poll page order v1\n"


def snapshot(poll: str, stage: str, candidates: Sequence[str], list_hash: str) -> bytes:
    """Return the bytes of the page as this service shows it, but for the rotation; its digest goes into the opening."""
    shown = {"candidates": list(candidates), "kind": _KIND, "list_hash": list_hash, "poll": poll, "stage": stage}
    return to_bytes(shown)


def digest(page: bytes) -> str:
    """Return the digest of a page's bytes as the opening of a poll records it."""
    return sha256(page).hexdigest()


def shown_order(candidates: Sequence[str], list_hash: str, turn: int) -> tuple[str, ...]:
    """Return the order in which a turn shows the list; turns count from 0 without end."""
    if not candidates:
        return ()
    start = int.from_bytes(sha256(_START + bytes.fromhex(list_hash)).digest(), "big")
    first = (start + turn) % len(candidates)
    return (*candidates[first:], *candidates[:first])


def turn_of(candidates: Sequence[str], list_hash: str, shown: Sequence[str]) -> int | None:
    """Return the turn, below the number of candidates, that shows this order; None if none does."""
    turns = range(len(candidates))
    return next((turn for turn in turns if shown_order(candidates, list_hash, turn) == tuple(shown)), None)


def page_finding(poll: str, opened: int, recorded: str, served: str) -> dict[str, Any]:
    """Return the statement by which another page than the recorded one is put on record, to be signed."""
    reason = f"投票 {poll} 的页面摘要为 {served}，与第 {opened} 条入账的 {recorded} 不一致"
    body = {"code": CODE, "entries": [opened], "reason": reason, "severity": "breach"}
    return {"body": body, "kind": "finding.raised"}
