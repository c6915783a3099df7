"""The ballots that an export carries, as they are checked (`projections.ballot_rows.Ballots`)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ledger.poll_rows import MOST_ROWS
from projections.audit.ballots import hold_ballots, hold_shown
from projections.audit.export_files import ExportFiles
from projections.audit.report import Check, Report
from projections.audit.verify import Audit
from projections.ballot_rows import PollProblem
from projections.public_votes import PublicVotes, block_path, rows_path, tags_path

MOST_ATTACHED = 512 * MOST_ROWS
"""No batch, no openings and no list of rows is longer."""
_OF_LISTS = frozenset({"CREDENTIALS_MISMATCH", "CREDENTIAL_UNKNOWN", "ALREADY_VOTED_PUBLIC"})


class ExportBallots:
    """Reads rows and credentials from the files of an export; another process opens them again."""

    def __init__(self, files: ExportFiles) -> None:
        """Read from these files."""
        self._path = files.path
        self._files: ExportFiles | None = files

    def __getstate__(self) -> Path:
        """Take the path alone along."""
        return self._path

    def __setstate__(self, path: Path) -> None:
        """Open nothing yet."""
        self._path, self._files = path, None

    def _opened(self) -> ExportFiles:
        if self._files is None:
            self._files = ExportFiles(self._path)
        return self._files

    def blocks(self, entries: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        """Yield what is attached to each of these entries, or of a batch the rows alone."""
        files = self._opened()
        for index in entries:
            path = block_path(index)
            yield index, files.read(path if path in files.names else rows_path(index), MOST_ATTACHED)

    def credentials(self, commitment: int) -> Iterator[bytes]:
        """Yield the tags of a commitment."""
        return self._opened().parts(tags_path(commitment))


def check_ballots(files: ExportFiles, audit: Audit, votes: PublicVotes, workers: int, *, public: bool) -> None:
    """Check the rows that the export must hold for its audience, and that there are no others."""
    report: Report = audit.report
    source = ExportBallots(files)

    def place_of(problem: PollProblem) -> str:
        if problem.code in _OF_LISTS:
            return tags_path(problem.entry)
        path = block_path(problem.entry)
        return path if path in files.names else rows_path(problem.entry)

    if public:
        hold_shown(report, votes, source, workers, place_of)
    else:
        hold_ballots(report, audit.state, source, workers, place_of)
    for name in votes.strangers(files.names, not public):
        report.fail(Check.BALLOTS, "EXPORT_ALTERED", -1, "", name, reason="not named")
