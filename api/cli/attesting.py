"""`attest` and `diff-result`: one's own row of a certified result as a file, and what changed a ranking, with proof.

Both write files that are checked offline (`--check`), against the log's public key as known from elsewhere.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from rich.text import Text

from api.cli.founding import VKEY_FILE
from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, Exit, Terminal, row, table, terminal
from api.cli.view import View, civil, opened
from ledger.checkpoint import VerifierKey, parse_vkey
from ledger.errors import MalformedError, StoreError, VerificationError
from ledger.logstore import first_receipt
from ledger.outcome import Row
from ledger.receipt import Receipt
from ledger.selection import Selection
from ledger.statements import Act
from ledger.store.store import Store
from projections.attestation import AttestedRow, verify_row
from projections.attestation import attest as attest_row
from projections.audit.export_acts import acts_of_export
from projections.history import sentence_of
from projections.plain import to_json
from projections.proven import MOST_BYTES
from projections.result_difference import (
    Point,
    ResultDifference,
    certified_point,
    check_difference,
    difference,
    difference_file,
)
from projections.words import NOBODY, Names, Speaker

VkeyOption: TypeAlias = Annotated[
    str | None, typer.Option("--vkey", help="从别处得知的日志公钥 · the log's public key as known from elsewhere")
]
OutOption: TypeAlias = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="写到何处 · where to write the file")
]
CheckOption: TypeAlias = Annotated[
    Path | None, typer.Option("--check", metavar="FILE", help="核对这样的文件 · check such a file")
]


class StoredReceipts:
    """Entries and first receipts from a stored log (`projections.proven.Receipts`)."""

    def __init__(self, store: Store) -> None:
        """Read from `store`."""
        self._store = store

    def entry(self, index: int) -> bytes:
        """Return the bytes of a published entry."""
        found = self._store.entry(index)
        if found is None:
            raise StoreError("NOT_PUBLISHED", index=index)
        return found

    def receipt(self, index: int) -> Receipt:
        """Return an entry's first receipt."""
        return first_receipt(self._store, index)


def trusted_key(home: Path, given: str | None) -> VerifierKey:
    """Return the log's key as given, else as the ledger's folder has it. Raises `CliError` `VKEY_NEEDED`."""
    if given is not None:
        return parse_vkey(given)
    public = home / VKEY_FILE
    if not public.exists():
        raise CliError("VKEY_NEEDED")
    return parse_vkey(public.read_text().strip())


def read_file(path: Path) -> bytes:
    """Return a file of at most the size of any proof. Raises `CliError` `FILE_UNREADABLE`."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CliError("FILE_UNREADABLE", path=str(path), reason=error.strerror or "-") from None
    if len(data) > MOST_BYTES:
        raise MalformedError("PROOF_FILE_MALFORMED", where="size")
    return data


def write_file(path: Path, data: bytes) -> None:
    """Write a file and the folders above it. Raises `CliError` `FILE_UNWRITABLE`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(path), reason=error.strerror or "-") from None


@contextmanager
def judged(made: Terminal) -> Iterator[None]:
    """End with exit code 1 where something was checked and does not hold, unlike what could not be checked."""
    try:
        yield
    except VerificationError as error:
        made.error(error.code, error.facts, made.sentence(error.code, error.facts, "errors"))
        raise typer.Exit(Exit.REFUSED) from None


def attest(
    subject: Annotated[
        str | None, typer.Argument(metavar="SUBJECT", help="结果：final、experts:power、poll:ID · the result")
    ] = None,
    candidate: Annotated[str | None, typer.Argument(metavar="CANDIDATE", help="候选人 · the candidate")] = None,
    out: OutOption = None,
    check: CheckOption = None,
    vkey: VkeyOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """只证明自己在已认定结果中的一行 · prove one's own row of a certified result, without the others'."""
    with terminal(lang, as_json) as made:
        if check is not None:
            with judged(made):
                _tell_row(made, verify_row(read_file(check), trusted_key(home, vkey)))
            return
        if subject is None or candidate is None:
            raise CliError("ATTEST_WHAT")
        with opened(made, home) as view:
            person, about = view.person(candidate), full_subject(subject)
            data = attest_row(view.state, view.acts, StoredReceipts(view.store), about, person)
            path = out or view.home.folder / "attested" / f"{about.replace(':', '-')}-{person[:8]}.row.json"
            write_file(path, data)
            found = verify_row(data, trusted_key(home, vkey))
            made.show(made.word("written-to", path=path))
            _tell_row(made, found, str(path))


def full_subject(asked: str) -> str:
    """Return the subject that a stage's id, with or without its group, or a whole subject means."""
    return asked if asked.startswith(("stage:", "poll:")) else f"stage:{asked}"


def _tell_row(made: Terminal, found: AttestedRow, path: str | None = None) -> None:
    made.origin, made.rehearsal = found.origin, found.rehearsal
    word = made.word
    made.show(
        word("row-holds", subject=found.subject, title=found.title),
        word("row-place", index=found.index + 1, count=found.count, candidate=found.row["candidate"]),
        word("row-certified", entry=found.certified, time=civil(found.at, found.offset_minutes), size=found.size),
    )
    shown = table(word("field"), word("value"))
    for name, value in found.row.items():
        shown.add_row(*row(name, value if isinstance(value, str | int) else to_text(value)))
    made.show(shown)
    if found.others:
        made.show(word("row-others", people="、".join(found.others)))
    made.show(Text(word("row-limits"), style="dim"))
    made.give({"row": to_json(found), "file": path})


def to_text(value: Any) -> str:
    """Return a value of a row as it is shown."""
    if isinstance(value, list):
        return "; ".join(to_text(one) for one in value) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {to_text(one)}" for name, one in value.items() if one not in (None, []))
    return str(value)


def diff_result(  # noqa: PLR0913, PLR0917
    first: Annotated[
        str | None,
        typer.Argument(metavar="A", help="认定条目号或 结果@条目号 · certifying entry or SUBJECT@INDEX"),
    ] = None,
    second: Annotated[str | None, typer.Argument(metavar="B", help="同上，较晚 · the same, later")] = None,
    out: OutOption = None,
    check: CheckOption = None,
    entries: Annotated[
        Path | None,
        typer.Option("--entries", metavar="EXPORT", help="据此审计导出核对 · check with an auditors' export"),
    ] = None,
    vkey: VkeyOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """两个结果之间名次为何变化，附证明 · what changed a ranking between two results, with the proof."""
    with terminal(lang, as_json) as made:
        if check is not None and entries is not None:
            known = _exported(made, entries)
            with judged(made):
                found = check_difference(read_file(check), trusted_key(home, vkey), known.acts)
                _tell_difference(made, known, found)
            return
        with opened(made, home) as view:
            _difference(view, first, second, out, check, trusted_key(home, vkey) if check is not None else None)


@dataclass(frozen=True, slots=True)
class Known:
    """The entries at hand, the state they lead to, and how people in it are called."""

    acts: tuple[Act, ...]
    state: Selection
    label: Callable[[str], str]
    names: Names


def _exported(made: Terminal, path: Path) -> Known:
    """Fold the entries of an export; its people have no names."""
    acts, state = acts_of_export(path), Selection()
    for act in acts:
        state.apply(act)
    if state.sealed is not None:
        made.origin, made.rehearsal = state.sealed.origin, state.sealed.rehearsal
    return Known(acts, state, lambda person: person[:8], NOBODY)


def _difference(
    view: View, first: str | None, second: str | None, out: Path | None, check: Path | None, key: VerifierKey | None
) -> None:
    known, made = Known(view.acts, view.state, view.label, view.names), view.terminal
    if check is not None and key is not None:
        with judged(made):
            _tell_difference(made, known, check_difference(read_file(check), key, view.acts))
    elif first is None or second is None:
        raise CliError("DIFFERENCE_OF_WHAT")
    else:
        points = point(view, first), point(view, second)
        if points[0].size > points[1].size:
            raise CliError("RANGE_BACKWARD", first=points[0].size, last=points[1].size)
        found = difference(view.acts, *points)
        if out is not None:
            write_file(out, difference_file(view.acts, StoredReceipts(view.store), found))
            made.show(made.word("written-to", path=out))
        _tell_difference(made, known, found, str(out) if out else None)


def point(view: View, asked: str) -> Point:
    """Return the result that is meant: that of a certifying entry, or a subject as known after an entry.

    Raises `CliError` `INDEX_UNKNOWN` or `POINT_INVALID`, and what `certified_point` raises.
    """
    subject, separator, number = asked.rpartition("@")
    if not (number.isascii() and number.isdigit()) or len(number) > 18 or (separator and not subject):
        raise CliError("POINT_INVALID", asked=asked[:96])
    index = int(number)
    if index >= view.size:
        raise CliError("INDEX_UNKNOWN", index=index, entries=view.size)
    return Point(full_subject(subject), index + 1) if separator else certified_point(view.acts, index)


def _tell_difference(made: Terminal, known: Known, found: ResultDifference, path: str | None = None) -> None:
    word, speaker = made.word, Speaker.of(known.state, known.names)
    made.give({"difference": to_json(found), "file": path})
    first, second = found.first, found.second
    made.show(
        word("difference-of", first=first.subject, at=first.size - 1, second=second.subject, then=second.size - 1)
    )
    if not found.moved:
        made.show(word("no-row-moved"))
    else:
        shown = table(word("who"), word("before"), word("after"))
        for one in found.moved:
            shown.add_row(*row(known.label(one.candidate), _place(made, one.before), _place(made, one.after)))
        made.show(shown)
    made.show("", Text(word("moved-by"), style="bold"))
    offset = known.state.charter.latest.programme.utc_offset_minutes
    for index in found.causes:
        act = known.acts[index]
        said = sentence_of(known.state, act, speaker)
        sentence = said.en if made.language == "en" else said.zh
        made.show(Text.assemble((f"#{index}", "bold"), f"  {civil(act.at, offset)}  {sentence}"))
    if found.undetermined is not None:
        verdict = word("difference-open", index=found.undetermined)
    else:
        verdict = word("difference-as-before" if found.as_before else "difference-not-as-before")
    made.show("", Text(verdict, style="bold"), word("difference-left-out", entries=len(found.left_out)))


def _place(made: Terminal, one: Row | None) -> str:
    """Return where a row stands: rank, approvals or votes, and whether it is taken."""
    if one is None:
        return "-"
    if "rank" not in one:
        return made.word("with-votes", votes=one.get("votes", 0))
    said = made.word(f"status-{one['status']}")
    return made.word("row-standing", rank=one["rank"] or "-", approve=one["approve"], status=said)
