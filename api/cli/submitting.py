"""`submit` and `countersign`: hand a signed statement in and keep its receipt."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from api.as_of import moment
from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, KeyOption, LangOption
from api.cli.secrets_of import open_key
from api.cli.statement_input import Input, read_input, signed_envelope
from api.cli.submitting_there import OFFSET_MINUTES, ServerOption, VkeyOption, keep_signed, submit_there
from api.cli.terminal import CliError, Exit, Terminal, terminal
from api.cli.view import civil
from api.client import Client
from api.witness.own_log import witnessed
from ledger.opening import Home, open_sequencer, open_store, read_home
from ledger.sequencer import Refused, Sequenced, Sequencer
from ledger.statements.foundation import ActCountersigned, ActDeclined

NowOption = Annotated[
    str | None, typer.Option("--now", metavar="TIME", help="演练的模拟时刻 · the simulated time of a rehearsal")
]
ReceiptOption = Annotated[
    Path | None, typer.Option("--receipt", metavar="FILE", help="回执写到此文件 · where the receipt goes (.tlog-proof)")
]
SignedOption = Annotated[
    Path | None,
    typer.Option("--signed", metavar="FILE", help="只签名，信封写到此文件 · sign only: the envelope goes to this file"),
]


def submit(  # noqa: PLR0913, PLR0917
    source: Annotated[
        str, typer.Argument(metavar="FILE|-", help="JSON：信封，或 kind 与 body · an envelope, or kind and body")
    ],
    kind: Annotated[str | None, typer.Option("--kind", help="事项种类，如 ballot.cast · kind of the statement")] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="签名人的私钥文件 · the signer's key file")
    ] = None,
    one_time: Annotated[
        bool, typer.Option("--one-time", help="以一次性密钥提出异议 · sign as a one-time key (objections only)")
    ] = False,
    claimed_at: Annotated[
        str | None,
        typer.Option("--claimed-at", metavar="TIME", help="纸质事项的见证时间 · attested time of an act on paper"),
    ] = None,
    now: NowOption = None,
    receipt: ReceiptOption = None,
    signed: SignedOption = None,
    server: ServerOption = None,
    vkey: VkeyOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """签署并提交一项声明，保存回执 · sign and submit a statement, keep its receipt."""
    if server is not None:
        with terminal(lang, as_json) as made:
            sign = partial(_signed_there, made, read_input(source, kind), key, one_time, claimed_at)
            submit_there(made, server, vkey, sign, now, receipt, signed)
        return
    with terminal(lang, as_json) as made, _writing(made, home) as (found, sequencer):
        given = read_input(source, kind)
        offset = _offset(sequencer)
        if given.envelope is not None:
            envelope = given.envelope
        else:
            if key is None:
                raise CliError("KEY_NEEDED")
            attested = moment(claimed_at, offset) if claimed_at else None
            signer = open_key(made, key)
            envelope = signed_envelope(sequencer.state, sequencer.seen(), given.body, signer, one_time, attested)
        if signed is not None:
            keep_signed(made, signed, envelope)
            return
        _hand_in(made, found, sequencer, envelope, now, receipt)


def countersign(  # noqa: PLR0913, PLR0917
    index: Annotated[int, typer.Argument(metavar="INDEX", help="待签条目 · the pending entry", min=0)],
    key: KeyOption,
    decline: Annotated[
        str | None, typer.Option("--decline", metavar="REASON", help="不同意及理由 · refuse it, with the reason")
    ] = None,
    now: NowOption = None,
    receipt: ReceiptOption = None,
    server: ServerOption = None,
    vkey: VkeyOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """会签（或拒签）一项待生效的声明 · agree to a pending act, or refuse it."""
    if server is not None:
        with terminal(lang, as_json) as made:
            submit_there(made, server, vkey, partial(_agreed_there, made, index, key, decline), now, receipt)
        return
    with terminal(lang, as_json) as made, _writing(made, home) as (found, sequencer):
        waiting = sequencer.state.pending.get(index)
        if waiting is None:
            raise CliError("NOTHING_PENDING", index=index)
        leaf = waiting.act.leaf.hex()
        body = ActDeclined(index, leaf, decline) if decline else ActCountersigned(index, leaf)
        envelope = signed_envelope(sequencer.state, sequencer.seen(), body, open_key(made, key), False, None)
        _hand_in(made, found, sequencer, envelope, now, receipt)


def _signed_there(
    made: Terminal, given: Input, key: Path | None, one_time: bool, claimed_at: str | None, client: Client
) -> bytes:
    if given.envelope is not None:
        return given.envelope
    if key is None:
        raise CliError("KEY_NEEDED")
    signer = open_key(made, key)
    attested = moment(claimed_at, OFFSET_MINUTES) if claimed_at else None
    return client.sign(client.form_for(given.body, signer), given.body, signer, attested, one_time)


def _agreed_there(made: Terminal, index: int, key: Path, decline: str | None, client: Client) -> bytes:
    signer = open_key(made, key)
    form = client.countersign_form(index, signer)
    leaf = str(form["fixed"]["leaf"])
    if decline is None:
        return client.sign(form, ActCountersigned(index, leaf), signer)
    return client.sign(form | {"kind": "act.declined"}, ActDeclined(index, leaf, decline), signer)


@contextmanager
def _writing(made: Terminal, home: Path) -> Iterator[tuple[Home, Sequencer]]:
    found = read_home(home)
    with open_store(found) as store, open_sequencer(found, store, witnessed=witnessed(found)) as sequencer:
        sealed = sequencer.state.sealed
        made.origin, made.rehearsal = found.origin, bool(sealed and sealed.rehearsal)
        yield found, sequencer


def _offset(sequencer: Sequencer) -> int:
    sealed = sequencer.state.sealed
    return sealed.latest.programme.utc_offset_minutes if sealed else 0


def _hand_in(
    made: Terminal, home: Home, sequencer: Sequencer, envelope: bytes, now: str | None, receipt: Path | None
) -> None:
    at = moment(now, _offset(sequencer)) if now else None
    answer = sequencer.submit(envelope, at).result()
    made.rehearsal = bool(sequencer.state.sealed and sequencer.state.sealed.rehearsal)
    if isinstance(answer, Refused):
        made.refused(answer.refusal, write_refusal(home, answer))
        raise typer.Exit(Exit.REFUSED)
    path = write_receipt(home, answer, receipt)
    waiting = sequencer.state.pending.get(answer.act.index)
    tell_entry(made, answer, path, waiting.needs if waiting else 0, _offset(sequencer))


def write_receipt(home: Home, answer: Sequenced, receipt: Path | None) -> Path:
    """Write a receipt to its file, by default into the ledger's folder; the same receipt again is left as it is."""
    path = receipt or home.folder / "receipts" / f"{answer.act.index}.tlog-proof"
    data = answer.receipt.encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (path.exists() and path.read_bytes() == data):
            path.write_bytes(data)
            # With the entry beside it a receipt can bring the entry back, should the database ever lose it.
            path.with_suffix(".entry").write_bytes(answer.act.entry)
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(path), reason=error.strerror or "-") from None
    return path


def write_refusal(home: Home, answer: Refused) -> Path | None:
    """Write the receipt of a refusal with the attempt that it proves; None where nothing was kept."""
    receipt = answer.receipt
    if receipt is None or answer.attempt is None:
        return None
    path = home.folder / "receipts" / f"refused-{receipt.index}.tlog-proof"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(receipt.encode())
        path.with_suffix(".attempt").write_bytes(answer.attempt)
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(path), reason=error.strerror or "-") from None
    return path


def tell_entry(made: Terminal, answer: Sequenced, receipt: Path, needs: int, offset_minutes: int) -> None:
    """Say at which index a statement stands, and what it still waits for."""
    act = answer.act
    name = "sequenced-again" if answer.again else "sequenced"
    made.show(made.word(name, index=act.index, type=act.statement.type, time=civil(act.at, offset_minutes)))
    if needs:
        made.show(made.word("still-needs", needs=needs))
    made.show(made.word("receipt-at", path=receipt))
    told: dict[str, Any] = {
        "again": answer.again,
        "at": act.at,
        "index": act.index,
        "leaf": act.leaf.hex(),
        "needs": needs,
        "receipt": str(receipt),
        "type": act.statement.type,
    }
    made.give({"entry": told})
