"""What staff are told of the hours with them: when and where, gathered, never who comes and not for what."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from services.notifications.domain.composing import Occasion, place
from services.notifications.domain.templates import Language, Text, describe_time, render
from services.notifications.domain.windows import Hours, next_opening

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Why an hour in such a state is not told to whom it was not told before.
ENDED = {"cancelled": "cancelled", "gone": "moved_away"}
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
    """One thing to tell one recipient, a therapist or the desk of a site; with a `reason` it is not told. `near` is the nearest
    of the times that it is about. `gone_from`: the hour is not with them any more, and was to be then."""

    fact: Fact
    recipient_id: UUID
    near: datetime
    due_at: datetime
    reason: str | None = None
    gone_from: datetime | None = None

    @property
    def ends(self) -> str | None:
        """Why nothing is left to tell of an hour that its recipient has not heard of, or None."""
        return "moved_away" if self.gone_from else "cancelled" if self.fact.cancelled else None


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour as it stands now, that somebody is to be told of in `version`; `gone` is its state where it is not with them any
    more. `superseded`: there is newer news of it for the
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
    near: datetime | None = None


# By the id of an hour who takes it for theirs; False: they are about to be told that it left them.
Holders = Mapping[UUID, Mapping[UUID, bool]]
NOBODY: Holders = {}


def note(
    facts: Iterable[Fact],
    numbers: Collection[UUID],
    rules: StaffRules,
    now: datetime,
    holders: Holders = NOBODY,
) -> list[News]:
    """What is to be told to whom. `numbers` = who has a telephone: a therapist without one is told nothing for that reason;
    the desk of a site is asked for only where it has one, and a desk among the `holders` hears that an hour has left it. An
    hour that has begun is news to nobody."""
    found = []
    for fact in facts:
        ahead = [one for one in (fact.start, fact.previous_start) if one is not None and one > now]
        if not ahead:
            continue
        near = min(ahead)
        at = due_at(near, now, rules)
        own_doing = "own_doing" if fact.by == "therapist" else None
        unreachable = None if fact.therapist_id in numbers else "no_number"
        found.append(News(fact, fact.therapist_id, near, at, own_doing or unreachable))
        if fact.site_id is not None and fact.site_id in numbers:
            # `clinic` is any of the staff, a coordinator too: a desk that hears of its own doing is the lesser evil.
            new = fact.previous_start is not None and fact.site_id not in holders.get(fact.appointment_id, {})
            found.append(News(replace(fact, purpose="new_booking") if new else fact, fact.site_id, near, at))
        found.extend(_gone(fact, holders.get(fact.appointment_id, {}), rules, now))
    return found


def _gone(fact: Fact, holders: Mapping[UUID, bool], rules: StaffRules, now: datetime) -> Iterable[News]:
    """To those whom an hour that is moved was with and is not with any more."""
    was = fact.previous_start
    if was is not None:
        for recipient in sorted(
            {one for one, has in holders.items() if has} - {fact.therapist_id, fact.site_id}
        ):
            yield News(fact, recipient, was, due_at(was, now, rules), None if was > now else "hour_over", was)


def due_at(start: datetime, now: datetime, rules: StaffRules) -> datetime:
    """When somebody is told of an hour: at the end of the running quarter, at once when that may be too late, in the morning
    when it can wait until then."""
    if start - now <= rules.at_once:
        return now
    gathered = now + rules.gather - (now - EPOCH) % rules.gather
    if start - gathered <= rules.soon:
        return gathered
    return next_opening([rules.hours], gathered) or gathered


def rests_until(times: Iterable[datetime | None], now: datetime, rules: StaffRules) -> datetime | None:
    """Until when what is due waits, since it is night and none of the times that it is about is near; None: it does not."""
    if any(now < one <= now + rules.soon for one in times if one is not None):
        return None
    opening = next_opening([rules.hours], now)
    return None if opening == now else opening


def untrue(purpose: str, hour: Hour, now: datetime, may_have_left: bool = False) -> str | None:
    """Why this is not told any more, or None. Of an hour in a message that `may_have_left` they may know: then its
    end has to be told."""
    if purpose == "new_booking" and hour.state in ENDED:
        return "superseded" if may_have_left else ENDED[hour.state]
    if purpose == "changed_booking" and hour.superseded:
        return "superseded"
    if hour.state not in ("booked", *ENDED) or hour.start <= now:
        return "hour_over"
    return ENDED.get(hour.state) if hour.unheard else None


def template_of(purpose: str, hours: Sequence[Hour]) -> str:
    """Which text tells of these hours, of which there is at least one."""
    if len(hours) > 1:
        return f"{purpose}s"
    return {"cancelled": "cancelled_booking", "gone": "gone_booking"}.get(hours[0].state, purpose)


def compose(language: Language, purpose: str, hours: Sequence[Hour]) -> Text:
    """The text in that language: the hour itself, or how many there are and the first of them."""
    first = min(hours, key=lambda one: (one.start, one.appointment_id))
    day, time = describe_time(language, first.start, first.time_zone)
    where = place(language, Occasion(purpose, first.start, first.time_zone, first.modality, first.city, {}))
    values: Mapping[str, str] = {"day": day, "time": time, "place": where, "count": str(len(hours))}
    return render(language, template_of(purpose, hours), values)
