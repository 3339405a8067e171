"""What breaks somebody between two JSON Schemas of one event type, whoever is older: its reader or its writer.

Within a version only optional fields and codes of an enumeration are added. Old events stay in Kafka for weeks and
partners change when they can, so a new reader must take old events and an old reader new ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Schema = Mapping[str, Any]
What = Literal[
    "type_removed",
    "field_removed",
    "field_added_as_required",
    "field_newly_required",
    "field_no_longer_required",
    "value_removed",
    "changed",
]

# What tells people something and validates nothing.
SAID_ONLY = {"title", "description", "examples", "$schema", "$id", "$defs"}
LOOKED_INTO = {
    "properties",
    "required",
    "items",
    "prefixItems",
    "anyOf",
    "additionalProperties",
    "enum",
    "const",
}


@dataclass(frozen=True, slots=True, order=True)
class Break:
    """`pointer` leads to the part of the payload, `*` stands for every entry."""

    pointer: str
    what: What


def breaks(old: Schema, new: Schema) -> list[Break]:
    """Every break, in order of place; none: both readers take both writers' events."""
    return sorted(set(_compared(_Side(old, old), _Side(new, new), "")))


def breaks_of_all(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> dict[str, list[Break]]:
    """The breaks by event type. A type that is gone is one; a type that is new breaks nobody: it is skipped."""
    found = {
        name: breaks(schema, new[name]) if name in new else [Break("", "type_removed")]
        for name, schema in old.items()
    }
    return {name: some for name, some in found.items() if some}


@dataclass(frozen=True, slots=True)
class _Side:
    """A part of a schema, with the whole in which its references are."""

    part: Schema
    whole: Schema

    def at(self, part: Any) -> "_Side":
        """Another part, its reference followed; `true` and nothing at all are the schema that takes everything."""
        if not isinstance(part, Mapping):
            return _Side({} if part in (True, None) else {"not": {}}, self.whole)
        if "$ref" not in part:
            return _Side(part, self.whole)
        beside = {name: one for name, one in part.items() if name != "$ref"}
        named = self.at(self.whole["$defs"][part["$ref"].rpartition("/")[2]]).part
        return _Side({**named, **beside}, self.whole)

    @property
    def values(self) -> list[Any] | None:
        """The codes of an enumeration; None if it is none."""
        if "const" in self.part:
            return [self.part["const"]]
        return self.part.get("enum")


def _compared(old: _Side, new: _Side, pointer: str) -> Iterator[Break]:
    if _plain(old.part) != _plain(new.part):
        yield Break(pointer, "changed")
        return
    yield from _values(old.values, new.values, pointer)
    yield from _fields(old, new, pointer)
    yield from _entries(old, new, pointer)
    yield from _members(old, new, pointer)


def _plain(part: Schema) -> dict[str, Any]:
    """Whatever has to be the same: type, format, limits, default."""
    return {name: one for name, one in part.items() if name not in SAID_ONLY | LOOKED_INTO}


def _values(old: Sequence[Any] | None, new: Sequence[Any] | None, pointer: str) -> Iterator[Break]:
    if (old is None) != (new is None):
        yield Break(pointer, "changed")
    elif any(value not in (new or ()) for value in old or ()):
        yield Break(pointer, "value_removed")


def _fields(old: _Side, new: _Side, pointer: str) -> Iterator[Break]:
    before, after = old.part.get("properties", {}), new.part.get("properties", {})
    was, now = set(old.part.get("required", ())), set(new.part.get("required", ()))
    for name in {**before, **after}:
        place = f"{pointer}/{name}"
        if name not in after:
            yield Break(place, "field_removed")
        elif name not in before:
            if name in now:
                yield Break(place, "field_added_as_required")
        else:
            if (name in was) != (name in now):
                yield Break(place, "field_newly_required" if name in now else "field_no_longer_required")
            yield from _compared(old.at(before[name]), new.at(after[name]), place)


def _entries(old: _Side, new: _Side, pointer: str) -> Iterator[Break]:
    """Of a list, or of an object with any names."""
    for keyword in ("items", "additionalProperties"):
        if keyword in old.part or keyword in new.part:
            yield from _compared(old.at(old.part.get(keyword)), new.at(new.part.get(keyword)), f"{pointer}/*")


def _members(old: _Side, new: _Side, pointer: str) -> Iterator[Break]:
    """Of a choice or a tuple, place by place: another order is taken for a change."""
    for keyword in ("prefixItems", "anyOf"):
        before, after = old.part.get(keyword, ()), new.part.get(keyword, ())
        if len(before) != len(after):
            yield Break(pointer, "changed")
            continue
        for one, other in zip(before, after, strict=True):
            yield from _compared(old.at(one), new.at(other), pointer)
