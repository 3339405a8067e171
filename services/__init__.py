"""The services, each with its own database schema; none imports another: they meet in events alone."""
