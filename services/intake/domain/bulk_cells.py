"""A row of a table as the body of a request. What cannot be read stays as it was typed, to be refused by name."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

BETWEEN = ";"
CellKind = Literal["text", "number", "decimal", "yes_no", "texts", "numbers", "windows"]
YES_NO = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Column:
    """Where the cells of a column belong in the body, and how they are read."""

    path: tuple[str, ...]
    kind: CellKind


def split_row(line: str) -> list[str] | None:
    """The cells (RFC 4180, commas); None where a quote is left open or out of place."""
    try:
        rows = list(csv.reader([line], strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def body_of(columns: Sequence[Column], cells: Sequence[str]) -> dict[str, Any]:
    """The same object as a line of JSON would be; an empty cell is a field that was not sent."""
    body: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=True):
        if typed := cell.strip():
            *way, name = column.path
            place = body
            for step in way:
                place = place.setdefault(step, {})
            place[name] = _READERS[column.kind](typed)
    return body


def _number(typed: str) -> int | str:
    # Digits of any script count elsewhere; here a number that a program wrote is expected.
    digits = typed.removeprefix("-")
    return int(typed) if digits.isascii() and digits.isdigit() and len(digits) < 10 else typed


def _decimal(typed: str) -> float | int | str:
    whole, point, part = typed.partition(".")
    if (
        point
        and whole.isascii()
        and part.isascii()
        and whole.isdigit()
        and part.isdigit()
        and len(typed) < 16
    ):
        return float(typed)
    return _number(typed)


def _yes_no(typed: str) -> bool | str:
    return YES_NO.get(typed.lower(), typed)


def _texts(typed: str) -> list[str]:
    return [part.strip() for part in typed.split(BETWEEN)]


def _numbers(typed: str) -> list[int | str | None]:
    # Nothing between two semicolons is an answer that was not given, which is not zero.
    return [_number(part) if part else None for part in _texts(typed)]


def _windows(typed: str) -> list[dict[str, int | str] | str]:
    return [_window(part) for part in _texts(typed)]


def _window(typed: str) -> dict[str, int | str] | str:
    """`1 17:00-20:00`: the ISO day, then local wall time."""
    day, _, times = typed.partition(" ")
    start, dash, end = times.strip().partition("-")
    if not dash:
        return typed
    return {"day": _number(day), "start": start.strip(), "end": end.strip()}


_READERS: Mapping[CellKind, Callable[[str], Any]] = {
    "text": str,
    "number": _number,
    "decimal": _decimal,
    "yes_no": _yes_no,
    "texts": _texts,
    "numbers": _numbers,
    "windows": _windows,
}
