"""Clause by clause what is admitted and what is refused, as rows that the sequencer is held to."""
