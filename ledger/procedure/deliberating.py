"""When a deciding group objects, and when it agrees: clauses 五(六) to 五(八), reading `deliberation_rule`.

Votes are by name and counted against all members of the group, never against those who happened to come: who stays
away neither objects nor agrees. How votes are given and closed is a matter of the stages.
"""

ANY_OBJECTION = "any_objection"


def has_objection(reading: str | None, against: int, members: int) -> bool:
    """Clause 五(六): say whether the group objects to a person, by the reading `deliberation_rule`.

    By `any_objection` one member's no is enough; else more than half of all members must be against.
    """
    return against > 0 if reading == ANY_OBJECTION else carried(against, members)


def carried(votes: int, members: int) -> bool:
    """Clauses 五(七), 五(八): say whether more than half of all members are for it."""
    return votes * 2 > members


def voters_needed(least: int, members: int, conflicted: int = 0) -> int:
    """Clauses 一, 五(六): how many members must vote by name.

    At least `least` of them. Where some may not decide because the matter is about themselves or their unit, a group
    that is otherwise large enough needs no more than all the others.
    """
    return min(least, members - conflicted) if members >= least else least
