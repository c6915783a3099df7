"""What a command says: language, text or JSON, the banner of a rehearsal, errors and exit codes.

Exit codes: 0 done and nothing to object to; 1 the rules refused, or there are findings; 2 it could not be done
(usage, store, file). Nothing a log holds is read as markup, and no error shows a traceback.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from api.cli.words import word
from ledger.errors import LedgerError
from ledger.messages import LANGUAGES, text
from ledger.procedure.reasons import Refusal
from ledger.programmes import FileProblem, ProgrammeError

WIDTH_OF_FILES = 118
"""Columns where the output is no terminal."""


class Exit(IntEnum):
    """The exit codes."""

    OK = 0
    REFUSED = 1
    CANNOT = 2


class CliError(LedgerError):
    """What was asked cannot be done as it was asked."""


def language_of(chosen: str | None) -> str:
    """Return zh or en: as chosen, else by the environment, else zh."""
    if chosen is not None:
        if chosen not in LANGUAGES:
            raise CliError("LANGUAGE_UNKNOWN", language=chosen[:20], known="/".join(LANGUAGES))
        return chosen
    own = os.environ.get("BALLOT_LEDGER_LANG", "")
    if own in LANGUAGES:
        return own
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "en" if locale.startswith("en") else "zh"


class Terminal:
    """Where one command's output goes."""

    def __init__(self, language: str, as_json: bool) -> None:
        """Speak `language`; with `as_json` only one JSON value goes to standard output."""
        self.language, self.as_json = language, as_json
        self.rehearsal = False
        self.origin: str | None = None
        self.out = self._console(stderr=False)
        self.err = self._console(stderr=True)
        self._bannered = False

    @staticmethod
    def _console(stderr: bool) -> Console:
        stream = sys.stderr if stderr else sys.stdout
        width = None if stream.isatty() else WIDTH_OF_FILES
        return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)

    def word(self, name: str, /, **facts: object) -> str:
        """Return a label."""
        return word(name, self.language, **facts)

    def sentence(self, code: str, facts: Mapping[str, str | int], section: str = "", offset_minutes: int = 480) -> str:
        """Return the sentence for a code."""
        return text(code, facts, self.language, section=section, offset_minutes=offset_minutes)

    def show(self, *lines: RenderableType) -> None:
        """Print lines for people; none of them with JSON."""
        if self.as_json:
            return
        self._banner()
        for line in lines:
            self.out.print(Text(line) if isinstance(line, str) else line)

    def _banner(self) -> None:
        if self.rehearsal and not self._bannered:
            self.out.print(Text(f" {self.word('banner', origin=self.origin or '-')} ", style="bold black on yellow"))
        self._bannered = True

    def give(self, value: Mapping[str, Any]) -> None:
        """Print the machine's answer: one JSON object, marked as a rehearsal where it is one."""
        if self.as_json:
            marked = {"origin": self.origin, "rehearsal": self.rehearsal} | dict(value)
            self.out.file.write(json.dumps(marked, ensure_ascii=False, sort_keys=True, indent=2) + "\n")

    def error(self, code: str, facts: Mapping[str, str | int], sentence: str) -> None:
        """Say what went wrong: on standard error, or as the JSON answer."""
        if self.as_json:
            self.give({"error": {"code": code, "facts": dict(facts), "text": sentence}})
            return
        mark = f"[{self.word('rehearsal')}] " if self.rehearsal else ""
        self.err.print(Text.assemble(mark, (code, "bold red"), "  ", sentence))
        for name, fact in facts.items():
            self.err.print(Text(f"    {name}: {fact}", style="dim"))

    def refused(self, refusal: Refusal, receipt: Path | None = None) -> None:
        """Say that the rules refuse: code, clause, the sentence, the facts that decided, and where its receipt is."""
        sentence = self.sentence(refusal.code, refusal.facts, "refusals")
        if self.as_json:
            told = {"clause": refusal.clause, "code": refusal.code, "facts": dict(refusal.facts), "text": sentence}
            self.give({"refusal": told | ({"receipt": str(receipt)} if receipt is not None else {})})
            return
        mark = f"[{self.word('rehearsal')}] " if self.rehearsal else ""
        title = self.word("refused", clause=refusal.clause)
        self.err.print(Text.assemble(mark, (f"{title} {refusal.code}", "bold red"), "  ", sentence))
        for name, fact in refusal.facts.items():
            self.err.print(Text(f"    {name}: {fact}", style="dim"))
        if receipt is not None:
            self.err.print(Text(f"    {self.word('receipt-at', path=receipt)}", style="dim"))

    @contextmanager
    def progress(self, name: str, total: int | None) -> Iterator[Any]:
        """Show a bar on standard error while long work goes on; gives `advance(done)`."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        silent = not self.err.is_terminal
        with Progress(*columns, console=self.err, transient=True, disable=silent) as shown:
            task = shown.add_task(self.word(name), total=total)
            yield lambda done: shown.update(task, completed=done)


def table(*headings: str, title: str | None = None) -> Table:
    """Return an empty table in the house style."""
    made = Table(
        title=Text(title) if title else None, title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for heading in headings:
        made.add_column(Text(heading), overflow="fold")
    return made


def row(*cells: object) -> tuple[Text, ...]:
    """Return cells that are shown as they are."""
    return tuple(cell if isinstance(cell, Text) else Text("" if cell is None else str(cell)) for cell in cells)


@contextmanager
def terminal(lang: str | None, as_json: bool) -> Iterator[Terminal]:
    """Give a command its terminal, and turn whatever goes wrong into a sentence and an exit code."""
    try:
        made = Terminal(language_of(lang), as_json)
    except CliError as error:
        made = Terminal(language_of(None), as_json)
        made.error(error.code, error.facts, made.sentence(error.code, error.facts, "errors"))
        raise typer.Exit(Exit.CANNOT) from None
    try:
        yield made
    except ProgrammeError as error:
        _programme_error(made, error)
        raise typer.Exit(Exit.CANNOT) from None
    except LedgerError as error:
        made.error(error.code, error.facts, made.sentence(error.code, error.facts, "errors"))
        raise typer.Exit(Exit.CANNOT) from None
    except (typer.Exit, typer.Abort):
        raise
    except BrokenPipeError:
        # Whoever read the output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.CANNOT) from None
    except KeyboardInterrupt:
        made.error("INTERRUPTED", {}, made.sentence("INTERRUPTED", {}, "errors"))
        raise typer.Exit(Exit.CANNOT) from None
    except Exception as error:
        facts: dict[str, str | int] = {"kind": type(error).__name__, "reason": str(error)[:200]}
        made.error("UNEXPECTED", facts, made.sentence("UNEXPECTED", facts, "errors"))
        raise typer.Exit(Exit.CANNOT) from None


def _programme_error(made: Terminal, error: ProgrammeError) -> None:
    """Every problem of a programme file, each with key and line."""
    if made.as_json:
        problems = [_problem(made, one) for one in error.problems]
        sentence = made.sentence(error.code, error.facts, "programme")
        made.give({"error": {"code": error.code, "facts": error.facts, "problems": problems, "text": sentence}})
        return
    made.error(error.code, error.facts, made.sentence(error.code, error.facts, "programme"))
    for one in error.problems:
        told = _problem(made, one)
        made.err.print(Text(f"    {told['line']}: {told['path'] or '-'}  {told['code']}  {told['text']}"))


def _problem(made: Terminal, one: FileProblem) -> dict[str, Any]:
    sentence = made.sentence(one.code, one.facts, "programme")
    return {"code": one.code, "line": one.line, "path": one.path, "text": sentence}
