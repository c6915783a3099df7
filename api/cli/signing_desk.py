"""A command that signs one statement on the way to something else, and goes on only once its entry is published."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from api.as_of import moment
from api.cli.secrets_of import open_key
from api.cli.statement_input import signed_envelope
from api.cli.submitting import write_receipt
from api.cli.terminal import Exit, Terminal
from api.witness.own_log import witnessed
from ledger.opening import Home, open_sequencer, open_store, read_home
from ledger.selection import Selection
from ledger.sequencer import Refused, Sequenced, Sequencer
from ledger.statements.plain import from_plain
from ledger.store.store import Store


@dataclass(frozen=True, slots=True)
class Desk:
    """An open ledger at which a command signs."""

    made: Terminal
    home: Home
    store: Store
    sequencer: Sequencer

    @property
    def state(self) -> Selection:
        """The state after the last published entry."""
        return self.sequencer.state

    def body(self, kind: type, values: Mapping[str, Any]) -> Any:
        """Return the body of a statement; raises `MalformedError` for values that it cannot have."""
        return from_plain(kind, values, "body")

    def submit(self, body: Any, key: Path, now: str | None) -> Sequenced:
        """Sign and submit; the entry is published when this returns. Ends the command if the rules refuse."""
        sealed = self.state.sealed
        at = moment(now, sealed.latest.programme.utc_offset_minutes if sealed else 0) if now else None
        envelope = signed_envelope(self.state, self.sequencer.seen(), body, open_key(self.made, key), False, None)
        answer = self.sequencer.submit(envelope, at).result()
        if isinstance(answer, Refused):
            self.made.refused(answer.refusal)
            raise typer.Exit(Exit.REFUSED)
        write_receipt(self.home, answer, None)
        return answer


@contextmanager
def signing_desk(made: Terminal, home: Path) -> Iterator[Desk]:
    """Open a ledger for signing, within a command that has its terminal already."""
    found = read_home(home)
    with open_store(found) as store, open_sequencer(found, store, witnessed=witnessed(found)) as sequencer:
        sealed = sequencer.state.sealed
        made.origin, made.rehearsal = found.origin, bool(sealed and sealed.rehearsal)
        yield Desk(made, found, store, sequencer)
