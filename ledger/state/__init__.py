"""One small fold per matter. A fold takes what was admitted and never refuses, raises or looks anything up elsewhere."""
