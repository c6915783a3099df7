"""Worked questions of inspectors to the derived tables, each a file of SQL that names no schema."""
