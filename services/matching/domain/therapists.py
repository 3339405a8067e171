"""A therapist as a coordinator describes them, and which descriptions contradict themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.matching.domain.vocabulary import (
    LANES,
    AccessOffered,
    Fluency,
    Gender,
    Kind,
    Lane,
    Modality,
    ProblemArea,
    Profession,
    RegisterStatus,
    TherapistStatus,
    lane_of,
)


@dataclass(frozen=True, slots=True)
class Speaks:
    """A language, and how well."""

    language: str
    fluency: Fluency


@dataclass(frozen=True, slots=True)
class Competence:
    """With which problem area somebody works, at which steps, and whether it is what they do best."""

    problem_area: ProblemArea
    steps: tuple[int, ...]
    specialist: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """What a coordinator writes.

    `fee` is in whole rupees a session, `sliding_fee` the least one for somebody who cannot pay it, `sliding_share` the
    per cent of what they can take that may be taken at less than `fee` (None: all of it); `weekly_limit` in
    sessions a week. `coverage` are payers who pay the fee for a person, `access` what the therapist offers
    (a site says itself whether it is step-free). `supervisor` is whoever supervises, by id. `valid_until` is the last
    day of the credential, where it has one.
    """

    organisation: str
    profession: Profession | None
    gender: Gender
    languages: tuple[Speaks, ...]
    kinds: tuple[Kind, ...]
    modalities: tuple[Modality, ...]
    competences: tuple[Competence, ...]
    age_bands: tuple[str, ...]
    fee: int
    sliding_fee: int | None
    sliding_share: int | None
    coverage: tuple[str, ...]
    access: tuple[AccessOffered, ...]
    faith_sensitive: bool
    weekly_limit: int
    sites: tuple[UUID, ...]
    supervisor: UUID | None
    register_status: RegisterStatus
    valid_until: date | None
    status: TherapistStatus

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes in which this therapist can be booked."""
        offered = {lane_of(modality) for modality in self.modalities}
        return tuple(lane for lane in LANES if lane in offered)

    @property
    def least_fee(self) -> int:
        """What a session costs at the least."""
        return self.fee if self.sliding_fee is None else self.sliding_fee


@dataclass(frozen=True, slots=True)
class Suspension:
    """From when until when nobody new is sent to a therapist; without an end it lasts until somebody lifts it."""

    begins: datetime
    ends: datetime | None
    reason: str

    def holds(self, now: datetime) -> bool:
        """Whether it is in force; its end belongs to the time after."""
        return self.begins <= now and not self.is_over(now)

    def is_over(self, now: datetime) -> bool:
        """Whether its end has passed."""
        return self.ends is not None and self.ends <= now


@dataclass(frozen=True, slots=True)
class Therapist:
    """A profile, whose it is, and whether they are, were or will be suspended."""

    id: UUID
    profile: Profile
    suspension: Suspension | None = None

    def standing(self, now: datetime) -> TherapistStatus:
        """What counts at this moment, whatever the profile hopes for."""
        suspended = self.suspension is not None and self.suspension.holds(now)
        return "suspended" if suspended and self.profile.status == "active" else self.profile.status


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
    if profile.sliding_fee is not None and profile.sliding_fee > profile.fee:
        found.append(Refusal("/sliding_fee", "above_fee", "The least fee cannot be above the fee."))
    if profile.sliding_share is not None and profile.sliding_fee is None:
        detail = "A share of those who pay less needs the least fee that they pay."
        found.append(Refusal("/sliding_share", "needs_sliding_fee", detail))
    if _repeats(one.language for one in profile.languages):
        found.append(Refusal("/languages", "repeated", "Each language may stand here once."))
    if _repeats(one.problem_area for one in profile.competences):
        found.append(Refusal("/competences", "repeated", "Each problem area may stand here once."))
    return found


def _repeats(codes: Iterable[str]) -> bool:
    listed = list(codes)
    return len(set(listed)) != len(listed)
