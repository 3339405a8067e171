"""What a person may choose from, as matching said it: what helps to choose, and no name."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OfferedOption:
    """One of those who were proposed. `fee` in whole rupees for one conversation, `sliding_fee` the least one;
    `within_km` is a band of the distance from the middle of the person's city. None where it was not said. Who it is is
    never shown: it tells with whom an hour is kept."""

    option_id: UUID
    modality: str
    gender: str | None
    languages: tuple[str, ...]
    fee: int | None
    sliding_fee: int | None
    within_km: int | None
    therapist_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class KeptHour:
    """The hour that scheduling keeps for an offer, as said in `version`: with whom, and until when it may be taken; None
    when it is kept no more. It may be heard of before the offer is."""

    case_id: UUID
    match_id: UUID
    attempt: int
    version: int
    therapist_id: UUID
    start: datetime
    take_by: datetime | None

    @property
    def order(self) -> tuple[int, int]:
        return (self.attempt, self.version)

    def may_be_taken(self, now: datetime) -> bool:
        """Whether it is still theirs."""
        return self.take_by is not None and now < self.take_by
