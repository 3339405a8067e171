"""What the desk's forms send, and whether it was the desk's own page that sent it."""

import hmac
from collections.abc import Mapping
from hashlib import blake2b
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request

from shared.web import Problem

FIELDS = (
    "form",
    "token",
    "alarm",
    "act",
    "key",
    "outcome",
    "note",
    "level",
    "reason",
    "to",
    "to_id",
    "to_name",
)
MOST_FIELDS = 12


async def read_form(request: Request) -> dict[str, str]:
    """Each field once. Raises Problem 400 for whatever our forms cannot have sent, 403 for a form on another site."""
    _check_site(request.headers)
    body = await request.body()
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise _broken() from None
    form = dict(pairs)
    if len(form) != len(pairs) or not form.keys() <= set(FIELDS):
        raise _broken()
    return form


def mark(token: str, key: bytes) -> str:
    """What every form of this session carries: another site can neither read nor guess it."""
    return blake2b(token.encode(), key=key, digest_size=20).hexdigest()


def check_mark(form: Mapping[str, str], expected: str) -> None:
    """Raises Problem 403 for a form that this session's pages did not make."""
    if not hmac.compare_digest(form.get("form", "").encode(), expected.encode()):
        raise _foreign()


def _check_site(headers: Mapping[str, str]) -> None:
    # Signing in has no session to be marked by; a browser says which page a form stands on.
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise _foreign()
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
        raise _foreign()


def _broken() -> Problem:
    return Problem(400, "broken_form", "This is not what the form sends.")


def _foreign() -> Problem:
    return Problem(403, "foreign_form", "This form was not sent from here. Open the page again.")
