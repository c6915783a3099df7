"""What sequencing costs: batches against bare signature checks, single statements against raw inserts."""

import os
import time
from collections.abc import Sequence
from functools import partial

import psycopg
from nacl import bindings

from ledger.sequencer import Sequenced
from ledger.signing import pae
from ledger.statements import open_envelope
from tests.benchmarks.history import Member, Panel
from tests.benchmarks.machine import on_one_core, timed


def signed_messages(envelopes: Sequence[bytes], members: Sequence[Member]) -> list[tuple[bytes, bytes]]:
    """Return what PyNaCl checks: signature and message in one, and the public key."""
    opened = [open_envelope(envelope) for envelope in envelopes]
    return [
        (signed.signature + pae(signed.payload_type, signed.payload), member.key.public)
        for signed, member in zip(opened, members, strict=True)
    ]


def check_bare(messages: Sequence[tuple[bytes, bytes]]) -> None:
    """Check signatures by PyNaCl and do nothing else."""
    for signed, public in messages:
        bindings.crypto_sign_open(signed, public)


def batches(panel: Panel, dsn: str, repeat: int) -> tuple[list[float], list[float]]:
    """Return the cost of checking 500 distinct signatures, and of sequencing the 500 ballots, per ballot in µs."""
    bare: list[float] = []
    ours: list[float] = []
    with on_one_core(dsn):
        for _ in range(repeat):
            panel.open_round()
            envelopes = panel.ballots(panel.members)
            messages = signed_messages(envelopes, panel.members)
            bare.append(timed(partial(check_bare, messages), len(messages)))
            ours.append(timed(partial(panel.submit, envelopes), len(envelopes)))
    return bare, ours


def singles(panel: Panel, dsn: str, repeat: int) -> tuple[list[float], list[float]]:
    """Return the time of one raw INSERT with commit, and of one statement with its receipt, in µs, by turns."""
    raw: list[float] = []
    ours: list[float] = []
    panel.open_round()
    row = os.urandom(len(panel.ballots(panel.members[-1:])[0]))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS raw")
        connection.execute("CREATE TABLE raw (position bigint PRIMARY KEY, state bytea NOT NULL)")
        for number, member in enumerate(panel.members[:repeat]):
            envelope = panel.ballots([member])[0]
            start = time.perf_counter()
            connection.execute("INSERT INTO raw VALUES (%s, %s)", (number, row))
            middle = time.perf_counter()
            answer = panel.sequencer.answer(envelope, panel.world.now)
            if not isinstance(answer, Sequenced) or not answer.receipt.checkpoint_note:
                raise LookupError(str(answer))
            ours.append((time.perf_counter() - middle) * 1e6)
            raw.append((middle - start) * 1e6)
    return raw, ours
