"""The table: each measure with its baseline, the ratio of the two in the same run, and the target."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_FLOOR = 0.7
"""A measure below this part of its target is not only missed but far off."""


@dataclass(frozen=True)
class Measure:
    """Interleaved repetitions of a baseline and of ours, in microseconds for each entry."""

    name: str
    target: float | None
    baseline: Sequence[float]
    ours: Sequence[float]
    note: str = ""

    @property
    def ratio(self) -> float:
        """The median of the ratios of neighbours: what slows the machine slows both."""
        return median(theirs / own for theirs, own in zip(self.baseline, self.ours, strict=True))

    @property
    def verdict(self) -> str:
        """Whether the target is reached, if there is one."""
        if self.target is None:
            return "-"
        if self.ratio >= self.target:
            return "ok"
        return "MISS" if self.ratio >= _FLOOR * self.target else "MISS, below 0.7 of the target"


def show(measures: Sequence[Measure]) -> None:
    """Print the table, and under it why a target that is missed is missed."""
    width = max(len(measure.name) for measure in measures)
    heading = "µs for each entry, medians"
    print(f"\n{heading:{width}}  baseline      ours  ratio  target  verdict")
    for measure in measures:
        target = f"{measure.target:6.2f}" if measure.target else f"{'-':>6}"
        times = f"{median(measure.baseline):8.1f}  {median(measure.ours):8.1f}"
        print(f"{measure.name:{width}}  {times}  {measure.ratio:5.2f}  {target}  {measure.verdict}")
    for measure in measures:
        if measure.note:
            print(f"\n{measure.name}:\n{measure.note}")
