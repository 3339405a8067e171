"""Pages of other origins that may ask: browsers keep them away from every answer unless this says their name (CORS).

Nothing of a cookie goes along: whoever asks from elsewhere shows a token in a header, as other programs do.
"""

import re
from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?", re.ASCII)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SENT = (
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "traceparent",
)
# What a page may read of an answer beside its body.
SHOWN = ("Content-Disposition", "ETag", "Link", "Location", "Retry-After")
KEPT_SECONDS = 600


def read_origins(text: str) -> list[str]:
    """Origins with commas between them, as browsers say them: scheme, host and port. Raises ValueError for what is none,
    also for `*`: who may ask is said by name."""
    origins = [one.strip() for one in text.split(",") if one.strip()]
    for one in origins:
        if not ORIGIN.fullmatch(one):
            raise ValueError(f"{one!r} is no origin: http(s)://host[:port], in small letters, without a path")
    return origins


def allow_origins(app: FastAPI, origins: Sequence[str]) -> None:
    """Lets pages of these ask; with none nothing is changed. Before the first request."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=SHOWN,
            max_age=KEPT_SECONDS,
        )
