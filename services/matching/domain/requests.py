"""What one case asks for, as far as it decides who may be asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.matching.domain.vocabulary import LANES, ON_THE_SPOT, STEP_FREE, Lane, Modality

Tried = Mapping[Lane, frozenset[UUID]]


@dataclass(frozen=True, slots=True)
class Request:
    """`modalities` and `languages` are in order of wish; `tried` had no hour in this search, by lane.

    `gender_must` is the only gender the person can speak with, `gender_wish` the one they would rather; `again` and
    `not_again` are therapists they know. `raised` is by how many steps of priority the wait has raised it.
    """

    case_id: UUID
    priority: int
    submitted_at: datetime
    modalities: tuple[Modality, ...]
    languages: tuple[str, ...]
    problem_areas: tuple[str, ...]
    age_band: str | None
    step: int
    max_fee: int | None
    city: str | None
    radius_km: float | None
    kind: str = "individual"
    province: str | None = None
    gender_must: str | None = None
    gender_wish: str | None = None
    faith_sensitive: bool = False
    access_needs: tuple[str, ...] = ()
    coverage: tuple[str, ...] = ()
    again: UUID | None = None
    not_again: UUID | None = None
    tried: Tried = field(default_factory=dict)
    raised: int = 0

    @property
    def urgency(self) -> tuple[int, datetime, UUID]:
        """Sorts the most urgent first: need with what the wait adds, then age, then the id so that no tie is left."""
        return (-self.priority - self.raised, self.submitted_at, self.case_id)

    @property
    def step_free(self) -> bool:
        """Whether a site with a step is no site for them."""
        return STEP_FREE in self.access_needs

    @property
    def needs_everywhere(self) -> tuple[str, ...]:
        """The access needs that a therapist has to meet, however they speak with the person."""
        return tuple(need for need in self.access_needs if need not in ON_THE_SPOT)

    @property
    def needs_on_the_spot(self) -> tuple[str, ...]:
        """Those that a therapist has to meet where they see the person; a site says itself if it has steps."""
        return tuple(need for need in self.access_needs if need in ON_THE_SPOT and need != STEP_FREE)


def tried(attempts: Iterable[tuple[Lane, Iterable[UUID]]]) -> Tried:
    """Everybody who was asked in these attempts, by lane; a lane that was not tried is left out."""
    asked: dict[Lane, set[UUID]] = {lane: set() for lane in LANES}
    for lane, therapists in attempts:
        asked[lane].update(therapists)
    return {lane: frozenset(therapists) for lane, therapists in asked.items() if therapists}
