"""Saying things in both languages: a code, its clause and facts, the entries that show it, and the sentence.

Texts are the `[reasons]`, `[status]` and `[history]` sections of `ledger.messages`. People are known by id; a caller
who may see names gives them, and they are put into the sentences only, never into the facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from fractions import Fraction
from types import MappingProxyType
from typing import TypeAlias

from ledger.messages import LANGUAGES, text
from ledger.procedure.reasons import Reason, Refusal
from ledger.selection import Selection

Names: TypeAlias = "Mapping[str, str]"
NOBODY: Names = MappingProxyType({})
NONE = "—"
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_COMMA = {"zh": "、", "en": ", "}


@dataclass(frozen=True, slots=True)
class Both:
    """A fact that reads differently in the two languages."""

    zh: str
    en: str


Fact: TypeAlias = "str | int | bool | Enum | Fraction | Both | tuple[str, ...] | None"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing said: its code, clause, facts and entries, and the words."""

    code: str
    clause: str
    entries: tuple[int, ...]
    facts: Mapping[str, "str | int | tuple[str, ...]"]
    zh: str
    en: str


def civil(at: int, offset_minutes: int) -> str:
    """Return an instant (UTC ms) as civil time at an offset in minutes east of UTC, to the second."""
    moment = _EPOCH + timedelta(milliseconds=at)
    return moment.astimezone(timezone(timedelta(minutes=offset_minutes))).isoformat(sep=" ", timespec="seconds")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says things about one selection, in its civil time and its own words, with the names of people given."""

    offset_minutes: int
    stages: Mapping[str, str]
    roles: Mapping[str, str]
    ways: Mapping[str, str]
    criteria: Mapping[str, str]
    names: Names

    @classmethod
    def of(cls, state: Selection, names: Names = NOBODY) -> "Speaker":
        """Return the speaker of a selection."""
        if state.sealed is None:
            return cls(0, {}, {}, {}, {}, names)
        programme = state.charter.latest.programme
        return cls(
            programme.utc_offset_minutes,
            stages={stage.id: stage.title for stage in programme.stages},
            roles={role.id: role.name for role in programme.roles},
            ways={way.id: way.name for way in programme.ways},
            criteria={one.id: one.title for one in programme.criteria},
            names=names,
        )

    def stage(self, stage_id: str) -> Both:
        """Return a stage as a fact: its title in Chinese, its id in English."""
        return Both(self.stages.get(stage_id, stage_id), stage_id)

    def role(self, role_id: str) -> Both:
        """Return a role as a fact: its name in Chinese, its id in English."""
        return Both(self.roles.get(role_id, role_id), role_id)

    def way(self, way_id: str) -> Both:
        """Return a way in as a fact: its name in Chinese, its id in English."""
        return Both(self.ways.get(way_id, way_id), way_id)

    def criterion(self, criterion_id: str) -> Both:
        """Return a criterion as a fact: its title in Chinese, its id in English."""
        return Both(self.criteria.get(criterion_id, criterion_id), criterion_id)

    def reading(self, value: str) -> Both:
        """Return the chosen value of a reading as a fact in both languages."""
        zh, en = (text(f"reading.{value}", {}, language, section="reasons") for language in ("zh", "en"))
        return Both(zh, en)

    def word(self, value: str) -> Both:
        """Return a value that statements spell in English as a fact in both languages."""
        zh, en = (text(value, {}, language, section="history") for language in ("zh", "en"))
        return Both(zh, en)

    def civil(self, at: int) -> str:
        """Return an instant (UTC ms) as civil time of the selection."""
        return civil(at, self.offset_minutes)

    def say(self, section: str, code: str, clause: str = "", /, *entries: int, **facts: Fact) -> Sentence:
        """Return the sentence for a code of a section, with the entries that show it in ascending order."""
        said = {
            language: text(
                code,
                {name: self._word(fact, language) for name, fact in facts.items()},
                language,
                section=section,
                offset_minutes=self.offset_minutes,
            )
            for language in LANGUAGES
        }
        plain = {name: _plain(fact) for name, fact in sorted(facts.items())}
        return Sentence(code, clause, tuple(sorted(set(entries))), plain, said["zh"], said["en"])

    def refusal(self, refusal: Refusal) -> Sentence:
        """Return what a refusal says."""
        return self.say("refusals", refusal.code, refusal.clause, **refusal.facts)

    def refusal_code(self, code: str, clause: str, /, **facts: Fact) -> Sentence:
        """Return what the code of a refusal says of something that is still missing."""
        return self.say("refusals", code, clause, **facts)

    def reason(self, reason: Reason) -> Sentence:
        """Return what a rule's reason says."""
        facts: dict[str, Fact] = dict(reason.facts)
        if isinstance(cause := facts.get("cause"), str):
            zh, en = (text(cause, {}, language, section="reasons") for language in LANGUAGES)
            facts["cause"] = Both(zh, en)
        return self.say("reasons", reason.code, reason.clause, *reason.entries, **facts)

    def _word(self, fact: Fact, language: str) -> str | int:
        if fact is None or fact in ((), ""):
            return NONE
        if isinstance(fact, tuple):
            return _COMMA[language].join(self.names.get(one, one) for one in fact)
        if isinstance(fact, Both):
            return fact.zh if language == "zh" else fact.en
        if isinstance(fact, bool):
            return text("yes" if fact else "no", {}, language, section="history")
        if isinstance(fact, Enum):
            return text(str(fact.value), {}, language, section="reasons")
        if isinstance(fact, Fraction):
            return _written(fact)
        return fact if isinstance(fact, int) else self.names.get(fact, fact)


def _plain(fact: Fact) -> "str | int | tuple[str, ...]":
    if fact is None:
        return NONE
    if isinstance(fact, Both):
        return fact.en
    if isinstance(fact, Enum):
        return str(fact.value)
    return _written(fact) if isinstance(fact, Fraction) else fact


def _written(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"
