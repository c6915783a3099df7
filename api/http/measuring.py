"""What the service counts, for Prometheus: requests, statements, batches, commits, and how far behind anything is.

Labels are route templates, statuses and codes of ours: never ids, so that no number of them grows with the people, and
nothing tells how a vote stands. With several workers each process, the sequencer's too, writes its numbers to files in
a folder (`api.http.numbers`, named before this module is imported), and whichever worker is asked adds them up: what
the dead have counted stays counted, and gauges are those of the living (`ended`).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from api.http.numbers import MULTIPROCESS

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_PREFIX = "ballot_ledger"


def ended(process: int) -> None:
    """Forget the gauges of a process that is no more; what it counted stays counted."""
    folder = os.environ.get(MULTIPROCESS)
    if folder:
        mark_process_dead(process, folder)  # type: ignore[no-untyped-call]


class Metrics:
    """The numbers of one process, in a registry of their own."""

    def __init__(self) -> None:
        """Begin at nought."""
        own = self._own = CollectorRegistry()
        self._requests = Counter(
            f"{_PREFIX}_requests", "Requests answered, by route template.", ("route", "method", "status"), registry=own
        )
        self._seconds = Histogram(
            f"{_PREFIX}_request_seconds", "Time to answer, by route template.", ("route",), buckets=_SECONDS,
            registry=own,
        )  # fmt: skip
        self._routes: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._refusals = Counter(f"{_PREFIX}_refusals", "Statements and requests refused.", ("code",), registry=own)
        self._sequenced = Counter(f"{_PREFIX}_sequenced", "Statements answered with a receipt.", registry=own)
        self._batch = Histogram(f"{_PREFIX}_batch_entries", "Entries in one commit.", buckets=_SIZES, registry=own)
        self._commit = Histogram(f"{_PREFIX}_commit_seconds", "Time of one commit.", buckets=_SECONDS, registry=own)
        self._queue = self._gauge("queue", "Statements that wait for their answer.", "livesum")
        self._sequencing = self._gauge("sequencer_queue", "Statements that the sequencer has not answered.", "livesum")
        self._size = self._gauge("entries", "Entries that are published.", "livemax")
        self._lag = self._gauge("projection_lag_entries", "Entries that the read side has not taken up.", "livemax")
        self._witness_lag = Gauge(
            f"{_PREFIX}_witness_lag_entries", "Entries above what a witness last cosigned.", ("witness",),
            registry=own, multiprocess_mode="livemostrecent",
        )  # fmt: skip
        self._streams = self._gauge("streams", "Clients that follow the log.", "livesum")
        self._webhooks = Counter(
            f"{_PREFIX}_webhook_deliveries", "Deliveries to webhooks, by outcome.", ("outcome",), registry=own
        )

    def _gauge(self, name: str, told: str, mode: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", told, registry=self._own, multiprocess_mode=mode)  # type: ignore[arg-type]

    def answered(self, route: str, method: str, status: int, took_ns: int) -> None:
        """Count a request; status 0 where none was sent."""
        found = self._routes.get((route, method, status))
        if found is None:
            found = self._requests.labels(route, method, str(status)), self._seconds.labels(route)
            self._routes[route, method, status] = found
        counted, timed = found
        counted.inc()
        timed.observe(took_ns / 1e9)

    def refused(self, code: str) -> None:
        """Count a refusal by its code, one of the catalogue's."""
        self._refusals.labels(code).inc()

    def sequenced(self, statements: int = 1) -> None:
        """Count statements that got their receipt."""
        self._sequenced.inc(statements)

    def committed(self, entries: int, took_ns: int) -> None:
        """Count one commit of so many entries."""
        self._batch.observe(entries)
        self._commit.observe(took_ns / 1e9)

    def stands(self, size: int, read: int, waiting: int) -> None:
        """Say how many entries are published, how many of them the read side knows, and how many statements wait."""
        self._size.set(size)
        self._lag.set(max(0, size - read))
        self._queue.set(waiting)

    def sequencing(self, waiting: int) -> None:
        """Say how many statements the sequencer has been handed and has not answered, in its own process."""
        self._sequencing.set(waiting)

    def witnessed(self, witness: str, lag: int) -> None:
        """Say how many entries a witness, named by the policy, is behind."""
        self._witness_lag.labels(witness).set(max(0, lag))

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """Count a client of the stream while the block runs."""
        self._streams.inc()
        try:
            yield
        finally:
            self._streams.dec()

    def delivered(self, outcome: str) -> None:
        """Count a delivery to a webhook: `taken`, `failed` or `disabled`."""
        self._webhooks.labels(outcome).inc()

    def exposed(self) -> bytes:
        """Return everything in Prometheus's text format, of all processes where there are several."""
        registry = self._own
        if os.environ.get(MULTIPROCESS):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
