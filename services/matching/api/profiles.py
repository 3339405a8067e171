"""A therapist's profile as a coordinator sends it, and as it is shown: two forms, one meaning.

The short form (languages as codes, `problem_areas` and `steps` beside one another) is what was taken before there was
fluency and competence: every language well enough to work in it, every problem area at every step.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.matching.domain.credentials import CredentialTable
from services.matching.domain.therapists import Competence, Profile, Speaks, Suspension, Therapist
from services.matching.domain.vocabulary import (
    HIGHEST_STEP,
    AccessOffered,
    AgeBand,
    Fluency,
    Gender,
    Kind,
    Language,
    Modality,
    ProblemArea,
    Profession,
    RegisterStatus,
    TherapistStatus,
)

T = TypeVar("T")

EXAMPLE: dict[str, Any] = {
    "organisation": "rehmat-hospital",
    "profession": "clinical_psychologist",
    "gender": "woman",
    "languages": [{"language": "ur", "fluency": "native"}, {"language": "en", "fluency": "fluent"}],
    "kinds": ["individual", "couple"],
    "modalities": ["video", "in_person"],
    "competences": [
        {"problem_area": "low_mood", "steps": [1, 2, 3], "specialist": False},
        {"problem_area": "grief", "steps": [1, 2, 3], "specialist": True},
        {"problem_area": "anxiety", "steps": [1, 2], "specialist": False},
    ],
    "age_bands": ["18-24", "25-34", "35-44"],
    "fee": 1500,
    "sliding_fee": 500,
    "sliding_share": 30,
    "coverage": ["hospital-staff"],
    "access": ["sign_language"],
    "faith_sensitive": True,
    "weekly_limit": 18,
    "sites": ["018f3c1e-7b1a-7000-8000-000000000001"],
    "supervisor": None,
    "register_status": "no-register-exists",
    "valid_until": None,
    "status": "active",
}
SHORT_FORM: dict[str, Any] = {
    "organisation": "rehmat-hospital",
    "gender": "woman",
    "languages": ["ur", "en"],
    "modalities": ["video"],
    "problem_areas": ["low_mood", "anxiety", "grief"],
    "age_bands": ["18-24", "25-34"],
    "steps": [1, 2],
    "fee": 0,
    "weekly_limit": 10,
    "register_status": "no-register-exists",
}


def _once_each(entries: Sequence[T]) -> Sequence[T]:
    if len(set(entries)) != len(entries):
        raise PydanticCustomError("repeated", "Each entry may stand here once.")
    return entries


def _with_fluency(entry: Any) -> Any:
    """A language alone says the least that lets somebody work in it."""
    return {"language": entry, "fluency": "working"} if isinstance(entry, str) else entry


Once = AfterValidator(_once_each)
Organisation = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=63)]
PayerCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{1,39}$")]
Step = Annotated[int, Field(ge=1, le=HIGHEST_STEP)]
Steps = Annotated[tuple[Step, ...], Field(max_length=HIGHEST_STEP), Once]
LastDay = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 12, 31))]
PerCent = Annotated[int, Field(ge=0, le=100)]
Rupees = Annotated[int, Field(ge=0, le=1_000_000)]


class Sent(BaseModel):
    """Nothing that is not known, and nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LanguageSent(Sent):
    """A language, and how well it is spoken."""

    language: Language
    fluency: Fluency


class CompetenceSent(Sent):
    """At which steps somebody works with one problem area."""

    problem_area: ProblemArea
    steps: Annotated[Steps, Field(min_length=1)]
    specialist: bool = False


class ProfileSent(Sent):
    """A therapist, whole. Fees are in whole rupees a session, `weekly_limit` in sessions a week, `sliding_share` in per
    cent of what they can take: so many may pay less than `fee`. `valid_until` is the last day of the credential."""

    organisation: Organisation
    profession: Profession | None = None
    gender: Gender
    languages: Annotated[
        tuple[
            Annotated[
                LanguageSent, BeforeValidator(_with_fluency, json_schema_input_type=LanguageSent | Language)
            ],
            ...,
        ],
        Field(min_length=1, max_length=10),
    ]
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1, max_length=5), Once] = ("individual",)
    modalities: Annotated[tuple[Modality, ...], Field(min_length=1, max_length=4), Once]
    competences: Annotated[tuple[CompetenceSent, ...], Field(max_length=12)] = ()
    problem_areas: Annotated[tuple[ProblemArea, ...], Field(max_length=12), Once] = ()
    steps: Steps = ()
    age_bands: Annotated[tuple[AgeBand, ...], Field(min_length=1, max_length=6), Once]
    fee: Rupees
    sliding_fee: Rupees | None = None
    sliding_share: PerCent | None = None
    coverage: Annotated[tuple[PayerCode, ...], Field(max_length=50), Once] = ()
    access: Annotated[tuple[AccessOffered, ...], Field(max_length=6), Once] = ()
    faith_sensitive: bool = False
    weekly_limit: Annotated[int, Field(ge=0, le=168)]
    sites: Annotated[tuple[UUID, ...], Field(max_length=20), Once] = ()
    supervisor: UUID | None = None
    register_status: RegisterStatus
    valid_until: LastDay | None = None
    status: TherapistStatus = "active"

    @property
    def in_one_form(self) -> bool:
        """Whether competence is said once: by `competences`, or by problem areas and steps."""
        short = (self.problem_areas, self.steps)
        return not any(short) if self.competences else all(short)

    def meant(self) -> Profile:
        """The profile of either form."""
        said = {name: getattr(self, name) for name in Profile.__dataclass_fields__}
        languages = tuple(Speaks(one.language, one.fluency) for one in self.languages)
        return Profile(**said | {"languages": languages, "competences": self._competences()})

    def _competences(self) -> tuple[Competence, ...]:
        if self.competences:
            return tuple(Competence(one.problem_area, one.steps, one.specialist) for one in self.competences)
        return tuple(Competence(area, self.steps) for area in self.problem_areas)


def shown(therapist: Therapist, version: int, credentials: CredentialTable) -> dict[str, Any]:
    """A profile as it could be sent again, and besides: what the credential allows, and any suspension."""
    profile, suspension = therapist.profile, therapist.suspension
    allowance = credentials.allowance(profile.profession, profile.register_status)
    return {
        "therapist_id": str(therapist.id),
        "version": version,
        **asdict(profile),
        "sites": [str(site) for site in profile.sites],
        "supervisor": str(profile.supervisor) if profile.supervisor else None,
        "credential": asdict(allowance) | {"status": profile.register_status, "table": credentials.version},
        "suspension": suspension and _dates(suspension),
    }


def _dates(suspension: Suspension) -> dict[str, Any]:
    ends = suspension.ends and suspension.ends.astimezone(UTC)
    return {"from": suspension.begins.astimezone(UTC), "until": ends, "reason": suspension.reason}
