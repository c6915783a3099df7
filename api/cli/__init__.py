"""The command line `ballot-ledger`: translates between people and the ledger, decides nothing."""
