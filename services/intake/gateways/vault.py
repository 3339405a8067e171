"""Asking the vault for one key: the desk reads how to reach somebody a few times a day, so each call stands alone."""

from base64 import b64decode
from dataclasses import dataclass
from uuid import UUID

import aiohttp
import orjson

PATIENCE_SECONDS = 3.0


class VaultAway(Exception):
    """No answer that can be trusted."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The vault gives no key: `stopped`, `erased` or `unknown`."""

    reason: str


class Vault:
    """The vault process as intake's own principal sees it: keys of alarms and of contacts, of no answers."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url}/internal/v1/keys"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def key(self, owner: UUID, purpose: str) -> bytes | Refused:
        """The key of a person or an alarm. Raises VaultAway when there is no answer."""
        body = orjson.dumps({"ids": [str(owner)], "purpose": purpose})
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self._url, data=body, headers=self._headers) as answer,
            ):
                content = await answer.read()
                if answer.status != 200:
                    raise VaultAway(f"status {answer.status}")
            found = orjson.loads(content)
            given, refused = found["keys"].get(str(owner)), found["refused"].get(str(owner))
            return b64decode(given) if given else Refused(str(refused))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, AttributeError) as failure:
            raise VaultAway(type(failure).__name__) from failure
