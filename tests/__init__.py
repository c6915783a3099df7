"""The tests of Ballot Ledger."""
