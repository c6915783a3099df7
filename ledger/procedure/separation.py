"""Separation of duties: which roles one person must not hold together, as the programme's table of roles states."""

from ledger.procedure.programme import Programme


def conflict(programme: Programme, held: tuple[str, ...], role: str) -> str | None:
    """Return the held role that excludes `role` (either row of the table may say so), or None."""
    table = {item.id: item.incompatible for item in programme.roles}
    for other in held:
        if other in table.get(role, ()) or role in table.get(other, ()):
            return other
    return None
