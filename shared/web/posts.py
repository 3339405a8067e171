"""What comes with a post besides its body: the idempotency key."""

import re
from typing import Any

from fastapi import Request

from shared.web.problems import FieldProblem, Problem

# A quoted string by the IETF draft (draft-ietf-httpapi-idempotency-key-header-07), or bare as most send it.
_KEY = re.compile(r'"?([\x21\x23-\x7e]{8,128})"?')

KEY_PARAMETER: dict[str, Any] = {
    "parameters": [
        {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string"}}
    ]
}


def idempotency_key(request: Request) -> str:
    """The key, or Problem 400: without it a repeated post would be done twice."""
    return read_key(request.headers.get("idempotency-key", ""))


def read_key(given: str) -> str:
    """The key as it is kept, or Problem 400."""
    found = _KEY.fullmatch(given)
    if found is None:
        detail = "A key of 8 to 128 visible characters, new for each request and the same on a repeat."
        field = FieldProblem("Idempotency-Key", "missing_or_malformed", detail)
        raise Problem(400, "idempotency_key_needed", "This request needs an Idempotency-Key.", [field])
    return found[1]
