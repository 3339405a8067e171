"""What a person may choose from, as matching said it: what helps to choose, and no name."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OfferedOption:
    """One of those who were proposed. `fee` in whole rupees for one conversation, `sliding_fee` the least one;
    `within_km` is a band of the distance from the middle of the person's city. None where it was not said."""

    option_id: UUID
    modality: str
    gender: str | None
    languages: tuple[str, ...]
    fee: int | None
    sliding_fee: int | None
    within_km: int | None
