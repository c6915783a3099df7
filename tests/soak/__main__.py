"""`python -m tests.soak`: one soak by hand; the exit code says whether every invariant holds."""

import argparse
import random
import sys

from tests.soak.run import Plan, soak


def main() -> int:
    """Run it as the options say."""
    parser = argparse.ArgumentParser(prog="tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long processes are killed")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="which, when, and what is handed in")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--beside", action="store_true", help="on a PostgreSQL beside the service, by DATABASE_URL")
    parser.add_argument("--calm", type=float, default=4.0, help="mean seconds between two kills")
    given = parser.parse_args()
    plan = Plan(given.seed, given.seconds, not given.beside, given.workers, calm=given.calm)
    told = soak(plan, lambda line: print(line, flush=True))
    print("\n".join(told.lines()))
    return 1 if told.violations else 0


if __name__ == "__main__":
    sys.exit(main())
