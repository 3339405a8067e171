"""HTTP/1.1 as far as a frontend's POSTs need it: one request at a time on a kept connection, minimal parsing.

Framing follows RFC 9112 §6: Content-Length, chunked, or until the connection closes; 1xx answers are passed over.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

BODILESS = frozenset({204, 304})


class Unanswered(OSError):
    """No answer, or half of one: the server may or may not have acted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, raw head (status line and headers) and body."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of one header, or None."""
        return _header(self.head.lower(), self.head, name.lower().encode())


def prepare(
    method: str, path: str, host: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    """The bytes of one request, made once and sent as often as it takes."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}"]
    if body or method in ("POST", "PUT"):
        headers = {"content-type": "application/json", "content-length": str(len(body))} | dict(headers or {})
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read(data: bytes | bytearray, *, closed: bool = False) -> tuple[Answer, bool] | None:
    """The answer in `data` and whether the connection may be kept; None while something is missing.

    Raises ValueError on what is not HTTP.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(data[:end])
    if not head.startswith(b"HTTP/1."):
        raise ValueError("not an HTTP answer")
    status = int(head[9:12])
    if 100 <= status < 200:
        return read(data[end + 4 :], closed=closed)
    lower = head.lower()
    body = _body(data, end + 4, status, lower, closed=closed)
    if body is None:
        return None
    keeps = b"\r\nconnection: close" not in lower and not closed and head[7:8] == b"1"
    return Answer(status, head, body), keeps


def _body(data: bytes | bytearray, start: int, status: int, lower: bytes, *, closed: bool) -> bytes | None:
    if status in BODILESS:
        return b""
    length = _header(lower, lower, b"content-length")
    if length is not None:
        end = start + int(length)
        return bytes(data[start:end]) if len(data) >= end else None
    if b"\r\ntransfer-encoding: chunked" in lower:
        return _chunks(data, start)
    return bytes(data[start:]) if closed else None


def _chunks(data: bytes | bytearray, at: int) -> bytes | None:
    parts: list[bytes] = []
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(bytes(data[at:line]).split(b";")[0], 16)
        if size == 0:
            return (
                b"".join(parts) if data.find(b"\r\n\r\n", line) >= 0 else None
            )  # trailers may stand between
        if len(data) < line + 4 + size:
            return None
        parts.append(bytes(data[line + 2 : line + 2 + size]))
        at = line + 4 + size
    return None


def _header(lower: bytes, text: bytes, name: bytes) -> str | None:
    at = lower.find(b"\r\n" + name + b":")
    if at < 0:
        return None
    start = at + len(name) + 3
    end = text.find(b"\r\n", start)
    return text[start : end if end >= 0 else len(text)].strip().decode("latin-1")


class Wire(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._data = bytearray()

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing() and self._waiting is None

    def ask(self, request: bytes) -> "asyncio.Future[Answer]":
        """Sends the request; the future ends with the answer or with Unanswered."""
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting

    def drop(self) -> None:
        """Closes the connection at once; an answer that is under way will not be believed."""
        self._waiting = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass

    def data_received(self, data: bytes) -> None:
        if self._data:
            self._data += data
            self._look(self._data)
        elif not self._look(data):
            self._data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiting is not None and not self._look(self._data, closed=True):
            self._fail("the connection was lost")

    def _look(self, data: bytes | bytearray, *, closed: bool = False) -> bool:
        """Settles what is waited for if the answer is complete."""
        try:
            found = read(data, closed=closed)
        except ValueError:
            self._fail("the answer is not HTTP")
            self.drop()
            return True
        if found is None:
            return False
        answer, keeps = found
        self._data.clear()
        waiting, self._waiting = self._waiting, None
        if waiting is None or not keeps:
            self.drop()
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
        return True

    def _fail(self, why: str) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(Unanswered(why))
