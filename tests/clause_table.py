"""The procedure clause by clause: for every sentence an act that is admitted and one that is refused."""

from tests.clauses import applying, bodies, deliberating, ending, founding, notifying, polling, screening, voting

ROWS = (
    *founding.ROWS,
    *applying.ROWS,
    *screening.ROWS,
    *bodies.ROWS,
    *voting.ROWS,
    *polling.ROWS,
    *deliberating.ROWS,
    *notifying.ROWS,
    *ending.ROWS,
)
