"""What is wrong with the answers so far, and at which field of which step it is told."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from services.intake.api.requests import CaseSent
from services.intake.domain.checking import check
from services.intake.domain.policy import Policy
from services.intake.pages.steps import REVIEW, STEP_OF
from shared.web import FieldProblem, Problem, parse

# Which field of a page a part of the request comes from, by the beginning of its JSON pointer, the longest first.
FIELDS = {
    "/contact/safe_windows": "safe",
    "/contact/language": "message_language",
    "/contact/script": "message_language",
    "/contact/channel": "channel",
    "/contact/owner": "owner",
    "/consent/contact": "contact_consent",
    "/consent": "care",
    "/kind": "kind",
    "/attendees": "kind",
    "/age_band": "age_band",
    "/modalities": "modalities",
    "/languages": "languages",
    "/province": "place",
    "/city": "place",
    "/therapist_gender": "therapist_gender",
    "/access_needs": "access_needs",
    "/wanted_times": "times",
    "/max_fee": "max_fee",
    "/booking_mode": "booking_mode",
    "/problem_areas": "problem_areas",
    "/red_flags": "red_flags",
}


def problems_of(policy: Policy, body: Mapping[str, Any]) -> Sequence[FieldProblem]:
    """All that POST /v1/cases would refuse of this body."""
    try:
        sent = parse(CaseSent, orjson.dumps(body))
    except Problem as problem:
        return problem.fields
    checked = check(policy, sent.meant())
    if isinstance(checked, list):
        return [FieldProblem(r.pointer, r.code, r.detail) for r in checked]
    return ()


def by_field(problems: Sequence[FieldProblem], channel: str | None) -> dict[str, FieldProblem]:
    """The first problem of each field; what belongs to no field stands under the name of the last step."""
    found: dict[str, FieldProblem] = {}
    for problem in problems:
        found.setdefault(_field(problem.pointer, channel), problem)
    return found


def step_of(field: str) -> str:
    """Where a field is asked."""
    return STEP_OF.get(field, REVIEW)


def _field(pointer: str, channel: str | None) -> str:
    if pointer == "/contact/address":
        return "email" if channel == "email" else "phone"
    if pointer.startswith("/attendees/") and "/contact" in pointer:
        return "guardian_phone"
    return next((field for part, field in FIELDS.items() if pointer.startswith(part)), REVIEW)
