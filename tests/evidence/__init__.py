"""Evidence: kept, streamed, held against its digest, erased; the same wherever it is kept."""
