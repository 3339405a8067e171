"""A sink that keeps what it acknowledged: lines are appended in batches and on disk before anyone is answered."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson


class Sink:
    """One JSON-lines file. Knows every id in it, also after a restart."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.ids: dict[str, int] = {}
        self._pending: list[bytes] = []
        self._flushed: asyncio.Future[None] | None = None
        self._flushing: asyncio.Task[None] | None = None
        file.parent.mkdir(parents=True, exist_ok=True)
        for line in whole_lines(file):
            self.remember(line["id"])
        self._handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def remember(self, message_id: str) -> None:
        """Gives the id its number: what a gateway calls its own message id."""
        self.ids.setdefault(message_id, len(self.ids) + 1)

    async def append(self, lines: Sequence[dict[str, Any]]) -> None:
        """Returns when the lines are on disk. Callers that come while another write runs share the next."""
        if not lines:
            return
        self._pending += [orjson.dumps(line) + b"\n" for line in lines]
        if self._flushed is None:
            self._flushed = asyncio.get_running_loop().create_future()
        mine = self._flushed
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        await asyncio.shield(mine)

    async def settled(self) -> None:
        """Returns when everything appended so far is on disk."""
        if self._flushing is not None:
            await asyncio.shield(self._flushing)

    async def _flush(self) -> None:
        while self._pending:
            lines, self._pending = self._pending, []
            flushed, self._flushed = self._flushed, None
            assert flushed is not None
            try:
                await asyncio.to_thread(self._write, b"".join(lines))
            except OSError as failure:
                flushed.set_exception(failure)
            else:
                flushed.set_result(None)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._handle, view) :]
        os.fdatasync(self._handle)

    def close(self) -> None:
        """After the last append."""
        os.close(self._handle)


def whole_lines(file: Path) -> Iterator[dict[str, Any]]:
    """Every complete line; a torn one at the end was never acknowledged and is cut off."""
    if not file.exists():
        return
    whole = 0
    with file.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            yield orjson.loads(line)
    if whole < file.stat().st_size:
        os.truncate(file, whole)


def whole_lines_from(file: Path, place: int, *, having: bytes) -> tuple[list[dict[str, Any]], int]:
    """The complete lines with these bytes from a place in the file on, and where the next ones will begin; for whoever
    reads while the gateway writes."""
    if not file.exists():
        return [], place
    with file.open("rb") as lines:
        lines.seek(place)
        news = lines.read()
    end = news.rfind(b"\n") + 1
    return [orjson.loads(line) for line in news[:end].splitlines() if having in line], place + end
