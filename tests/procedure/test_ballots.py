"""What a ballot may say, and the hash of its list."""

import hashlib

import pytest
import rfc8785

from ledger.procedure.ballots import BallotFault, BallotProblem, first_problem, list_hash

STANDING = frozenset({"li", "wang", "zhao"})


@pytest.mark.parametrize(
    ("approve", "against", "abstain", "recused", "expected"),
    [
        ("li wang", "", "", "", None),
        ("", "", "", "wang", None),
        ("li", "wang", "zhao", "", None),
        ("li wang zhao", "", "", "", BallotProblem(BallotFault.OVERVOTE, None, 3)),
        ("li li", "", "", "", BallotProblem(BallotFault.DUPLICATE_CHOICE, "li")),
        ("zhao li", "li zhao", "", "", BallotProblem(BallotFault.DUPLICATE_CHOICE, "li")),
        ("li", "", "wang wang", "", BallotProblem(BallotFault.DUPLICATE_CHOICE, "wang")),
        ("sun", "qian", "", "", BallotProblem(BallotFault.UNKNOWN_CANDIDATE, "qian")),
        ("li wang", "", "", "wang", BallotProblem(BallotFault.RECUSED, "wang")),
        ("li", "", "wang", "wang", BallotProblem(BallotFault.RECUSED, "wang")),
        ("li", "", "wang", "zhao", None),
        ("sun li zhao", "sun", "", "li", BallotProblem(BallotFault.OVERVOTE, None, 3)),
    ],
)
def test_the_first_fault_of_a_ballot(
    approve: str, against: str, abstain: str, recused: str, expected: BallotProblem | None
) -> None:
    words = approve.split(), against.split(), abstain.split()

    assert first_problem(*words, STANDING, frozenset(recused.split()), 2) == expected


def test_the_list_hash_is_over_canonical_json() -> None:
    value = {
        "round": "r1",
        "stage": "final",
        "group": None,
        "candidates": ["wang", "li"],
        "seats": 1,
        "max_approvals": 1,
    }

    expected = hashlib.sha256(rfc8785.dumps(value)).hexdigest()

    assert list_hash("r1", "final", None, ("wang", "li"), 1, 1) == expected


def test_every_part_of_the_list_counts() -> None:
    lists = [
        ("r1", "final", None, ("wang", "li"), 1, 1),
        ("r2", "final", None, ("wang", "li"), 1, 1),
        ("r1", "shortlist", None, ("wang", "li"), 1, 1),
        ("r1", "final", "power", ("wang", "li"), 1, 1),
        ("r1", "final", None, ("li", "wang"), 1, 1),
        ("r1", "final", None, ("wang", "li"), 2, 1),
        ("r1", "final", None, ("wang", "li"), 1, 2),
    ]

    assert len({list_hash(*one) for one in lists}) == len(lists)
