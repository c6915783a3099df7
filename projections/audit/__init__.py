"""The audit: everything that is stored is checked, and every decision decided again. No database, no web."""
