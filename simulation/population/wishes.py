"""What people wish beside the way they are met: by the population specification, as far as somebody can be found.

Left out: access needs that a therapist would have to meet (none of those who
are seeded says that they do), and a language that is a must (there is no such wish). Couples are few, because each is
held until the other one has consented.
"""

import random
from math import log
from typing import Any

from simulation.population.chance import Weighted, identifier, stream
from simulation.population.guardians import guardian
from simulation.population.places import Home

MINOR = "13-17"
WOMAN_A_MUST = {True: 0.45, False: 0.03}  # by whether it is a woman who asks
WOMAN_A_WISH = {True: 0.15, False: 0.05}
FAITH_SENSITIVE = 0.15
PREVIOUS = 0.08
AGAIN = 0.6
STEP_FREE = 0.02
NAMES_AN_AREA = 0.30
NAMES_A_RADIUS = 0.60
RADIUS_KM, SPREAD = 8, 0.5  # log-normal, median 8 km; who is seen in person alone goes at least that far
PAID_BY_OTHERS = 0.03
SAY_THEIR_GENDER = 0.7
COUPLE = 0.05  # of those who name a relationship
FAMILY = 0.02
CHOOSES = 0.025
KNOWN_THERAPISTS = 40  # as many as there are in the smallest country

AREAS = ("Cantonment", "Old City", "University Road", "Block 4", "Railway Colony", "پرانا شہر")
SOURCES = Weighted(
    {
        "self": 0.60,
        "family": 0.12,
        "gp": 0.09,
        "helpline": 0.06,
        "lay_health_worker": 0.05,
        "school": 0.03,
        "partner_org": 0.03,
        "employer": 0.02,
    }
)


def wishes(seed: int, number: int, body: dict[str, Any], *, gender: str, lives: Home) -> dict[str, Any]:
    """Members to be added to the body of the number-th person; draws from a stream of its own."""
    chance = stream(seed, "wishes", number)
    return {
        "source": SOURCES.draw(chance),
        **_of_whom(chance, seed, woman=gender == "woman"),
        **_of_where(chance, body, lives),
        **_of_oneself(chance, gender),
        **_with_others(chance, seed, number, body),
        **({"booking_mode": "choose"} if chance.random() < CHOOSES and body["age_band"] != MINOR else {}),
    }


def _of_whom(chance: random.Random, seed: int, *, woman: bool) -> dict[str, Any]:
    """The therapist: a woman, one who minds faith, one they know."""
    said: dict[str, Any] = {"faith_sensitive": True} if chance.random() < FAITH_SENSITIVE else {}
    drawn = chance.random()
    if drawn < WOMAN_A_MUST[woman] + WOMAN_A_WISH[woman]:
        said["therapist_gender"] = {"wish": "woman", "must": drawn < WOMAN_A_MUST[woman]}
    if chance.random() < PREVIOUS:
        known = identifier(seed, "therapist", chance.randrange(KNOWN_THERAPISTS))
        wish = "again" if chance.random() < AGAIN else "not_again"
        said["previous_therapist"] = {"therapist_id": str(known), "wish": wish}
    return said


def _of_where(chance: random.Random, body: dict[str, Any], lives: Home) -> dict[str, Any]:
    """The place, for who lives in a city."""
    area, radius = chance.random() < NAMES_AN_AREA, chance.random() < NAMES_A_RADIUS
    place, distance = chance.choice(AREAS), round(chance.lognormvariate(log(RADIUS_KM), SPREAD), 1)
    step_free: dict[str, Any] = {"access_needs": ["step_free"]} if chance.random() < STEP_FREE else {}
    if lives.rural:
        return step_free
    said = step_free | ({"area": place} if area else {})
    if radius and "in_person" in body["modalities"]:
        least = RADIUS_KM if body["modalities"] == ["in_person"] else 1
        said["radius_km"] = max(least, distance)
    return said


def _of_oneself(chance: random.Random, gender: str) -> dict[str, Any]:
    """Gender, and who pays."""
    said: dict[str, Any] = {"coverage": ["rehmat-staff"]} if chance.random() < PAID_BY_OTHERS else {}
    if chance.random() < SAY_THEIR_GENDER:
        said["gender"] = gender
    return said


def _with_others(chance: random.Random, seed: int, number: int, body: dict[str, Any]) -> dict[str, Any]:
    """A couple is held for the other one, a minor for a guardian; of a family whoever asks may begin."""
    drawn = chance.random()
    if body["age_band"] == MINOR:
        return {"attendees": [guardian(seed, number, body)]}
    if "relationship" not in body["problem_areas"]:
        return {}
    if drawn < COUPLE:
        address = f"partner-{seed}-{number}@example.org"
        contact = {"channel": "email", "address": address, "language": body["contact"]["language"]}
        partner = {"role": "partner", "consent": "invited", "contact": contact}
        return {"kind": "couple", "attendees": [partner]}
    if drawn < COUPLE + FAMILY:
        return {"kind": "family", "attendees": [{"role": "family"}]}
    return {}
