"""`partner-keys list | create | rotate | revoke`: API keys of partner organisations.

A key is made here and shown once; the service is told its digest alone, so no table, request or log ever holds it.
"""

import getpass
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_bytes
from typing import Annotated, Any

import typer

from services.console.commands.asking import asked
from services.console.commands.rendering import AsJson, print_json, print_table, run, stop
from services.console.repository.catalog import opened
from services.console.repository.partner_keys import all_keys
from services.console.repository.requests import Wish
from services.console.settings import ConsoleSettings, read_settings
from shared.web.keys import RANDOM_BYTES, make_key

By = Annotated[str, typer.Option("--by", default_factory=getpass.getuser, help="Who asks; it is kept.")]
Organisation = Annotated[str, typer.Argument(help="As the therapists of the organisation name it.")]
Scope = Annotated[list[str], typer.Option("--scope", help="What the key is for; may be repeated.")]
KeyFile = Annotated[
    Path | None, typer.Option("--key-file", help="Where to put the key, instead of showing it.")
]

READ = ["bookings.read"]
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?", re.ASCII)
PARTNERS = "partners"

app = typer.Typer(no_args_is_help=True, help="API keys of partner organisations.")


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """All keys by organisation: since when, until when, last used in which hour. Never the key itself."""
    rows = run(_list(read_settings()))
    if as_json:
        print_json(rows)
    else:
        print_table("Partner keys", rows, empty="none")


@app.command()
def create(
    organisation: Organisation,
    by: By,
    scope: Scope = READ,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """The first key of an organisation. It is shown once, and from now on the organisation's bookings are told."""
    _hand_out("create_key", organisation, by, {"scopes": scope}, key_file, as_json=as_json)


@app.command()
def rotate(
    organisation: Organisation,
    by: By,
    days: Annotated[
        float, typer.Option("--old-for", min=0, max=90, help="Days the old key stays valid.")
    ] = 7,
    scope: Scope = READ,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """A new key beside the old one, which is valid for some days more."""
    until = datetime.now(UTC) + timedelta(days=days)
    target = {"scopes": scope, "old_until": until.isoformat()}
    _hand_out("rotate_key", organisation, by, target, key_file, as_json=as_json)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `list` shows it.")],
    by: By,
    reason: Annotated[str, typer.Option("--reason", prompt=True)],
    as_json: AsJson = False,
) -> None:
    """A key opens nothing any more, from now on."""
    if not reason.strip():
        stop("A reason is needed: it is kept with the request.")
    wish = Wish(PARTNERS, PARTNERS, "revoke_key", {"key_id": key_id}, by, reason.strip())
    _told(run(asked(read_settings(), wish)), as_json=as_json)


def _hand_out(
    action: str, organisation: str, by: str, target: dict[str, Any], file: Path | None, *, as_json: bool
) -> None:
    if file and file.exists():
        stop(f"{file} is there already; nothing was asked.")
    if not NAME.fullmatch(organisation):
        stop("An organisation's name has small letters, digits and hyphens.")
    key = make_key(token_bytes(RANDOM_BYTES))
    target |= {"organisation": organisation, "key_id": key.key_id, "digest": key.digest.hex()}
    answer = run(asked(read_settings(), Wish(PARTNERS, PARTNERS, action, target, by, None)))
    # One that nobody has served yet may still be: whoever asked must have it then.
    shown = {} if answer["state"] == "failed" else {"key_id": key.key_id, "key": key.text}
    if file and shown:
        _write(file, shown.pop("key"))
    _told({**answer, **shown}, as_json=as_json)


def _told(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        key = answer.pop("key", None)
        print_table("Request", [answer], empty="")
        if key:
            typer.echo(f"The key, which is not shown again: {key}")
    if answer["state"] != "done":
        raise typer.Exit(1)


def _write(file: Path, key: str) -> None:
    """For this user alone, from the first moment on."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        target.write(key)


async def _list(settings: ConsoleSettings) -> list[dict[str, Any]]:
    async with opened(settings.database_url) as connection:
        return [dict(row) for row in await all_keys(connection)]
