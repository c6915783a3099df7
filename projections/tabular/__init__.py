"""The derived tables as values: which there are, what stands in them, and what of them an entry may have changed."""
