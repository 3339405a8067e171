"""PostgreSQL for every service: the pool with the settings that keep promises, migrations, and writes in one round trip."""

from shared.postgres.joined import Write, write_joined
from shared.postgres.migrate import migrate
from shared.postgres.pool import SESSION_SETTINGS, connect, open_pool

__all__ = ["SESSION_SETTINGS", "Write", "connect", "migrate", "open_pool", "write_joined"]
