"""`polls`: what a channel does around a public vote: give out credentials, commit to them, enter them, sign, and look.

Codes go into a file that this account alone can read, for the channel to hand out; of identities nothing is written.
"""

import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.secrets_of import new_passphrase, open_key
from api.cli.signing_desk import signing_desk
from api.cli.submitting import NowOption
from api.cli.terminal import CliError, Terminal, row, table, terminal
from api.cli.view import opened, viewing
from ledger.keyfile import write_key
from ledger.opening import read_home
from ledger.poll_credentials import Listed, enter_credentials, listed, tags_of_file
from ledger.poll_issuing import KEY_BYTES, new_codes, pseudonym_tags
from ledger.statements.plain import from_plain, to_plain
from ledger.statements.poll_ballots import CredentialsCommitted
from projections.plain import to_json
from projections.polls import PollView
from projections.polls import polls as polls_of

app = typer.Typer(help="公众投票 · public votes", no_args_is_help=True)
MOST_CODES = 20_000_000

PollArgument = Annotated[str, typer.Argument(metavar="POLL", help="投票编号 · the poll's id")]
ChannelArgument = Annotated[str, typer.Argument(metavar="CHANNEL", help="平台编号 · the channel's id")]
TagsOption = Annotated[
    Path, typer.Option("--tags", metavar="FILE", help="凭证标签清单 · the list of the credentials' tags")
]
CommitOption = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="平台签署人的私钥文件，即提交承诺 · the operator's key: commit"),
]


@app.command("issue-codes")
def issue_codes(  # noqa: PLR0913, PLR0917
    poll: PollArgument,
    channel: ChannelArgument,
    count: Annotated[int, typer.Option("--count", min=1, max=MOST_CODES, help="多少个 · how many")],
    codes: Annotated[Path, typer.Option("--codes", metavar="FILE", help="投票码文件（保密）· the codes; secret")],
    tags: TagsOption,
    key: CommitOption = None,
    now: NowOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """生成一次性投票码及其标签，并提交承诺 · make one-time codes and the list of their tags; commit to them."""
    with terminal(lang, as_json) as made:
        with _new_file(codes, 0o600) as file, listed(new_codes(poll, count, file)) as found:
            body = _commitment(poll, channel, found)
            _write_tags(tags, found)
        made.show(made.word("codes-issued", count=body.count, path=codes))
        _commit(made, body, tags, key, now, home)


@app.command("pseudonyms")
def pseudonyms(  # noqa: PLR0913, PLR0917
    poll: PollArgument,
    channel: ChannelArgument,
    secret: Annotated[
        Path,
        typer.Option("--secret", metavar="FILE", help="平台自己的密钥，无则新建 · the channel's own key, or a new one"),
    ],
    tags: TagsOption,
    identities: Annotated[
        str, typer.Argument(metavar="FILE|-", help="账号清单，每行一个，不留存 · accounts, one a line; not kept")
    ] = "-",
    key: CommitOption = None,
    now: NowOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """由账号算出化名凭证的标签，并提交承诺 · the tags of keyed pseudonyms of accounts; commit to them."""
    with terminal(lang, as_json) as made:
        own = _secret(secret)
        with _lines(identities) as lines, listed(pseudonym_tags(own, poll, lines)) as found:
            body = _commitment(poll, channel, found)
            _write_tags(tags, found)
        _commit(made, body, tags, key, now, home)


def _commitment(poll: str, channel: str, found: Listed) -> CredentialsCommitted:
    values = {"channel": channel, "count": found.count, "poll": poll, "root": found.root}
    body: CredentialsCommitted = from_plain(CredentialsCommitted, values, "body")
    return body


def _commit(
    made: Terminal, body: CredentialsCommitted, tags: Path, key: Path | None, now: str | None, home: Path
) -> None:
    """Tell what the channel commits to; with its operator's key the statement is signed and in the log."""
    told: dict[str, Any] = {"body": to_plain(body), "entry": None, "tags": str(tags)}
    if key is not None:
        with signing_desk(made, home) as desk:
            told["entry"] = desk.submit(body, key, now).act.index
        made.show(made.word("credentials-committed", index=told["entry"]))
    made.show(made.word("credentials-listed", count=body.count, path=tags, root=body.root))
    made.give({"credentials": told})


@app.command("enter")
def enter(
    poll: PollArgument,
    channel: ChannelArgument,
    tags: TagsOption,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """把已承诺的标签清单录入账本，凭此才能投票 · enter the list that was committed to; only these can vote."""
    with terminal(lang, as_json) as made, opened(made, home) as view:
        try:
            count = enter_credentials(view.store, view.state, poll, channel, tags_of_file(tags))
        except OSError as error:
            raise CliError("FILE_UNREADABLE", path=str(tags), reason=error.strerror or "-") from None
        made.show(made.word("credentials-entered", count=count))
        view.give({"credentials": {"channel": channel, "count": count, "poll": poll}})


@app.command("sign-for")
def sign_for(
    channel: ChannelArgument,
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="平台签署人的私钥文件 · the operator's key file")],
    plain: Annotated[bool, typer.Option("--no-passphrase", help="不设口令 · without a passphrase")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """让本服务代平台签署单张选票的批次（须信任本服务）· let this service take the channel's single ballots."""
    from api.http.boxes import channel_keys  # noqa: PLC0415

    with terminal(lang, as_json) as made:
        found = read_home(home)
        _commitment("any", channel, Listed(key, 0, "0" * 64))  # whose channel names are files too
        path, private = channel_keys(found) / f"{channel}.key", open_key(made, key)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_key(path, private, None if plain else new_passphrase(made))
        made.show(made.word("channel-key-kept", path=path))
        made.give({"channel_key": {"channel": channel, "file": str(path)}})


@app.command("show")
def show(
    poll: Annotated[str | None, typer.Argument(metavar="[POLL]", help="投票编号，默认全部 · one poll, or all")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """各投票已收选票数；结束后各平台票数 · how many ballots are in; the totals once a poll has ended."""
    with viewing(home, lang, as_json) as view:
        found = [one for one in polls_of(view.state) if poll in (None, one.poll)]
        if poll is not None and not found:
            raise CliError("UNKNOWN_POLL")
        view.give({"polls": to_json(found)})
        for one in found:
            view.terminal.show(*_shown(view.terminal, one))


def _shown(made: Terminal, poll: PollView) -> Iterator[Any]:
    yield made.word("poll-taken", poll=poll.poll, taken=poll.taken)
    shown = table(*(made.word(name) for name in ("platform", "ballots-in", "credentials", "votes", "valid-votes")))
    for one in poll.sources:
        votes = ["-" if given is None else sum(given.values()) for given in (one.raw, one.valid)]
        shown.add_row(*row(one.channel, one.taken, "-" if one.credentials is None else one.credentials, *votes))
    yield shown


@contextmanager
def _new_file(path: Path, mode: int) -> Iterator[IO[str]]:
    """Write a file that is not there yet, readable as `mode` says from its first byte on."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CliError("FILE_UNWRITABLE", path=str(path), reason=error.strerror or "-") from None


def _write_tags(path: Path, found: Iterable[bytes]) -> None:
    with _new_file(path, 0o644) as file:
        file.writelines(f"{tag.hex()}\n" for tag in found)


def _secret(path: Path) -> bytes:
    """Read the key of a channel's pseudonyms, made now if there is none."""
    try:
        if path.exists():
            return bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        raise CliError("PSEUDONYM_KEY_INVALID", bytes=KEY_BYTES) from None
    made = secrets.token_bytes(KEY_BYTES)
    with _new_file(path, 0o600) as file:
        file.write(f"{made.hex()}\n")
    return made


@contextmanager
def _lines(named: str) -> Iterator[Iterable[str]]:
    """Give the lines of a file or of standard input, without those that are empty."""
    try:
        if named == "-":
            yield (line.strip() for line in sys.stdin if line.strip())
            return
        with Path(named).open(encoding="utf-8") as file:
            yield (line.strip() for line in file if line.strip())
    except OSError as error:
        raise CliError("FILE_UNREADABLE", path=named, reason=error.strerror or "-") from None
    except UnicodeDecodeError:
        raise CliError("FILE_UNREADABLE", path=named, reason="UTF-8") from None
