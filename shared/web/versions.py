"""Versions of what can be changed: `ETag` out, `If-Match` in (RFC 9110, 8.8.3 and 13.1.1)."""

import re

from fastapi import Request

from shared.web.problems import FieldProblem, Problem

_TAG = re.compile(r'"?([0-9]{1,9})"?', re.ASCII)


def etag(version: int) -> str:
    """A strong validator."""
    return f'"{version}"'


def seen_version(request: Request) -> int | None:
    """The version the caller has seen; None without the header. Raises Problem 422."""
    header = request.headers.get("if-match")
    if header is None:
        return None
    found = _TAG.fullmatch(header.strip())
    if found is None:
        field = FieldProblem("If-Match", "not_a_version", "Use the ETag of the thing as it is.")
        raise Problem(422, "invalid_request", "This version cannot be read.", [field])
    return int(found[1])
