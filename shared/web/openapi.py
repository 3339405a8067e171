"""What /openapi.json tells beyond what the framework knows: who may call, and in which form things go wrong."""

from typing import Any

from fastapi import FastAPI

from shared.web.access import tell_callers
from shared.web.problems import PROBLEM_JSON

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `code` is for programs; `errors` names each wrong field.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "A JSON pointer into the body, or the name of a header or parameter.",
                    },
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
# The framework's own form of errors, which no route of ours answers with.
REPLACED = ("HTTPValidationError", "ValidationError")


class Application(FastAPI):
    """An application that describes itself whole; made by `create_app`."""

    def openapi(self) -> dict[str, Any]:
        """The document, the same one each time."""
        document = super().openapi()
        for operations in document["paths"].values():
            for operation in operations.values():
                tell_callers(operation)
                _tell_problems(operation)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = PROBLEM
        for name in REPLACED:
            schemas.pop(name, None)
        return document


def _tell_problems(operation: dict[str, Any]) -> None:
    """One answer for whatever goes wrong; who is not known, or may not, is named where a token is asked for."""
    responses = operation["responses"]
    responses.pop("422", None)
    if operation.get("security"):
        responses["401"] = _problem("Who is asking is not known.")
        responses["403"] = _problem("This role may not do that.")
    responses["default"] = _problem("Anything else that went wrong.")


def _problem(description: str) -> dict[str, Any]:
    content = {PROBLEM_JSON.decode(): {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content}
