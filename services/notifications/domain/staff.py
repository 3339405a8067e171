"""What staff are told of the hours with them: when and where, gathered, never who comes and not for what."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from services.notifications.domain.composing import Occasion, place
from services.notifications.domain.templates import Language, Text, describe_time, render
from services.notifications.domain.windows import Hours, next_opening

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Purpose = Literal["new_booking", "changed_booking"]


@dataclass(frozen=True, slots=True)
class StaffRules:
    """News is gathered for `gather`, unless the hour begins within `at_once`, and told within `hours`, unless it begins
    within `soon`."""

    gather: timedelta
    at_once: timedelta
    soon: timedelta
    hours: Hours


@dataclass(frozen=True, slots=True)
class Fact:
    """An hour that was booked, moved or cancelled. `by` is who did it, `previous_start` when it was to be until then."""

    purpose: Purpose
    case_id: UUID
    appointment_id: UUID
    version: int
    therapist_id: UUID
    site_id: UUID | None
    start: datetime
    by: str
    previous_start: datetime | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell one recipient, a therapist or the desk of a site; with a `reason` it is not told."""

    fact: Fact
    recipient_id: UUID
    due_at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour as it stands now, that somebody is to be told of in `version`. `superseded`: there is newer news of it for the
    same recipient; `unheard`: they were never told that it was booked."""

    case_id: UUID
    appointment_id: UUID
    version: int
    state: str
    start: datetime
    time_zone: str
    modality: str
    city: str | None
    superseded: bool = False
    unheard: bool = False


def note(facts: Iterable[Fact], numbers: Collection[UUID], rules: StaffRules, now: datetime) -> list[News]:
    """What is to be told to whom. `numbers` = who has a telephone: a therapist without one is told nothing for that reason;
    the desk of a site is asked for only where it has one. An hour that has begun is news to nobody."""
    found = []
    for fact in facts:
        ahead = [one for one in (fact.start, fact.previous_start) if one is not None and one > now]
        if not ahead:
            continue
        at = due_at(min(ahead), now, rules)
        own_doing = "own_doing" if fact.by == "therapist" else None
        unreachable = None if fact.therapist_id in numbers else "no_number"
        found.append(News(fact, fact.therapist_id, at, own_doing or unreachable))
        if fact.site_id is not None and fact.site_id in numbers:
            # `clinic` is any of the staff, a coordinator too: a desk that hears of its own doing is the lesser evil.
            found.append(News(fact, fact.site_id, at))
    return found


def due_at(start: datetime, now: datetime, rules: StaffRules) -> datetime:
    """When somebody is told of an hour: at the end of the running quarter, at once when that may be too late, in the morning
    when it can wait until then."""
    if start - now <= rules.at_once:
        return now
    gathered = now + rules.gather - (now - EPOCH) % rules.gather
    if start - gathered <= rules.soon:
        return gathered
    return next_opening([rules.hours], gathered) or gathered


def untrue(purpose: str, hour: Hour, now: datetime, may_have_left: bool = False) -> str | None:
    """Why this is not told any more, or None. Of an hour in a message that `may_have_left` they may know: then its
    cancellation has to be told."""
    if purpose == "new_booking" and hour.state == "cancelled":
        return "superseded" if may_have_left else "cancelled"
    if purpose == "changed_booking" and hour.superseded:
        return "superseded"
    if hour.state not in ("booked", "cancelled") or hour.start <= now:
        return "hour_over"
    return "cancelled" if hour.state == "cancelled" and hour.unheard else None


def template_of(purpose: str, hours: Sequence[Hour]) -> str:
    """Which text tells of these hours, of which there is at least one."""
    if len(hours) > 1:
        return f"{purpose}s"
    return "cancelled_booking" if hours[0].state == "cancelled" else purpose


def compose(language: Language, purpose: str, hours: Sequence[Hour]) -> Text:
    """The text in that language: the hour itself, or how many there are and the first of them."""
    first = min(hours, key=lambda one: (one.start, one.appointment_id))
    day, time = describe_time(language, first.start, first.time_zone)
    where = place(language, Occasion(purpose, first.start, first.time_zone, first.modality, first.city, {}))
    values: Mapping[str, str] = {"day": day, "time": time, "place": where, "count": str(len(hours))}
    return render(language, template_of(purpose, hours), values)
