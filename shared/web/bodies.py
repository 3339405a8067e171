"""Bodies in and out: parsed once into a model, told field by field what is wrong, rendered as prepared bytes."""

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Response
from pydantic import AfterValidator, BaseModel, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from shared.web.problems import FieldProblem, Problem

M = TypeVar("M", bound=BaseModel)

# Joiners that Urdu, Sindhi and Pashto spelling needs; every other control or format character is refused:
# they hide text, turn it round, or break terminals and logs.
JOINERS = {"\u200c", "\u200d"}
REFUSED = {"Cc", "Cf", "Cs", "Co", "Cn"}

SHORT = {
    "extra_forbidden": ("unknown_field", "This field is not known."),
    "missing": ("missing", "This field is required."),
    "string_too_long": ("too_long", "This text is too long."),
    "too_long": ("too_many", "There are too many entries."),
}


def _plain(text: str) -> str:
    if any(unicodedata.category(sign) in REFUSED and sign not in JOINERS for sign in text):
        raise PydanticCustomError("control_characters", "Control characters are not accepted.")
    return text


PlainText = Annotated[str, StringConstraints(max_length=200, strict=True), AfterValidator(_plain)]


def parse(model: type[M], body: bytes) -> M:
    """The body as a model. Raises Problem 400 for broken JSON, 422 with one entry per wrong field."""
    try:
        return model.model_validate_json(body)
    except ValidationError as wrong:
        found = wrong.errors(include_input=False, include_url=False)
        if any(one["type"] == "json_invalid" for one in found):
            raise Problem(400, "broken_json", "The body is not JSON.") from None
        raise Problem(
            422, "invalid_request", "Some fields cannot be accepted.", [_field(one) for one in found[:50]]
        ) from None


def _field(one: Mapping[str, Any]) -> FieldProblem:
    pointer = "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in one["loc"])
    kind = one["type"]
    if kind == "too_long" and one.get("ctx", {}).get("field_type") == "Value":
        kind = "string_too_long"  # a text whose length is looked at after its signs
    code, detail = SHORT.get(kind, (kind, str(one["msg"])))
    return FieldProblem(pointer, code, detail)


def fast_json(
    status: int, payload: bytes | Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """An answer from prepared bytes or plain objects, without a second validation."""
    content = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return Response(content, status, dict(headers or {}), media_type="application/json")
