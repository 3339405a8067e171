"""Those who give care: sites, rooms, therapists and their calendars, as many as a given number of people needs.

Shares and medians are design. Care is scarce in a few corners only (rare languages, small towns in person), so
that at least nine in ten people can be booked.
"""

import random
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
FEWEST_THERAPISTS = 60
HOSPITAL, NETWORK = "rehmat-hospital", "humqadam-network"
HOSPITAL_SHARE = 1 / 3
STAFF = "rehmat-staff"  # the hospital pays for its own people at its own therapists

LIGHT = ("low_mood", "anxiety", "stress", "grief", "relationship", "other")
MORE = ("perinatal", "trauma", "addiction", "child")
GRAVE = ("ocd", "psychosis")
EVERY_AGE = ("18-24", "25-34", "35-44", "45-59", "60+")


@dataclass(frozen=True, slots=True)
class Profession:
    """What a profession does at which steps, by how much an area asks for; `fee` is the median in rupees a session."""

    name: str
    light: tuple[int, ...]
    more: tuple[int, ...]
    grave: tuple[int, ...]
    fee: int


PROFESSIONS = Weighted(
    {
        Profession("clinical_psychologist", (1, 2, 3, 4), (1, 2, 3, 4), (2, 3, 4), 3000): 0.30,
        Profession("lay_counsellor", (1, 2), (1, 2), (), 500): 0.28,
        Profession("counselling_psychologist", (1, 2, 3), (1, 2, 3), (), 2000): 0.25,
        Profession("peer_facilitator", (1,), (), (), 0): 0.10,
        Profession("psychiatrist", (2, 3, 4), (2, 3, 4), (2, 3, 4), 4500): 0.07,
    }
)
# Public clinics and funded places are free; some keep places for half the fee for those who cannot pay it.
FREE, SLIDING = 0.5, 0.2
SHARES = (20, 30, 50)  # per cent of what they can take that may be taken at half the fee
# One whose papers ran out, as many as there are people: nobody may be sent to them.
RAN_OUT, LAST_DAY = 23, "2026-06-30"
# A psychologist's papers are often still being looked at; a lay counsellor's training always was.
STATUSES = {
    "psychiatrist": Weighted({"verified": 0.95, "expired": 0.03, "pending": 0.02}),
    "clinical_psychologist": Weighted({"no-register-exists": 0.60, "pending": 0.25, "verified": 0.15}),
    "counselling_psychologist": Weighted({"no-register-exists": 0.60, "pending": 0.25, "verified": 0.15}),
}
NO_REGISTER = Weighted({"no-register-exists": 1.0})
SUPERVISED = ("lay_counsellor", "peer_facilitator")
LAY_PER_SUPERVISOR = 7
FLUENT = Weighted({"fluent": 0.75, "working": 0.25})
IN_ENGLISH = Weighted({"fluent": 0.5, "working": 0.5})
COUPLES, FAMILIES, GROUPS = 0.5, 0.4, 0.3
FAITH_SENSITIVE = 0.4
# What therapists say they can meet; a site says itself whether it has steps.
ACCESS = {
    "ground_floor": 0.4,
    "hearing": 0.5,
    "sign_language": 0.1,
    "low_vision": 0.5,
    "companion": 0.8,
    "female_attendant": 0.5,
}
CITY_OF_WORK = Weighted(
    {BY_NAME[name]: share for name, share in zip(BIG_CITIES, (0.34, 0.26, 0.14, 0.12, 0.14), strict=True)}
)
ELSEWHERE = tuple(city for city in CITIES if city.name not in BIG_CITIES)
IN_BIG_CITIES = 0.85
ALSO_IN_PERSON = 0.85


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
    profile: dict[str, Any] = {
        "organisation": organisation,
        "gender": "woman" if chance.random() < 0.62 else "man",
        "languages": _languages(seed, number, city),
        "modalities": ["video", "audio", "phone", *(["in_person"] if site else [])],
        "age_bands": ["13-17", *EVERY_AGE] if chance.random() < 0.5 else list(EVERY_AGE),
        "weekly_limit": round(min(25, max(4, chance.gauss(18, 4)))),
        "sites": [site] if site else [],
        "status": "active",
    }
    profile |= _practice(seed, number, profession)
    profile["kinds"] = _kinds(chance, profession, minors="13-17" in profile["age_bands"])
    profile["coverage"] = [STAFF] if organisation == HOSPITAL else []
    calendar = {
        "time_zone": "Asia/Karachi",
        "buffer_minutes": 10,
        "minimum_notice_minutes": 0,  # who is new is given no hour within two hours anyway; who is known may come at once
        "horizon_days": 28,
        "rules": rules(chance, site),
    }
    return Therapist(identifier(seed, "therapist", number), profile, calendar)


def _practice(seed: int, number: int, profession: Profession) -> dict[str, Any]:
    """What they do, on which papers and for how much."""
    chance = stream(seed, "practice", number)
    paid = chance.random()
    supervisor = identifier(seed, "supervisor", number // LAY_PER_SUPERVISOR)
    status = STATUSES.get(profession.name, NO_REGISTER).draw(chance)
    slides = FREE <= paid < FREE + SLIDING
    said = {
        "profession": profession.name,
        "register_status": "expired" if number == RAN_OUT else status,
        "valid_until": LAST_DAY if number == RAN_OUT else None,
        "supervisor": str(supervisor) if profession.name in SUPERVISED else None,
        "competences": _competences(chance, profession),
        "fee": 0 if paid < FREE else profession.fee,
        "sliding_fee": profession.fee // 2 if slides else None,
        "access": [need for need, share in ACCESS.items() if chance.random() < share],
        "faith_sensitive": chance.random() < FAITH_SENSITIVE,
    }
    return said | {"sliding_share": chance.choice(SHARES) if slides else None}


def _competences(chance: random.Random, profession: Profession) -> list[dict[str, Any]]:
    """Every area the profession works with; in one or two of them somebody is a specialist."""
    steps = dict.fromkeys(LIGHT, profession.light)
    steps |= {area: profession.more for area in MORE if profession.more}
    steps |= {area: profession.grave for area in GRAVE if profession.grave}
    best_at = chance.sample(sorted(steps), chance.choice((1, 2)))
    return [
        {"problem_area": area, "steps": list(at), "specialist": area in best_at} for area, at in steps.items()
    ]


def _kinds(chance: random.Random, profession: Profession, *, minors: bool) -> list[str]:
    """Everybody sees one person; couples and families are for psychologists, groups for those who run circles."""
    if profession.name in SUPERVISED:
        return ["individual", *(["group"] if chance.random() < GROUPS else [])]
    couples, families = chance.random() < COUPLES, chance.random() < FAMILIES
    found = (("couple", couples), ("family", families), ("child", minors))
    return ["individual", *(kind for kind, offered in found if offered)]


def _languages(seed: int, number: int, city: City) -> list[dict[str, str]]:
    """The language of the city they come from by birth, Urdu nearly always, English for six in ten."""
    chance = stream(seed, "speaks", number)
    own = first_languages()[city.province].draw(chance)
    spoken = {own: "native"} if own not in ("other", "scl") else {}
    if chance.random() < 0.98:
        spoken.setdefault("ur", FLUENT.draw(chance))
    if chance.random() < 0.6:
        spoken.setdefault("en", IN_ENGLISH.draw(chance))
    return [{"language": code, "fluency": fluency} for code, fluency in (spoken or {"ur": "native"}).items()]
