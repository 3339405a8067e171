"""Request bodies for /openapi.json: routes read raw bytes, so the framework cannot describe them by itself."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


def body_of(model: type[BaseModel], **examples: Mapping[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads this model; references are written out in place."""
    schema = model.model_json_schema()
    content: dict[str, Any] = {"schema": _written_out(schema, schema.pop("$defs", {}))}
    if examples:
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def _written_out(part: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_written_out(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _written_out(definitions[part["$ref"].rpartition("/")[2]], definitions)
    return {name: _written_out(one, definitions) for name, one in part.items()}
