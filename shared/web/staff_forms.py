"""Forms of pages for staff: each field once, and whether it was our own page that sent them.

The staff token of such pages is in a cookie, which a browser sends by itself; every form carries a mark of the session
besides, which another site can neither read nor guess.
"""

import base64
import hashlib
import hmac
from collections.abc import Collection, Mapping
from hashlib import blake2b
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request

from shared.web.problems import Problem

MOST_FIELDS = 12


async def read_staff_form(request: Request, known: Collection[str]) -> dict[str, str]:
    """Each field once. Raises Problem 400 for whatever our forms cannot have sent, 403 for a form on another site."""
    _check_site(request.headers)
    body = await request.body()
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise broken_form() from None
    form = dict(pairs)
    if len(form) != len(pairs) or not form.keys() <= set(known):
        raise broken_form()
    return form


def mark(token: str, key: bytes) -> str:
    """What every form of this session carries."""
    return blake2b(token.encode(), key=key, digest_size=20).hexdigest()


def check_mark(form: Mapping[str, str], expected: str) -> None:
    """Raises Problem 403 for a form that this session's pages did not make."""
    if not hmac.compare_digest(form.get("form", "").encode(), expected.encode()):
        raise _foreign()


def broken_form() -> Problem:
    """Nothing that a form of ours sends."""
    return Problem(400, "broken_form", "This is not what the form sends.")


def page_headers(style: str) -> dict[str, str]:
    """Never stored, in no frame, no script, and no style but this one, which stands in the page."""
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{hashed}'; form-action 'self'; base-uri 'none';"
            " frame-ancestors 'none'"
        ),
        # Not no-referrer: with it a browser sends a form from here as coming from nowhere (`Origin: null`).
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def _check_site(headers: Mapping[str, str]) -> None:
    # Signing in has no session to be marked by; a browser says which page a form stands on.
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise _foreign()
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
        raise _foreign()


def _foreign() -> Problem:
    return Problem(403, "foreign_form", "This form was not sent from here. Open the page again.")
