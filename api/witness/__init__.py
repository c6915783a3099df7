"""Witnesses: the server of an office that cosigns, the full-audit witness, and the client that collects."""
