"""PostgreSQL for every service: the pool with the settings that keep promises, and migrations."""

from shared.postgres.migrate import migrate
from shared.postgres.pool import SESSION_SETTINGS, connect, open_pool

__all__ = ["SESSION_SETTINGS", "connect", "migrate", "open_pool"]
