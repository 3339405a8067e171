"""Who is asking: short-lived Ed25519 tokens for people and staff, bearer secrets for services.

RFC 8725: one algorithm, pinned key ids, issuer, audience, type and expiry checked.
"""

import hashlib
import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from shared.web.problems import Problem

ISSUER = "humqadam-local"
AUDIENCE = "humqadam"
ALGORITHM = "Ed25519"
CACHED = 20_000


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a token or a key stands for; `role` is one of the design's list, `scopes` are a key's."""

    subject: str
    role: str
    expires: int
    case_id: UUID | None = None
    attendee_id: UUID | None = None
    organisation: str | None = None
    name: str | None = None
    site_id: UUID | None = None
    scopes: frozenset[str] = frozenset()


class TokenSigner:
    """Makes tokens; only intake and the local staff issuer hold the private key."""

    def __init__(self, key_file: Path) -> None:
        self._key = OKPKey.import_key(json.loads(key_file.read_text()))

    def sign(
        self,
        subject: str,
        role: str,
        claims: Mapping[str, str] | None = None,
        *,
        now: float,
        minutes: float = 10,
    ) -> str:
        """A token of `minutes`; claims may be case_id, attendee_id, organisation, site_id, name."""
        body = {
            **(claims or {}),
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "role": role,
            "iat": int(now),
            "exp": int(now + minutes * 60),
        }
        header = {"alg": ALGORITHM, "typ": "JWT", "kid": self._key.kid or ""}
        return jwt.encode(header, body, self._key, algorithms=[ALGORITHM])

    def public_keys(self) -> dict[str, Any]:
        """The JWK set that others verify with."""
        return {"keys": [self._key.as_dict(private=False)]}


class TokenVerifier:
    """Verifies once per token (about 90 µs), then remembers it until it expires."""

    def __init__(self, key_file: Path) -> None:
        self._keys = KeySet.import_key_set(json.loads(key_file.read_text()))
        self._known: OrderedDict[bytes, Principal] = OrderedDict()

    def verify(self, token: str, *, now: float) -> Principal:
        """Raises Problem 401 with token_expired or token_invalid."""
        digest = hashlib.sha256(token.encode()).digest()
        principal = self._known.get(digest)
        if principal is None:
            principal = self._check(token)
            self._known[digest] = principal
            if len(self._known) > CACHED:
                self._known.popitem(last=False)
        if principal.expires <= now:
            raise unauthorized("token_expired", "The session has ended; please sign in again.")
        return principal

    def _check(self, token: str) -> Principal:
        try:
            decoded = jwt.decode(token, self._keys, algorithms=[ALGORITHM])
            claims = decoded.claims
            if decoded.header.get("typ") != "JWT" or (claims["iss"], claims["aud"]) != (ISSUER, AUDIENCE):
                raise ValueError
            return Principal(
                subject=str(claims["sub"]),
                role=str(claims["role"]),
                expires=int(claims["exp"]),
                case_id=UUID(claims["case_id"]) if "case_id" in claims else None,
                attendee_id=UUID(claims["attendee_id"]) if "attendee_id" in claims else None,
                organisation=claims.get("organisation"),
                name=claims.get("name"),
                site_id=UUID(claims["site_id"]) if "site_id" in claims else None,
            )
        except (JoseError, ValueError, KeyError, TypeError):
            raise unauthorized("token_invalid", "This token is not accepted.") from None


def require(request: Request, *roles: str) -> Principal:
    """The caller, if their role is one of these. Raises Problem 401 or 403."""
    token = bearer(request)
    verifier: TokenVerifier = request.app.state.tokens
    principal = verifier.verify(token, now=time.time())
    if roles and principal.role not in roles:
        raise Problem(403, "forbidden", "This role may not do that.")
    return principal


def require_service(request: Request, expected: Mapping[str, str]) -> str:
    """The service that calls an /internal route. `expected` maps service names to their secrets."""
    given = bearer(request).encode()
    found = [name for name, secret in expected.items() if hmac.compare_digest(secret.encode(), given)]
    if not found:
        raise unauthorized("token_invalid", "This token is not accepted.")
    return found[0]


def bearer(request: Request) -> str:
    """What stands in the Authorization header. Raises Problem 401."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("token_missing", "This needs a token.")
    return token.strip()


def unauthorized(code: str, detail: str) -> Problem:
    """401: who is asking is not known."""
    return Problem(401, code, detail, headers={"www-authenticate": f'Bearer error="{code}"'})
