"""The stock library on the same ballots: its PostgreSQL recorder, its notification log and its JSON mapper.

Two models of a ballot: with people, candidates and rounds as the UUIDs that the library's ids are, and with everything
that can be plain text as plain text, which is the least that its mapper can have to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import DomainEvent

from ledger.signing import encode_base64
from ledger.statements import Act
from ledger.store.database import parse_dsn

READ = 500
_WRITE = 50
"""More at once, over a Unix socket, can make the library's recorder wait for ever."""
_LOG = uuid5(NAMESPACE_URL, "ballots")


@dataclass(frozen=True)
class PlainBallot(DomainEvent):
    """A ballot as an event of the library, with everything that our entry says, as plain text."""

    round: str
    list_hash: str
    approve: list[str]
    against: list[str]
    abstain: list[str]
    person: str
    key: str
    counter: int
    nonce: str
    programme: str
    rules: str
    seen_root: str
    seen_signature: str
    seen_size: int
    signature: str


@dataclass(frozen=True)
class BallotTaken(DomainEvent):
    """A ballot as an event of the library, with everything that our entry says, and UUIDs for ids."""

    round: UUID
    list_hash: str
    approve: list[UUID]
    against: list[UUID]
    abstain: list[UUID]
    person: UUID
    key: str
    counter: int
    nonce: str
    programme: str
    rules: str
    seen_root: str
    seen_signature: str
    seen_size: int
    signature: str


class Ballots(Application[UUID]):
    """An application of the library that keeps ballots, and hands out many notifications at once."""

    log_section_size = READ


def stock_log(dsn: str, acts: Sequence[Act], *, plain: bool) -> Ballots:
    """Store these ballots as the library would; returns the application, which the caller closes."""
    parts = parse_dsn(dsn)
    application = Ballots(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parts["dbname"],
            "POSTGRES_HOST": parts["host"],
            "POSTGRES_PORT": parts["port"],
            "POSTGRES_USER": parts["user"],
            "POSTGRES_PASSWORD": "",
        }
    )
    events = [_event(act, version, plain=plain) for version, act in enumerate(acts, 1)]
    for start in range(0, len(events), _WRITE):
        application.events.put(events[start : start + _WRITE])
    return application


def _event(act: Act, version: int, *, plain: bool) -> PlainBallot | BallotTaken:
    statement, body, seen = act.statement, act.body, act.statement.seen
    values: dict[str, Any] = {
        "originator_id": _LOG,
        "originator_version": version,
        "timestamp": DomainEvent.create_timestamp(),
        "list_hash": body.list_hash,
        "key": statement.key,
        "counter": statement.counter,
        "nonce": statement.nonce,
        "programme": statement.programme,
        "rules": statement.rules,
        "seen_root": seen.root if seen else "",
        "seen_signature": seen.signature if seen else "",
        "seen_size": seen.size if seen else 0,
        "signature": encode_base64(act.signed.signature),
    }
    identify = str if plain else UUID
    values |= {"round": identify(body.round), "person": identify(statement.person)}
    values |= {name: [identify(one) for one in getattr(body, name)] for name in ("approve", "against", "abstain")}
    return PlainBallot(**values) if plain else BallotTaken(**values)


def read_stock(application: Ballots, start: int, stop: int) -> None:
    """Read the events of positions `start` to before `stop` from the notification log and map each."""
    to_event = application.mapper.to_domain_event
    for first in range(start, stop, READ):
        for notification in application.notification_log.select(first, min(READ, stop - first)):
            to_event(notification)
