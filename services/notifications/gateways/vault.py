"""The last gate: intake's vault gives a person's key only while they are neither stopped nor erased."""

from base64 import b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

import aiohttp
import orjson

MOST_PER_CALL = 500
# For whom the gate is closed; of `unknown` there is no key, which says nothing of what they want.
CLOSED = frozenset({"stopped", "erased"})
UNKNOWN = "unknown"


class VaultAway(Exception):
    """No answer that can be trusted; nothing may be sent."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Every person asked for stands in one of the two."""

    keys: Mapping[UUID, bytes]
    refused: Mapping[UUID, str]

    def closed(self, person: UUID) -> bool:
        """Whether they must not be written to any more."""
        return self.refused.get(person) in CLOSED


class Vault:
    """One call for a whole batch; keys live as long as the batch and are kept nowhere."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session = session
        self._url = f"{url}/internal/v1/keys"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def keys(self, people: Collection[UUID]) -> Keys:
        """The keys of up to 500 people. Raises VaultAway when it does not answer, or not in full."""
        body = orjson.dumps({"ids": [str(person) for person in people], "purpose": "contact"})
        try:
            async with self._session.post(self._url, data=body, headers=self._headers) as answer:
                content = await answer.read()
                if answer.status != 200:
                    raise VaultAway(f"status {answer.status}")
            return _read(content, people)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, AttributeError) as failure:
            raise VaultAway(type(failure).__name__) from failure


def _read(content: bytes, people: Collection[UUID]) -> Keys:
    answer = orjson.loads(content)
    keys = {UUID(person): b64decode(key) for person, key in answer["keys"].items()}
    refused = {
        UUID(person): reason if reason in CLOSED else UNKNOWN for person, reason in answer["refused"].items()
    }
    if any(person not in keys and person not in refused for person in people):
        raise ValueError("somebody is missing")
    return Keys(keys, refused)
