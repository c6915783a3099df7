"""A rehearsal (演练): a cast of invented people with keys of their own who run a whole selection through the ledger."""
