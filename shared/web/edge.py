"""The outermost layer of every application, as plain ASGI: size, type, trace, readiness, one form of error."""

import logging
import random
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from opentelemetry.trace import SpanKind

from shared.telemetry import child_of, is_forced, is_sampled, new_traceparent, record_span
from shared.telemetry.traceparent import is_valid
from shared.web.problems import PROBLEM_JSON, Problem, render

Scope = MutableMapping[str, Any]
Receive = Callable[[], Any]
Send = Callable[[MutableMapping[str, Any]], Any]
Endpoint = Callable[[Request], Awaitable[Response]]
OnProblem = Callable[[str, dict[str, Any]], dict[str, Any]]
PageOf = Callable[[str, Problem], Response | None]

READS_BODY = {"POST", "PUT", "PATCH"}
UNTRACED = ("/livez", "/readyz", "/metrics")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Direct:
    """Stands where the router's route would: traces name the template."""

    path: str


@dataclass(frozen=True, slots=True)
class Bodies:
    """What a route reads: at most so many bytes, of these types."""

    limit: int
    types: tuple[str, ...] = ("application/json", "application/merge-patch+json")


class TooLarge(Exception):
    """More bytes came than were announced or allowed."""


class Edge:
    """Wraps an application. `state.waits_for` tells why it is not ready yet, None when it is;
    `state.direct` holds the endpoints that are served without the framework in between; `state.bodies` what single
    routes read that others do not; `state.page_of` makes pages of problems where people look at them."""

    def __init__(
        self,
        app: Any,
        *,
        limit: int,
        sample_ratio: float,
        on_problem: OnProblem | None,
        state: Any,
    ) -> None:
        self._app = app
        self._usual = Bodies(limit)
        self._ratio = sample_ratio
        self._on_problem = on_problem
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            # Answered as GET is (RFC 9110, 9.3.2): the server knows the method it was asked by, and sends no content.
            scope = {**scope, "method": "GET"}
        started = time.time_ns()
        headers = dict(scope["headers"])
        parent = self._trace(scope, headers)
        status = 500

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        route = (scope["method"], scope["path"])
        bodies = self._state.bodies.get(route, self._usual)
        try:
            self._check(scope, headers, bodies)
            endpoint = self._state.direct.get(route)
            if endpoint is None:
                await self._app(scope, _limited(receive, bodies.limit), watched)
            else:
                await self._serve(endpoint, scope, _limited(receive, bodies.limit), watched)
        except Problem as problem:
            await self._answer(scope, receive, watched, problem)
        except TooLarge:
            await self._answer(scope, receive, watched, too_large(bodies.limit))
        finally:
            self._record(scope, parent, started, status)

    async def _serve(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        """A hot route, straight from the server: the framework's layers cost as much as the work itself."""
        scope["route"] = Direct(scope["path"])
        scope["app"] = self._state.app
        try:
            response = await endpoint(Request(scope, receive))
        except (Problem, TooLarge):
            raise
        except Exception as failure:
            log.error("unexpected error", exc_info=failure)
            raise Problem(500, "internal") from None
        await response(scope, receive, send)

    def _trace(self, scope: Scope, headers: dict[bytes, bytes]) -> str | None:
        """The request's own place in its trace; the caller's trace goes on, its decision stands."""
        parent = headers.get(b"traceparent", b"").decode("ascii", "ignore")
        if is_valid(parent):
            scope["traceparent"] = child_of(parent)
            return parent
        scope["traceparent"] = new_traceparent(random.random() < self._ratio)
        return None

    def _check(self, scope: Scope, headers: dict[bytes, bytes], bodies: Bodies) -> None:
        if (waits_for := self._state.waits_for) and not scope["path"].startswith(UNTRACED):
            raise Problem(503, "not_ready", f"Waits for {waits_for}.", headers={"retry-after": "1"})
        if scope["method"] not in READS_BODY:
            return
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > bodies.limit:
            raise too_large(bodies.limit)
        has_body = length != b"0" or b"transfer-encoding" in headers
        if has_body and media_type(headers.get(b"content-type", b"").decode("latin-1")) not in bodies.types:
            raise unsupported(bodies)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, problem: Problem) -> None:
        page_of: PageOf | None = self._state.page_of
        page = page_of(scope["path"], problem) if page_of else None
        if page is None:
            await send_problem(send, scope["path"], problem, self._on_problem)
        else:
            await page(scope, receive, send)

    def _record(self, scope: Scope, parent: str | None, started: int, status: int) -> None:
        own = scope["traceparent"]
        if not (is_sampled(own) or is_forced(own)) or scope["path"].startswith(UNTRACED):
            return
        route = getattr(scope.get("route"), "path", "unmatched")
        attributes = {
            "http.request.method": scope["method"],
            "http.route": route,
            "http.response.status_code": status,
        }
        if status >= 500:
            attributes["error.type"] = str(status)
        record_span(
            own,
            parent=parent,
            name=f"{scope['method']} {route}",
            kind=SpanKind.SERVER,
            times=(started, time.time_ns()),
            attributes=attributes,
        )


async def send_problem(send: Send, path: str, problem: Problem, on_problem: OnProblem | None) -> None:
    """Renders a problem as raw ASGI messages."""
    document = problem.document()
    body = render(on_problem(path, document) if on_problem else document)
    extra = [(name.encode(), value.encode()) for name, value in problem.headers.items()]
    headers = [
        (b"content-type", PROBLEM_JSON),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *extra,
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def media_type(header: str) -> str:
    """The type without its parameters."""
    return header.partition(";")[0].strip().lower()


def unsupported(bodies: Bodies) -> Problem:
    """415, with what would be read."""
    return Problem(415, "unsupported_type", f"Only {' or '.join(bodies.types)} is read here.")


def too_large(limit: int) -> Problem:
    """413; the rest of the body is not waited for."""
    return Problem(413, "too_large", f"At most {limit} bytes are read.", headers={"connection": "close"})


def _limited(receive: Receive, limit: int) -> Receive:
    read = 0

    async def counted() -> Any:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise TooLarge
        return message

    return counted
