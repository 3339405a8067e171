"""Idempotency keys, a batch at a time: same key and body, same answer; another body 422; in flight 409."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from shared.web.problems import FieldProblem, Problem

KEPT = "2 days"

# The lock is tried, never waited for: a batch of 200 must not wait for one key in flight elsewhere.
CLAIM = """
SELECT a.ordinal, pg_try_advisory_xact_lock(a.number) AS locked, k.body_hash, k.response, now() AS now
FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS a(scope, key, number, ordinal)
LEFT JOIN idempotency_keys k ON k.scope = a.scope AND k.key = a.key
ORDER BY a.ordinal
"""
# Read again under the lock: whoever held it a moment ago may have committed since the first look.
AGAIN = """
SELECT a.ordinal, k.body_hash, k.response
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS a(scope, key, ordinal)
JOIN idempotency_keys k ON k.scope = a.scope AND k.key = a.key
"""
RECORD = """
INSERT INTO idempotency_keys (scope, key, body_hash, status, response)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::smallint[], $5::bytea[])
"""
SWEEP = f"""
DELETE FROM idempotency_keys WHERE (scope, key) IN (
    SELECT scope, key FROM idempotency_keys WHERE at < now() - interval '{KEPT}' LIMIT $1
)
"""

Answer = tuple[str, str, bytes, int, bytes]


class HasConnection(Protocol):
    """A transaction, as messaging makes it."""

    @property
    def connection(self) -> Any: ...

    def begun_at(self, now: Any) -> None: ...

    def write_at_end(self, sql: str, *arguments: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """`scope` is method and route; `body_hash` tells whether it is the same request again."""

    scope: str
    key: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request may do. Only `new` ones are worked on, and must be recorded in the same transaction."""

    state: Literal["new", "replay", "in_flight", "mismatch"]
    response: bytes | None = None


async def claim(tx: HasConnection, requests: Sequence[KeyedRequest]) -> list[Claim]:
    """One claim per request, in order. Of two equal keys in one batch the second is in flight or a mismatch.

    A transaction that was opened without asking the time is told it.
    """
    if not requests:
        return []
    rows = await tx.connection.fetch(
        CLAIM, [r.scope for r in requests], [r.key for r in requests], [_number(r) for r in requests]
    )
    tx.begun_at(rows[0]["now"])
    locked = [place for place, row in enumerate(rows) if row["locked"] and row["response"] is None]
    late = await _read_again(tx, [requests[place] for place in locked])
    found: dict[int, tuple[bytes, bytes]] = {
        place: (row["body_hash"], row["response"])
        for place, row in enumerate(rows)
        if row["response"] is not None
    }
    found |= {locked[place]: answer for place, answer in late.items()}
    return _decide(requests, [bool(row["locked"]) for row in rows], found)


def record(tx: HasConnection, answers: Sequence[Answer]) -> None:
    """(scope, key, body hash, status, response) of everything that was new, at the end of the transaction."""
    if answers:
        tx.write_at_end(RECORD, *([answer[column] for answer in answers] for column in range(5)))


async def sweep(connection: Any, bite: int = 5000) -> bool:
    """Forgets old keys; true when there may be more."""
    return bool(await connection.execute(SWEEP, bite) == f"DELETE {bite}")


def refusal(claim: Claim) -> Problem:
    """What to answer when a claim is neither new nor a replay."""
    if claim.state == "in_flight":
        return Problem(409, "in_flight", "The same request is being worked on.", headers={"retry-after": "1"})
    field = FieldProblem("Idempotency-Key", "mismatch", "This key was used with another body.")
    return Problem(422, "idempotency_key_reused", "This key was used with another body.", [field])


async def _read_again(tx: HasConnection, requests: Sequence[KeyedRequest]) -> dict[int, tuple[bytes, bytes]]:
    if not requests:
        return {}
    rows = await tx.connection.fetch(AGAIN, [r.scope for r in requests], [r.key for r in requests])
    return {row["ordinal"] - 1: (row["body_hash"], row["response"]) for row in rows}


def _decide(
    requests: Sequence[KeyedRequest], locked: Sequence[bool], found: dict[int, tuple[bytes, bytes]]
) -> list[Claim]:
    claims: list[Claim] = []
    seen: dict[tuple[str, str], bytes] = {}
    for place, request in enumerate(requests):
        name = (request.scope, request.key)
        if place in found:
            body_hash, response = found[place]
            claims.append(Claim("replay", response) if body_hash == request.body_hash else Claim("mismatch"))
        elif name in seen:
            claims.append(Claim("in_flight" if seen[name] == request.body_hash else "mismatch"))
        else:
            seen[name] = request.body_hash
            claims.append(Claim("new" if locked[place] else "in_flight"))
    return claims


def _number(request: KeyedRequest) -> int:
    digest = hashlib.blake2b(f"{request.scope}\x00{request.key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
