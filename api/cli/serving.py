"""`serve`: the ledger over HTTP, until it is told to end."""

import json
import os
import sys
from typing import Annotated

import typer
from pydantic import AnyHttpUrl, ValidationError

from api.cli.options import DEFAULT_HOME, HomeOption, JsonOption, LangOption
from api.cli.terminal import CliError, terminal
from ledger.opening import read_home

HostOption = Annotated[
    str | None, typer.Option("--host", help="监听的主机，默认本机 · the host to listen at, by default this machine")
]
PortOption = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="端口，默认 8080，0 为任意 · the port; 0 is any")
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, max=64, help="工作进程数，默认 1 · worker processes, by default 1")
]
SettingsOption = Annotated[
    bool, typer.Option("--settings", help="只列出全部设置（不含秘密）· print every setting, no secrets, and end")
]


def serve(
    host: HostOption = None,
    port: PortOption = None,
    workers: WorkersOption = None,
    show_settings: SettingsOption = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """以 HTTP 提供服务（其余设置见环境变量）· serve over HTTP; other settings by environment."""
    from api.http import numbers  # noqa: PLC0415
    from api.http.settings import Settings  # noqa: PLC0415

    with terminal(lang, as_json) as made:
        found = read_home(home)
        made.origin = found.origin
        given = {
            name: value for name, value in (("host", host), ("port", port), ("workers", workers)) if value is not None
        }
        try:
            settings = Settings(home=home, **given)  # type: ignore[arg-type]
        except ValidationError as error:
            raise CliError("SETTINGS_INVALID", where=".".join(str(part) for part in error.errors()[0]["loc"])) from None
        if show_settings:
            printed = settings.printable()
            made.show(json.dumps(printed, ensure_ascii=False, indent=1))
            made.give({"settings": printed})
            return
        if settings.workers > 1:
            numbers.share(found)
        # Only now: what counts is imported with these, and looks then whether its numbers are shared.
        from api.http import logs  # noqa: PLC0415
        from api.http import server as running  # noqa: PLC0415
        from api.witness.serving import listen, url_of  # noqa: PLC0415

        logs.configure(settings.log_level)
        address = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
        with listen(address) as listening:
            url = url_of(listening)
            if settings.public_url is None:
                # Whatever port it came to be, sign-in is bound to it, in every worker alike.
                os.environ["BALLOT_LEDGER_PUBLIC_URL"] = url
                settings = settings.model_copy(update={"public_url": AnyHttpUrl(url)})
            made.show(made.word("serves", url=url, workers=settings.workers))
            made.give({"service": {"url": url, "workers": settings.workers}})
            sys.stdout.flush()
            running.serve(found, settings, listening)
        made.show(made.word("service-ends"))
