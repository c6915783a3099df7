"""The table: each measure with its baseline, the ratio of the two in the same run, and the target."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_WIDTH = 72
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


def heading() -> None:
    """Print the head of the table."""
    print(f"{'µs for each entry, medians':{_WIDTH}}  baseline      ours  ratio  target  verdict")


def show(measures: Sequence[Measure]) -> None:
    """Print rows of the table, and under each whose target is missed where its time goes."""
    for measure in measures:
        target = f"{measure.target:6.2f}" if measure.target else f"{'-':>6}"
        times = f"{median(measure.baseline):8.1f}  {median(measure.ours):8.1f}"
        print(f"{measure.name:{_WIDTH}}  {times}  {measure.ratio:5.2f}  {target}  {measure.verdict}", flush=True)
        if measure.note:
            print(measure.note)
