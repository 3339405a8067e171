"""GET /v1/bookings and /v1/bookings/snapshot: what an organisation is told of its own bookings, for who reads no Kafka."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from services.partners.api import examples
from services.partners.domain.feed import Feed, Told, Walk
from shared.messaging.envelope import SCHEMAS
from shared.web import (
    FieldProblem,
    Principal,
    Problem,
    allowed_keys,
    fast_json,
    moment,
    pack_cursor,
    read_cursor,
    whole,
)
from shared.web.rates import Rates
from shared.web.watching import Watch

Reader = Annotated[Principal, allowed_keys("bookings.read")]
After = Annotated[int, Query(ge=0, le=2**53, description="The position you have read up to; 0 at the very beginning.")]  # fmt: skip
Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many.")]
Wait = Annotated[float, Query(ge=0, le=20, description="Where nothing is new, wait for it so many seconds.")]
Cursor = Annotated[str | None, Query(max_length=300, description="`next` of the page before, as it is.")]

FEED, SNAPSHOT = "/v1/bookings", "/v1/bookings/snapshot"
# What only the event tells, beside how the booking stands after it.
OF_THE_EVENT = ("previous_start", "reason")  # until when an hour is kept stands for as long as it is
PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}

Fit = tuple[Literal["fits", "gone", "ahead"], Feed]
Page = tuple[Walk, list[Told]]


@dataclass(frozen=True, slots=True)
class Counter:
    """What the routes need (`rates`: how often an organisation may ask): `feed` takes an organisation, a position and how many, `snapshot` a walk instead."""

    feed: Callable[[str, int, int], Awaitable[Fit]]
    snapshot: Callable[[str, Walk | None, int], Awaitable[Page | None]]
    watch: Watch[int]
    rates: Rates


def feed_routes(counter: Counter) -> APIRouter:
    """For partners, each of whom sees its own organisation alone: its key says which that is. Who asks too often is told
    when to ask again (429, `Retry-After`), before anything is looked up for them."""
    router = APIRouter(tags=["bookings"])

    @router.get(FEED, responses=examples.FEED)
    async def read_feed(
        request: Request, reader: Reader, after: After = 0, limit: Limit = 100, wait: Wait = 0
    ) -> Response:
        """Events of your bookings after a position, in order and without gaps, as CloudEvents. Go on with `position`;
        where `more` is true, at once. 410 means that what comes next is no longer kept: begin again at the snapshot."""
        organisation = str(reader.organisation)
        counter.rates.admit(organisation)
        fit, found = await counter.feed(organisation, after, limit)
        if fit == "fits" and not found.events and wait:
            with counter.watch.watching(organisation, after) as watcher:
                await watcher.newer(after, wait)
            fit, found = await counter.feed(organisation, after, limit)
        if fit != "fits":
            raise _begin_again(fit)
        return _page(request, found, after, limit)

    @router.get(SNAPSHOT, responses=examples.SNAPSHOT)
    async def read_snapshot(reader: Reader, limit: Limit = 500, cursor: Cursor = None) -> Response:
        """Your bookings as they stood at `position`, all pages alike, whatever changes meanwhile: all that were not
        cancelled, until 30 days after their hour. Put them in place of what you have, then go on with the feed after
        that position."""
        counter.rates.admit(str(reader.organisation))
        walk = read_cursor(cursor, _walk)
        found = await counter.snapshot(str(reader.organisation), walk, limit + 1)
        if found is None:
            detail = "These pages are no longer kept; begin again without a cursor."
            raise Problem(410, "snapshot_expired", detail, members={"snapshot": SNAPSHOT})
        return _snapshot(*found, limit)

    return router


def _begin_again(fit: Literal["gone", "ahead"]) -> Problem:
    links, members = {"link": f'<{SNAPSHOT}>; rel="alternate"'}, {"snapshot": SNAPSHOT}
    if fit == "gone":
        detail = "What comes after this position is no longer kept; begin again at the snapshot."
        return Problem(410, "position_gone", detail, headers=links, members=members)
    field = FieldProblem(
        "after", "not_reached", "You have not been told so much; begin again at the snapshot."
    )
    return Problem(422, "invalid_request", "Some fields cannot be accepted.", [field], links, members)


def _page(request: Request, found: Feed, after: int, limit: int) -> Response:
    position = found.events[-1].position if found.events else after
    more = len(found.events) == limit and position < found.last
    tag = f'"{position}-{int(more)}"'
    headers = {**PRIVATE, "ETag": tag, "Link": f'<{FEED}?after={position}&limit={limit}>; rel="next"'}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    events = [_event(one) for one in found.events]
    return fast_json(200, {"events": events, "position": position, "more": more}, headers)


def _event(one: Told) -> dict[str, Any]:
    """CloudEvents 1.0 in JSON, with the very data that stands on a topic."""
    return {
        "specversion": "1.0",
        "id": f"{one.said['organisation']}/{one.position}",
        "source": "partners",
        "type": one.type,
        "time": one.told_at.astimezone(UTC).isoformat(),
        "subject": one.booking_ref,
        "dataschema": f"{SCHEMAS}{one.type}.json",
        "datacontenttype": "application/json",
        "data": one.said,
    }


def _snapshot(walk: Walk, found: list[Told], limit: int) -> Response:
    shown = found[:limit]
    more = pack_cursor(walk.position, walk.as_of, shown[-1].booking_ref) if len(found) > len(shown) else None
    bookings = [
        {name: value for name, value in one.said.items() if name not in OF_THE_EVENT} for one in shown
    ]
    body = {
        "position": walk.position,
        "as_of": walk.as_of.astimezone(UTC).isoformat(),
        "bookings": bookings,
        "next": more,
        "feed": f"{FEED}?after={walk.position}",
    }
    return fast_json(200, body, {"Cache-Control": "no-store"})


def _walk(position: Any, as_of: Any, after: Any) -> Walk:
    if not isinstance(after, str):
        raise ValueError
    return Walk(whole(position), moment(as_of), after)
