"""A therapist as a coordinator describes them, and which descriptions contradict themselves."""

from dataclasses import dataclass
from uuid import UUID

from services.matching.domain.vocabulary import (
    LANES,
    Gender,
    Lane,
    Modality,
    RegisterStatus,
    TherapistStatus,
    lane_of,
)


@dataclass(frozen=True, slots=True)
class Profile:
    """`fee` is in whole rupees a session, `weekly_limit` in sessions a week, `steps` of the step table."""

    organisation: str
    gender: Gender
    languages: tuple[str, ...]
    modalities: tuple[Modality, ...]
    problem_areas: tuple[str, ...]
    age_bands: tuple[str, ...]
    steps: tuple[int, ...]
    fee: int
    weekly_limit: int
    sites: tuple[UUID, ...]
    register_status: RegisterStatus
    status: TherapistStatus

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes in which this therapist can be booked."""
        offered = {lane_of(modality) for modality in self.modalities}
        return tuple(lane for lane in LANES if lane in offered)


@dataclass(frozen=True, slots=True)
class Therapist:
    """A profile and whose it is."""

    id: UUID
    profile: Profile


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a profile cannot stand: a JSON pointer, a code, a sentence."""

    pointer: str
    code: str
    detail: str


def contradictions(profile: Profile, weekly_limit_most: int) -> list[Refusal]:
    """What is well-formed and still cannot be true."""
    found = []
    if "in_person" in profile.modalities and not profile.sites:
        found.append(Refusal("/sites", "needs_site", "Who sees people in person needs a site to do so."))
    if profile.weekly_limit > weekly_limit_most:
        detail = f"At most {weekly_limit_most} sessions a week."
        found.append(Refusal("/weekly_limit", "out_of_range", detail))
    return found
