"""Entries with their receipts inside a file that stands alone: written from a stored log, read back strictly.

Such a file is one canonical JSON object and a line feed. What it rests on is given from outside: the log's founding
key. The charter is always in it, for it says which selection this is and whether it is a rehearsal; so is every
rotation of the log's key, each proven by the keys before it. A receipt in such a file bears the log's own signature
and no other line, so that there is no byte in it that nothing vouches for.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ledger import canonical
from ledger.checkpoint import Checkpoint, VerifierKey, parse_base64, parse_note, parse_vkey
from ledger.errors import MalformedError, VerificationError
from ledger.log_keys import LogKeys, possession
from ledger.procedure.acts import ACTS
from ledger.receipt import Receipt, verify
from ledger.receipt import parse as parse_receipt
from ledger.statements import Act, decode_entry
from ledger.statements.foundation import ActCountersigned, CharterSealed
from ledger.statements.log import LogKeyRotated

MOST_BYTES = 4 * 1024 * 1024
"""No file of ours comes near it: an entry has at most 64 KiB, a receipt a few."""
MOST_ROTATIONS = 64


class Receipts(Protocol):
    """Where entries and their receipts come from."""

    def entry(self, index: int) -> bytes:
        """Return the bytes of a published entry."""

    def receipt(self, index: int) -> Receipt:
        """Return an entry's proof against a checkpoint that the log signed."""


@dataclass(frozen=True, slots=True)
class Proven:
    """An entry that was found in the log: what it says, and the checkpoint that covers it."""

    act: Act
    checkpoint: Checkpoint
    receipt: bytes


@dataclass(frozen=True, slots=True)
class Ground:
    """What a file rests on: the log's keys as far as it proves them, and its charter."""

    keys: LogKeys
    charter: Proven

    @property
    def origin(self) -> str:
        """The log's identity."""
        return self.keys.name

    @property
    def rehearsal(self) -> bool:
        """Whether this is the log of a rehearsal (演练), which no output may pass off as a real selection."""
        return bool(self.charter.act.body.rehearsal)

    @property
    def title(self) -> str:
        """What the selection is called."""
        return str(self.charter.act.body.programme.get("title", ""))

    @property
    def honour(self) -> str:
        """The title that it bestows."""
        return str(self.charter.act.body.programme.get("honour", ""))

    @property
    def sponsors(self) -> int:
        """How many sponsoring offices the charter has."""
        offices = self.charter.act.body.programme.get("offices")
        return sum(isinstance(one, dict) and one.get("sponsor") is True for one in offices or ())

    @property
    def offset_minutes(self) -> int:
        """The programme's offset from UTC in minutes."""
        offset = self.charter.act.body.programme.get("utc_offset_minutes", 0)
        return offset if isinstance(offset, int) else 0


def ground_value(source: Receipts, rotations: Iterable[tuple[int, int]]) -> dict[str, Any]:
    """Return the members `charter` and `rotations`, the latter from (act, last signature) of each."""
    return {
        "charter": proven_value(source, 0),
        "rotations": [[proven_value(source, index) for index in pair] for pair in rotations],
    }


def proven_value(source: Receipts, index: int) -> dict[str, str]:
    """Return an entry and its receipt in base64."""
    found = {"entry": source.entry(index), "receipt": source.receipt(index).encode()}
    return {name: base64.b64encode(data).decode() for name, data in found.items()}


def rotations_of(acts: Sequence[Act]) -> tuple[tuple[int, int], ...]:
    """Return (act, last signature) of every rotation of the log's key that took effect."""
    rotating = {act.index for act in acts if type(act.body) is LogKeyRotated}
    signed = [act for act in acts if rotating and type(act.body) is ActCountersigned]
    return tuple((act.body.index, act.index) for act in signed if act.body.index in rotating)


def write(value: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file."""
    return canonical.encode(value) + b"\n"


def read(data: bytes, format_: str, names: Iterable[str]) -> dict[str, Any]:
    """Return the members of a file of this format; raises `MalformedError` `PROOF_FILE_MALFORMED` or `NOT_CANONICAL`.

    Beside `names` it has `format`, `charter` and `rotations`, and nothing else.
    """
    if len(data) > MOST_BYTES or not data.endswith(b"\n"):
        raise MalformedError("PROOF_FILE_MALFORMED", where="size")
    value = canonical.decode(data[:-1])
    if not isinstance(value, dict) or value.get("format") != format_:
        raise MalformedError("PROOF_FILE_MALFORMED", where="format")
    return members(value, {"charter", "format", "rotations", *names}, "members")


def members(value: Any, names: Iterable[str], where: str) -> dict[str, Any]:
    """Return an object that has exactly these members."""
    if not isinstance(value, dict) or value.keys() != set(names):
        raise MalformedError("PROOF_FILE_MALFORMED", where=where)
    return value


def listed(value: Any, where: str, most: int) -> list[Any]:
    """Return a list of at most so many items."""
    if not isinstance(value, list) or len(value) > most:
        raise MalformedError("PROOF_FILE_MALFORMED", where=where)
    return value


def hash_of(value: Any, where: str) -> bytes:
    """Return 32 bytes that are written in base64."""
    data = parse_base64(value) if isinstance(value, str) else None
    if data is None or len(data) != 32:
        raise MalformedError("PROOF_FILE_MALFORMED", where=where)
    return data


def open_ground(value: Mapping[str, Any], key: VerifierKey | LogKeys) -> Ground:
    """Verify the charter and every rotation, from the founding key on.

    Raises `VerificationError`: what `open_proven` raises, and `GROUND_NOT_PROVEN` for a charter that is not entry 0 of
    this log or a rotation that was not signed as one must be.
    """
    keys = key if isinstance(key, LogKeys) else LogKeys.of(key)
    keys = LogKeys.of(keys.founding)
    charter = open_proven(value["charter"], keys, "charter")
    body = charter.act.body
    founded = type(body) is CharterSealed and (body.origin, body.log_key) == (keys.name, keys.founding.encode())
    if charter.act.index or not founded:
        raise VerificationError("GROUND_NOT_PROVEN", where="charter")
    for pair in listed(value["rotations"], "rotations", MOST_ROTATIONS):
        acts = [open_proven(one, keys, "rotations").act for one in listed(pair, "rotations", 2)]
        if len(acts) != 2:
            raise MalformedError("PROOF_FILE_MALFORMED", where="rotations")
        keys = _rotated(keys, acts[0], acts[1:])
    return Ground(keys, charter)


def _rotated(keys: LogKeys, act: Act, signed: Sequence[Act]) -> LogKeys:
    """Take over the key of a rotation that two people signed and whose new key is held."""
    if type(act.body) is not LogKeyRotated or countersigners(act, signed) < ACTS["log_key.rotated"].needs:
        raise VerificationError("GROUND_NOT_PROVEN", where="rotations")
    new = parse_vkey(act.body.log_key)
    held = parse_base64(act.body.possession)
    if held is None or not new.verify(possession(keys.newest, new), held):
        raise VerificationError("GROUND_NOT_PROVEN", where="possession")
    return keys.rotated(signed[-1].index, new)


def countersigners(act: Act, signed: Iterable[Act]) -> int:
    """Return how many other people agreed to an act, by its index and leaf hash.

    Raises `VerificationError` `GROUND_NOT_PROVEN` for an entry that agrees to something else.
    """
    people = set()
    for one in signed:
        body = one.body
        if type(body) is not ActCountersigned or (body.index, body.leaf) != (act.index, act.leaf.hex()):
            raise VerificationError("GROUND_NOT_PROVEN", where="countersignature")
        people.add(one.person)
    return len(people - {act.person})


def open_proven(value: Any, keys: LogKeys, where: str) -> Proven:
    """Verify an entry's receipt by the key in force at its size, and read the entry.

    Raises `MalformedError` for bytes of another form and `VerificationError` `RECEIPT_NOT_INCLUDED`,
    `NOTE_SIGNATURE_INVALID`, `NOTE_UNSIGNED` or `ENTRY_MISMATCH` (the entry names another index than its receipt).
    """
    found = members(value, ("entry", "receipt"), where)
    entry, data = (parse_base64(one) if isinstance(one, str) else None for one in (found["entry"], found["receipt"]))
    if entry is None or data is None:
        raise MalformedError("PROOF_FILE_MALFORMED", where=where)
    receipt = parse_receipt(data)
    # A second line would be another's word or nobody's: nothing here checks it, so it could say anything.
    if len(parse_note(receipt.checkpoint_note).signatures) != 1:
        raise MalformedError("PROOF_FILE_MALFORMED", where="signature lines")
    keys.open(receipt.checkpoint_note)
    checkpoint = verify(receipt, entry, keys)
    act = decode_entry(entry)
    if act.index != receipt.index:
        raise VerificationError("ENTRY_MISMATCH", index=receipt.index, found=act.index)
    return Proven(act, checkpoint, data)
