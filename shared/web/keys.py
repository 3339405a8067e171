"""API keys of other systems: `hq_<id>_<secret>`. The id may be shown; the secret is nowhere but with its holder.

The secret is 256 random bits, so a plain SHA-256 keeps it as well as a slow hash would keep a password.
"""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from fastapi import Request

from shared.web.problems import Problem
from shared.web.tokens import Principal, bearer, require, unauthorized

MARK = "hq_"
RANDOM_BYTES = 40
_ID_BYTES = 8
_KEY = re.compile(r"hq_([0-9a-f]{16})_([0-9a-f]{64})", re.ASCII)
_NOBODYS = bytes(32)

# The holder of a key that is valid now, None for all others.
FindHolder = Callable[[str], Awaitable[Principal | None]]


class NewKey(NamedTuple):
    """`text` is what its holder sends; only `key_id` and `digest` are kept by us."""

    key_id: str
    text: str
    digest: bytes


def make_key(randomness: bytes) -> NewKey:
    """A key of 40 random bytes: 8 for its id, 32 for its secret."""
    key_id, secret = randomness[:_ID_BYTES].hex(), randomness[_ID_BYTES:RANDOM_BYTES].hex()
    return NewKey(key_id, f"{MARK}{key_id}_{secret}", _digest(secret))


def read_key(text: str) -> tuple[str, bytes] | None:
    """Id and digest of a key as it was sent; None where it has not the form of one."""
    found = _KEY.fullmatch(text)
    return (found[1], _digest(found[2])) if found else None


def is_same(kept: bytes | None, shown: bytes) -> bool:
    """Whether the digests are the same, in the same time whatever they are and whether there is one at all."""
    return hmac.compare_digest(_NOBODYS if kept is None else kept, shown) and kept is not None


async def require_key(request: Request, scope: str) -> Principal:
    """The holder of a key with this scope. Raises Problem 401 and 403; who shows a token of ours is known, but the
    route is not for them."""
    text = bearer(request)
    if not text.startswith(MARK):
        require(request)
        raise Problem(403, "forbidden", "This needs an API key.")
    find: FindHolder = request.app.state.keys
    holder = await find(text)
    if holder is None:
        raise unauthorized("token_invalid", "This key is not accepted.")
    if scope not in holder.scopes:
        raise Problem(403, "scope_missing", f"This key has not the scope {scope}.")
    return holder


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
