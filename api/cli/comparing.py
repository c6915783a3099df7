"""`compare`: two looks at one log, and what was seen of it before: same, prefix, rollback or split view."""

import base64
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.options import JsonOption, LangOption
from api.cli.terminal import CliError, Exit, Terminal, row, table, terminal
from ledger.checkpoint import VerifierKey, parse_checkpoint, parse_note, parse_vkey
from projections.comparing import (
    Comparison,
    Look,
    Relation,
    evidence_of,
    look_at,
    open_evidence,
    worst,
)
from projections.comparing import (
    compare as compared,
)
from projections.comparing_memory import Known, Memory, remembered
from projections.comparing_sources import is_evidence, read_evidence, showing

STATE_FILE = "seen.json"
_EXITS = {Relation.SAME: Exit.OK, Relation.PREFIX: Exit.OK, Relation.UNPROVEN: Exit.CANNOT}


def compare(
    earlier: Annotated[
        Path, typer.Argument(metavar="A", help="较早的：检查点、回执、导出、已发布文件夹 · what was seen earlier")
    ],
    later: Annotated[
        Path | None, typer.Argument(metavar="[B]", help="较晚的；略去则只与以前所见相比 · what is seen now")
    ] = None,
    vkey: Annotated[
        list[str] | None, typer.Option("--vkey", help="从别处得知的日志公钥，可多次 · the log's keys, from elsewhere")
    ] = None,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="FILE", help="记录已见检查点的文件 · file of checkpoints seen")
    ] = None,
    memory: Annotated[bool, typer.Option("--memory/--no-memory", help="与以前所见相比并记住 · use that file")] = True,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", metavar="FILE", help="分裂证据写到何处 · where proof of a split goes")
    ] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """比较同一账本的两次所见：一致、延续、回滚或分裂 · same, prefix, rollback or split view."""
    with terminal(lang, as_json) as made, ExitStack() as stack:
        kept = Memory(state or default_state()) if memory else None
        given = tuple(parse_vkey(text) for text in vkey or ())
        keys = given or (kept.keys if kept else ())
        if not keys:
            raise CliError("COMPARE_KEY_NEEDED")
        if later is None and is_evidence(earlier):
            found = [open_evidence(read_evidence(earlier), keys)]
            _tell(made, found, None)
            raise typer.Exit(Exit.REFUSED)
        looks = [_look(stack, path, keys) for path in (earlier, later) if path is not None]
        made.origin = looks[-1].checkpoint.origin
        known = kept.known(made.origin) if kept else Known(())
        found = _compare_all(looks, known)
        verdict = worst(found)
        written = _write_evidence(found, evidence) if verdict is Relation.SPLIT_VIEW else None
        if kept is not None:
            own = tuple(key for key in (*known.keys, *keys) if key.name == made.origin)
            kept.keep(made.origin, remembered(Known(tuple(dict.fromkeys(own)), known.looks), found, looks))
        _tell(made, found, written)
        raise typer.Exit(_EXITS.get(verdict, Exit.REFUSED))


def default_state() -> Path:
    """Return the file in the user's data directory."""
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return folder / "ballot-ledger" / STATE_FILE


def _look(stack: ExitStack, path: Path, keys: Sequence[VerifierKey]) -> Look:
    shown = stack.enter_context(showing(path))
    origin = parse_checkpoint(parse_note(shown.note).text).origin
    if all(key.name != origin for key in keys):
        raise CliError("COMPARE_KEY_NEEDED")
    return look_at(str(path), shown.note, keys, shown.get_node)


def _compare_all(looks: Sequence[Look], known: Known) -> list[Comparison]:
    """Compare the two, and both with what was seen before; only the later may not be smaller than that."""
    *earlier, later = looks
    found = [compared(one, later) for one in (*earlier, *known.looks)]
    against = (compared(before, one) for one in earlier for before in known.looks)
    return found + [one for one in against if one.relation is Relation.SPLIT_VIEW]


def _write_evidence(found: Sequence[Comparison], path: Path | None) -> Path:
    """Write the first split view found to a file of its own, and return which."""
    split = next(one for one in found if one.relation is Relation.SPLIT_VIEW)
    small, large = split.looks
    target = path or Path(f"split-view-{small.size}-{large.size}.txt")
    data = evidence_of(split)
    try:
        if not (target.exists() and target.read_bytes() == data):
            with target.open("xb") as file:
                file.write(data)
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(target), reason=error.strerror or "-") from None
    return target


def _tell(made: Terminal, found: Sequence[Comparison], written: Path | None) -> None:
    shown = table(*(made.word(name) for name in ("compared-earlier", "compared-later", "verdict")))
    for one in found:
        shown.add_row(*row(_named(one.earlier), _named(one.later), made.word(f"relation-{one.relation.value}")))
    verdict = worst(found)
    if found:
        made.show(shown, made.word(f"compared-{verdict.value}"))
    else:
        made.show(made.word("compared-first"))
    if written is not None:
        made.show(made.word("split-evidence", path=written))
    told = [
        {
            "earlier": _told(one.earlier),
            "later": _told(one.later),
            "proof": None if one.proof is None else [base64.b64encode(value).decode() for value in one.proof],
            "relation": one.relation.value,
        }
        for one in found
    ]
    finding = {"code": "SPLIT_VIEW", "severity": "breach"} if verdict is Relation.SPLIT_VIEW else None
    if verdict is Relation.ROLLBACK:
        finding = {"code": "LOG_TRUNCATED", "severity": "breach"}
    evidence = None if written is None else str(written)
    made.give(
        {"comparisons": told, "evidence": evidence, "finding": finding, "verdict": verdict.value if found else None}
    )


def _named(look: Look) -> str:
    return f"{look.label} ({look.size}, {look.checkpoint.root.hex()[:16]})"


def _told(look: Look) -> dict[str, Any]:
    return {"from": look.label, "root": look.checkpoint.root.hex(), "size": look.size}
