"""Who may read what over HTTP: one table, asked before anything is looked up.

The role is the one that the roll gives at this moment, however long a session lasts. Whoever may not read something is
told so without learning whether it exists. Reading in bulk what names people (rosters before their opening, named
ballots, full exports), evidence, and what is sealed needs a reason and is recorded first (disputes B12 and H25), for
auditors too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType

from api.problems import HttpError
from ledger.procedure.acts import (
    APPLICANT,
    CHAIR,
    DISCIPLINE,
    FUNCTIONS,
    INSPECTOR,
    INTAKE,
    LEADER,
    ORGANISER,
    REGISTRAR,
    SCRUTINEER,
    SPONSOR,
)
from ledger.selection import Selection

MEMBER = "member"
"""Whoever sits, or sat, in a body: no role of the roll, it follows from the rosters."""

AUDITORS = frozenset({DISCIPLINE})
"""Those who look into a selection and close findings: they read all of it."""
STAFF = AUDITORS | {INSPECTOR, SPONSOR, ORGANISER, INTAKE, REGISTRAR, SCRUTINEER, LEADER, CHAIR}
"""Those who run a selection."""


class What(StrEnum):
    """What is read."""

    ANNOUNCED = "announced"
    """What the procedure announces, the log's own files, what proves them: for everyone."""
    PERSON = "person"
    """One person's history or explanation: theirs too."""
    LISTS = "lists"
    """Lists with those who dropped out and why, and results before they are certified."""
    PROGRESS = "progress"
    """What the next step waits for, findings, and what was done outside the normal path."""
    OBJECTIONS = "objections"
    """Objections, without whoever filed them."""
    ROSTER = "roster"
    """Who sits in a body."""
    ROSTER_BEFORE_OPENING = "roster_before_opening"
    NAMED_BALLOTS = "named_ballots"
    """Who voted for whom, and what follows from it: margins and suppositions."""
    FULL_EXPORT = "full_export"
    """Every entry: bundles and exports for auditors."""
    EVIDENCE = "evidence"
    """What is on file about people, but for what is sealed; applicants read what belongs to their own application."""
    SEALED = "sealed"
    """Evidence that somebody sealed."""
    RECORDS = "records"
    """The record of who read what."""


READERS: Mapping[What, frozenset[str]] = MappingProxyType(
    {
        What.PERSON: STAFF,
        What.LISTS: STAFF,
        What.PROGRESS: STAFF,
        What.OBJECTIONS: AUDITORS | {SPONSOR, ORGANISER},
        What.ROSTER: STAFF | {MEMBER},
        What.ROSTER_BEFORE_OPENING: AUDITORS | {ORGANISER, REGISTRAR},
        What.NAMED_BALLOTS: AUDITORS | {ORGANISER},
        What.FULL_EXPORT: AUDITORS,
        What.EVIDENCE: AUDITORS | {ORGANISER, INTAKE, REGISTRAR, INSPECTOR},
        What.SEALED: frozenset({DISCIPLINE}),
        What.RECORDS: AUDITORS,
    }
)
"""The roles of which one is needed; `ANNOUNCED` needs none."""

RECORDED = frozenset({What.ROSTER_BEFORE_OPENING, What.NAMED_BALLOTS, What.FULL_EXPORT, What.EVIDENCE, What.SEALED})
"""What is handed out only after the reading was recorded with its reason."""


class Forbidden(HttpError):
    """Reading that is refused: `SIGN_IN_NEEDED`, `SIGN_IN_FAILED`, `READ_FORBIDDEN` or `READ_REASON_NEEDED`."""

    def __init__(self, code: str, **facts: str | int) -> None:
        """Say why; only whom nobody knows yet is asked to sign in."""
        unknown = code.startswith("SIGN_IN")
        status = HTTPStatus.UNAUTHORIZED if unknown else HTTPStatus.FORBIDDEN
        super().__init__(code, status, {"www-authenticate": "Bearer"} if unknown else None, **facts)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads: nobody known, or a person with the roles that they hold now; `method` is how they signed in."""

    person: str | None = None
    roles: frozenset[str] = frozenset()
    method: str = "key"

    @property
    def is_auditor(self) -> bool:
        """Whether they may read every entry that is not withheld from everyone."""
        return not self.roles.isdisjoint(AUDITORS)

    @property
    def tag(self) -> str:
        """What makes their answers differ from others', for the entity tag."""
        return "+".join(sorted(self.roles)) or ("-" if self.person is None else "*")


ANONYMOUS = Viewer()


def viewer_of(state: Selection, person: str) -> Viewer:
    """Return who a person is by the roll and rosters of this state; roles that are no longer held count no more."""
    known = state.roll.people.get(person)
    roles = set(known.roles) & set(FUNCTIONS) if known is not None else set()
    if any(person in roster.ever for roster in state.bodies.rosters.values()):
        roles.add(MEMBER)
    if state.applications.by_person.get(person):
        roles.add(APPLICANT)
    return Viewer(person, frozenset(roles))


def may(viewer: Viewer, what: What, person: str | None = None) -> None:
    """Let a viewer pass or not; `person` is whom it is about, who may always read about themselves.

    Raises `Forbidden`: `SIGN_IN_NEEDED` for nobody known, `READ_FORBIDDEN` for a role that may not.
    """
    if what is What.ANNOUNCED:
        return
    if viewer.person is None:
        raise Forbidden("SIGN_IN_NEEDED")
    if what is What.PERSON and person == viewer.person:
        return
    if viewer.roles.isdisjoint(READERS[what]):
        raise Forbidden("READ_FORBIDDEN", what=what.value)


def reads(viewer: Viewer, what: What) -> bool:
    """Say whether a viewer may read something, where the answer is otherwise shortened."""
    try:
        may(viewer, what)
    except Forbidden:
        return False
    return True
