"""`certificate`: a naming as picture, text and file; checking such a file, a name, or what a scanner read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.text import Text

from api.cli.attesting import (
    CheckOption,
    StoredReceipts,
    VkeyOption,
    judged,
    read_file,
    trusted_key,
    write_file,
)
from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, Terminal, terminal
from api.cli.view import View, civil, opened
from ledger.checkpoint import VerifierKey
from projections.certificate import (
    Certificate,
    certify,
    check_record,
    check_scanned,
    name_record,
    read_scanned,
    salt_of,
    verify_certificate,
)
from projections.certificate_picture import certificate_picture
from projections.plain import to_json

WRITTEN = (".json", ".svg", ".txt")
Held: TypeAlias = "tuple[bytes, bytes] | None"
"""A personal record and its salt, which the holder gives."""


def certificate(  # noqa: PLR0913, PLR0917
    person: Annotated[str | None, typer.Argument(metavar="PERSON", help="获命名的人 · who was named")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="写成 .svg、.txt 或 .json · write .svg, .txt or .json"),
    ] = None,
    with_record: Annotated[
        bool, typer.Option("--with-record", help="附上个人档案摘要的条目 · with the personal record's digest")
    ] = False,
    check: CheckOption = None,
    scan: Annotated[
        str | None, typer.Option("--scan", metavar="TEXT", help="核对扫码所得 · check what a scanner read")
    ] = None,
    vkey: VkeyOption = None,
    name: Annotated[str | None, typer.Option("--name", help="核对姓名 · a name to check")] = None,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="FILE", help="核对个人档案 · the personal record to check")
    ] = None,
    salt: Annotated[str | None, typer.Option("--salt", metavar="BASE64", help="档案的盐 · the record's salt")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """命名证书：附检查点与收录证明，可离线核对 · a certificate of naming that is checked offline."""
    with terminal(lang, as_json) as made:
        held = _record(name, record, salt)
        if check is not None:
            with judged(made):
                found = verify_certificate(read_file(check), trusted_key(home, vkey))
                _tell(made, found, _named(found, held), None)
            return
        with opened(made, home) as view:
            if scan is not None:
                with judged(made):
                    _scanned(view, scan)
                return
            if person is None:
                raise CliError("CERTIFICATE_OF_WHOM")
            who = view.person(person)
            path = out or view.home.folder / "certificates" / f"{who[:8]}.svg"
            if path.suffix not in WRITTEN:
                raise CliError("CERTIFICATE_FORM", known=" ".join(WRITTEN))
            shown = with_record or held is not None
            data = certify(view.state, view.acts, StoredReceipts(view.store), who, record=shown)
            _issue(view, path, data, trusted_key(home, vkey), held)


def _record(name: str | None, record: Path | None, salt: str | None) -> Held:
    """Return the record and salt that are to be checked, None without any. Raises `CliError` `RECORD_AND_SALT`."""
    if name is None and record is None and salt is None:
        return None
    if salt is None or (name is None) == (record is None):
        raise CliError("RECORD_AND_SALT")
    content = name_record(name) if name is not None else read_file(record) if record is not None else b""
    return content, salt_of(salt)


def _named(found: Certificate, held: Held) -> str | None:
    """Return the name that the record states, once the record was held against the log; `-` for one without."""
    return None if held is None else check_record(found, *held) or "-"


def _scanned(view: View, scan: str) -> None:
    read = read_scanned(scan)
    check_scanned(read, view.state, view.acts, view.terminal.origin or "")
    revoked = view.state.naming.revoked.get(read.person)
    word = view.terminal.word
    view.terminal.show(word("scan-holds", person=read.person, index=read.index))
    view.terminal.show(word("title-stands") if revoked is None else word("certificate-revoked", index=revoked))
    view.give({"scanned": to_json(read), "revoked": revoked})


def _issue(view: View, path: Path, data: bytes, key: VerifierKey, held: Held) -> None:
    """Write the file, its receipt beside it, and the picture or text that was asked for; all from the checked file."""
    found = verify_certificate(data, key)
    name = _named(found, held)
    files = {path.with_suffix(".json"): data, path.with_suffix(".tlog-proof"): found.receipt}
    lines = tuple(_lines(view.terminal, found, name))
    if path.suffix == ".svg":
        files[path] = _picture(view.terminal, found, lines)
    if path.suffix == ".txt":
        told = (_heading(view.terminal, found), *_warnings(view.terminal, found), *lines, *_limits(view.terminal))
        files[path] = ("\n".join((*told, found.scanned)) + "\n").encode()
    for place, content in files.items():
        write_file(place, content)
    _tell(view.terminal, found, name, [str(place) for place in sorted(files)])


def _heading(made: Terminal, found: Certificate) -> str:
    return made.word("certificate-title", honour=found.honour)


def _warnings(made: Terminal, found: Certificate) -> Iterator[str]:
    if found.rehearsal:
        yield made.word("banner", origin=found.origin)
    if found.revoked is not None:
        yield made.word("certificate-revoked", index=found.revoked)


def _lines(made: Terminal, found: Certificate, name: str | None) -> Iterator[str]:
    """Say what the certificate certifies, line by line."""
    word = made.word
    yield found.title
    if name is not None:
        yield word("certificate-name", name=name)
    yield word("certificate-person", person=found.person)
    yield word("certificate-named", index=found.named, time=civil(found.at, found.offset_minutes))
    if found.conferred_by:
        yield word("certificate-conferred", signers=found.conferred_by, sponsors=found.sponsors)
    yield word("certificate-log", origin=found.origin)
    yield word("certificate-size", size=found.size)
    yield word("certificate-leaf", leaf=found.leaf.hex()[:32])
    yield " " * 4 + found.leaf.hex()[32:]
    if found.record is not None:
        yield word("certificate-record", record=found.record[:16])


def _limits(made: Terminal) -> tuple[str, str]:
    return made.word("certificate-check"), made.word("certificate-limits")


def _picture(made: Terminal, found: Certificate, lines: tuple[str, ...]) -> bytes:
    warning = " · ".join(_warnings(made, found))
    return certificate_picture(_heading(made, found), lines, warning, found.scanned, _limits(made), made.language)


def _tell(made: Terminal, found: Certificate, name: str | None, files: list[str] | None) -> None:
    made.origin, made.rehearsal = found.origin, found.rehearsal
    made.show(Text(_heading(made, found), style="bold"))
    if found.revoked is not None:
        made.show(Text(made.word("certificate-revoked", index=found.revoked), style="bold red"))
    made.show(*(f"  {line}" for line in _lines(made, found, name)))
    made.show(*(Text(line, style="dim") for line in _limits(made)))
    for file in files or ():
        made.show(made.word("written-to", path=file))
    value = to_json(found) | {"receipt": found.receipt.decode(), "scanned": found.scanned}
    made.give({"certificate": value, "files": files, "name": name})
