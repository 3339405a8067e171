"""The table: every operation that any application describes, and how to ask for it as somebody."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from deploy.applications import descriptions
from deploy.local import secrets
from shared.web import TokenSigner
from tests.authorization.things import Things

METHODS = ("get", "put", "post", "delete", "patch")
# What an application needs whatever is asked for; everything else that is required comes from the things.
USUAL = {"Idempotency-Key": lambda: str(uuid4()), "If-Match": lambda: "*"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the matrix. `who` is the `x-roles` it declares: None where it declares nothing."""

    application: str
    method: str
    path: str
    who: Any = field(compare=False)
    described: Any = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.application} {self.method.upper()} {self.path}"

    def whose(self, role: str) -> str | None:
        """`all`, `own`, or None: this role may not."""
        return self.who.get(role) if isinstance(self.who, Mapping) else None

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """(where, name) of whatever must be there."""
        return [(p["in"], p["name"]) for p in self.described.get("parameters", ()) if p.get("required")]

    @property
    def names_a_thing(self) -> bool:
        return any(where in ("path", "query") for where, _ in self.parameters)

    @property
    def body(self) -> tuple[str, bytes] | None:
        """Type and bytes of the first example; None where nothing is sent."""
        for kind, content in self.described.get("requestBody", {}).get("content", {}).items():
            example = next(iter(content.get("examples", {"": {}}).values())).get("value", {})
            return kind, (example if isinstance(example, str) else json.dumps(example)).encode()
        return None


@cache
def operations() -> tuple[Operation, ...]:
    """All of them."""
    return tuple(_operations())


def _operations() -> Iterator[Operation]:
    for name, document in descriptions().items():
        for path, described in document["paths"].items():
            for method in METHODS:
                if method in described:
                    one = described[method]
                    yield Operation(name, method, path, one.get("x-roles"), one)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Headers of whoever asks."""

    signer: TokenSigner
    stranger: TokenSigner
    services: Mapping[str, str]

    @classmethod
    def made(cls, folder: Path, other: Path) -> "Tokens":
        """Signed with the key in `folder`; forged with the one in `other`."""
        services = json.loads((folder / secrets.SERVICE_TOKENS).read_text())
        key = secrets.TOKEN_KEY
        return cls(TokenSigner(folder / key), TokenSigner(other / key), services)

    def of(self, role: str, claims: Mapping[str, str] | None = None) -> dict[str, str]:
        """Somebody in this role who has signed in just now."""
        said = {"name": "Asma", **(claims or {})}
        subject = said.pop("sub", str(uuid4()))
        return _bearer(self.signer.sign(subject, role, said, now=time.time()))

    def for_things(self, role: str, things: Things) -> dict[str, str]:
        """Somebody in this role whose things these are: by a token, or by an API key where they have one."""
        if role in things.keys:
            return _bearer(things.keys[role])
        return self.of(role, things.claims.get(role))

    def nobody(self, role: str) -> dict[str, dict[str, str]]:
        """Every way of not being known, by its name."""
        expired = self.signer.sign("s-1", role, now=time.time() - 3600)
        forged = self.stranger.sign("s-1", role, now=time.time())
        head, body, sign = self.signer.sign("s-1", role, now=time.time()).split(".")
        return {
            "none": {},
            "expired": _bearer(expired),
            "forged": _bearer(forged),
            "changed": _bearer(f"{head}.{body[:-2]}AA.{sign}"),
            "unsigned": _bearer(f"{head}.{body}."),
            "another scheme": {"Authorization": f"Basic {forged}"},
        }

    def service(self, name: str) -> dict[str, str]:
        """A service of ours."""
        return _bearer(self.services[name])


async def ask(
    client: httpx2.AsyncClient, operation: Operation, things: Things, headers: Mapping[str, str]
) -> httpx2.Response:
    """Asks for somebody's things with these headers. Raises LookupError where a parameter has no value."""
    filled: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    for where, name in operation.parameters:
        filled[where][name] = _value(operation, name, things)
    kind, content = operation.body or (None, None)
    typed = {"Content-Type": kind} if kind else {}
    return await client.request(
        operation.method,
        operation.path.format_map(filled["path"]),
        params=filled["query"],
        content=content,
        headers={**typed, **filled["header"], **headers},
    )


def _value(operation: Operation, name: str, things: Things) -> str:
    if name in USUAL:
        return USUAL[name]()
    if name not in things.parameters:
        raise LookupError(f"{operation}: tests/authorization/things.py makes nothing for {name!r}")
    return things.parameters[name]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
