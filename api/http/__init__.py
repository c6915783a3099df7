"""The HTTP service: statements in, receipts, derived results and the log's own files out; it decides nothing."""
