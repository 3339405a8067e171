"""Handing a request on to the crisis process, where it waits for nobody: over its own front door, as anybody could."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

PATH = "/v1/crisis/cases"
PATIENCE_SECONDS = 0.7  # what is promised is an answer within a second
# However many alarms a flood at the front door raises: whoever calls the crisis process itself shares it with no more than these.
MOST_AT_ONCE = 8
# What is said about the request itself. Anything else is about us: it was not taken in, as far as anybody can tell.
ABOUT_THE_REQUEST = frozenset({202, 409, 422, 429})


@dataclass(frozen=True, slots=True)
class Said:
    """What the crisis process answered: 202 with the case, or why not."""

    status: int
    document: Mapping[str, Any]
    headers: Mapping[str, str]


class CrisisProcess:
    """The crisis role at its own address, over connections that stay open; `close` ends them."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}{PATH}"
        self._session: aiohttp.ClientSession | None = None
        self._under_way = 0

    async def ask(self, body: bytes, headers: Mapping[str, str]) -> Said | None:
        """Its answer, or None where there is none to be had in time, or it has enough to do; it may have been taken in all the
        same, and may be asked again with the same key."""
        if self._under_way >= MOST_AT_ONCE:
            return None
        self._under_way += 1
        try:
            async with self._open().post(self._url, data=body, headers=headers) as answer:
                content = await answer.read()
                if answer.status not in ABOUT_THE_REQUEST:
                    return None
                return Said(answer.status, orjson.loads(content), answer.headers)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None
        finally:
            self._under_way -= 1

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def close(self) -> None:
        """Ends what is open."""
        if self._session is not None:
            await self._session.close()
