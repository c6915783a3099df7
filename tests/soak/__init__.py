"""The service under load while its processes are killed at random: what is acknowledged is kept, and counts once."""
