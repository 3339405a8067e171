"""What a gateway tells later: the handset got it. Read from the sink's own file, so that nothing is forgotten in a crash."""

import asyncio
import contextlib
import hashlib
import time
from pathlib import Path
from uuid import UUID

import aiohttp
import orjson

from shared.web.signatures import sign
from simulation.gateways.sink import whole_lines_from

MOST_PER_CALL = 500
LOOK_SECONDS = 0.5


class Receipts:
    """Every SMS arrives. What was told is counted in a file beside the sink; after a crash the last calls come again."""

    def __init__(self, sink: Path, url: str, secret: bytes) -> None:
        self._sink = sink
        self._url = f"{url}/v1/receipts"
        self._secret = secret
        self._progress = sink.with_suffix(".receipts")
        self._place = int(self._progress.read_text()) if self._progress.exists() else 0

    async def tell(self, stop: asyncio.Event) -> None:
        """Until told to stop; a receiver that is away is told later."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while not stop.is_set():
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                    await self._tell_news(session)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), LOOK_SECONDS)

    async def _tell_news(self, session: aiohttp.ClientSession) -> None:
        lines, place = whole_lines_from(self._sink, self._place, having=b'"id"')
        ids = [line["id"] for line in lines if _is_ours(line["id"])]
        for start in range(0, len(ids), MOST_PER_CALL):
            await self._post(session, ids[start : start + MOST_PER_CALL])
        if lines:
            self._place = place
            self._progress.write_text(str(place))

    async def _post(self, session: aiohttp.ClientSession, ids: list[str]) -> None:
        body = orjson.dumps({"receipts": [{"id": one, "status": "delivered"} for one in ids]})
        headers = sign(self._secret, hashlib.sha256(body).hexdigest(), int(time.time()), body)
        kind = {"Content-Type": "application/json"}
        async with session.post(self._url, data=body, headers=headers | kind) as answer:
            answer.raise_for_status()


def _is_ours(message_id: str) -> bool:
    """What somebody has sent by hand may be called anything, and is nothing to tell notifications of."""
    try:
        return str(UUID(message_id)) == message_id
    except ValueError:
        return False
