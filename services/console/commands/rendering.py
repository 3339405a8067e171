"""What an operator sees: a table, or JSON for other programs; and an answer when something is away."""

import asyncio
import sys
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NoReturn, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs one command; what cannot be reached is said in one line, with exit code 1."""
    try:
        return asyncio.run(work)
    except (OSError, TimeoutError) as away:
        stop(str(away) or "no answer in time")


def stop(why: str) -> NoReturn:
    """Ends the command with exit code 1."""
    sys.stderr.write(f"{why}\n")
    raise typer.Exit(1)


def print_json(content: Any) -> None:
    """Indented JSON; moments in RFC 3339."""
    sys.stdout.write(orjson.dumps(content, default=str, option=orjson.OPT_INDENT_2).decode() + "\n")


def print_table(title: str, rows: Sequence[Mapping[str, Any]], *, empty: str) -> None:
    """One line per row, its keys as headings; `empty` when there is none."""
    screen = Console()
    if not rows:
        screen.print(f"{title}: {empty}", highlight=False)
        return
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for name, value in rows[0].items():
        table.add_column(
            name.replace("_", " "), justify="right" if _is_number(value) else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    screen.print(table)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
