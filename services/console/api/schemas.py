"""GET /schemas/{type}.json: what `ce_dataschema` of every event points at. Contracts are no secret: whoever reads events
can look up what they mean, without a token."""

from functools import cache
from hashlib import blake2b

import orjson
from fastapi import APIRouter, Request, Response

from shared.contracts.base import Event
from shared.contracts.publish.schemas import schema_of
from shared.contracts.topics import EVENTS
from shared.web import PUBLIC, Problem

# A schema only grows within its version: an hour late is early enough.
KEPT = "public, max-age=3600"


def schema_routes() -> APIRouter:
    """For everybody."""
    router = APIRouter(tags=["schemas"])

    @router.get(
        "/schemas/{event_type}.json",
        response_class=Response,
        responses={200: {"content": {"application/schema+json": {"schema": {"type": "object"}}}}},
        openapi_extra=PUBLIC,
    )
    async def schema(event_type: str, request: Request) -> Response:
        """The JSON Schema (2020-12) of one event type, as `matching.match_made.v1`."""
        event = EVENTS.get(event_type)
        if event is None:
            raise Problem(404, "not_found", "There is no event of this type.")
        printed, tag = _printed(event)
        headers = {"ETag": tag, "Cache-Control": KEPT}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(printed, headers=headers, media_type="application/schema+json")

    return router


@cache
def _printed(event: type[Event]) -> tuple[bytes, str]:
    """The schema and its ETag, made when somebody asks first: all of them would make every start wait."""
    printed = orjson.dumps(schema_of(event))
    return printed, f'"{blake2b(printed, digest_size=16).hexdigest()}"'
