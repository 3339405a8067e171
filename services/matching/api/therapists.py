"""PUT and GET /v1/therapists/{id}: a coordinator describes therapists."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.matching.domain.therapists import Profile, contradictions
from services.matching.domain.vocabulary import (
    HIGHEST_STEP,
    AgeBand,
    Gender,
    Language,
    Modality,
    ProblemArea,
    RegisterStatus,
    TherapistStatus,
)
from services.matching.handlers.profiles import Described, Description
from shared.web import FieldProblem, Principal, Problem, allowed, fast_json, parse
from shared.web.described import body_of
from shared.web.versions import etag, seen_version

T = TypeVar("T")

EXAMPLE: dict[str, Any] = {
    "organisation": "rehmat-hospital",
    "gender": "woman",
    "languages": ["ur", "en"],
    "modalities": ["video", "in_person"],
    "problem_areas": ["low_mood", "anxiety", "grief"],
    "age_bands": ["18-24", "25-34", "35-44"],
    "steps": [1, 2, 3],
    "fee": 1500,
    "weekly_limit": 18,
    "sites": ["018f3c1e-7b1a-7000-8000-000000000001"],
    "register_status": "no-register-exists",
    "status": "active",
}


def _once_each(entries: Sequence[T]) -> Sequence[T]:
    if len(set(entries)) != len(entries):
        raise PydanticCustomError("repeated", "Each entry may stand here once.")
    return entries


Coordinator = Annotated[Principal, allowed("coordinator")]
Once = AfterValidator(_once_each)
Organisation = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=63)]
Step = Annotated[int, Field(ge=1, le=HIGHEST_STEP)]


class ProfileSent(BaseModel):
    """A therapist, whole. `fee` is in whole rupees a session, `weekly_limit` in sessions a week."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    organisation: Organisation
    gender: Gender
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=10), Once]
    modalities: Annotated[tuple[Modality, ...], Field(min_length=1, max_length=4), Once]
    problem_areas: Annotated[tuple[ProblemArea, ...], Field(min_length=1, max_length=12), Once]
    age_bands: Annotated[tuple[AgeBand, ...], Field(min_length=1, max_length=6), Once]
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=HIGHEST_STEP), Once]
    fee: Annotated[int, Field(ge=0, le=1_000_000)]
    weekly_limit: Annotated[int, Field(ge=0, le=168)]
    sites: Annotated[tuple[UUID, ...], Field(max_length=20), Once] = ()
    register_status: RegisterStatus
    status: TherapistStatus = "active"


@dataclass(frozen=True, slots=True)
class Register:
    """What the routes need."""

    weekly_limit_most: int
    describe: Callable[[Description], Awaitable[Described]]
    find: Callable[[UUID], Awaitable[tuple[int, Profile] | None]]


def therapist_routes(register: Register) -> APIRouter:
    """For coordinators only."""
    router = APIRouter(tags=["therapists"])

    @router.put("/v1/therapists/{therapist_id}", openapi_extra=body_of(ProfileSent, therapist=EXAMPLE))
    async def describe(therapist_id: UUID, _: Coordinator, request: Request) -> Response:
        """Writes a profile whole; the same again changes nothing. `If-Match` keeps two from overwriting another."""
        profile = _read(await request.body(), register.weekly_limit_most)
        seen = seen_version(request)
        described = await register.describe(
            Description(therapist_id, profile, seen, request.scope.get("traceparent"))
        )
        if described.outcome == "stale":
            raise Problem(412, "stale", "This therapist has been changed meanwhile.")
        return _answer(
            201 if described.outcome == "created" else 200, therapist_id, described.version, profile
        )

    @router.get("/v1/therapists/{therapist_id}")
    async def look(therapist_id: UUID, _: Coordinator) -> Response:
        """A profile as it stands, with its version as ETag."""
        found = await register.find(therapist_id)
        if found is None:
            raise Problem(404, "therapist_not_found", "There is no such therapist.")
        return _answer(200, therapist_id, *found)

    return router


def _read(body: bytes, weekly_limit_most: int) -> Profile:
    profile = Profile(**dict(parse(ProfileSent, body)))
    found = contradictions(profile, weekly_limit_most)
    if found:
        fields = [FieldProblem(one.pointer, one.code, one.detail) for one in found]
        raise Problem(422, "invalid_request", "Some fields cannot be accepted.", fields)
    return profile


def _answer(status: int, therapist_id: UUID, version: int, profile: Profile) -> Response:
    sites = [str(site) for site in profile.sites]
    body = {"therapist_id": str(therapist_id), "version": version, **asdict(profile), "sites": sites}
    return fast_json(status, body, {"ETag": etag(version), "Cache-Control": "no-store"})
