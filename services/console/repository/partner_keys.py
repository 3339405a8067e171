"""API keys of partners, as far as operators may see them: not what they are compared with."""

import asyncpg

ALL = """
SELECT organisation, key_id, scopes, made_at, made_by, valid_until, used_at, revoked_at,
    revoked_at IS NULL AND (valid_until IS NULL OR valid_until > now()) AS valid
FROM partners.api_keys ORDER BY organisation, made_at
"""


async def all_keys(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    """By organisation, the oldest first."""
    return list(await connection.fetch(ALL))
