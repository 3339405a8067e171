"""Secrets of this checkout's stack: made once, readable by this user alone, handed over as file paths."""

import base64
import json
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from joserfc.jwk import OKPKey

DEPLOYMENT_KEY = "deployment.key"  # what every person's data key is wrapped with: 32 bytes in base64
TOKEN_KEY = "token.key"  # signs sessions and staff tokens: a private JWK
TOKEN_PUBLIC_KEY = "token.public.json"  # what every service verifies them with: a JWK set
SERVICE_TOKENS = "service_tokens.json"  # what callers of /internal routes show, by service
RECEIPTS_SECRET = "receipts.secret"  # what the SMS gateway signs its receipts with (Standard Webhooks)


def prepare(folder: Path, services: Sequence[str]) -> None:
    """Makes what is missing; losing the deployment key makes everything sealed with it unreadable."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _once(folder / DEPLOYMENT_KEY, lambda: base64.b64encode(secrets.token_bytes(32)).decode())
    _once(folder / TOKEN_KEY, lambda: json.dumps(_new_key().as_dict(private=True)))
    _once(folder / RECEIPTS_SECRET, lambda: f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}")
    signing = OKPKey.import_key(json.loads((folder / TOKEN_KEY).read_text()))
    _write(folder / TOKEN_PUBLIC_KEY, json.dumps({"keys": [signing.as_dict(private=False)]}))
    for service in services:
        _once(token_file(folder, service), lambda: secrets.token_urlsafe(32))
    _write(
        folder / SERVICE_TOKENS,
        json.dumps({service: token_file(folder, service).read_text() for service in services}),
    )


def token_file(folder: Path, service: str) -> Path:
    """What the service shows when it calls another one."""
    return folder / f"{service}.token"


def files_for(folder: Path, service: str) -> dict[str, str]:
    """What a service is told: the issuer and vault hold the keys, the others what they verify and show."""
    public = {"TOKEN_PUBLIC_KEY_FILE": folder / TOKEN_PUBLIC_KEY}
    receipts = {"RECEIPTS_SECRET_FILE": folder / RECEIPTS_SECRET}
    if service == "gateways":
        return {name: str(file) for name, file in receipts.items()}
    if service == "notifications":
        public |= receipts
    if service == "intake":
        held = {
            "DEPLOYMENT_KEY_FILE": folder / DEPLOYMENT_KEY,
            "TOKEN_KEY_FILE": folder / TOKEN_KEY,
            "SERVICE_TOKEN_FILE": folder / SERVICE_TOKENS,
        }
    else:
        held = {"SERVICE_TOKEN_FILE": token_file(folder, service)}
    return {name: str(file) for name, file in (public | held).items()}


def _new_key() -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "Ed25519"}, private=True, auto_kid=True)


def _once(file: Path, make: Callable[[], str]) -> None:
    if not file.exists():
        _write(file, make())


def _write(file: Path, content: str) -> None:
    # Never readable by others, not even for a moment; replaced in one step.
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        target.write(content)
    fresh.replace(file)
