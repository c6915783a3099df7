"""What happened to whom: every act by or about a person, a session, a round, an application or an objection.

One line for each entry: its index, civil time, kind, who signed, whether it is pending or effective, and what it says
in one sentence. What was voted or scored is said only once it may be read (`secrecy`); who filed an objection is never
said.
"""

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from typing import Any

from ledger.procedure.acts import ACTS
from ledger.procedure.scores import displayed
from ledger.roll import SEALED_PREFIX
from ledger.selection import Selection
from ledger.statements import Act
from ledger.statements.deliberation import DeliberationVoted
from ledger.statements.foundation import ActCountersigned, ActDeclined
from ledger.statements.naming import FindingClosed, FindingRaised
from ledger.statements.rounds import Points, ResultCertified
from projections.secrecy import SEALED_FIELDS, readable
from projections.words import NOBODY, Fact, Names, Sentence, Speaker

SEALED = "sealed"
EFFECTIVE, PENDING, LAPSED = "effective", "pending", "lapsed"

_HIDDEN = frozenset({"sealed", "one_time_key", "only_for"})
_WORDS = frozenset({"ground", "purpose", "severity", "evidence_class", "cause"})


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One entry told: `signers` starts with the author; `effective` is the entry that made it effective, or None."""

    index: int
    at: int
    civil: str
    kind: str
    clause: str
    person: str
    signers: tuple[str, ...]
    standing: str
    effective: int | None
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class _Signing:
    """Who signed an act after its author, and what became of it."""

    signers: tuple[str, ...]
    last: int
    declined: bool


def history_of_all(state: Selection, acts: Iterable[Act], names: Names = NOBODY) -> tuple[HistoryLine, ...]:
    """Return every entry up to `state.size`, in order."""
    return _told(state, acts, lambda act: True, names)


def history_of_entries(
    state: Selection, acts: Iterable[Act], entries: Set[int], names: Names = NOBODY
) -> tuple[HistoryLine, ...]:
    """Return these entries, and every act on one of them."""
    return _told(state, acts, lambda act: act.index in entries, names)


def history_of_person(
    state: Selection, acts: Iterable[Act], person: str, names: Names = NOBODY
) -> tuple[HistoryLine, ...]:
    """Return every act by or about a person, and every act on one of those.

    A ballot that names them is about them once it may be read.
    """
    return _told(state, acts, lambda act: act.person == person or mentions(state, act, person), names)


def history_of_round(
    state: Selection, acts: Iterable[Act], round_id: str, names: Names = NOBODY
) -> tuple[HistoryLine, ...]:
    """Return what was done in a round, from its opening; with the leaders' vote on its tie and what certified it."""
    played = state.rounds.by_id.get(round_id)
    subject = played.session.subject if played else ""
    ids = {round_id, f"tie:{round_id}"}

    def concerns(act: Act) -> bool:
        body = act.body
        named = (getattr(body, "round", None), getattr(body, "matter", None))
        return any(one in ids for one in named) or (type(body) is ResultCertified and body.subject == subject)

    return _told(state, acts, concerns, names)


def history_of_session(
    state: Selection, acts: Iterable[Act], stage: str, group: str | None, names: Names = NOBODY
) -> tuple[HistoryLine, ...]:
    """Return what was done in the session of a stage or group: presence, declarations, scores, rounds."""
    session = state.rounds.session(stage, group)
    rounds = {played.id for played in session.rounds}

    def concerns(act: Act) -> bool:
        body = act.body
        if type(body) is ResultCertified:
            return bool(body.subject == session.subject)
        here = getattr(body, "stage", None) == stage and getattr(body, "group", None) in (group, None)
        return here or getattr(body, "round", None) in rounds

    return _told(state, acts, concerns, names)


def history_of_application(
    state: Selection, acts: Iterable[Act], application: str, names: Names = NOBODY
) -> tuple[HistoryLine, ...]:
    """Return what was done with an application, from its filing."""
    return _told(state, acts, lambda act: mentions(state, act, application), names)


def history_of_objection(
    state: Selection, acts: Iterable[Act], objection: str, names: Names = NOBODY
) -> tuple[HistoryLine, ...]:
    """Return what was done with an objection, the openings of its seal included; never who filed it."""
    known = state.notices.objections.by_id.get(objection)
    matter = f"objection:{objection}"

    def concerns(act: Act) -> bool:
        body = act.body
        named = getattr(body, "objection", None) == objection or getattr(body, "matter", None) == matter
        return named or (known is not None and getattr(body, "sealed", None) == known.sealed)

    return _told(state, acts, concerns, names)


def mentions(state: Selection, act: Act, wanted: str) -> bool:
    """Say whether an act's body names an id; sealed members are looked at only where they may be read."""
    body, may_read = act.body, readable(state, act)
    return any(
        wanted in _strings(getattr(body, field.name))
        for field in fields(body)
        if may_read or field.name not in SEALED_FIELDS
    )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _strings(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _strings(getattr(value, field.name))


def _told(
    state: Selection, acts: Iterable[Act], concerns: Callable[[Act], bool], names: Names
) -> tuple[HistoryLine, ...]:
    known = [act for act in acts if act.index < state.size]
    chosen: set[int] = set()
    for act in known:
        if concerns(act) or _refers_to(state, act, chosen):
            chosen.add(act.index)
    signings = _signings(known)
    speaker = Speaker.of(state, names)
    return tuple(_line(state, act, signings, speaker) for act in known if act.index in chosen)


def _refers_to(state: Selection, act: Act, chosen: set[int]) -> bool:
    """Say whether an act is about an entry already told: a signature, a dispute, a finding."""
    body = act.body
    if type(body) is FindingRaised:
        return not chosen.isdisjoint(body.entries)
    if type(body) is FindingClosed:
        finding = state.findings.by_id.get(body.finding)
        return finding is not None and not chosen.isdisjoint(finding.entries)
    return getattr(body, "index", None) in chosen


def _signings(acts: list[Act]) -> dict[int, _Signing]:
    found: dict[int, _Signing] = {}
    for act in acts:
        body = act.body
        if isinstance(body, ActCountersigned | ActDeclined):
            before = found.get(body.index)
            signers = before.signers if before else ()
            declined = isinstance(body, ActDeclined)
            found[body.index] = _Signing(signers if declined else (*signers, act.person), act.index, declined)
    return found


def _line(state: Selection, act: Act, signings: dict[int, _Signing], speaker: Speaker) -> HistoryLine:
    signing = signings.get(act.index)
    pending = act.index in state.pending
    lapsed = signing is not None and signing.declined
    effective = None if pending or lapsed else signing.last if signing else act.index
    said = sentence_of(state, act, speaker)
    author = masked(act.person)
    return HistoryLine(
        index=act.index,
        at=act.at,
        civil=speaker.civil(act.at),
        kind=act.statement.type,
        clause=ACTS[act.statement.type].clause if act.statement.type in ACTS else "",
        person=author,
        signers=(author, *(signing.signers if signing else ())),
        standing=PENDING if pending else LAPSED if lapsed else EFFECTIVE,
        effective=effective,
        zh=said.zh,
        en=said.en,
    )


def masked(person: str) -> str:
    """Return a person's id; whoever files an objection with a one-time key is only `sealed`."""
    return SEALED if person.startswith(SEALED_PREFIX) else person


def sentence_of(state: Selection, act: Act, speaker: Speaker) -> Sentence:
    """Return what an act says in one sentence, without anything that may not be read yet."""
    kind = act.statement.type
    body, may_read = act.body, readable(state, act)
    sealed = not may_read and any(field.name in SEALED_FIELDS for field in fields(body))
    facts = {
        field.name: _fact(field.name, getattr(body, field.name), speaker)
        for field in fields(body)
        if field.name not in _HIDDEN and (may_read or field.name not in SEALED_FIELDS)
    }
    facts["author"] = masked(act.person)
    if may_read and isinstance(body, DeliberationVoted):
        facts["agree"] = tuple(one.subject for one in body.voices if one.agree)
        facts["against"] = tuple(one.subject for one in body.voices if not one.agree)
    return speaker.say("history", f"{kind}.sealed" if sealed else kind, "", act.index, **facts)


def _fact(name: str, value: Any, speaker: Speaker) -> Fact:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        if name in _WORDS:
            return speaker.word(value)
        named = {"stage": speaker.stage, "role": speaker.role, "way": speaker.way, "criterion": speaker.criterion}
        return named[name](value) if name in named else value
    if isinstance(value, tuple):
        return _several(value)
    return None


def _several(value: tuple[Any, ...]) -> Fact:
    """Return a tuple as a fact: ids as a list, points as their sum in words, other records as their number."""
    if all(isinstance(one, str) for one in value):
        return value
    if isinstance(value[0], Points):
        return displayed(Fraction(sum(one.hundredths for one in value)))
    return len(value)
