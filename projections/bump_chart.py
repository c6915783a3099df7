"""A bump chart: everybody's way from the first vote to the naming as one picture (SVG), drawn from `projections.ways`.

What a colour says is said by line, mark and word as well (palette of Okabe and Ito). Whoever cannot see the picture has
all of it as text in `desc`. A rehearsal is marked across the whole picture.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

from ledger.messages import text
from projections.explain_seats import REASONS
from projections.svg import document, element, fitted, label, width_of
from projections.svg import words as escaped
from projections.ways import Block, Column, Fate, Stop, Ways
from projections.words import Both, Speaker

MARGIN, GAP, PILL = 28, 60, 184
LAST_PILL = (224, 320)
ROW, HIGH, NUMBER = 30, 24, 38
BADGE, WIDEST = 150, 1600
TOP, BLOCK_HEAD, BLOCK_GAP, FOOT = 140, 22, 12, 74
INK, DIM, FAINT, PAPER = "#1f2933", "#5f6b7a", "#c3cad3", "#ffffff"


@dataclass(frozen=True, slots=True)
class Look:
    """How a fate is drawn: its line, the ground of its pills, and the pattern of its line."""

    line: str
    ground: str
    dashes: str = ""


LOOKS = {
    Fate.NOMINEE: Look("#0072b2", "#e6f1f8"),
    Fate.MOVED_UP: Look("#bf5000", "#fcefe4"),
    Fate.WAITING: Look("#5f6b7a", "#f2f4f6", "1 6"),
    Fate.OUT: Look("#8a3b62", "#f8eef3", "9 6"),
    Fate.LEFT: Look("#6b7683", "#f7f8f9", "8 4 1 4"),
    Fate.OPEN: Look("#008060", "#e8f5f1"),
}
_PALE = Look(FAINT, "#fafbfc")


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands above the picture: a title, and a line about what it is known from."""

    title: Both
    remark: Both
    rehearsal: bool


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where somebody stands in a column: the pill's left and right edge, and the height of its middle."""

    left: int
    right: int
    middle: int


class _Chart:
    """One picture in the making."""

    def __init__(
        self, ways: Ways, caption: Caption, speaker: Speaker, language: str, highlighted: Collection[str]
    ) -> None:
        self.ways, self.caption, self.speaker, self.language = ways, caption, speaker, language
        self.highlighted = frozenset(highlighted)
        self.spots: list[dict[str, _Spot]] = []
        self.heads: list[tuple[int, int, int, Block]] = []
        self.bottom = TOP
        for column in ways.columns:
            self._place(column)
        last = max((spot.right for spots in self.spots for spot in spots.values()), default=MARGIN + 3 * PILL)
        self.width, self.height = max(last, min(self._words_end(), WIDEST)) + MARGIN, self.bottom + FOOT

    def _place(self, column: Column) -> None:
        left = MARGIN + len(self.spots) * (PILL + GAP)
        right = left + (PILL if column.stage else self._last_pill(column))
        found: dict[str, _Spot] = {}
        y = TOP
        for block in column.blocks:
            self.heads.append((left, right, y, block))
            y += BLOCK_HEAD
            for number, stop in enumerate(block.stops):
                found[stop.person] = _Spot(left, right, y + number * ROW + HIGH // 2)
            y += len(block.stops) * ROW + BLOCK_GAP
        self.spots.append(found)
        self.bottom = max(self.bottom, y)

    def _words_end(self) -> int:
        """Return where title, remark and note end, beside the mark of a rehearsal."""
        badge = BADGE if self.caption.rehearsal else 0
        title, remark = width_of(self.said(self.caption.title), 22), width_of(self.said(self.caption.remark), 12)
        return MARGIN + max(title + badge, remark + badge, width_of(self.word("CHART_NOTE"), 11))

    def _last_pill(self, column: Column) -> int:
        """Return how wide the last pills must be to say in full how everybody came there, within bounds."""
        least, most = LAST_PILL
        wants = (
            NUMBER + width_of(self.name(stop.person), 13) + width_of(self._how(stop), 11) + 24 for stop in column.stops
        )
        return min(most, max(least, *wants))

    def _how(self, stop: Stop) -> str:
        return self.said(Both(stop.detail.zh, stop.detail.en)) if stop.detail is not None else ""

    def said(self, both: Both) -> str:
        """Return a fact in the picture's language."""
        return both.en if self.language == "en" else both.zh

    def word(self, code: str, **facts: str | int) -> str:
        """Return a text of the picture."""
        return text(code, facts, self.language, section=REASONS, offset_minutes=self.speaker.offset_minutes)

    def name(self, person: str) -> str:
        """Return a person's name where it may be shown, else the beginning of the id."""
        return self.speaker.names.get(person, person[:8])

    def look(self, person: str) -> Look:
        """Return how a person is drawn; beside somebody highlighted all others are pale."""
        pale = self.highlighted and person not in self.highlighted
        return _PALE if pale else LOOKS[self.ways.fate(person)]

    def strong(self, person: str) -> bool:
        """Say whether a person is highlighted."""
        return person in self.highlighted

    def body(self) -> Iterator[str]:
        """Yield the picture's elements, from the ground up."""
        yield element("rect", width=self.width, height=self.height, rx=10, fill=PAPER, stroke="#dde2e8")
        yield from self._caption()
        yield from self._columns()
        people = sorted({one for spots in self.spots for one in spots}, key=self._order)
        yield element("g", "\n", *(f"{one}\n" for person in people for one in self._line(person)), fill="none")
        for column, spots in zip(self.ways.columns, self.spots, strict=True):
            for stop in column.stops:
                yield self._pill(column, stop, spots[stop.person])
        yield from self._legend()
        if self.caption.rehearsal:
            yield from self._watermark()

    def _order(self, person: str) -> tuple[bool, bool, str]:
        """Return what is drawn first: pale lines, then those who did not get a place, highlighted ones on top."""
        return person in self.highlighted, self.ways.fate(person) in (Fate.NOMINEE, Fate.MOVED_UP), person

    def _caption(self) -> Iterator[str]:
        caption = self.caption
        room = self.width - 2 * MARGIN - (BADGE if caption.rehearsal else 0)
        title = fitted(self.said(caption.title), 22, room)
        yield label(title, MARGIN, 44, 22, font_weight="700", fill=INK)
        yield label(fitted(self.said(caption.remark), 12, room), MARGIN, 68, 12, fill=DIM)
        if caption.rehearsal:
            mark, right = self.word("CHART_REHEARSAL"), self.width - MARGIN
            wide = width_of(mark, 14) + 20
            yield element("rect", x=right - wide, y=24, width=wide, height=28, rx=4, fill="#ffd84d")
            yield label(mark, right - wide // 2, 43, 14, font_weight="700", fill="#111111", text_anchor="middle")

    def _columns(self) -> Iterator[str]:
        for number, column in enumerate(self.ways.columns):
            left = MARGIN + number * (PILL + GAP)
            title = fitted(self.said(column.title), 14, PILL + GAP - 12)
            yield label(title, left, 108, 14, font_weight="700", fill=INK)
            yield label(fitted(column.clause, 11, PILL), left, 126, 11, fill=DIM)
        for left, right, y, block in self.heads:
            entry = f"#{block.entry}" if block.entry is not None else ""
            room = right - left - width_of(entry, 10) - 8
            yield label(fitted(self.said(block.title), 11, room), left, y + 15, 11, fill=DIM)
            if entry:
                yield label(entry, right, y + 15, 10, fill=DIM, text_anchor="end")

    def _line(self, person: str) -> Iterator[str]:
        """Yield the curves between one column in which somebody stands and the next."""
        stands = [spots[person] for spots in self.spots if person in spots]
        look, strong = self.look(person), self.strong(person)
        for one, other in pairwise(stands):
            half = (one.right + other.left) // 2
            way = f"M{one.right} {one.middle}C{half} {one.middle} {half} {other.middle} {other.left} {other.middle}"
            pattern = {"stroke_dasharray": look.dashes, "stroke_linecap": "round"} if look.dashes else {}
            yield element("path", d=way, stroke=look.line, stroke_width=4 if strong else 2, **pattern)

    def _pill(self, column: Column, stop: Stop, spot: _Spot) -> str:
        look, strong = self.look(stop.person), self.strong(stop.person)
        pale = look is _PALE
        top = spot.middle - HIGH // 2
        wide = spot.right - spot.left
        ground = look.line if strong else look.ground
        ink = PAPER if strong else DIM if pale else INK
        side = PAPER if strong else DIM
        pattern = {} if stop.taken or not look.dashes else {"stroke_dasharray": "4 3"}
        parts = [
            element("title", escaped(self.told(column, stop))),
            element(
                "rect", x=spot.left, y=top, width=wide, height=HIGH, rx=6, fill=ground, stroke=look.line, **pattern
            ),
            self._number(stop, spot, ink, look.line),
        ]
        right = spot.right - 8
        for said, size in self._remarks(stop, wide):
            parts.append(label(said, right, spot.middle + 4, size, fill=side, text_anchor="end"))
            right -= width_of(said, size) + 6
        name = fitted(self.name(stop.person), 13, right - spot.left - NUMBER)
        weight = "700" if strong else "400"
        parts.append(label(name, spot.left + NUMBER, spot.middle + 5, 13, fill=ink, font_weight=weight))
        return element("g", *parts)

    def _number(self, stop: Stop, spot: _Spot, ink: str, line: str) -> str:
        """Return the rank or seat; a cross for somebody who is out."""
        if stop.number is None:
            x, y = spot.left + NUMBER // 2 + 2, spot.middle
            cross = f"M{x - 4} {y - 4}L{x + 4} {y + 4}M{x + 4} {y - 4}L{x - 4} {y + 4}"
            return element("path", d=cross, stroke=ink if ink == PAPER else line, stroke_width=2, fill="none")
        shown = f"={stop.number}" if stop.shared else str(stop.number)
        return label(shown, spot.left + NUMBER - 8, spot.middle + 5, 13, fill=ink, font_weight="700", text_anchor="end")

    def _remarks(self, stop: Stop, wide: int) -> Iterator[tuple[str, int]]:
        """Yield what stands at the right end of a pill, from the right: approvals and what parted equals, or how."""
        if stop.detail is not None:
            yield fitted(self._how(stop), 11, wide - NUMBER - width_of(self.name(stop.person), 13) - 24), 11
        if stop.approve is not None:
            yield f"{stop.approve}/{stop.possible}", 11
        if stop.key is not None:
            yield self.word(f"short.{stop.key}"), 10

    def told(self, column: Column, stop: Stop) -> str:
        """Return somebody's place in one column in words."""
        stage = self.said(column.title)
        if stop.detail is not None:
            how = self._how(stop)
            seat = self.word("CHART_SEAT", number=stop.number or 0, how=how) if stop.taken else how
            return self.word("CHART_STOP", name=self.name(stop.person), stage=stage, how=seat)
        decided = self.word(stop.key) if stop.key is not None else ""
        place = self.word(
            "CHART_RANK" if stop.number is not None else "removed", number=stop.number or 0,
            approve=stop.approve or 0, possible=stop.possible or 0,
        )  # fmt: skip
        how = self.word("CHART_PARTED", place=place, key=decided) if decided else place
        return self.word("CHART_STOP", name=self.name(stop.person), stage=stage, how=how)

    def described(self) -> str:
        """Return the whole picture in words: a line for each person, in the order of the last column."""
        people = [stop.person for column in reversed(self.ways.columns) for stop in column.stops]
        lines = []
        for person in dict.fromkeys(people):
            stops = [(column, column.stop(person)) for column in self.ways.columns]
            lines.append(" ".join(self.told(column, stop) for column, stop in stops if stop is not None))
        return "\n".join(lines)

    def _legend(self) -> Iterator[str]:
        y, x = self.height - 42, MARGIN
        shown = self.highlighted or {person for spots in self.spots for person in spots}
        fates = {self.ways.fate(person) for person in shown}
        for fate in (one for one in LOOKS if one in fates):
            look, said = LOOKS[fate], self.word(f"fate.{fate.value}")
            pattern = {"stroke_dasharray": look.dashes, "stroke_linecap": "round"} if look.dashes else {}
            yield element("path", d=f"M{x} {y - 4}H{x + 34}", stroke=look.line, stroke_width=3, **pattern)
            yield label(said, x + 42, y, 12, fill=INK)
            x += 42 + width_of(said, 12) + 26
        note = fitted(self.word("CHART_NOTE"), 11, self.width - 2 * MARGIN)
        yield label(note, MARGIN, self.height - 18, 11, fill=DIM)

    def _watermark(self) -> Iterator[str]:
        mark, x, y = self.word("CHART_REHEARSAL"), self.width // 2, (TOP + self.bottom) // 2
        size = min(150, (self.width * 5) // (6 * max(1, width_of(mark, 10)) // 10 + 1))
        yield label(
            mark, x, y + size // 3, size, font_weight="700", fill="#b45309", fill_opacity="0.08",
            text_anchor="middle", transform=f"rotate(-18 {x} {y})", pointer_events="none", aria_hidden="true",
        )  # fmt: skip


def bump_chart(
    ways: Ways, caption: Caption, speaker: Speaker, language: str, highlighted: Collection[str] = ()
) -> bytes:
    """Return the picture in one language (`zh` or `en`); people who are highlighted stand out, all others are pale."""
    chart = _Chart(ways, caption, speaker, language, highlighted)
    title = chart.said(caption.title)
    if caption.rehearsal:
        title = f"{title} ({chart.word('CHART_REHEARSAL')})"
    desc = f"{chart.said(caption.remark)}\n{chart.described()}"
    return document(chart.width, chart.height, language, title, desc, chart.body())
