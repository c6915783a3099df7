"""May it happen? One file per family: a decision reads the state and a statement, and answers None or a refusal.

Every statement passes the same gate first (`gate`), then its own family's decision, then the counter.
"""
