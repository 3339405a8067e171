"""`token`: the local staff issuer. In production tokens come from the organisation's own identity provider."""

import re
import time
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from services.console.commands.rendering import AsJson, print_json, stop
from services.console.settings import read_settings
from shared.web import TokenSigner


class Role(StrEnum):
    """Staff roles of the authorization matrix; people get their tokens from POST /v1/sessions."""

    coordinator = "coordinator"
    duty_clinician = "duty_clinician"
    therapist = "therapist"
    supervisor = "supervisor"
    facilitator = "facilitator"
    clinic_desk = "clinic_desk"
    operator = "operator"
    auditor = "auditor"


def token(  # noqa: PLR0913 - the options of one command
    role: Annotated[Role, typer.Option("--role")],
    name: Annotated[str, typer.Option("--name", help="Who it is; what they do is kept under this name.")],
    staff_id: Annotated[str, typer.Option("--id", help="The staff id; made of the name if left out.")] = "",
    organisation: Annotated[str, typer.Option("--organisation")] = "",
    site: Annotated[
        UUID | None, typer.Option("--site", help="Of a clinic desk that sees its own site alone.")
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", min=1, max=720)] = 60,
    as_json: AsJson = False,
) -> None:
    """Signs a token for a member of staff with the local stack's key."""
    subject = staff_id or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not subject:
        stop("A name with letters or digits, or --id, is needed.")
    try:
        signer = TokenSigner(read_settings().token_key_file)
    except (OSError, ValueError) as unreadable:
        stop(f"TOKEN_KEY_FILE cannot be used: {type(unreadable).__name__}")
    claims = {"name": name} | ({"organisation": organisation} if organisation else {})
    claims |= {"site_id": str(site)} if site else {}
    signed = signer.sign(subject, role.value, claims, now=time.time(), minutes=minutes)
    if as_json:
        print_json({"token": signed, "subject": subject, "role": role.value, "minutes": minutes})
    else:
        typer.echo(signed)
