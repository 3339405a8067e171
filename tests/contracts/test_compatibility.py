"""A break of a published schema is seen, and has a reason that stands beside it; whatever is called none is none."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shared.contracts import publish
from shared.contracts.compatibility import Break, What, breaks, breaks_of_all

LISTED = yaml.safe_load(publish.BREAKS.read_text())


def schemas(folder: Path) -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


# --- what is checked in


def test_every_break_since_the_baseline_stands_in_the_list_with_its_reason_and_nothing_else_does() -> None:
    found = breaks_of_all(schemas(publish.BASELINE), schemas(publish.SCHEMAS))
    now = {(name, one.pointer, one.what) for name, some in found.items() for one in some}
    listed = {(one["type"], one["pointer"], one["what"]) for one in LISTED["breaks"]}
    assert now == listed, (
        "say in shared/contracts/breaks.yaml and CHANGELOG.md what breaks and why, or do not break it"
    )
    for one in LISTED["breaks"]:
        assert len(one["reason"]) > 20
        assert one["what"] in get_args(What)
        assert f"{one['date']:%Y-%m-%d}"


def test_once_the_contracts_are_released_nothing_breaks() -> None:
    assert LISTED["status"] in ("draft", "released")
    assert LISTED["status"] == "draft" or LISTED["breaks"] == []


@pytest.mark.parametrize("name", schemas(publish.SCHEMAS))
def test_no_schema_breaks_itself(name: str) -> None:
    schema = schemas(publish.SCHEMAS)[name]
    assert breaks(schema, deepcopy(schema)) == []


@pytest.mark.parametrize("name", schemas(publish.SCHEMAS))
def test_any_field_of_any_schema_that_is_taken_away_is_missed(name: str) -> None:
    schema = schemas(publish.SCHEMAS)[name]
    for field in schema["properties"]:
        less = deepcopy(schema)
        del less["properties"][field]
        less["required"] = [one for one in less["required"] if one != field]
        assert breaks(schema, less) == [Break(f"/{field}", "field_removed")]


def test_a_break_deep_inside_is_found_where_it_is() -> None:
    old = schemas(publish.SCHEMAS)["intake.case_submitted.v1"]
    new = deepcopy(old)
    new["$defs"]["Attendee"]["properties"]["role"] = {"type": "integer"}
    new["$defs"]["Attendee"]["required"].remove("consent")
    new["properties"]["gate"]["enum"] = ["open", "waits_for_human", "waits_for_time"]
    new["properties"]["city"]["anyOf"] = [{"type": "string"}]
    assert breaks(old, new) == [
        Break("/attendees/*/consent", "field_no_longer_required"),
        Break("/attendees/*/role", "changed"),
        Break("/city", "changed"),
        Break("/gate", "value_removed"),
    ]


# --- any schema

CODES = ("held", "booked", "moved", "ended", "lost")
NAMES = ("version", "start", "status", "reason", "site", "room")
CODED = st.lists(st.sampled_from(CODES), min_size=1, unique=True).map(
    lambda codes: {"type": "string", "enum": codes}
)
LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": "boolean"}]),
    CODED,
    st.integers(0, 3).map(lambda least: {"type": "integer", "minimum": least}),
)


def objects(fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    def with_required(properties: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
        required = st.lists(st.sampled_from(sorted(properties)), unique=True)
        return required.map(lambda names: {"type": "object", "properties": properties, "required": names})

    return st.dictionaries(st.sampled_from(NAMES), fields, min_size=1, max_size=3).flatmap(with_required)


PARTS = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        objects(parts),
        parts.map(lambda items: {"type": "array", "items": items}),
        parts.map(lambda one: {"anyOf": [one, {"type": "null"}]}),
    ),
    max_leaves=6,
)
EVENTS = objects(PARTS)


def instances(schema: Any) -> st.SearchStrategy[Any]:
    """What a writer may say by this schema."""
    if "anyOf" in schema:
        return st.one_of([instances(one) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "array":
        return st.lists(instances(schema["items"]), max_size=2)
    if schema["type"] != "object":
        least = schema.get("minimum", -5)
        simple = {"string": st.text(max_size=3), "boolean": st.booleans(), "null": st.none()}
        return simple.get(schema["type"], st.integers(least, least + 9))
    fields = {name: instances(one) for name, one in schema["properties"].items()}
    required = {name: fields.pop(name) for name in schema["required"]}
    return st.fixed_dictionaries(required, optional=fields)


def opened(schema: Any) -> Any:
    """As a reader takes it: codes that were added later are codes as well."""
    if isinstance(schema, list):
        return [opened(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: opened(one) for name, one in schema.items() if name != "enum" or not isinstance(one, list)}


def changed(how: str, old: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """What somebody made of a schema in one step, mostly of its field `status`."""
    new = deepcopy(old)
    properties, required = new["properties"], set(new["required"])
    match how:
        case "a field more":
            properties["later"] = data.draw(PARTS)
            required |= data.draw(st.sampled_from([set(), {"later"}]))
        case "a field less":
            del properties["status"]
            required -= {"status"}
        case "required or not":
            required ^= {"status"}
        case "another type":
            properties["status"] = data.draw(st.one_of(LEAVES, PARTS))
        case "other codes":
            properties["status"] = data.draw(CODED)
        case "or null":
            properties["status"] = {"anyOf": [properties["status"], {"type": "null"}]}
        case "within a list":
            before, after = old["properties"]["status"], data.draw(LEAVES)
            old["properties"]["status"] = {"type": "array", "items": before}
            properties["status"] = {"type": "array", "items": after}
    return new | {"required": sorted(required)}


@pytest.mark.parametrize(
    "how",
    [
        "a field more",
        "a field less",
        "required or not",
        "another type",
        "other codes",
        "or null",
        "within a list",
    ],
)
@given(data=st.data())
def test_where_no_break_is_found_old_events_are_valid_for_new_readers_and_new_ones_for_old(
    how: str, data: st.DataObject
) -> None:
    old = data.draw(EVENTS)
    old["properties"]["status"] = data.draw(CODED if how == "other codes" else LEAVES)
    new = changed(how, old, data)
    if breaks(old, new):
        return
    for writer, reader in ((old, new), (new, opened(old))):
        event = data.draw(instances(writer))
        whole = event | {
            name: data.draw(instances(part))
            for name, part in writer["properties"].items()
            if name == "status" and data.draw(st.integers(0, 3))
        }
        for said in (event, whole):
            kept = {name: one for name, one in said.items() if name in reader["properties"]}
            assert Draft202012Validator(reader).is_valid(kept)


@given(EVENTS, PARTS, st.sampled_from(["later", "also"]))
def test_an_optional_field_more_breaks_nobody_and_a_required_one_does(old: Any, part: Any, name: str) -> None:
    new = deepcopy(old)
    new["properties"][name] = part
    assert breaks(old, new) == []
    new["required"] = [*new["required"], name]
    assert breaks(old, new) == [Break(f"/{name}", "field_added_as_required")]
    assert breaks(new, old) == [Break(f"/{name}", "field_removed")]


@given(st.lists(st.sampled_from(CODES), min_size=1, unique=True), st.sampled_from(CODES))
def test_a_code_more_breaks_nobody_and_a_code_less_does(codes: list[str], code: str) -> None:
    few = {"type": "object", "properties": {"status": {"enum": codes}}}
    many = {"type": "object", "properties": {"status": {"enum": [*codes, code]}}}
    assert breaks(few, many) == []
    assert breaks(many, few) == ([] if code in codes else [Break("/status", "value_removed")])


@given(EVENTS)
def test_words_for_people_break_nobody(old: Any) -> None:
    new = deepcopy(old) | {"title": "Another", "description": "Other words."}
    for part in new["properties"].values():
        part["description"] = "More words."
    assert breaks(old, new) == []


def test_a_type_that_is_gone_is_a_break_and_one_that_is_new_is_none() -> None:
    schema = {"type": "object", "properties": {}}
    assert breaks_of_all({"a.b.v1": schema}, {"a.c.v1": schema}) == {"a.b.v1": [Break("", "type_removed")]}
