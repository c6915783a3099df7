"""Where the time goes, for a target that is missed."""

import cProfile
import io
import pstats
from collections.abc import Callable
from pathlib import Path

from ledger.sequencer import Sequencer

_LINES = 12


def profiled(work: Callable[[], object]) -> str:
    """Run `work` and return the functions that took most of its time."""
    profile = cProfile.Profile()
    profile.runcall(work)
    return _most(profile)


def profiled_sequencer(sequencer: Sequencer, work: Callable[[], object]) -> str:
    """Run `work` and return where the sequencer's thread, not this one, spent its time meanwhile."""
    profile, sequence = cProfile.Profile(), sequencer.sequence
    sequencer.sequence = lambda requests: profile.runcall(sequence, requests)  # type: ignore[method-assign]
    try:
        work()
    finally:
        sequencer.sequence = sequence  # type: ignore[method-assign]
    return _most(profile)


def _most(profile: cProfile.Profile) -> str:
    stream = io.StringIO()
    stats = pstats.Stats(profile, stream=stream)
    total = sum(row[2] for row in stats.stats.values())  # type: ignore[attr-defined]
    rows = sorted(stats.stats.items(), key=lambda item: -item[1][2])[:_LINES]  # type: ignore[attr-defined]
    lines = [
        f"  {own / total:5.1%} {calls:8d} calls  {Path(file).name}:{line} {name}"
        for (file, line, name), (_, calls, own, *_) in rows
    ]
    return "\n".join(["own time, calls, function", *lines])
