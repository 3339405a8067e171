"""Secrets of this checkout's stack: made once, readable by this user alone, handed over as file paths."""

import base64
import json
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def prepare(folder: Path, services: Sequence[str]) -> None:
    """Makes what is missing; losing the deployment key makes everything sealed with it unreadable."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _once(folder / "deployment.key", lambda: base64.b64encode(secrets.token_bytes(32)).decode())
    _once(folder / "token.key", _signing_key)
    for service in services:
        _once(token_file(folder, service), lambda: secrets.token_urlsafe(32))
    principals = {token_file(folder, service).read_text(): service for service in services}
    _write(folder / "service_tokens.json", json.dumps(principals))


def token_file(folder: Path, service: str) -> Path:
    """What the service shows when it calls another one."""
    return folder / f"{service}.token"


def _signing_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _once(file: Path, make: Callable[[], str]) -> None:
    if not file.exists():
        _write(file, make())


def _write(file: Path, content: str) -> None:
    # Never readable by others, not even for a moment; replaced in one step.
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        target.write(content)
    fresh.replace(file)
