"""`evidence`: put files and records on file, read them back, list, check and erase them.

Erasing is an entry first, with its ground; the content goes once the entry is published. Where that was cut short, the
same command again finishes it.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from api.cli.options import DEFAULT_HOME, AtOption, HomeOption, JsonOption, KeyOption, LangOption
from api.cli.signing_desk import Desk, signing_desk
from api.cli.submitting import NowOption
from api.cli.terminal import CliError, Exit, row, table, terminal
from api.cli.view import View, opened, viewing
from ledger.errors import StoreError
from ledger.evidence import EvidenceStore
from ledger.evidence_content import PIECE_BYTES, EvidenceRecord
from ledger.evidence_duties import Checked, Outcome, check_evidence, erase_on_record, naming_entries
from ledger.evidence_opening import open_evidence
from ledger.statements.naming import EvidenceAttached, EvidenceErased
from projections.erasures import erasures

app = typer.Typer(help="材料（证据）· evidence on file", no_args_is_help=True)

DigestArgument = Annotated[str, typer.Argument(metavar="DIGEST", help="加盐摘要 · the salted digest")]


@app.command("put")
def put(  # noqa: PLR0913, PLR0917
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="文件 · the file, - for standard input")],
    media_type: Annotated[str, typer.Option("--media-type", help="类型，如 application/pdf · its media type")],
    evidence_class: Annotated[
        str, typer.Option("--class", help="personal 个人材料（可删除）或 deciding 据以决定的材料 · its class")
    ] = "personal",
    about: Annotated[
        str | None, typer.Option("--about", metavar="ID", help="登记为何事的材料 · attach it to this, by an entry")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="签名人的私钥文件 · the signer's key file")
    ] = None,
    now: NowOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """把材料存入卷中，返回加盐摘要 · put a file or record on file; with --about also say so in the log."""
    with terminal(lang, as_json) as made, signing_desk(made, home) as desk:
        if (about is None) != (key is None):
            raise CliError("KEY_NEEDED")
        evidence = open_evidence(desk.home, desk.store)
        with _source(file) as source:
            digest = evidence.put(source, evidence_class, media_type)
        record = evidence.record(digest)
        told = _told_record(record)
        if about is not None and key is not None:
            values = {
                "about": about,
                "digest": digest,
                "evidence_class": evidence_class,
                "media_type": media_type,
                "size": record.size,
            }
            told["entry"] = desk.submit(desk.body(EvidenceAttached, values), key, now).act.index
        made.show(made.word("evidence-filed", digest=digest, size=record.size))
        made.give({"evidence": told})


@contextmanager
def _source(file: str) -> Iterator[BinaryIO]:
    with ExitStack() as stack:
        try:
            source = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
        except OSError as error:
            raise CliError("FILE_UNREADABLE", path=file, reason=error.strerror or "-") from None
        yield source


@app.command("get")
def get(
    digest: DigestArgument,
    out: Annotated[str, typer.Option("--out", metavar="FILE|-", help="写到何处 · where to write it")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """取出材料；与摘要不符时不写出 · read evidence back; nothing is written unless it matches its digest."""
    with terminal(lang, as_json) as made, opened(made, home) as view:
        evidence = open_evidence(view.home, view.store)
        record = evidence.record(digest)
        write_checked(evidence.pieces(digest), out)
        if out != "-":
            made.show(made.word("written-to", path=out))
            view.give({"evidence": _told_record(record) | {"file": out}})


def write_checked(pieces: Iterator[bytes], out: str) -> None:
    """Write content to a file, or to standard output for `-`, once all of it has been checked; the file is 0600."""
    folder = None if out == "-" else str(Path(out).parent)
    try:
        with tempfile.NamedTemporaryFile(dir=folder, delete=out == "-") as file:
            try:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                if out == "-":
                    file.seek(0)
                    shutil.copyfileobj(file, sys.stdout.buffer, PIECE_BYTES)
                else:
                    Path(file.name).replace(out)
            except BaseException:
                if out != "-":
                    Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=out, reason=error.strerror or "-") from None


@app.command("list")
def list_(
    erased: Annotated[bool, typer.Option("--erased", help="只看已删除的 · only what was erased")] = False,
    home: HomeOption = DEFAULT_HOME,
    at: AtOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """列出卷中材料 · list the evidence: what it is, what it belongs to, whether it is there."""
    with viewing(home, lang, as_json, at, rows=False) as view:
        if erased:
            _tell_erasures(view)
            return
        evidence = open_evidence(view.home, view.store)
        named = naming_entries(view.state)
        rows = [_told_piece(view, evidence, digest, named) for digest in sorted({*named, *evidence.digests()})]
        view.give({"evidence": rows})
        names = ("digest", "evidence-class", "media-type", "size", "entries", "standing")
        shown = table(*(view.terminal.word(name) for name in names))
        for one in rows:
            standing = view.terminal.word(f"evidence-{one['standing']}")
            entries = " ".join(f"#{index}" for index in one["entries"])
            shown.add_row(*row(one["digest"][:16], one["class"], one["media_type"], one["size"], entries, standing))
        view.terminal.show(view.heading(view.terminal.word("evidence")), shown)


def _told_piece(view: View, evidence: EvidenceStore, digest: str, named: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    known = view.state.evidence.get(digest)
    try:
        told = _told_record(evidence.record(digest))
    except StoreError:
        standing = "erased" if known is not None and known.erased is not None else "missing"
        told = {"class": None, "digest": digest, "media_type": None, "size": None, "standing": standing}
    about = dict(known.about) if known is not None else {}
    return told | {"about": about, "entries": list(named.get(digest, ()))}


def _told_record(record: EvidenceRecord) -> dict[str, Any]:
    return {
        "class": record.evidence_class,
        "digest": record.digest,
        "media_type": record.media_type,
        "size": record.size,
        "standing": "erased" if record.erased else "on-file",
    }


def _tell_erasures(view: View) -> None:
    found = erasures(view.state, view.acts)
    rows = [
        {
            "about": dict(one.about),
            "at": one.at,
            "digest": one.digest,
            "entry": one.entry,
            "ground": one.ground,
            "person": one.person,
        }
        for one in found
    ]
    view.give({"erased": rows})
    shown = table(*(view.terminal.word(name) for name in ("entry", "time", "digest", "about", "who", "ground")))
    for one in found:
        about = " ".join(f"{name} (#{index})" for name, index in one.about)
        cells = (f"#{one.entry}", view.time(one.at), one.digest[:16], about, view.label(one.person), one.ground)
        shown.add_row(*row(*cells))
    view.terminal.show(view.heading(view.terminal.word("evidence-erasures", count=len(found))), shown)


@app.command("check")
def check(
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """逐件核对材料与条目 · hold every piece of evidence against its digest and the log: 0 sound, 1 findings."""
    with viewing(home, lang, as_json, rows=False) as view:
        evidence = open_evidence(view.home, view.store)
        named = len(naming_entries(view.state))
        with view.terminal.progress("checking-evidence", named) as advance:
            found: list[Checked] = []
            for one in check_evidence(view.state, evidence):
                found.append(one)
                advance(len(found))
        counts = {outcome.value: sum(one.outcome is outcome for one in found) for outcome in Outcome}
        faults = [one for one in found if one.outcome is Outcome.FAULT]
        told: list[dict[str, Any]] = [
            {
                "code": one.code,
                "digest": one.digest,
                "entries": list(one.entries),
                "facts": one.facts,
                "text": view.terminal.sentence(one.code, one.facts, "findings"),
            }
            for one in faults
        ]
        view.give({"counts": counts, "findings": told})
        for line in told:
            entries = " ".join(f"#{index}" for index in line["entries"])
            view.terminal.show(f"{entries}  {line['code']}  {line['digest'][:16]}  {line['text']}")
        view.terminal.show(view.terminal.word("evidence-checked", **counts))
        if faults:
            raise typer.Exit(Exit.REFUSED)


@app.command("erase")
def erase(
    digest: DigestArgument,
    key: KeyOption,
    reason: Annotated[str, typer.Option("--reason", help="删除的理由 · the ground of the erasure")],
    now: NowOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """登记删除及理由，然后删除内容与盐 · erase evidence: the entry with its ground first, then content and salt."""
    with terminal(lang, as_json) as made, signing_desk(made, home) as desk:
        known = desk.state.evidence.get(digest)
        if known is None or known.erased is None:
            desk.submit(desk.body(EvidenceErased, {"digest": digest, "reason": reason}), key, now)
        entry = _erase(desk, digest)
        made.show(made.word("evidence-gone", digest=digest, index=entry))
        made.give({"erased": {"digest": digest, "entry": entry}})


def _erase(desk: Desk, digest: str) -> int:
    return erase_on_record(desk.state, open_evidence(desk.home, desk.store), digest)
