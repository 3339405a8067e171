"""What became of the lines of a batch, as the lines of the answer."""

from collections.abc import Iterable
from typing import Any

import orjson

from services.intake.api.bulk.reading import LineRead, LineRefused
from services.intake.api.bulk.turns import Result
from services.intake.domain.codes import pin
from shared.web import FieldProblem, Problem

REUSED = "This reference was used for another request; it was not taken."


def refused_line(line: LineRefused) -> dict[str, Any]:
    """A line that was not taken, with the document that the same request alone would have met."""
    return {
        "line": line.number,
        "client_reference": line.client_reference,
        "outcome": "rejected",
        "problem": line.problem.document(),
    }


def settled_line(line: LineRead, result: Result, pin_key: bytes) -> dict[str, Any]:
    """A line that was decided about; the PIN is made again each time, so that nothing is stored."""
    if isinstance(result, Problem):
        return refused_line(LineRefused(line.number, line.client_reference, result))
    if result.outcome == "reference_reused":
        field = FieldProblem("/client_reference", "reference_reused", REUSED)
        return refused_line(
            LineRefused(line.number, line.client_reference, Problem(422, "reference_reused", REUSED, [field]))
        )
    told: dict[str, Any] = {
        "line": line.number,
        "client_reference": line.client_reference,
        "outcome": result.outcome,
    }
    if result.case_code is not None and result.case_id is not None:
        told |= {"case_code": result.case_code, "pin": pin(pin_key, result.case_id)}
    if result.invited:
        told["participants"] = [
            {"role": one.role, "code": one.code, "pin": pin(pin_key, one.attendee_id)}
            for one in result.invited
        ]
    return told | ({"attention": "call_now"} if result.alarmed else {})


def printed(lines: Iterable[dict[str, Any]]) -> bytes:
    """NDJSON."""
    return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
