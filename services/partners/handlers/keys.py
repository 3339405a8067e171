"""Keys: who holds one, and what operators do with them (`partner-keys` of the console), served by the running process.

The console makes the key and hands over its digest: the key itself never leaves the operator's screen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.partners.domain import keys
from services.partners.repository import keys as repository
from shared.messaging import Transaction
from shared.messaging.desk import Refused
from shared.web.keys import is_same, read_key

SCOPES = frozenset({"bookings.read"})

REFUSALS = {
    "rotate": "this organisation has a key: rotate it, or revoke it first",
    "create": "this organisation has no key: create one",
    "two": "two keys of this organisation are valid: revoke one first",
}


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose key it is."""

    key_id: str
    organisation: str
    scopes: frozenset[str]


async def holder_of(text: str, tx: Transaction) -> Holder | None:
    """Who holds this key; None for one that is not valid now, whatever the reason."""
    shown = read_key(text)
    if shown is None:
        return None
    key_id, digest = shown
    kept = await repository.find_key(tx, key_id)
    if not is_same(kept.digest if kept else None, digest) or kept is None:
        return None
    if keys.is_news(kept.used_at, tx.now):
        await repository.note_use(tx, key_id)
    return Holder(key_id, kept.organisation, kept.scopes)


async def create_key(target: Mapping[str, Any], by: str, tx: Transaction) -> str:
    """The first key of an organisation: from now on it is told of its bookings."""
    may = keys.may_create(await repository.begin_to_tell(tx, target["organisation"]))
    if may != "yes":
        raise Refused(REFUSALS[may])
    await _save(target, by, tx)
    return "created"


async def rotate_key(target: Mapping[str, Any], by: str, tx: Transaction) -> str:
    """A second key; the first one is valid until the moment that was chosen."""
    valid = await repository.begin_to_tell(tx, target["organisation"])
    may = keys.may_rotate(valid)
    if may != "yes":
        raise Refused(REFUSALS[may])
    until = datetime.fromisoformat(target["old_until"])
    await repository.end_keys(tx, [one.key_id for one in valid], until)
    await _save(target, by, tx)
    return f"rotated; {valid[0].key_id} is valid until {until.isoformat(timespec='minutes')}"


async def revoke_key(target: Mapping[str, Any], by: str, tx: Transaction) -> str:
    """Not valid from now on."""
    if not await repository.revoke_key(tx, target["key_id"]):
        raise Refused("there is no such key")
    return "revoked"


async def _save(target: Mapping[str, Any], by: str, tx: Transaction) -> None:
    if not target["scopes"] or not SCOPES.issuperset(target["scopes"]):
        raise Refused(f"scopes are: {', '.join(sorted(SCOPES))}")
    digest = bytes.fromhex(target["digest"])
    await repository.save_key(
        tx, target["key_id"], target["organisation"], digest, sorted(set(target["scopes"])), by
    )


ACTIONS = {"create_key": create_key, "rotate_key": rotate_key, "revoke_key": revoke_key}
