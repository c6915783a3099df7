"""A selection held elsewhere comes in: begun, rows in chunks by one clerk, completed under one root by two."""

from dataclasses import dataclass
from typing import TypeAlias

from ledger.statements.fields import Count, Digest, Id, Instant, Text
from ledger.statements.kinds import kind

Cell: TypeAlias = str
"""A cell of a row; the rules hold it against what its column asks for. Empty where there is nothing."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that the rows were read from: its digest and length; `name` is no person's."""

    digest: Digest
    length: Count
    name: Text


@dataclass(frozen=True, slots=True)
class TableRows:
    """How many rows of a table come in."""

    rows: Count
    table: Id


@dataclass(frozen=True, slots=True)
class PeriodAttested:
    """The period, both ends included, in which everything imported happened as the clerks attest."""

    first: Instant
    last: Instant


@kind("import.begun")
@dataclass(frozen=True, slots=True)
class ImportBegun:
    """A clerk begins to bring in a selection held elsewhere: from which files, how many rows, of which period."""

    files: tuple[SourceFile, ...]
    import_id: Id
    period: PeriodAttested
    source: Text
    tables: tuple[TableRows, ...]


@kind("import.chunk")
@dataclass(frozen=True, slots=True)
class ImportChunk:
    """Rows of one table, each the cells of its columns in order; `sequence` counts from 0 over the whole import."""

    import_id: Id
    rows: tuple[tuple[Cell, ...], ...]
    sequence: Count
    table: Id


@kind("import.completed")
@dataclass(frozen=True, slots=True)
class ImportCompleted:
    """All rows are in: their number and Merkle root, the hash of what follows from them. A second clerk signs too."""

    chunks: Count
    import_id: Id
    results: Digest
    root: Digest
    rows: Count


@kind("import.abandoned")
@dataclass(frozen=True, slots=True)
class ImportAbandoned:
    """An import is given up, with reason; its rows stay in the log and count for nothing."""

    import_id: Id
    reason: Text
