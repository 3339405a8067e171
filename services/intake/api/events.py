"""How a case stands, as it changes: GET /v1/cases/{code}/events as server-sent events.

Read with `fetch`, which can send the Authorization header; a browser's EventSource cannot.
"""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.intake.api.cards import CardDeck
from services.intake.api.cases import Look, Reader, find_for
from services.intake.api.views import document_of
from services.intake.api.watching import CaseWatch, CaseWatcher
from services.intake.repository.standings import CaseView

HEARTBEAT_SECONDS = 15.0
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
SPOKEN: Mapping[int | str, dict[str, Any]] = {
    200: {
        "description": "`status` with the document of GET /v1/cases/{code}, its version as `id`; `end` with why it ends.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    503: {"description": "Too many watch; `Retry-After` says when to ask again."},
}


def event_routes(cards: CardDeck, find: Look, watch: CaseWatch) -> APIRouter:
    """The one route."""
    router = APIRouter(tags=["cases"])

    @router.get("/v1/cases/{code}/events", responses=dict(SPOKEN), response_class=StreamingResponse)
    async def events(
        code: str,
        caller: Reader,
        request: Request,
        last_event_id: Annotated[str | None, Header(description="The version seen last.")] = None,
    ) -> StreamingResponse:
        """The state now, unless it is the one of Last-Event-ID, and each that follows. Ends with the session, with the
        case, or when this process stops; a comment every 15 seconds keeps the line."""
        view = await find_for(find, code, caller)
        seen = int(last_event_id) if last_event_id and last_event_id.isdecimal() else 0
        return _Stream(watch, view, Told(cards, seen, caller.expires))

    return router


class Told:
    """What one watcher is told, as bytes on the wire."""

    def __init__(self, cards: CardDeck, seen: int, expires: float) -> None:
        self._cards = cards
        self._seen = seen
        self._expires = expires

    async def to(self, watcher: CaseWatcher) -> AsyncIterator[bytes]:
        """Until there is nothing to tell any more."""
        while (left := self._expires - time.time()) > 0:
            seconds = 0 if _closed(watcher) else min(HEARTBEAT_SECONDS, left)
            view = await watcher.newer(self._seen, seconds)
            if view is not None:
                self._seen = view.version
                yield self._status(view)
            if _closed(watcher):
                yield _end("closed")
                return
            if watcher.told_no_more:
                yield _end("later")
                return
            if view is None:
                yield format_sse_event(comment="")
        yield _end("session_ended")

    def _status(self, view: CaseView) -> bytes:
        data = document_of(view, self._cards).decode()
        return format_sse_event(data_str=data, event="status", id=str(view.version))


class _Stream(StreamingResponse):
    """Watches as long as it is sent, however that ends."""

    def __init__(self, watch: CaseWatch, view: CaseView, told: Told) -> None:
        super().__init__((), headers=HEADERS, media_type="text/event-stream")
        self._watch = watch
        self._view = view
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._watch.watching(self._view.case_code, self._view) as watcher:
            self.body_iterator = self._told.to(watcher)
            await super().__call__(scope, receive, send)


def _closed(watcher: CaseWatcher) -> bool:
    return watcher.news.standing.state == "closed"


def _end(reason: str) -> bytes:
    return format_sse_event(data_str=f'{{"reason":"{reason}"}}', event="end")
