"""`init`: the folder of a new ledger, the founders' keys, and the charter as entry 0.

Where no list of founders is given, a key is made for every sponsor, the organiser, the registrar and the discipline
office, each in a file of its own that is to be handed to its holder. Where the founders bring their own keys, the list
names their public ones and only the organiser's key file is needed to seal the charter.
"""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.secrets_of import new_passphrase, open_key
from api.cli.statement_input import signed_envelope
from api.cli.submitting import write_receipt
from api.cli.terminal import CliError, Exit, Terminal, row, table, terminal
from api.importing.programme_file import value_of
from ledger.checkpoint import VerifierKey
from ledger.keyfile import read_key, write_key
from ledger.opening import Home, create_home, open_sequencer, open_store
from ledger.procedure.acts import DISCIPLINE, ORGANISER, REGISTRAR, SPONSOR
from ledger.programmes import load_file, load_shipped, programme_hash, shipped
from ledger.sequencer import Refused, Sequencer
from ledger.signing import SigningKey, encode_base64, key_id
from ledger.statements.foundation import CharterEndorsed, CharterSealed, Founder
from ledger.statements.plain import from_plain, to_plain

VKEY_FILE = "log.vkey"
PROGRAMME_FILE = "programme.json"


def init(  # noqa: PLR0913, PLR0917
    origin: Annotated[str, typer.Option("--origin", help="日志名称，如 union.example/zhuyuan-2022 · name of the log")],
    programme: Annotated[
        str,
        typer.Option("--programme", metavar="FILE|LABEL", help="程序文件，或自带程序的名称 · a file, or a shipped one"),
    ] = "zhuyuan-2022",
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FOLDER", help="创始私钥文件放在何处 · where the founders' key files go"),
    ] = None,
    founders: Annotated[
        Path | None,
        typer.Option(
            "--founders", metavar="FILE", help="创始人清单（公钥）· JSON list of office, person, public_key, role"
        ),
    ] = None,
    organiser_key: Annotated[
        Path | None, typer.Option("--organiser-key", metavar="FILE", help="承办人的私钥文件 · the organiser's key file")
    ] = None,
    endorse: Annotated[
        bool, typer.Option("--endorse", help="用刚生成的密钥代各主办部门签署 · endorse with the keys just made")
    ] = False,
    small: Annotated[
        bool,
        typer.Option("--small", help="程序文件从简，按默认补齐（供导入）· a small file, filled up (imports)"),
    ] = False,
    rehearsal: Annotated[bool, typer.Option("--rehearsal", help="演练账本 · the log of a rehearsal")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """新建账本：文件夹、日志密钥、创始密钥、章程 · a new ledger: folder, log key, founders' keys, charter."""
    with terminal(lang, as_json) as made:
        made.origin, made.rehearsal = origin, rehearsal
        if small:
            value = value_of(Path(programme))
        else:
            value = load_shipped(programme) if programme in shipped() else load_file(programme)
        listed = _read_founders(founders) if founders else ()
        passphrase = None if founders else new_passphrase(made)
        found = new_home(home, origin, value)
        held = {} if founders else _make_keys(keys or found.folder / "keys", value, passphrase or b"")
        people = listed or tuple(founder for founder, _, _ in held.values())
        organiser = _organiser(made, held, organiser_key)
        _write_founders(found.folder / "founders.json", people)
        if organiser is None:
            made.show(made.word("charter-waits", path=found.folder))
            made.give({"home": str(found.folder), "charter": None, "vkey": _vkey(found).encode()})
            return
        charter = CharterSealed(people, _vkey(found).encode(), origin, value, programme_hash(value), rehearsal)
        with open_store(found) as store, open_sequencer(found, store) as sequencer:
            index_zero = _seal(made, found, sequencer, charter, organiser)
            endorsed = _endorse_all(made, found, sequencer, held) if endorse else 0
        _tell(made, found, held, index_zero, endorsed)


def new_home(folder: Path, origin: str, programme: Mapping[str, Any], log_key: SigningKey | None = None) -> Home:
    """Make a ledger's folder with its log key, the key's public part, and the programme it is for."""
    found = create_home(folder, origin, log_key=log_key)
    (folder / VKEY_FILE).write_text(_vkey(found).encode() + "\n")
    (folder / PROGRAMME_FILE).write_text(json.dumps(programme, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return found


def _vkey(home: Home) -> VerifierKey:
    return VerifierKey(home.origin, read_key(home.log_key, None).public)


def _read_founders(path: Path) -> tuple[Founder, ...]:
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise CliError("FILE_UNREADABLE", path=str(path), reason=error.strerror or "-") from None
    except ValueError:
        raise CliError("INPUT_INVALID", reason="JSON") from None
    return tuple(from_plain(tuple[Founder, ...], value, "founders"))


def _write_founders(path: Path, people: tuple[Founder, ...]) -> None:
    value = [to_plain(one) for one in people]
    path.write_text(json.dumps(value, indent=1) + "\n")


def _make_keys(
    folder: Path, programme: Mapping[str, Any], passphrase: bytes
) -> dict[str, tuple[Founder, SigningKey, Path]]:
    """Make a key file for everybody the charter founds; returned by name of the file."""
    sponsors = [str(office["id"]) for office in programme["offices"] if office.get("sponsor")]
    holders = [(f"sponsor-{office}", office, SPONSOR) for office in sponsors]
    holders += [(role, f"office-{role}", role) for role in (ORGANISER, REGISTRAR, DISCIPLINE)]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = {}
    for name, office, role in holders:
        key = SigningKey.from_seed(secrets.token_bytes(32))
        path = folder / f"{name}.pem"
        write_key(path, key, passphrase)
        made[name] = Founder(office, secrets.token_hex(16), encode_base64(key.public), role), key, path
    return made


def _organiser(
    made: Terminal, held: Mapping[str, tuple[Founder, SigningKey, Path]], given: Path | None
) -> SigningKey | None:
    if given is not None:
        return open_key(made, given)
    return held[ORGANISER][1] if held else None


def _seal(made: Terminal, home: Home, sequencer: Sequencer, charter: CharterSealed, key: SigningKey) -> int:
    return _submit(made, home, sequencer, signed_envelope(sequencer.state, None, charter, key, False, None))


def _endorse_all(
    made: Terminal, home: Home, sequencer: Sequencer, held: Mapping[str, tuple[Founder, SigningKey, Path]]
) -> int:
    """Let every sponsor whose key was just made endorse."""
    body = CharterEndorsed(sequencer.state.charter.leaf.hex())
    keys = [key for founder, key, _ in held.values() if founder.role == SPONSOR]
    for key in keys:
        envelope = signed_envelope(sequencer.state, sequencer.seen(), body, key, False, None)
        _submit(made, home, sequencer, envelope)
    return len(keys)


def _submit(made: Terminal, home: Home, sequencer: Sequencer, envelope: bytes) -> int:
    answer = sequencer.submit(envelope).result()
    if isinstance(answer, Refused):
        made.refused(answer.refusal)
        raise typer.Exit(Exit.REFUSED)
    write_receipt(home, answer, None)
    return answer.act.index


def _tell(
    made: Terminal,
    home: Home,
    held: Mapping[str, tuple[Founder, SigningKey, Path]],
    index: int,
    endorsed: int,
) -> None:
    made.show(made.word("founded", path=home.folder, index=index, endorsed=endorsed), made.word("fingerprint"))
    made.show(f"    {_vkey(home).encode()}")
    shown = table(made.word("role"), made.word("office"), made.word("person"), made.word("key-id"), made.word("file"))
    for founder, key, path in held.values():
        shown.add_row(*row(founder.role, founder.office, founder.person, key_id(key.public)[:16], path))
    if held:
        made.show(shown, made.word("hand-out-keys"))
    made.give(
        {
            "charter": index,
            "endorsed": endorsed,
            "founders": [
                to_plain(founder) | {"file": str(path), "key": key_id(key.public)}
                for founder, key, path in held.values()
            ],
            "home": str(home.folder),
            "vkey": _vkey(home).encode(),
        }
    )
