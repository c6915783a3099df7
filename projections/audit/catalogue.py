"""The numbered checks, in five groups: what each looks at, what it proves, and what it cannot prove.

The numbers are permanent names, used by reports and by the manifests of exports. The texts are in `words.toml` beside
this file; `document` is the catalogue for people, made of both.
"""

import tomllib
from enum import StrEnum
from functools import lru_cache
from importlib import resources


class Group(StrEnum):
    """The five groups of checks."""

    COMPLETENESS = "1"
    AUTHENTICITY = "2"
    CONSISTENCY = "3"
    EVIDENCE = "4"
    PROCEDURE = "5"


class Check(StrEnum):
    """The checks, in the order of the report; the value is the number and a short name."""

    FILES = "1.1 files"
    COUNTS = "1.2 counts"
    ORDER = "1.3 order"
    TRUST = "2.1 trust"
    CHECKPOINTS = "2.2 checkpoints"
    SIGNATURES = "2.3 signatures"
    WITNESSES = "2.4 witnesses"
    TIMESTAMPS = "2.5 timestamps"
    FORM = "3.1 form"
    IDENTITY = "3.2 identity"
    TREE = "3.3 tree"
    PIN = "3.4 pin"
    SEEN = "3.5 seen"
    ATTEMPTS = "3.6 attempts"
    EVIDENCE = "4.1 evidence"
    ERASURE = "4.2 erasure"
    BALLOTS = "4.3 ballots"
    DECISIONS = "5.1 decisions"
    RESULTS = "5.2 results"
    PROGRAMME = "5.3 programme"
    TABLES = "5.4 tables"
    TOTALS = "5.5 totals"

    @property
    def number(self) -> str:
        """The check's number, such as `2.3`."""
        return self.value.split()[0]

    @property
    def short(self) -> str:
        """The check's short name, such as `signatures`."""
        return self.value.split()[1]

    @property
    def group(self) -> Group:
        """The group that the check belongs to."""
        return Group(self.value[0])


OF_EXPORTS = frozenset({Check.FILES, Check.COUNTS, Check.TRUST, Check.WITNESSES, Check.TIMESTAMPS, Check.PROGRAMME})
"""Checks of what only an export holds: files, attestations, and whose log it is."""
OF_MACHINES = frozenset({Check.ATTEMPTS, Check.TABLES})
"""Checks of what stands beside the log in its database and is never exported."""
EXPORT = tuple(check for check in Check if check not in OF_MACHINES)
"""The checks of an export."""
WHOLE = tuple(check for check in Check if check not in OF_EXPORTS)
"""The checks of the full audit of a live ledger."""
LIVE = tuple(check for check in WHOLE if check not in OF_MACHINES)
"""The checks of a live log, its evidence and its public ballots, whose keys and files are this machine's own."""
OF_LOG = tuple(check for check in LIVE if check.group is not Group.EVIDENCE and check is not Check.TOTALS)
"""The checks of a log's rows alone."""
_HIDDEN_FROM_PUBLIC = (Check.EVIDENCE, Check.ERASURE, Check.DECISIONS, Check.RESULTS, Check.TOTALS)


def out_of_scope(audience: str) -> tuple[Check, ...]:
    """Return the checks that need what an audience does not get: the public, entries and evidence kept from it."""
    return _HIDDEN_FROM_PUBLIC if audience == "public" else ()


_MADE_OF = {
    "of-public": tuple(check for check in EXPORT if check not in out_of_scope("public")),
    "of-auditors": EXPORT,
    "of-live": LIVE,
    "of-audit": WHOLE,
}


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, dict[str, str]]]:
    path = resources.files("projections.audit").joinpath("words.toml")
    read: dict[str, dict[str, dict[str, str]]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return read


def word(name: str, language: str, /, **facts: object) -> str:
    """Return a label of the report (`zh` or `en`) with its facts filled in."""
    return _words()["report"][name][language].format(**facts)


def title(check: Check, language: str) -> str:
    """Return what a check is called."""
    return _words()[check.short][language]["title"]


def group_title(group: Group, language: str) -> str:
    """Return what a group of checks is called."""
    return _words()["groups"][group.value][language]


def proves(check: Check, language: str) -> str:
    """Return what a check proves where it holds."""
    return _words()[check.short][language]["proves"]


def cannot(check: Check, language: str) -> str:
    """Return what a check can not prove."""
    return _words()[check.short][language]["cannot"]


def summary(language: str) -> str:
    """Return the table of all checks by number and title, and where each is made: the README has it."""
    headings = (word(name, language) for name in ("check", "made-of"))
    lines = [f"| {' | '.join(headings)} |", "|---|---|"]
    for check in Check:
        where = [name for name, checks in _MADE_OF.items() if check in checks]
        lines.append(
            f"| {check.number} {title(check, language)} | {', '.join(word(name, language) for name in where)} |"
        )
    return "\n".join(lines)


def document(language: str) -> str:
    """Return the catalogue of all checks as a Markdown document."""
    lines = [f"# {word('catalogue', language)}", "", word("catalogue-intro", language), ""]
    for group in Group:
        headings = (word(name, language) for name in ("check", "proves", "cannot"))
        lines += [
            f"## {group.value} {group_title(group, language)}",
            "",
            f"| {' | '.join(headings)} |",
            "|---|---|---|",
        ]
        for check in Check:
            if check.group is group:
                cells = title(check, language), proves(check, language), cannot(check, language)
                lines.append(f"| {check.number} {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)
