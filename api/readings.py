"""The service's record of readings, as the projections take it."""

from collections.abc import Iterator

from ledger.store.access import AccessBook, ReadRecord
from ledger.store.store import Store
from projections.first_uses import WHAT, Noted
from projections.interim import Reading

_PAGE = 500


def records(store: Store) -> Iterator[ReadRecord]:
    """Give every record, in order. Raises `StoreError`."""
    book, after = AccessBook(store), 0
    while found := book.records(after, _PAGE):
        yield from found
        after = found[-1].number


def recorded_readings(store: Store) -> tuple[Reading, ...]:
    """Return who read what is not for everyone. Raises `StoreError`."""
    return tuple(
        Reading(one.at, one.person, one.what, one.subject, one.reason, one.size)
        for one in records(store)
        if one.what != WHAT
    )


def noted_uses(store: Store) -> tuple[Noted, ...]:
    """Return the statements that came from the session or connection of somebody who enrols keys."""
    found = []
    for one in records(store):
        if one.what == WHAT:
            key, _, statement = one.subject.partition(":")
            found.append(Noted(one.at, one.person, key, statement, one.reason))
    return tuple(found)
