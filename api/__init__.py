"""Every way in: web, command line, witness and verifier. Translates, decides nothing."""
