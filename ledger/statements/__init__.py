"""Every kind of statement, by family: frozen, typed, with permanent names and versions."""

from ledger.statements import (
    applications,
    bodies,
    deliberation,
    foundation,
    imports,
    log,
    naming,
    notices,
    poll,
    poll_ballots,
    roll,
    rounds,
    screening,
)
from ledger.statements.codec import Act, Signed, decode_entry, decode_own_entry, encode_entry, open_envelope, sign
from ledger.statements.header import Seen, Statement

__all__ = [
    "Act",
    "Seen",
    "Signed",
    "Statement",
    "applications",
    "bodies",
    "decode_entry",
    "decode_own_entry",
    "deliberation",
    "encode_entry",
    "foundation",
    "imports",
    "log",
    "naming",
    "notices",
    "open_envelope",
    "poll",
    "poll_ballots",
    "roll",
    "rounds",
    "screening",
    "sign",
]
