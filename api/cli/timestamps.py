"""`timestamp`: have an outside authority state when a checkpoint existed (RFC 3161), and keep its verified answer."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, terminal
from api.timestamps import MAX_STAMP_BYTES, request_timestamp, verify_timestamp
from api.witness.memory import replace
from ledger.checkpoint import MAX_SIZE
from ledger.opening import open_store, read_home
from ledger.proving import checkpoint_note, released_checkpoint
from ledger.store.store import Store


def timestamp(
    url: Annotated[str, typer.Option("--url", metavar="URL", help="时间戳机构的地址 · the authority's address")],
    root: Annotated[
        list[Path], typer.Option("--root", metavar="FILE", help="所信任的根证书（PEM）· trusted root certificate(s)")
    ],
    size: Annotated[
        int | None,
        typer.Option("--size", metavar="SIZE", min=1, max=MAX_SIZE, help="哪一检查点，默认最新 · default: newest"),
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="OID", help="须依何种策略 · the policy it must be made under")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """请外部机构为检查点加盖时间戳，核验后保存 · have a checkpoint stamped; kept once verified."""
    with terminal(lang, as_json) as made:
        found = read_home(home)
        made.origin = found.origin
        roots = [_read(path) for path in root]
        with open_store(found) as store:
            at, note = _checkpoint(store, size)
        path = found.folder / "attest" / "timestamps" / f"{at}.tsr"
        now = datetime.now(UTC)
        if path.exists():
            # The first stamp proves most: it is never replaced by a later one.
            stamped, again = verify_timestamp(note, _read(path), roots, now, policy), True
        else:
            stamp, stamped = request_timestamp(note, url, roots, now, policy)
            again = False
            _keep(path, stamp)
        time = stamped.strftime("%Y-%m-%d %H:%M:%SZ")
        made.show(made.word("stamped-before" if again else "stamped", size=at, time=time, path=path))
        told = {"again": again, "file": str(path), "size": at, "time": stamped.isoformat()}
        made.give({"timestamp": told})


def _checkpoint(store: Store, size: int | None) -> tuple[int, bytes]:
    if size is not None:
        return size, checkpoint_note(store, size)
    newest = released_checkpoint(store)
    if newest is None:
        raise CliError("NOTHING_PUBLISHED")
    return newest.size, newest.note


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_STAMP_BYTES + 1)
    except OSError as error:
        raise CliError("FILE_UNREADABLE", path=str(path), reason=error.strerror or "-") from None


def _keep(path: Path, stamp: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, stamp)
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(path), reason=error.strerror or "-") from None
