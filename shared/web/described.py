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


def patch_of(model: type[BaseModel], **examples: Mapping[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a route that takes a merge patch (RFC 7396) of this model, in both media types: nothing is
    required at any depth, and null takes back what may be missing."""
    described = body_of(model, **examples)
    content = described["requestBody"]["content"]
    content["application/json"]["schema"] = _patched(content["application/json"]["schema"])
    content["application/merge-patch+json"] = content["application/json"]
    return described


def _patched(schema: dict[str, Any]) -> dict[str, Any]:
    """Lists are replaced whole, so what is inside one stays as it is."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [_patched(one) for one in schema["anyOf"]]}
    if "properties" not in schema:
        return schema
    required = schema.get("required", ())
    fields = {
        name: _patched(field) if name in required else _or_null(_patched(field))
        for name, field in schema["properties"].items()
    }
    return {**{name: part for name, part in schema.items() if name != "required"}, "properties": fields}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    null = {"type": "null"}
    if null in schema.get("anyOf", ()):
        return schema
    return {"anyOf": [schema, null]}


def _written_out(part: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_written_out(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _written_out(definitions[part["$ref"].rpartition("/")[2]], definitions)
    return {name: _written_out(one, definitions) for name, one in part.items()}
