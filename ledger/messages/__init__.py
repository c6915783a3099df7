"""The sentences for people, by code: what `zh.toml` and `en.toml` say, with the facts filled in.

A text is an explanation beside the code and the facts, never what anything decides by; it therefore never fails for
want of a fact. Both files must know the same codes with the same facts, which the first use checks.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from ledger.errors import MalformedError

LANGUAGES = ("zh", "en")
SECTIONS = ("refusals", "findings", "errors", "programme", "reasons", "status", "history", "imports")

# `{name}` shows a fact; `{name:time}` shows an instant (UTC milliseconds) as civil time with its offset.
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)(:time)?\}")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def text(
    code: str, facts: Mapping[str, str | int], language: str, *, section: str = "", offset_minutes: int = 0
) -> str:
    """Return the sentence for a code, with its facts.

    Args:
        code: the stable code; one without a text is returned as it is.
        facts: what the sentence may show; a fact that is missing shows as its name.
        language: `zh` or `en`; any other is answered in Chinese.
        section: where to look first. The same code may be a refusal and a finding.
        offset_minutes: the civil time in which instants are shown.
    """
    known = catalogue()[language if language in LANGUAGES else LANGUAGES[0]]
    order = ((section,) if section in SECTIONS else ()) + SECTIONS
    template = next((known[name][code] for name in order if code in known[name]), None)
    if template is None:
        return code
    return _PLACE.sub(lambda place: _shown(place[1], facts, offset_minutes if place[2] else None), template)


def codes(section: str) -> tuple[str, ...]:
    """Return the codes of a section, sorted."""
    return tuple(sorted(catalogue()[LANGUAGES[0]][section]))


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return all texts by language, section and code; raises `MalformedError` where the languages disagree."""
    folder = resources.files(__name__)
    read = {one: tomllib.loads(folder.joinpath(f"{one}.toml").read_text(encoding="utf-8")) for one in LANGUAGES}
    wrong = disagreements(read)
    if wrong:
        raise MalformedError("MESSAGES_DISAGREE", where="; ".join(wrong))
    return MappingProxyType(read)


def disagreements(read: Mapping[str, Mapping[str, Mapping[str, str]]]) -> tuple[str, ...]:
    """Return where the languages' files differ: sections, codes, or the facts that a text shows."""
    found = []
    for section in sorted({*SECTIONS, *(name for tables in read.values() for name in tables)}):
        if section not in SECTIONS or any(section not in tables for tables in read.values()):
            found.append(section)
            continue
        tables = [read[language][section] for language in read]
        for code in sorted({code for table in tables for code in table}):
            places = {tuple(sorted(_PLACE.findall(table[code]))) for table in tables if code in table}
            if len(places) != 1 or not all(code in table for table in tables):
                found.append(f"{section}.{code}")
    return tuple(found)


def _shown(name: str, facts: Mapping[str, str | int], offset_minutes: int | None) -> str:
    fact = facts.get(name, name)
    if offset_minutes is None or not isinstance(fact, int):
        return str(fact)
    try:
        moment = (_EPOCH + timedelta(milliseconds=fact)).astimezone(timezone(timedelta(minutes=offset_minutes)))
    except (OverflowError, ValueError):
        return str(fact)
    return moment.isoformat(sep=" ", timespec="minutes")
