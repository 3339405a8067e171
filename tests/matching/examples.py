"""Small therapists, sites, requests and rules from which matching's tests build their stories."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.matching.domain.alternatives import Alternatives, Rule
from services.matching.domain.capacity import Capacity, capacity_of
from services.matching.domain.decisions import Decision, Found, decide
from services.matching.domain.directory import Directory
from services.matching.domain.places import Point, Site
from services.matching.domain.policy import Points, Policy
from services.matching.domain.requests import Request
from services.matching.domain.therapists import Profile, Therapist
from services.matching.domain.waiting import Ageing, Waiting

NOW = datetime(2027, 1, 5, 8, 0, tzinfo=UTC)
CITIES = {
    "lahore": Point(31.5580, 74.3507),
    "islamabad": Point(33.7215, 73.0433),
    "rawalpindi": Point(33.5973, 73.0479),
    "khuzdar": Point(27.8119, 66.6110),
}
LAHORE, ISLAMABAD, CLOSED = UUID(int=0xA1), UUID(int=0xA2), UUID(int=0xA3)
SITES = {
    LAHORE: Site(LAHORE, Point(31.56, 74.36), is_open=True),
    ISLAMABAD: Site(ISLAMABAD, Point(33.72, 73.05), is_open=True),
    CLOSED: Site(CLOSED, Point(31.56, 74.35), is_open=False),
}
POLICY = Policy(
    version="test",
    attempts=3,
    candidates=5,
    minutes=50,
    notice=timedelta(hours=2),
    horizon=timedelta(days=28),
    radius_km=25,
    weekly_limit_most=25,
    register_allowed=frozenset({"verified", "no-register-exists"}),
    points=Points(wish=100_000, language=300, specialist=400, kilometre=10, load=2000).checked(),
    review_days={0: 14, 1: 7, 2: 3, 3: 1},
    alarm_priority={"R1": 2, "R2": 3, "R3": 3},
    waiting=Waiting(
        version="test",
        choices=3,
        hours_to_choose={0: 72, 1: 48, 2: 24, 3: 12},
        bands_km=(2, 5, 10, 25, 50, 100),
        ageing=Ageing(timedelta(days=14), highest=1),
        wake_every=timedelta(seconds=10),
        woken_at_once=5,
    ),
    alternatives=Alternatives("test", [Rule("helpline", None, 2), Rule("family_doctor", frozenset({2, 3}))]),
)


def therapist(number: int, **changes: Any) -> Therapist:
    """Sees adults with anything, by video and telephone, in Urdu and English."""
    profile: dict[str, Any] = {
        "organisation": "humqadam-network",
        "gender": "woman",
        "languages": ("ur", "en"),
        "modalities": ("video", "phone"),
        "problem_areas": ("low_mood", "anxiety", "trauma"),
        "age_bands": ("18-24", "25-34"),
        "steps": (1, 2, 3),
        "fee": 1000,
        "weekly_limit": 18,
        "sites": (),
        "register_status": "verified",
        "status": "active",
    }
    return Therapist(UUID(int=number), Profile(**profile | changes))


def request(number: int, **changes: Any) -> Request:
    """An adult in Lahore who wants to talk by video, in Urdu, about anxiety."""
    asked: dict[str, Any] = {
        "case_id": UUID(int=0xCA5E << 64 | number),
        "priority": 0,
        "submitted_at": NOW + timedelta(seconds=number),
        "modalities": ("video",),
        "languages": ("ur",),
        "problem_areas": ("anxiety",),
        "age_band": "25-34",
        "step": 2,
        "max_fee": 2000,
        "city": "Lahore",
        "radius_km": None,
    }
    return Request(**asked | changes)


def directory(therapists: Iterable[Therapist], sites: Mapping[UUID, Site] = SITES) -> Directory:
    return Directory(therapists, sites, CITIES, POLICY.register_allowed)


def room_for(one: Directory, loads: Mapping[UUID, int] | None = None) -> Capacity:
    return capacity_of(one, loads or {}, POLICY.weeks)


def decided(
    requests: Iterable[Request], therapists: Iterable[Therapist], loads: Mapping[UUID, int] | None = None
) -> list[Decision]:
    """What becomes of these requests with these therapists, of whom some are busy already."""
    known = directory(therapists)
    return decide(list(requests), known, room_for(known, loads), POLICY)


def first(decision: Decision) -> int:
    """The number of the therapist to be asked first."""
    assert isinstance(decision.outcome, Found)
    return decision.outcome.offers[0].therapist_id.int


def asked(decision: Decision) -> list[int]:
    """The numbers of all therapists to be asked, in order."""
    assert isinstance(decision.outcome, Found)
    return [offer.therapist_id.int for offer in decision.outcome.offers]
