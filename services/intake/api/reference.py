"""What a frontend may offer: the codes, places, instruments and texts that requests are checked against."""

import hashlib
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from services.intake.domain.policy import Policy
from services.intake.domain.screening import Instrument
from services.intake.domain.vocabulary import CHOICES, TIME_ZONE
from shared.web import PUBLIC, fast_json

UNSIGNED = "Not for real care: no clinician has signed these rules yet."


def reference_routes(policy: Policy) -> APIRouter:
    """GET /v1/reference, made once at start."""
    router = APIRouter(tags=["reference"])
    body = orjson.dumps(_reference(policy))
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"ETag": etag, "Cache-Control": "max-age=300"}

    @router.get("/v1/reference", openapi_extra=PUBLIC)
    async def reference(request: Request) -> Response:
        """Codes and what they are called, cities, instruments, consent texts, and whether a clinician has signed the rules."""
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return fast_json(200, body, headers)

    return router


def _reference(policy: Policy) -> dict[str, Any]:
    return {
        "banner": UNSIGNED if policy.unsigned else None,
        "unsigned": policy.unsigned,
        **CHOICES,
        **policy.told,
        "titles": policy.titles,
        "time_zone": TIME_ZONE,
        "cities": [{"name": c.name, "province": c.province} for c in policy.places.cities.values()],
        "consent_texts": sorted(policy.consent_texts),
        "step_table": policy.steps.version,
        "instruments": [_instrument(instrument) for instrument in policy.instruments.values()],
        "note": "Screening, not diagnosis.",
    }


def _instrument(instrument: Instrument) -> dict[str, Any]:
    """How it is answered; never how an answer is judged."""
    return {
        "id": instrument.id,
        "version": instrument.version,
        "name": instrument.name,
        "items": instrument.items,
        "least": instrument.least,
        "most": instrument.most,
        "has_gate": instrument.has_gate,
        "ages": instrument.ages,
        "text_status": instrument.text_status,
    }
