"""What is sent to scheduling, as strict models: no unknown field, no text for a number, no number for a text."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.scheduling.domain.appointments import Certainty
from services.scheduling.domain.calendars import (
    LONGEST_BUFFER,
    LONGEST_HORIZON_DAYS,
    Calendar,
    Lane,
    Rule,
)
from services.scheduling.repository.places import Room, Site
from shared.contracts.base import Modality
from shared.web import PlainText

MOST_RULES = 84  # twelve a day
MOST_NOTICE = 30 * 24 * 60
LONGEST_SESSION = 240
LONGEST_HOLD = 120

WallTime = Annotated[str, StringConstraints(pattern=r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Organisation = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=63)]
Name = Annotated[PlainText, StringConstraints(min_length=1, max_length=80)]
# BCP 47 as far as messages go: a language, and a script where it is written in several.
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?$")]
Openness = Literal["open", "closed"]

# Why an hour is given back: as codes that are safe to read aloud.
CancelReason = Literal["not_said", "changed_mind", "cannot_come", "therapist_away", "place_closed", "mistake"]

Wishing = Literal["person", "therapist", "clinic"]

SITE: dict[str, Any] = {
    "organisation": "rehmat-hospital",
    "city": "Lahore",
    "latitude": 31.558,
    "longitude": 74.3507,
    "time_zone": "Asia/Karachi",
    "step_free": True,
    "directions": {"en": "Main gate, then ask at the front desk."},
    "status": "open",
}
ROOM: dict[str, Any] = {"site_id": "018f3c1e-7b1a-7000-8000-000000000001", "status": "open"}
BY_TELEPHONE: dict[str, Any] = {"start": "2026-03-02T10:00:00+05:00", "modality": "phone", "by": "person"}
CALENDAR: dict[str, Any] = {
    "time_zone": "Asia/Karachi",
    "buffer_minutes": 10,
    "minimum_notice_minutes": 120,
    "horizon_days": 28,
    "rules": [
        {"day": 1, "start": "09:00", "end": "17:00", "lane": "online"},
        {"day": 2, "start": "09:00", "end": "13:00", "lane": "in_person", "site_id": ROOM["site_id"]},
    ],
}
HOLD: dict[str, Any] = {
    "case_id": "018f3c1e-7b1a-7000-8000-000000000003",
    "therapist_id": "018f3c1e-7b1a-7000-8000-000000000002",
    "start": "2026-12-07T10:00:00+05:00",
    "modality": "video",
}


class Sent(BaseModel):
    """What all of these have in common."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SiteSent(Sent):
    """A place where people are seen. Directions are read aloud and printed: they name no ward and no illness."""

    organisation: Organisation
    city: Name
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    time_zone: Name
    step_free: bool = False
    directions: Annotated[dict[LanguageTag, PlainText], Field(max_length=12)] = {}
    status: Openness = "open"

    def meant(self) -> Site:
        return Site(**dict(self))


class RoomSent(Sent):
    """A room of a site; it stays there."""

    site_id: UUID
    status: Openness = "open"

    def meant(self) -> Room:
        return Room(**dict(self))


class RuleSent(Sent):
    """Open every week on one ISO day, in local wall time; in person at one site."""

    day: Annotated[int, Field(ge=1, le=7)]
    start: WallTime
    end: WallTime
    lane: Lane
    site_id: UUID | None = None

    def meant(self) -> Rule:
        return Rule(self.day, minutes_of(self.start), minutes_of(self.end), self.lane, self.site_id)


class CalendarSent(Sent):
    """A therapist's week, whole. No rules: nobody can book."""

    time_zone: Name
    buffer_minutes: Annotated[int, Field(ge=0, le=LONGEST_BUFFER)] = 10
    minimum_notice_minutes: Annotated[int, Field(ge=0, le=MOST_NOTICE)] = 120
    horizon_days: Annotated[int, Field(ge=1, le=LONGEST_HORIZON_DAYS)] = 28
    rules: Annotated[tuple[RuleSent, ...], Field(max_length=MOST_RULES)]

    def meant(self, therapist_id: UUID) -> Calendar:
        return Calendar(
            therapist_id=therapist_id,
            version=0,
            time_zone=self.time_zone,
            buffer=self.buffer_minutes,
            notice=self.minimum_notice_minutes,
            horizon=self.horizon_days,
            rules=tuple(rule.meant() for rule in self.rules),
        )


class CancelSent(Sent):
    """Why, if somebody wants to say; staff may say on whose wish."""

    reason: CancelReason = "not_said"
    by: Wishing | None = None


class RescheduleSent(Sent):
    """The start that is wished, with its offset from UTC, and how and where to meet if that changes too. Staff may
    say that it is not certain yet, to confirm it later, and on whose wish it is."""

    start: AwareDatetime
    modality: Modality | None = None
    site_id: UUID | None = None
    certainty: Certainty | None = None
    by: Wishing | None = None


class HoldSent(Sent):
    """An hour to be kept for a case; in person at a site. `hold_minutes` is how long."""

    case_id: UUID
    therapist_id: UUID
    start: AwareDatetime
    modality: Modality
    site_id: UUID | None = None
    hold_minutes: Annotated[int, Field(ge=1, le=LONGEST_HOLD)] = 30


class SlotsAsked(BaseModel):
    """Query of open hours. Without `from` from now on; without `to` two weeks. `modality` says the lane as well."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    therapist_id: Annotated[list[UUID], Field(min_length=1, max_length=50)]
    lane: Lane | None = None
    modality: Modality | None = None
    site_id: Annotated[list[UUID], Field(max_length=20)] = []
    minutes: Annotated[int, Field(ge=15, le=LONGEST_SESSION)] = 50
    since: Annotated[AwareDatetime | None, Field(alias="from")] = None
    until: Annotated[AwareDatetime | None, Field(alias="to")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[str | None, Field(max_length=24)] = None


LISTED_AT_ONCE = timedelta(days=14)
LISTED_AHEAD = timedelta(days=LONGEST_HORIZON_DAYS + 1)


def minutes_of(wall_time: str) -> int:
    hours, minutes = wall_time.split(":")
    return int(hours) * 60 + int(minutes)
