"""Where the selection stands and what blocks the next step: by clause, by person, by deadline.

The answers are the decisions' own: acts that come next are asked about (`next_steps`), what is missing is listed
(`missing`); pending acts with who may sign, open findings, open objections and running notices stand beside them.
"""

from dataclasses import dataclass

from ledger.roll import SEALED_PREFIX
from ledger.selection import Selection
from ledger.state.books import Pending
from ledger.state.finding_book import Finding
from projections.asking import may_sign
from projections.history import masked
from projections.missing import MissingView, missing
from projections.next_steps import StepView, next_steps
from projections.notices import PersonNotice, person_notice
from projections.objections import Standing, standing_of
from projections.words import NOBODY, Names, Sentence, Speaker


@dataclass(frozen=True, slots=True)
class StageStanding:
    """One stage: not begun, open or closed, with its entries, and the deadline in UTC ms where it has one."""

    stage: str
    title: str
    clause: str
    standing: str
    opened: int | None
    closed: int | None
    closes_at: int | None


@dataclass(frozen=True, slots=True)
class PendingView:
    """An act that waits: who signed, how many more are needed, which functions may sign and who of them could now."""

    index: int
    kind: str
    clause: str
    signers: tuple[str, ...]
    needs: int
    roles: tuple[str, ...]
    may_sign: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding with the entries that show it; an open breach blocks certification and approval."""

    id: str
    code: str
    severity: str
    raised: int
    entries: tuple[int, ...]
    closed: int | None
    said: Sentence


@dataclass(frozen=True, slots=True)
class OpenObjection:
    """An objection that holds up the approval: its number, who it is about, where it stands."""

    number: int
    objection: str
    index: int
    against: tuple[str, ...]
    standing: Standing


@dataclass(frozen=True, slots=True)
class StatusView:
    """The selection after `size` entries, seen at `at` (UTC ms). `suspended` is the entry by which it rests."""

    size: int
    at: int
    civil: str
    rehearsal: bool
    suspended: int | None
    in_force: bool
    stages: tuple[StageStanding, ...]
    next_steps: tuple[StepView, ...]
    missing: tuple[MissingView, ...]
    pending: tuple[PendingView, ...]
    findings: tuple[FindingView, ...]
    breaches: int
    objections: tuple[OpenObjection, ...]
    notices: tuple[PersonNotice, ...]


def status(state: Selection, at: int, names: Names = NOBODY) -> StatusView:
    """Return where the selection stands at `at` (UTC ms, not before the last entry) and what blocks the next step."""
    speaker = Speaker.of(state, names)
    charter = state.charter
    return StatusView(
        size=state.size,
        at=at,
        civil=speaker.civil(at),
        rehearsal=charter.rehearsal,
        suspended=charter.suspended,
        in_force=charter.in_force,
        stages=_stages(state),
        next_steps=next_steps(state, at, speaker) if charter.in_force else (),
        missing=missing(state, at, speaker),
        pending=tuple(_pending(state, waiting, at) for waiting in state.pending.values()),
        findings=findings(state, names),
        breaches=len(state.findings.open_breaches()),
        objections=_objections(state),
        notices=_notices(state, at),
    )


def findings(state: Selection, names: Names = NOBODY, *, everything: bool = False) -> tuple[FindingView, ...]:
    """Return the open findings, or all with `everything`, in the order in which they arose."""
    speaker = Speaker.of(state, names)
    return tuple(_finding(one, speaker) for one in state.findings.by_id.values() if everything or one.closed is None)


def _finding(one: Finding, speaker: Speaker) -> FindingView:
    facts = {name: masked(fact) if isinstance(fact, str) else fact for name, fact in one.facts.items()}
    said = speaker.say("findings", one.code, "", *one.entries, **facts)
    return FindingView(one.id, one.code, one.severity, one.raised, one.entries, one.closed, said)


def _stages(state: Selection) -> tuple[StageStanding, ...]:
    found = []
    for listed in state.charter.latest.programme.stages:
        stage = state.charter.stage(listed.id) or listed
        progress = state.charter.stages.get(stage.id)
        standing = "not_begun" if progress is None else "open" if progress.closed is None else "closed"
        found.append(
            StageStanding(
                stage=stage.id,
                title=stage.title,
                clause=stage.clause,
                standing=standing,
                opened=progress.opened if progress else None,
                closed=progress.closed if progress else None,
                closes_at=state.charter.closes_at(stage),
            )
        )
    return tuple(found)


def _pending(state: Selection, waiting: Pending, at: int) -> PendingView:
    return PendingView(
        index=waiting.act.index,
        kind=waiting.act.statement.type,
        clause=waiting.rule.clause,
        signers=tuple(masked(person) for person in waiting.signers),
        needs=waiting.needs,
        roles=waiting.rule.cosigners,
        may_sign=tuple(one for one in may_sign(state, waiting, at) if not one.startswith(SEALED_PREFIX)),
    )


def _objections(state: Selection) -> tuple[OpenObjection, ...]:
    return tuple(
        OpenObjection(one.number, one.id, one.index, one.undecided(state.out), standing_of(state, one))
        for one in state.notices.objections.open(state.out)
    )


def _notices(state: Selection, at: int) -> tuple[PersonNotice, ...]:
    views = (person_notice(state, person, at) for person in state.notices.of_person if person not in state.out)
    return tuple(view for view in views if view is not None and at < view.ends_at)
