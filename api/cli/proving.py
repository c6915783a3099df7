"""`prove inclusion` and `prove consistency`: proofs at any published size, as files that other people's tools read."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, Terminal, row, table, terminal
from api.cli.view import published_size
from ledger.checkpoint import MAX_SIZE
from ledger.errors import StoreError
from ledger.opening import Home, open_store, read_home
from ledger.proving import Consistency, checkpoint_note, consistency_with_roots, receipt_at
from ledger.statements import decode_own_entry
from ledger.statements.foundation import CharterSealed
from ledger.store import Store

app = typer.Typer(
    help="收录与一致性证明 · proofs that an entry is in, and that nothing was changed", no_args_is_help=True
)


@app.command("inclusion")
def inclusion(
    index: Annotated[int, typer.Argument(metavar="INDEX", min=0, max=MAX_SIZE, help="第几条 · the entry's index")],
    at: Annotated[
        int | None,
        typer.Option("--at", metavar="SIZE", min=1, max=MAX_SIZE, help="对哪一检查点 · the checkpoint of this size"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="写到何处 · where to write the .tlog-proof")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """证明一条在账本中，对任一检查点 · prove that an entry is in the log, against any checkpoint issued."""
    with terminal(lang, as_json) as made, _opened(made, home) as (found, store, published):
        size = _published(published if at is None else at, published)
        if index >= size:
            raise CliError("INDEX_UNKNOWN", index=index, entries=size)
        receipt = receipt_at(store, index, size)
        path = out or found.folder / "proofs" / f"{index}-{size}.tlog-proof"
        _write(path, receipt.encode())
        made.show(made.word("inclusion-at", index=index, size=size, path=path))
        told = {"file": str(path), "index": index, "path": _texts(receipt.proof), "size": size}
        made.give({"inclusion": told | {"text": receipt.encode().decode()}})


@app.command("consistency")
def consistency(
    old: Annotated[int, typer.Argument(metavar="OLD", min=0, max=MAX_SIZE, help="较早的条数 · the earlier size")],
    new: Annotated[int, typer.Argument(metavar="NEW", min=0, max=MAX_SIZE, help="较晚的条数 · the later size")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="写成见证请求（add-checkpoint）· write the request a witness takes"),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """证明较早的账本是较晚的开头 · prove that the earlier log is the beginning of the later one."""
    with terminal(lang, as_json) as made, _opened(made, home) as (_, store, published):
        if old > new:
            raise CliError("RANGE_BACKWARD", first=old, last=new)
        _published(new, published)
        proof = consistency_with_roots(store, old, new)
        if out is not None:
            _write(out, request(proof, checkpoint_note(store, new)))
        shown = table("#", made.word("root"))
        shown.add_row(*row(old, proof.old_root.hex()))
        shown.add_row(*row(new, proof.new_root.hex()))
        made.show(made.word("consistency-of", old=old, new=new, hashes=len(proof.path)), shown, *_texts(proof.path))
        roots = {"new_root": proof.new_root.hex(), "old_root": proof.old_root.hex()}
        told = roots | {"file": str(out) if out else None, "new": new, "old": old, "path": _texts(proof.path)}
        made.give({"consistency": told})


def request(proof: Consistency, note: bytes) -> bytes:
    """Return a consistency proof as the body of a tlog-witness `add-checkpoint` request."""
    hashes = "".join(f"{text}\n" for text in _texts(proof.path))
    return f"old {proof.old_size}\n{hashes}\n".encode() + note


def _published(size: int, published: int) -> int:
    """Return `size` where it may be shown. Raises `CliError` `NOT_PUBLISHED` above the pin."""
    if size > published:
        raise CliError("NOT_PUBLISHED", index=size - 1)
    return size


def _texts(hashes: tuple[bytes, ...]) -> list[str]:
    return [base64.b64encode(value).decode() for value in hashes]


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise StoreError("FILE_UNWRITABLE", path=str(path), reason=str(error.strerror)) from None


@contextmanager
def _opened(made: Terminal, home: Path) -> Iterator[tuple[Home, Store, int]]:
    """Open a ledger without reading its entries: proofs need the tree alone."""
    found = read_home(home)
    made.origin = found.origin
    with open_store(found) as store:
        published = published_size(found, store)
        charter = store.entry(0) if published else None
        body = decode_own_entry(charter).body if charter else None
        made.rehearsal = isinstance(body, CharterSealed) and body.rehearsal
        yield found, store, published
