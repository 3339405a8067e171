"""Who may call a route, said once: what is checked before the route runs is what /openapi.json tells.

A route names its callers in its signature (`caller: Annotated[Principal, allowed("coordinator")]`), or is PUBLIC.
In the document each operation has `security` and `x-roles`: `public`, `service`, `signed`, or role by role `all` or `own`.
Other systems come with API keys (`allowed_keys("bookings.read")`), each of which is one organisation's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from shared.web.keys import require_key
from shared.web.signatures import HUB_SIGNATURE, SIGNATURE
from shared.web.tokens import Principal, require, require_service

# The `openapi_extra` of a route that asks nobody who they are.
PUBLIC: dict[str, Any] = {"security": []}

TOKEN, SERVICE, KEY = "token", "service", "key"
OWN = ":own"
WITHOUT_ROLE = {SERVICE: SERVICE, SIGNATURE: "signed", HUB_SIGNATURE: "signed"}


def allowed(*roles: str, own: Sequence[str] = ()) -> Any:
    """The caller, if their role is one of these; 401 and 403 come before anything else is read.

    Roles in `own` reach only what is theirs: whose a thing is the route decides once it has found it.
    """
    return Security(_Callers((*roles, *own)), scopes=[*roles, *(role + OWN for role in own)])


def allowed_services(secrets: Mapping[str, str]) -> Any:
    """The service that calls an /internal route, by what it shows; `secrets` by service."""
    return Security(_Services(secrets))


def allowed_keys(scope: str) -> Any:
    """The holder of an API key with this scope, for what is their organisation's; 401 and 403 as `allowed`."""
    return Security(_Keys(scope), scopes=[scope])


def tell_callers(operation: dict[str, Any]) -> None:
    """Puts `x-roles` beside `security`; an operation that declares nothing is left without."""
    if "x-roles" in operation or "security" not in operation:
        return
    schemes: dict[str, list[str]] = {
        name: scopes for one in operation["security"] for name, scopes in one.items()
    }
    if TOKEN in schemes:
        told = [scope.partition(OWN) for scope in schemes[TOKEN]]
        operation["x-roles"] = {role: "own" if own else "all" for role, own, _ in told}
        operation["security"] = [{TOKEN: []}]
    elif KEY in schemes:
        operation["x-roles"] = {"partner": "own"}
    else:
        operation["x-roles"] = next(
            (who for scheme, who in WITHOUT_ROLE.items() if scheme in schemes), "public"
        )


class _Callers(SecurityBase):
    def __init__(self, roles: Sequence[str]) -> None:
        self._roles = roles
        self.scheme_name = TOKEN
        self.model = HTTPBearer(
            bearerFormat="JWT", description="From POST /v1/sessions, or the staff issuer."
        )

    async def __call__(self, request: Request) -> Principal:
        return require(request, *self._roles)


class _Services(SecurityBase):
    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = secrets
        self.scheme_name = SERVICE
        self.model = HTTPBearer(description="A service's own secret.")

    async def __call__(self, request: Request) -> str:
        return require_service(request, self._secrets)


class _Keys(SecurityBase):
    def __init__(self, scope: str) -> None:
        self._scope = scope
        self.scheme_name = KEY
        self.model = HTTPBearer(description="An API key, `hq_…`: the operator gives it to an organisation.")

    async def __call__(self, request: Request) -> Principal:
        return await require_key(request, self._scope)
