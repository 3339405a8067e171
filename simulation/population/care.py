"""Those who give care: sites, rooms, therapists and their calendars, as many as a given number of people needs.

Shares and medians are design. Care is scarce in a few corners only (rare languages, small towns in person), so
that at least nine in ten people can be booked.
"""

from collections import Counter
from dataclasses import dataclass
from math import ceil
from typing import Any
from uuid import UUID

from simulation.population.calendars import rules
from simulation.population.chance import BRONZE, GOLDEN, SILVER, Weighted, evenly, identifier, stream
from simulation.population.languages import first_languages
from simulation.population.places import BIG_CITIES, BY_NAME, CITIES, City

PEOPLE_PER_THERAPIST = 6.5
FEWEST_THERAPISTS = 40
HOSPITAL, NETWORK = "rehmat-hospital", "humqadam-network"
HOSPITAL_SHARE = 1 / 3

LIGHT = ("low_mood", "anxiety", "stress", "grief", "relationship", "other")
MORE = (*LIGHT, "perinatal", "trauma", "addiction", "child")
ALL = (*MORE, "ocd", "psychosis")
EVERY_AGE = ("18-24", "25-34", "35-44", "45-59", "60+")


@dataclass(frozen=True, slots=True)
class Profession:
    """What a profession may do; `fee` is the median in rupees a session."""

    name: str
    steps: tuple[int, ...]
    problem_areas: tuple[str, ...]
    fee: int


PROFESSIONS = Weighted(
    {
        Profession("clinical psychologist", (1, 2, 3, 4), ALL, 3000): 0.30,
        Profession("lay counsellor", (1, 2), MORE, 500): 0.28,
        Profession("counselling psychologist", (1, 2, 3), (*MORE, "ocd"), 2000): 0.25,
        Profession("peer facilitator", (1,), LIGHT, 0): 0.10,
        Profession("psychiatrist", (2, 3, 4), ALL, 4500): 0.07,
    }
)
# Public clinics and funded places are free; some keep places for half the fee.
FEE_FACTORS = Weighted({0.0: 0.42, 0.5: 0.20, 1.0: 0.38})
CITY_OF_WORK = Weighted(
    {BY_NAME[name]: share for name, share in zip(BIG_CITIES, (0.34, 0.26, 0.14, 0.12, 0.14), strict=True)}
)
ELSEWHERE = tuple(city for city in CITIES if city.name not in BIG_CITIES)
IN_BIG_CITIES = 0.85
ALSO_IN_PERSON = 0.7
REGISTERED = {"psychiatrist": "verified"}


@dataclass(frozen=True, slots=True)
class Therapist:
    """One therapist as matching takes it, and the calendar as scheduling takes it."""

    id: UUID
    profile: dict[str, Any]
    calendar: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Care:
    """All that is seeded, in the order in which it must be."""

    sites: dict[UUID, dict[str, Any]]
    rooms: dict[UUID, dict[str, Any]]
    therapists: tuple[Therapist, ...]


def care_for(seed: int, people: int) -> Care:
    """Care for that many people. More people add to what fewer had and change nothing of it."""
    sites = _sites(seed)
    count = max(FEWEST_THERAPISTS, ceil(people / PEOPLE_PER_THERAPIST))
    therapists = tuple(_therapist(seed, number) for number in range(count))
    return Care(sites, _rooms(seed, therapists), therapists)


def site_of(seed: int, city: City, organisation: str) -> UUID:
    """Each organisation has one site in each big city."""
    return identifier(seed, f"site/{organisation}", BIG_CITIES.index(city.name))


def _sites(seed: int) -> dict[UUID, dict[str, Any]]:
    return {
        site_of(seed, BY_NAME[name], organisation): _site(seed, BY_NAME[name], organisation)
        for name in BIG_CITIES
        for organisation in (HOSPITAL, NETWORK)
    }


def _site(seed: int, city: City, organisation: str) -> dict[str, Any]:
    chance = stream(seed, f"site/{organisation}", BIG_CITIES.index(city.name))
    return {
        "organisation": organisation,
        "city": city.name,
        "latitude": round(city.latitude + chance.uniform(-0.05, 0.05), 5),
        "longitude": round(city.longitude + chance.uniform(-0.05, 0.05), 5),
        "time_zone": "Asia/Karachi",
        "step_free": chance.random() < 0.6,
        "directions": {"en": "Main gate, then ask at the front desk."},
        "status": "open",
    }


def _rooms(seed: int, therapists: tuple[Therapist, ...]) -> dict[UUID, dict[str, Any]]:
    """Two rooms for three people who work there: they share, at different hours."""
    at_site = Counter(site for therapist in therapists for site in therapist.profile["sites"])
    return {
        identifier(seed, f"room/{site}", number): {"site_id": site, "status": "open"}
        for site, workers in at_site.items()
        for number in range(max(2, ceil(workers * 2 / 3)))
    }


def _therapist(seed: int, number: int) -> Therapist:
    chance = stream(seed, "therapist", number)
    profession = PROFESSIONS.at(evenly(number, GOLDEN))
    organisation = HOSPITAL if evenly(number, SILVER) < HOSPITAL_SHARE else NETWORK
    city = (
        CITY_OF_WORK.at(evenly(number, BRONZE))
        if chance.random() < IN_BIG_CITIES
        else chance.choice(ELSEWHERE)
    )
    seen_at = city.name in BIG_CITIES and chance.random() < ALSO_IN_PERSON
    site = str(site_of(seed, city, organisation)) if seen_at else None
    profile = {
        "organisation": organisation,
        "gender": "woman" if chance.random() < 0.62 else "man",
        "languages": _languages(seed, number, city),
        "modalities": ["video", "audio", "phone", *(["in_person"] if site else [])],
        "problem_areas": list(profession.problem_areas),
        "age_bands": ["13-17", *EVERY_AGE] if chance.random() < 0.5 else list(EVERY_AGE),
        "steps": list(profession.steps),
        "fee": int(profession.fee * FEE_FACTORS.draw(chance)),
        "weekly_limit": round(min(25, max(4, chance.gauss(18, 4)))),
        "sites": [site] if site else [],
        "register_status": REGISTERED.get(profession.name, "no-register-exists"),
        "status": "active",
    }
    calendar = {
        "time_zone": "Asia/Karachi",
        "buffer_minutes": 10,
        "minimum_notice_minutes": 120,
        "horizon_days": 28,
        "rules": rules(chance, site),
    }
    return Therapist(identifier(seed, "therapist", number), profile, calendar)


def _languages(seed: int, number: int, city: City) -> list[str]:
    """Urdu nearly always, the language of the city they come from, English for six in ten."""
    chance = stream(seed, "speaks", number)
    own = first_languages()[city.province].draw(chance)
    spoken = [own] if own not in ("other", "scl") else []
    spoken += ["ur"] if chance.random() < 0.98 else []
    spoken += ["en"] if chance.random() < 0.6 else []
    return list(dict.fromkeys(spoken)) or ["ur"]
