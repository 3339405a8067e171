"""`dead-letters list | show | redrive | discard` and `rebuild`: asking a running process to set things right."""

import getpass
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import typer

from services.console.commands.asking import asked
from services.console.commands.rendering import AsJson, print_json, print_table, run, stop
from services.console.repository import dead_letters as letters
from services.console.repository import requests
from services.console.repository.catalog import opened
from services.console.repository.requests import Wish
from services.console.settings import ConsoleSettings, read_settings

By = Annotated[str, typer.Option("--by", default_factory=getpass.getuser, help="Who asks; it is kept.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]

app = typer.Typer(no_args_is_help=True, help="What failed for good, and what was parked behind it.")


@app.command("list")
def list_letters(
    all_letters: Annotated[bool, typer.Option("--all", help="Also those that were dealt with.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open dead letters of all services, the oldest first."""
    rows = run(_list(read_settings(), settled=all_letters))
    if as_json:
        print_json(rows)
    else:
        shown = ("id", "service", "group", "type", "failed_at", "state", "parked", "error")
        print_table("Dead letters", [{name: row[name] for name in shown} for row in rows], empty="none")


@app.command()
def show(letter: UUID, as_json: AsJson = False) -> None:
    """One dead letter: where it lies in the log, its trace, its error. Never what it says."""
    row = run(_show(read_settings(), letter))
    if row is None:
        stop("There is no such dead letter.")
    if as_json:
        print_json(row)
    else:
        print_table("Dead letter", [{"field": name, "value": value} for name, value in row.items()], empty="")


@app.command()
def redrive(letter: UUID, by: By, reason: Reason = "", as_json: AsJson = False) -> None:
    """Applies it again, and then what is parked behind it, in order."""
    _settle("redrive", letter, by, reason or None, as_json=as_json)


@app.command()
def discard(
    letter: UUID,
    by: By,
    reason: Annotated[str, typer.Option("--reason", prompt=True)],
    as_json: AsJson = False,
) -> None:
    """Lets it go for a reason that is kept, and applies what is parked behind it."""
    if not reason.strip():
        stop("A reason is needed: it is kept with the dead letter.")
    _settle("discard", letter, by, reason.strip(), as_json=as_json)


def rebuild(
    service: str,
    by: By,
    group: Annotated[
        str, typer.Argument(help="The group whose projection is built again; the only one if left out.")
    ] = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Empties a group's projection and reads its topics again from the beginning."""

    async def wish(settings: ConsoleSettings) -> Wish:
        async with opened(settings.database_url) as connection:
            groups = [own for owner, own in await requests.groups(connection) if owner == service]
        if (group and group not in groups) or (not group and len(groups) != 1):
            stop(f"{service} reads as: {', '.join(groups) or 'nobody'}. Name one of these groups.")
        return Wish(service, group or groups[0], "rebuild", {}, by, reason or None)

    _ask(wish, as_json=as_json)


def _settle(action: str, letter: UUID, by: str, reason: str | None, *, as_json: bool) -> None:
    async def wish(settings: ConsoleSettings) -> Wish:
        row = await _show(settings, letter)
        if row is None or row["state"] != "open":
            stop("There is no open dead letter with this id.")
        return Wish(row["service"], row["group"], action, {"dead_letter": str(letter)}, by, reason)

    _ask(wish, as_json=as_json)


def _ask(make: Callable[[ConsoleSettings], Any], *, as_json: bool) -> None:
    answer = run(_asked(read_settings(), make))
    if as_json:
        print_json(answer)
    else:
        print_table("Request", [answer], empty="")
    if answer["state"] != "done":
        raise typer.Exit(1)


async def _asked(settings: ConsoleSettings, make: Callable[[ConsoleSettings], Any]) -> dict[str, Any]:
    return await asked(settings, await make(settings))


async def _list(settings: ConsoleSettings, *, settled: bool) -> list[dict[str, Any]]:
    async with opened(settings.database_url) as connection:
        return [dict(row) for row in await letters.dead_letters(connection, settled=settled)]


async def _show(settings: ConsoleSettings, letter: UUID) -> dict[str, Any] | None:
    async with opened(settings.database_url) as connection:
        row = await letters.dead_letter(connection, letter)
    return None if row is None else dict(row)
