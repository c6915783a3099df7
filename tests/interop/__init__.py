"""Our formats against other people's code, and their trees against our verifiers."""
