"""RFC 9457 problem documents: what is wrong, in which field, and never a value or an internal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

PROBLEM_JSON = b"application/problem+json"

TITLES = {
    400: "The request cannot be read",
    401: "Who is asking is not known",
    403: "Not allowed",
    404: "Not found",
    405: "This method is not offered here",
    409: "In conflict with what is",
    410: "No longer kept",
    412: "It has changed meanwhile",
    413: "Too large",
    415: "This type of content is not read here",
    422: "Some fields cannot be accepted",
    428: "Say which version you have seen",
    429: "Too many requests",
    500: "Something went wrong here",
    503: "Not ready; please try again",
}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """`pointer` is a JSON pointer into the body (RFC 6901), or a header's or parameter's name."""

    pointer: str
    code: str
    detail: str


@dataclass(slots=True)
class Problem(Exception):
    """Raised anywhere below a route; rendered in one place. `members` are extensions of the document."""

    status: int
    code: str
    detail: str = ""
    fields: Sequence[FieldProblem] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The members of the problem document."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": TITLES.get(self.status, "Problem"),
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            document["detail"] = self.detail
        if self.fields:
            document["errors"] = [
                {"pointer": f.pointer, "code": f.code, "detail": f.detail} for f in self.fields
            ]
        return document | dict(self.members)


def render(document: Mapping[str, Any]) -> bytes:
    """The body of a problem answer."""
    return orjson.dumps(document)
