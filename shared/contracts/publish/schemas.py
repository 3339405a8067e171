"""One JSON Schema per event type, and the same schema as a part of a larger document."""

from typing import Any

from shared.contracts.base import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ADDRESS = "https://humqadam.example/schemas/"


def schema_of(event: type[Event]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one event type, as `ce_dataschema` points to it."""
    return {"$schema": DIALECT, "$id": address_of(event), **event.model_json_schema()}


def address_of(event: type[Event]) -> str:
    """What `ce_dataschema` says."""
    return f"{ADDRESS}{event.type_name}.json"
