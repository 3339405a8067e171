"""An hour that was freed, and whether somebody who waits could come then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.matching.domain.directory import Directory
from services.matching.domain.policy import Policy
from services.matching.domain.requests import Request
from services.matching.domain.vocabulary import Lane, Modality, lane_of

Weekly = tuple[int, int, int]  # ISO day, start and end in minutes after local midnight
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Freed:
    """A therapist's hour that can be had again; without a site wherever people are."""

    therapist_id: UUID
    lane: Lane
    start: datetime
    end: datetime
    site_id: UUID | None = None


def may_be_asked_for(freed: Freed, now: datetime, policy: Policy) -> bool:
    """Whether a match that is made now could get it: none asks for an hour sooner or later than this."""
    return now + policy.notice <= freed.start and freed.end <= now + policy.horizon


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


def is_within_reach(freed: Freed, request: Request, directory: Directory, policy: Policy) -> bool:
    """Whether the person gets to where it is, as far as they would go for any hour there."""
    number = directory.number_of.get(freed.therapist_id)
    if number is None or freed.site_id is None:
        return number is not None
    radius = request.radius_km or policy.radius_km
    return freed.site_id in directory.reach.sites_near(
        number, request.city, radius, step_free=request.step_free
    )


def taken_by(hours: Sequence[Freed], therapist_id: UUID, lane: Lane, those: Sequence[Freed]) -> Freed | None:
    """Which of the hours that are left goes to somebody who was found for this therapist and whom `those` suit."""
    return next(
        (one for one in hours if (one.therapist_id, one.lane) == (therapist_id, lane) and one in those),
        None,
    )
