"""What happened, and may it happen: statements, rules, the log and its proofs."""
