"""A selection held elsewhere and imported, as if it had been played here: so that every question can be asked of it."""
