"""A small world for tests: therapists, sites, rooms and matches with as few words as possible."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.scheduling.domain.calendars import Calendar, Rule
from services.scheduling.handlers import knowing, places
from services.scheduling.repository.places import Room, Site
from shared.contracts.intake import WeeklyWindow
from shared.contracts.matching import Candidate, MatchAttendee, MatchMade, MatchWithdrawn, TherapistChanged
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store

SITE = Site("rehmat-hospital", "Lahore", 31.5, 74.3, "Asia/Karachi", True, {"en": "Second floor."}, "open")
OFFICE_HOURS = [rule(day, "09:00", "17:00") for day in range(1, 6)]


def therapist(therapist_id: UUID, **changes: Any) -> TherapistChanged:
    """What matching tells of a therapist."""
    usual = {
        "therapist_id": therapist_id, "organisation": "rehmat-hospital", "lanes": ("online", "in_person"),
        "sites": (), "languages": ("ur",), "gender": "woman", "register_status": "verified", "status": "active",
        "weekly_limit": 18, "changed_at": NOW - timedelta(days=1),
    }  # fmt: skip
    return TherapistChanged(**usual | changes)


def calendar(therapist_id: UUID, rules: Sequence[Rule] = (), **changes: Any) -> Calendar:
    """Office hours, ten minutes before and after, two hours of notice, four weeks."""
    usual = {"version": 0, "time_zone": "Asia/Karachi", "buffer": 10, "notice": 120, "horizon": 28}
    return Calendar(therapist_id=therapist_id, rules=tuple(rules or OFFICE_HOURS), **usual | changes)


async def add_therapist(store: Store, rules: Sequence[Rule] = (), **changes: Any) -> UUID:
    """Known, with a calendar. Changes of the calendar go by its field names."""
    therapist_id = uuid4()
    of_calendar = {name: changes.pop(name) for name in Calendar.__slots__ if name in changes}
    await store.handle(knowing.record_therapists, [therapist(therapist_id, **changes)])
    async with store.transaction() as tx:
        await places.save_calendar(tx, calendar(therapist_id, rules, **of_calendar), None)
    return therapist_id


async def add_site(store: Store, rooms: int = 1, site: Site = SITE) -> UUID:
    """A site with so many rooms."""
    site_id = uuid4()
    async with store.transaction() as tx:
        await places.save_site(tx, site_id, site, None)
        for _ in range(rooms):
            await places.save_room(tx, uuid4(), Room(site_id, "open"), None)
    return site_id


def match(*candidates: UUID | tuple[UUID, UUID], **changes: Any) -> MatchMade:
    """A match with these therapists, each with a site if it is in person."""
    named = [one if isinstance(one, tuple) else (one, None) for one in candidates]
    person = uuid4()
    in_person = named[0][1] is not None
    usual: dict[str, Any] = {
        "case_id": uuid4(), "match_id": uuid4(), "attempt": 1, "lane": "in_person" if in_person else "online",
        "candidates": tuple(Candidate(therapist_id=who, site_ids=(site,) if site else ()) for who, site in named),
        "attendees": (MatchAttendee(attendee_id=uuid4(), person_id=person),),
        "modality": "in_person" if in_person else "video", "minutes": 50, "wanted_times": (),
        "time_zone": "Asia/Karachi", "earliest": NOW + timedelta(hours=2), "latest": NOW + timedelta(days=28),
        "priority": 0, "rule_version": "1",
    }  # fmt: skip
    return MatchMade(**usual | changes)


def withdrawal(made: MatchMade, **changes: Any) -> MatchWithdrawn:
    """The withdrawal of a match."""
    usual = {
        "case_id": made.case_id, "match_id": made.match_id, "attempt": made.attempt, "lane": made.lane,
        "reason": "changed_mind", "withdrawn_at": NOW,
    }  # fmt: skip
    return MatchWithdrawn(**usual | changes)


def window(day: int, start: str, end: str) -> WeeklyWindow:
    """A wanted window from wall times."""
    of = rule(day, start, end)
    return WeeklyWindow(day=of.day, start=of.start, end=of.end)


def local(moment: datetime) -> str:
    """Day and time on a wall in Karachi."""
    return (moment + timedelta(hours=5)).strftime("%a %H:%M")
