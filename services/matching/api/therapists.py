"""PUT and GET /v1/therapists/{id}: a coordinator describes therapists."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.matching.api.profiles import EXAMPLE, SHORT_FORM, ProfileSent, shown
from services.matching.domain.credentials import CredentialTable
from services.matching.domain.policy import Policy
from services.matching.domain.therapists import Profile, Refusal, contradictions
from services.matching.handlers.profiles import Described, Description
from services.matching.repository.therapists import Versioned
from shared.web import FieldProblem, Principal, Problem, allowed, fast_json, parse
from shared.web.described import body_of
from shared.web.versions import etag, seen_version

Coordinator = Annotated[Principal, allowed("coordinator")]
LAPSED = Refusal(
    "/valid_until", "in_the_past", "Nobody holds this status beyond that day; say what they hold now."
)
FORMS = Refusal("/competences", "one_form", "Say `competences`, or both `problem_areas` and `steps`.")


@dataclass(frozen=True, slots=True)
class Register:
    """What the routes need."""

    policy: Policy
    describe: Callable[[Description], Awaitable[Described]]
    find: Callable[[UUID], Awaitable[Versioned | None]]


def therapist_routes(register: Register) -> APIRouter:
    """For coordinators only."""
    router = APIRouter(tags=["therapists"])

    @router.put(
        "/v1/therapists/{therapist_id}",
        openapi_extra=body_of(ProfileSent, therapist=EXAMPLE, short_form=SHORT_FORM),
    )
    async def describe(therapist_id: UUID, _: Coordinator, request: Request) -> Response:
        """Writes a profile whole; the same again changes nothing. `If-Match` keeps two from overwriting another."""
        profile = _read(await request.body(), register.policy.weekly_limit_most)
        trace = request.scope.get("traceparent")
        described = await register.describe(Description(therapist_id, profile, seen_version(request), trace))
        return answer(described, register.policy.credentials)

    @router.get("/v1/therapists/{therapist_id}")
    async def look(therapist_id: UUID, _: Coordinator) -> Response:
        """A profile as it stands, what its credential allows under which title, and its version as ETag."""
        found = await register.find(therapist_id)
        if found is None:
            raise unknown()
        return _shown(200, found, register.policy.credentials)

    return router


def _read(body: bytes, weekly_limit_most: int) -> Profile:
    sent = parse(ProfileSent, body)
    profile = sent.meant()
    found = contradictions(profile, weekly_limit_most) + ([] if sent.in_one_form else [FORMS])
    if found:
        raise refused(found)
    return profile


def refused(found: list[Refusal]) -> Problem:
    """422, naming each field."""
    fields = [FieldProblem(one.pointer, one.code, one.detail) for one in found]
    return Problem(422, "invalid_request", "Some fields cannot be accepted.", fields)


def unknown() -> Problem:
    """404, with what it is that is not there."""
    return Problem(404, "therapist_not_found", "There is no such therapist.")


def answer(described: Described, credentials: CredentialTable) -> Response:
    """The therapist as they stand now, or why nothing was written."""
    if described.outcome == "stale":
        raise Problem(412, "stale", "This therapist has been changed meanwhile.")
    if described.outcome == "lapsed":
        raise refused([LAPSED])
    if described.therapist is None:
        raise unknown()
    status = 201 if described.outcome == "created" else 200
    return _shown(status, Versioned(described.version, described.therapist), credentials)


def _shown(status: int, found: Versioned, credentials: CredentialTable) -> Response:
    body = shown(found.therapist, found.version, credentials)
    return fast_json(status, body, {"ETag": etag(found.version), "Cache-Control": "no-store"})
