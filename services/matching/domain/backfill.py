"""An hour that was freed, and whether somebody who waits could come then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.matching.domain.vocabulary import Lane, Modality, lane_of

Weekly = tuple[int, int, int]  # ISO day, start and end in minutes after local midnight
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Freed:
    """A therapist's hour that can be had again."""

    therapist_id: UUID
    lane: Lane
    start: datetime
    end: datetime


def suits(freed: Freed, modalities: Sequence[Modality], wanted: Sequence[Weekly], time_zone: str) -> bool:
    """Whether it is of a kind they wish, and inside one of the weekly windows they can come in; no windows: always."""
    if freed.lane not in map(lane_of, modalities):
        return False
    if not wanted:
        return True
    begins, ends = (moment.astimezone(ZoneInfo(time_zone)) for moment in (freed.start, freed.end))
    start = begins.hour * 60 + begins.minute
    length = round((ends - begins) / timedelta(minutes=1))
    return any(
        day == begins.isoweekday() and first <= start and start + length <= last
        for day, first, last in wanted
    )


def taken_by(hours: Sequence[Freed], therapist_id: UUID, lane: Lane, those: Sequence[Freed]) -> Freed | None:
    """Which of the hours that are left goes to somebody who was found for this therapist and whom `those` suit."""
    return next(
        (one for one in hours if (one.therapist_id, one.lane) == (therapist_id, lane) and one in those),
        None,
    )
