"""How folds are registered: a kind of statement, and what it does to the state, pending or effective."""

from collections.abc import Callable
from typing import Any, TypeAlias

from ledger.state.books import Books
from ledger.statements import Act

Fold: TypeAlias = Callable[[Books, Act, Act], None]
"""fold(state, act, now): `act` takes effect by the entry `now` (itself, or the last countersignature)."""

Folds: TypeAlias = dict[type[Any], Fold]
ExtraSigners: TypeAlias = Callable[[Books, Act], int]
"""How many further signers an act needs beyond its row of the table, where that depends on its content."""
