"""Asking scheduling over HTTP, as somebody, and reading what it refuses."""

import time
from pathlib import Path
from typing import Any

import httpx2
import orjson

from shared.web import TokenSigner


def token(keys: Path, role: str, subject: str = "staff-1", minutes: float = 10, **claims: str) -> str:
    signer = TokenSigner(keys / "private")
    return signer.sign(subject, role, claims, now=time.time() - 600 * (minutes < 0), minutes=abs(minutes))


def as_(keys: Path, role: str, subject: str = "staff-1", **claims: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token(keys, role, subject, **claims)}"}


def fields(answer: httpx2.Response) -> list[tuple[str, str]]:
    """(pointer, code) of every field a problem names."""
    assert answer.headers["content-type"] == "application/problem+json"
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]


async def put(http: httpx2.AsyncClient, path: str, body: Any, **headers: str) -> httpx2.Response:
    return await http.put(path, content=orjson.dumps(body), headers=headers)


async def post(http: httpx2.AsyncClient, path: str, body: Any, **headers: str) -> httpx2.Response:
    return await http.post(path, content=orjson.dumps(body), headers=headers)
