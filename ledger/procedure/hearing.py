"""Objections as a matter of fairness: clause 五(七). Nobody is disqualified unheard, nobody can drown the others."""

ONE_TIME_OPEN_MOST = 20
"""How many objections by one-time keys may wait unexamined for one notice; the reception desk takes any number."""


def heard(respond_by: int, replied: bool, at: int) -> bool:
    """Clause 五(七): a candidate has been heard once they replied, or once the time to reply (UTC ms) has passed."""
    return replied or at >= respond_by
