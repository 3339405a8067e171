"""API keys: found by their id, compared by whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.partners.domain.keys import Key
from shared.messaging import Transaction

FIND = """
SELECT digest, organisation, scopes, used_at FROM api_keys
WHERE key_id = $1 AND revoked_at IS NULL AND (valid_until IS NULL OR valid_until > $2)
"""
USED = "UPDATE api_keys SET used_at = $2 WHERE key_id = $1"
# From here on its changes get positions: a batch that is under way is waited for, so none is in neither place.
LISTENS = """
INSERT INTO organisations (organisation, position, listens) VALUES ($1, 0, true)
ON CONFLICT (organisation) DO UPDATE SET listens = true
"""
VALID = """
SELECT key_id, valid_until FROM api_keys
WHERE organisation = $1 AND revoked_at IS NULL AND (valid_until IS NULL OR valid_until > $2) ORDER BY key_id FOR UPDATE
"""
SAVE = "INSERT INTO api_keys (key_id, organisation, digest, scopes, made_at, made_by) VALUES ($1, $2, $3, $4, $5, $6)"
END = """
UPDATE api_keys SET valid_until = least(valid_until, $2) WHERE key_id = ANY ($1)
"""
REVOKE = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2) WHERE key_id = $1 RETURNING key_id"


@dataclass(frozen=True, slots=True)
class Kept:
    """A key that is valid now."""

    digest: bytes
    organisation: str
    scopes: frozenset[str]
    used_at: datetime | None


async def find_key(tx: Transaction, key_id: str) -> Kept | None:
    """The key with this id, while it is valid."""
    row = await tx.connection.fetchrow(FIND, key_id, tx.now)
    if row is None:
        return None
    return Kept(row["digest"], row["organisation"], frozenset(row["scopes"]), row["used_at"])


async def note_use(tx: Transaction, key_id: str) -> None:
    """It was used now."""
    await tx.connection.execute(USED, key_id, tx.now)


async def begin_to_tell(tx: Transaction, organisation: str) -> list[Key]:
    """The organisation listens from now on; returns its valid keys. Locks the organisation first."""
    await tx.connection.execute(LISTENS, organisation)
    return [Key(*row) for row in await tx.connection.fetch(VALID, organisation, tx.now)]


async def save_key(
    tx: Transaction, key_id: str, organisation: str, digest: bytes, scopes: Sequence[str], by: str
) -> None:
    """A new key, valid from now on."""
    await tx.connection.execute(SAVE, key_id, organisation, digest, list(scopes), tx.now, by)


async def end_keys(tx: Transaction, key_ids: Sequence[str], at: datetime) -> None:
    """These keys are valid until then at the latest."""
    await tx.connection.execute(END, list(key_ids), at)


async def revoke_key(tx: Transaction, key_id: str) -> bool:
    """Valid no longer; False where there is no such key."""
    return await tx.connection.fetchval(REVOKE, key_id, tx.now) is not None
