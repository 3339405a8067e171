"""Small therapists, sites, requests and rules from which matching's tests build their stories."""

from collections.abc import Iterable, Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.matching.domain.alternatives import Alternatives, Rule
from services.matching.domain.bits import Bits
from services.matching.domain.capacity import Capacity, Load, capacity_of
from services.matching.domain.continuity import TellingTimes
from services.matching.domain.decisions import Decision, Found, decide
from services.matching.domain.directory import Directory
from services.matching.domain.places import Point, Site
from services.matching.domain.policy import Points, Policy
from services.matching.domain.requests import Request
from services.matching.domain.therapists import Competence, Profile, Speaks, Therapist
from services.matching.domain.vocabulary import LANES, Lane
from services.matching.domain.waiting import Ageing, Waiting
from services.matching.settings import read_credentials

NOW = datetime(2027, 1, 5, 8, 0, tzinfo=UTC)
CITIES = {
    "lahore": Point(31.5580, 74.3507),
    "islamabad": Point(33.7215, 73.0433),
    "rawalpindi": Point(33.5973, 73.0479),
    "khuzdar": Point(27.8119, 66.6110),
}
LAHORE, ISLAMABAD, CLOSED, WITH_A_STEP = (UUID(int=number) for number in range(0xA1, 0xA5))
SITES = {
    LAHORE: Site(LAHORE, Point(31.56, 74.36), is_open=True, step_free=True),
    ISLAMABAD: Site(ISLAMABAD, Point(33.72, 73.05), is_open=True),
    CLOSED: Site(CLOSED, Point(31.56, 74.35), is_open=False, step_free=True),
    WITH_A_STEP: Site(WITH_A_STEP, Point(31.558, 74.351), is_open=True),
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
    credentials=read_credentials(),
    points=Points(
        wish=100_000,
        language=300,
        fluency=100,
        gender=3000,
        faith=1500,
        specialist=600,
        again=20_000,
        step_above=400,
        kilometre=10,
        load=2000,
    ).checked(),
    review_days={0: 14, 1: 7, 2: 3, 3: 1},
    alarm_priority={"R1": 2, "R2": 3, "R3": 3},
    waiting=Waiting(
        version="test",
        choices=3,
        hours_to_choose={0: 72, 1: 48, 2: 24, 3: 12},
        kept=timedelta(hours=12),
        bands_km=(2, 5, 10, 25, 50, 100),
        ageing=Ageing(timedelta(days=14), highest=1),
        wake_every=timedelta(seconds=10),
        woken_at_once=5,
        rest=timedelta(hours=48),
    ),
    continuity=TellingTimes("test", within=timedelta(hours=24), before=timedelta(hours=24)),
    alternatives=Alternatives("test", [Rule("helpline", None, 2), Rule("family_doctor", frozenset({2, 3}))]),
)


def therapist(number: int, **changes: Any) -> Therapist:
    """Sees adults with anything, by video and telephone, in Urdu and English, as well as those who were born to it.

    `languages` may be codes alone; `problem_areas` and `steps` stand for the competence at each of these steps,
    `best_at` for the areas among them in which somebody is a specialist.
    """
    usual: dict[str, Any] = {
        "organisation": "humqadam-network",
        "profession": None,
        "gender": "woman",
        "languages": ("ur", "en"),
        "kinds": ("individual",),
        "modalities": ("video", "phone"),
        "problem_areas": ("low_mood", "anxiety", "trauma"),
        "best_at": (),
        "steps": (1, 2, 3),
        "age_bands": ("18-24", "25-34"),
        "fee": 1000,
        "sliding_fee": None,
        "sliding_share": None,
        "coverage": (),
        "access": (),
        "faith_sensitive": False,
        "weekly_limit": 18,
        "sites": (),
        "supervisor": None,
        "register_status": "verified",
        "valid_until": None,
        "status": "active",
    }
    suspension = changes.pop("suspension", None)
    said = usual | changes
    areas, steps, best_at = (said.pop(name) for name in ("problem_areas", "steps", "best_at"))
    said.setdefault("competences", tuple(Competence(area, steps, area in best_at) for area in areas))
    said["languages"] = tuple(
        Speaks(one, "native") if isinstance(one, str) else Speaks(*one) for one in said["languages"]
    )
    return Therapist(UUID(int=number), Profile(**said), suspension)


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
    return Directory(therapists, sites, CITIES, POLICY.credentials)


def room_for(
    one: Directory,
    loads: Mapping[UUID, int] | None = None,
    full: Mapping[UUID, Set[Lane]] | None = None,
    sliding: Mapping[UUID, int] | None = None,
) -> Capacity:
    loads, full, sliding = loads or {}, full or {}, sliding or {}
    known = {
        who: Load(loads.get(who, 0), full.get(who, frozenset()), sliding.get(who, 0))
        for who in {*loads, *full, *sliding}
    }
    return capacity_of(one, known, POLICY.weeks)


def everybody_free(one: Directory) -> Mapping[Lane, Bits]:
    return dict.fromkeys(LANES, one.everybody)


def decided(
    requests: Iterable[Request],
    therapists: Iterable[Therapist],
    loads: Mapping[UUID, int] | None = None,
    sliding: Mapping[UUID, int] | None = None,
) -> list[Decision]:
    """What becomes of these requests with these therapists, of whom some are busy already, some at the sliding fee."""
    known = directory(therapists).at(NOW)
    return decide(list(requests), known, room_for(known, loads, sliding=sliding), POLICY)


def first(decision: Decision) -> int:
    """The number of the therapist to be asked first."""
    assert isinstance(decision.outcome, Found)
    return decision.outcome.offers[0].therapist_id.int


def asked(decision: Decision) -> list[int]:
    """The numbers of all therapists to be asked, in order."""
    assert isinstance(decision.outcome, Found)
    return [offer.therapist_id.int for offer in decision.outcome.offers]
