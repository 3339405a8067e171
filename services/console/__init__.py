"""console: where operators see every service at once and ask the running processes for help."""
