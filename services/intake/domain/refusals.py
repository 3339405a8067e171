"""What is wrong with a request, one field at a time; never with the value itself, which may be private."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """`pointer` is a JSON pointer into the request (RFC 6901), `code` is stable, `detail` is for people."""

    pointer: str
    code: str
    detail: str
