"""One small fold per matter. A fold takes what was admitted; it never refuses, raises or looks elsewhere."""
