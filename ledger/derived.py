"""How a session stands once it is counted: lines, ladder of keys, ranking and cut."""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.procedure.counting import Tally
from ledger.procedure.cuts import Cut, RunoffNeed, cut
from ledger.procedure.ranking import Key, Ranking
from ledger.state.rounds import Round


@dataclass(frozen=True, slots=True)
class Derivation:
    """A session counted as it stands now.

    `lines` has everybody on the list of the vote, `ranking` those who still stand and reach the least approvals,
    `below` those who do not, `everybody` what the ranking would be had nobody been removed. `due` is the tie that still
    has to be settled, by a run-off or, if `exhausted`, by what the programme says of that.
    """

    played: Round
    lines: Mapping[str, Tally]
    keys: tuple[Key, ...]
    ranking: Ranking
    below: Ranking
    everybody: Ranking
    cut: Cut
    due: RunoffNeed | None
    exhausted: bool

    @property
    def removed(self) -> tuple[str, ...]:
        """Those on the list who no longer stand, by id."""
        standing = {*self.ranking.candidates, *self.below.candidates}
        return tuple(sorted(self.lines.keys() - standing))

    @property
    def removal_changes_cut(self) -> bool:
        """Whether somebody is taken, or tied at the cut, only because another was removed (dispute D19)."""
        before = cut(self.everybody, self.played.seats)
        gone = frozenset(self.removed)
        tied_before = frozenset(before.tied_at_cut or ()) - gone
        return (
            frozenset(before.taken) - gone != frozenset(self.cut.taken)
            or tied_before != frozenset(self.cut.tied_at_cut or ())
        ) and bool(gone)
