"""Who sends a webhook, by its signature: Standard Webhooks 1.0.0, version `v1` (HMAC-SHA256 over id, time and body).

Several secrets may be valid at once, so that one can be replaced while calls go on; several signatures may be shown.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request, Security
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security.base import SecurityBase

from shared.web.problems import Problem

PREFIX = "whsec_"
# How far a sender's clock may be off; what is older may be somebody's copy.
TOLERANCE_SECONDS = 300
SIGNATURE = "signature"
HUB_SIGNATURE = "hub_signature"


def read_secrets(text: str) -> list[bytes]:
    """One secret a line, `whsec_` and base64 of 24 to 64 bytes. Raises ValueError."""
    secrets = [base64.b64decode(line.removeprefix(PREFIX), validate=True) for line in text.split()]
    if any(not 24 <= len(secret) <= 64 for secret in secrets):
        raise ValueError("a webhook secret has 24 to 64 bytes")
    return secrets


def sign(secret: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers a sender shows; `message_id` holds no full stop and stays the same when it is sent again."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{_signature(secret, message_id, str(timestamp), body)}",
    }


def verify(secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Raises Problem 401 unless one of the signatures was made with one of the secrets, lately."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    shown = headers.get("webhook-signature", "")
    if not (message_id and timestamp and shown):
        raise _unknown("signature_missing", "This needs webhook-id, webhook-timestamp and webhook-signature.")
    in_time = (
        timestamp.isascii() and timestamp.isdigit() and abs(now - int(timestamp[:12])) <= TOLERANCE_SECONDS
    )
    expected = [_signature(secret, message_id, timestamp, body) for secret in secrets]
    given = [one.removeprefix("v1,") for one in shown.split() if one.startswith("v1,")]
    fits = [hmac.compare_digest(one.encode(), ours.encode()) for one in given for ours in expected]
    if not (in_time and any(fits)):
        raise _unknown("signature_invalid", "This signature is not accepted.")


def signed(secrets: Sequence[bytes]) -> Any:
    """Lets in whoever has signed the body with one of these; with no secret nobody comes in."""
    return Security(_Signed(secrets))


def hub_signed(secrets: Sequence[bytes]) -> Any:
    """The same for platforms that sign as hubs do (`X-Hub-Signature-256`: hex of HMAC-SHA256 over the body alone). There is
    no time in it: a copy that comes again is let in, and must change nothing."""
    return Security(_HubSigned(secrets))


def hub_signature(secret: bytes, body: bytes) -> str:
    """What such a platform shows."""
    return f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"


class _HubSigned(SecurityBase):
    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = secrets
        self.scheme_name = HUB_SIGNATURE
        self.model = APIKey(
            **{"in": APIKeyIn.header},  # type: ignore[arg-type]  # a keyword of the language
            name="x-hub-signature-256",
            description="`sha256=` and HMAC-SHA256 over the body, in hex.",
        )

    async def __call__(self, request: Request) -> None:
        shown, body = request.headers.get("x-hub-signature-256", ""), await request.body()
        if not shown:
            raise _unknown("signature_missing", "This needs x-hub-signature-256.")
        fits = [
            hmac.compare_digest(shown.encode(), hub_signature(secret, body).encode())
            for secret in self._secrets
        ]
        if not any(fits):
            raise _unknown("signature_invalid", "This signature is not accepted.")


class _Signed(SecurityBase):
    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = secrets
        self.scheme_name = SIGNATURE
        self.model = APIKey(
            **{"in": APIKeyIn.header},  # type: ignore[arg-type]  # a keyword of the language
            name="webhook-signature",
            description="Standard Webhooks 1.0.0: `v1,` and HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`.",
        )

    async def __call__(self, request: Request) -> None:
        verify(self._secrets, request.headers, await request.body(), now=time.time())


def _signature(secret: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    content = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()


def _unknown(code: str, detail: str) -> Problem:
    return Problem(401, code, detail, headers={"www-authenticate": "Signature"})
