"""Whom to call now: no session, no request, no answer needed."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response

from services.intake.api.cards import CardDeck
from services.intake.domain.vocabulary import Province
from shared.web import PUBLIC, fast_json

Language = Annotated[str, Query(pattern="^(en|ur|ur-Latn)$")]


def crisis_routes(cards: CardDeck) -> APIRouter:
    """GET /v1/crisis/lines."""
    router = APIRouter(tags=["crisis"])

    @router.get("/v1/crisis/lines", openapi_extra=PUBLIC)
    async def lines(province: Province | None = None, language: Language = "en") -> Response:
        """The card for a place and a language, and what is good to know."""
        known = orjson.dumps(cards.lines.good_to_know[language])
        body = b'{"crisis":' + cards.printed(province, language) + b',"good_to_know":' + known + b"}"
        return fast_json(200, body, {"Cache-Control": "max-age=60"})

    return router
