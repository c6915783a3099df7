"""Verifying an export or a receipt without a ledger: what `ballot-ledger verify PATH` and `verify.pyz` both do.

Needs nothing but the standard library and the ledger's own rules; what checks signatures and timestamps faster or at
all is used where it is installed. Trust comes from the options, never from the file that is verified.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api import timestamps
from api.verify_files import is_proof_file, verify_proof_file
from ledger import receipt as receipts
from ledger.checkpoint import MAX_NOTE_BYTES, VerifierKey, parse_note, parse_vkey
from ledger.cosignature import open_cosigned
from ledger.errors import LedgerError, MalformedError, StoreError, VerificationError
from ledger.messages import LANGUAGES, text
from ledger.witness_policy import MAX_POLICY_BYTES, Policy, parse_policy
from projections.audit import telling
from projections.audit.catalogue import document, word
from projections.audit.export import Stamps, Trust, verify_export
from projections.audit.export_files import is_export
from projections.audit.report import CANNOT, CLEAN, FINDINGS

MOST_ROOT_BYTES = 1 << 20
MOST_ENTRY_BYTES = 1 << 16
MOST_RECEIPT_BYTES = MAX_NOTE_BYTES + 10_000
_FINGERPRINT_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Given:
    """What is known from elsewhere: verifier keys (the founding one first), a charter's fingerprint, files of trust."""

    vkeys: tuple[str, ...] = ()
    fingerprint: str | None = None
    policy: Path | None = None
    tsa_roots: tuple[Path, ...] = ()
    entry: Path | None = None
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of verifying: the exit code, the answer as plain values, and as lines for people."""

    code: int
    told: dict[str, Any]
    lines: Sequence[str] = field(default_factory=tuple)


def verify_path(path: Path, given: Given, language: str, progress: Callable[[int], None] | None = None) -> Outcome:
    """Verify an export, a receipt, an attested row or a certificate.

    Raises `LedgerError` where that cannot be done (exit code 2).
    """
    keys = tuple(parse_vkey(key.strip()) for key in given.vkeys)
    policy = parse_policy(_read(given.policy, MAX_POLICY_BYTES)) if given.policy else None
    if is_export(path):
        return _export(path, given, keys, policy, language, progress)
    data = _read(path, MOST_RECEIPT_BYTES)
    if is_proof_file(data):
        return Outcome(*verify_proof_file(data, keys, language))
    if not data.startswith(receipts.HEADER):
        raise MalformedError("NOTHING_TO_VERIFY", path=str(path))
    return _receipt(data, given, keys, policy, language)


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise StoreError("FILE_UNREADABLE", path=str(path), reason=error.strerror or type(error).__name__) from None
    if len(data) > most:
        raise StoreError("FILE_UNREADABLE", path=str(path), reason="size")
    return data


def _export(
    path: Path,
    given: Given,
    keys: tuple[VerifierKey, ...],
    policy: Policy | None,
    language: str,
    progress: Callable[[int], None] | None,
) -> Outcome:
    fingerprint = _fingerprint(given.fingerprint)
    trust = Trust(
        key=keys[0] if keys else None,
        fingerprint=fingerprint,
        policy=policy,
        stamps=_stamps(given.tsa_roots),
        stamps_wanted=bool(given.tsa_roots),
    )
    report = verify_export(path, trust, given.workers, progress)
    told = telling.told(report, language) | {"exit": report.exit_code, "kind": "export", "origin": report.origin}
    return Outcome(report.exit_code, told, tuple(telling.lines(report, language)))


def _fingerprint(given: str | None) -> str | None:
    if given is None:
        return None
    plain = given.strip().lower()
    if len(plain) != _FINGERPRINT_CHARACTERS or set(plain) - set("0123456789abcdef"):
        raise MalformedError("DIGEST_INVALID")
    return plain


def _stamps(roots: Iterable[Path]) -> Stamps | None:
    """Return what checks timestamps by these root certificates; None without roots, or without the library."""
    pems = [_read(root, MOST_ROOT_BYTES) for root in roots]
    if not pems or not timestamps.available():
        return None

    def check(response: bytes, note: bytes) -> object:
        return timestamps.verify_timestamp(note, response, pems, datetime.now(UTC))

    return check


def _receipt(data: bytes, given: Given, keys: tuple[VerifierKey, ...], policy: Policy | None, language: str) -> Outcome:
    if not keys:
        raise MalformedError("TRUST_MISSING")
    receipt = receipts.parse(data)
    try:
        cosigned = open_cosigned(receipt.checkpoint_note, _signing(receipt, keys), policy.keys if policy else ())
        checkpoint = cosigned.checkpoint
        if policy is not None and not policy.accepts(cosigned):
            raise VerificationError("QUORUM_OF_WITNESSES_MISSING", covered=0, size=checkpoint.size)
        if given.entry is not None:
            receipts.verify(receipt, _read(given.entry, MOST_ENTRY_BYTES), (_signing(receipt, keys),))
    except VerificationError as error:
        return _does_not_hold(error, language)
    held = given.entry is not None
    facts = {"index": receipt.index, "root": checkpoint.root.hex(), "size": checkpoint.size}
    told = {"clean": held, "exit": CLEAN if held else CANNOT, "failures": [], "kind": "receipt"} | facts
    return Outcome(
        CLEAN if held else CANNOT,
        told | {"origin": checkpoint.origin},
        (word("receipt-holds" if held else "receipt-note-only", language, **facts),),
    )


def _signing(receipt: receipts.Receipt, keys: tuple[VerifierKey, ...]) -> VerifierKey:
    """Return the first of the trusted keys that has a line in the receipt's checkpoint, else the first of all."""
    names = {(line.name, line.key_id) for line in parse_note(receipt.checkpoint_note).signatures}
    return next((key for key in keys if (key.name, key.key_id) in names), keys[0])


def _does_not_hold(error: LedgerError, language: str) -> Outcome:
    sentence = text(error.code, error.facts, language, section="errors")
    failure = {"code": error.code, "facts": error.facts, "text": sentence}
    told = {"clean": False, "exit": FINDINGS, "failures": [failure], "kind": "receipt"}
    return Outcome(FINDINGS, told, (f"{error.code}  {sentence}",))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the self-contained verifier; returns the exit code."""
    given = _parser().parse_args(arguments)
    language = given.lang or _own_language()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows its number.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    if given.checks:
        print(document(language))
        return CLEAN
    try:
        if given.path is None:
            raise MalformedError("NOTHING_TO_VERIFY", path="-")
        trust = Given(
            tuple(given.vkey), given.fingerprint, given.policy, tuple(given.tsa_root), given.entry, given.workers
        )
        outcome = verify_path(given.path, trust, language, _progress())
    except LedgerError as error:
        outcome = _cannot(error, language)
    except KeyboardInterrupt:
        return CANNOT
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if given.json:
        print(json.dumps(outcome.told, ensure_ascii=False, indent=2, sort_keys=True))
    else:
        print(*outcome.lines, sep="\n", file=sys.stderr if "error" in outcome.told else sys.stdout)
    return outcome.code


def _cannot(error: LedgerError, language: str) -> Outcome:
    sentence = text(error.code, error.facts, language, section="errors")
    told = {"error": {"code": error.code, "facts": error.facts, "text": sentence}, "exit": CANNOT}
    return Outcome(CANNOT, told, (f"{error.code}  {sentence}",))


def _progress() -> Callable[[int], None] | None:
    if not sys.stderr.isatty():
        return None
    return lambda done: print(f"\r{done:>12,}", end="", file=sys.stderr, flush=True)


def _own_language() -> str:
    own = os.environ.get("BALLOT_LEDGER_LANG", "")
    if own in LANGUAGES:
        return own
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "en" if locale.startswith("en") else "zh"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify",
        description="核验导出或回执 · verify an export or a receipt",
        epilog="退出码 · exit code: 0 无误 clean in scope; 1 有问题 findings; 2 无法核验 cannot be checked",
    )
    parser.add_argument(
        "path", nargs="?", type=Path, metavar="PATH", help="文件夹、zip 或回执 · folder, zip or receipt"
    )
    parser.add_argument(
        "--vkey", action="append", default=[], help="从别处得知的日志公钥 · the log's key as known from elsewhere"
    )
    parser.add_argument("--fingerprint", help="从别处得知的章程指纹 · the charter's fingerprint, known from elsewhere")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="见证策略 · the witnesses' policy")
    parser.add_argument(
        "--tsa-root",
        action="append",
        default=[],
        type=Path,
        metavar="PEM",
        help="时间戳机构根证书 · its root certificate",
    )
    parser.add_argument("--entry", type=Path, metavar="FILE", help="回执所证的条目 · the entry that a receipt proves")
    parser.add_argument("--lang", choices=LANGUAGES)
    parser.add_argument("--json", action="store_true", help="只输出 JSON · JSON and nothing else")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="核验签名的进程数 · processes")
    parser.add_argument("--checks", action="store_true", help="列出核验项目 · print the catalogue of checks")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
