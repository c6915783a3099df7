"""How long evidence that decided something is kept: until the programme's retention date, without one for ever.

Discipline may end a qualification for falsehood at any time (seven(三)); what the decision rested on must then still be
there. The date is part of the programme, so it is as fixed as the rules: once a stage has begun, no amendment moves it.
"""

from datetime import date

from ledger.procedure.notice import civil_date
from ledger.procedure.programme import Programme


def retention_over(programme: Programme, at: int) -> bool:
    """Seven(三): tell whether evidence that decided something may be erased at `at` (UTC ms): after the last day."""
    if programme.evidence_until is None:
        return False
    return civil_date(at, programme.utc_offset_minutes) > date.fromisoformat(programme.evidence_until)
