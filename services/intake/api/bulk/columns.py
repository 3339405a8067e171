"""The table form of a request: its columns follow from the model, so that a new field is a new column by itself."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from services.intake.api.requests import CaseSent
from services.intake.domain.bulk_cells import CellKind, Column, split_row
from shared.web import FieldProblem, Problem
from shared.web.described import body_of

REFERENCE = "client_reference"
ANSWERS = "answers"
SCALARS: Mapping[str, CellKind] = {
    "string": "text",
    "integer": "number",
    "number": "decimal",
    "boolean": "yes_no",
}
LISTS: Mapping[str, CellKind] = {"string": "texts", "integer": "numbers", "object": "windows"}


def columns(instruments: Sequence[str]) -> dict[str, Column]:
    """Every column by its name: the way to the field with dots between, and each instrument by its id."""
    known = {REFERENCE: Column((REFERENCE,), "text")}
    known |= {".".join(column.path): column for column in _fields()}
    return known | {name: Column((ANSWERS, name), "numbers") for name in instruments}


def read_header(line: bytes | None, known: Mapping[str, Column]) -> tuple[Column, ...]:
    """The columns of a file in their order. Raises Problem 422: a file is not read by guessing."""
    text = (line or b"").decode(errors="replace")
    names = [name.strip().lower() for name in split_row(text) or ()]
    fields = [
        FieldProblem(f"/{place}", code, detail)
        for place, name in enumerate(names)
        for code, detail in _wrong_name(names, place, name, known)
    ]
    if REFERENCE not in names:
        fields.append(FieldProblem(f"/{REFERENCE}", "missing", "This column is required."))
    if fields:
        detail = "The header row cannot be accepted; pointers count its columns from 0. Nothing was taken."
        raise Problem(422, "invalid_header", detail, fields)
    return tuple(known[name] for name in names)


def _wrong_name(
    names: Sequence[str], place: int, name: str, known: Mapping[str, Column]
) -> Iterator[tuple[str, str]]:
    if name not in known:
        yield "unknown_column", "This column is not known."
    if name in names[:place]:
        yield "repeated", "This column is named twice."


@cache
def _fields() -> tuple[Column, ...]:
    content = body_of(CaseSent)["requestBody"]["content"]["application/json"]
    return tuple(_columns_of(content["schema"], ()))


def _columns_of(schema: Mapping[str, Any], way: tuple[str, ...]) -> Iterator[Column]:
    for name, offered in schema["properties"].items():
        part = _but_null(offered)
        if "properties" in part:
            yield from _columns_of(part, (*way, name))
        elif kind := _kind(part):
            yield Column((*way, name), kind)


def _kind(part: Mapping[str, Any]) -> CellKind | None:
    """None where a cell could not hold it: such a field is for JSON alone."""
    if part.get("type") != "array":
        return SCALARS.get(part.get("type", ""))
    entry = _but_null(part.get("items", {}))
    if entry.get("type") == "object" and set(entry.get("properties", ())) != {"day", "start", "end"}:
        return None
    return LISTS.get(entry.get("type", ""))


def _but_null(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """An optional field's schema is a choice between something and null."""
    choices = [one for one in part.get("anyOf", ()) if one.get("type") != "null"]
    return choices[0] if len(choices) == 1 else part
