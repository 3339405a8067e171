"""People who ask for help: what each would type into a frontend.

Shares are those of the population specification. Other than there:

- one in twenty asks by mail, which it does not know, since a mail server is one of the ways out; that is taken from SMS and calls;
- nobody's contact point has expired (one in ten would have): intake counts its 60 days from the request, and no run takes so
  long. What is not sent then is proved in `tests/notifications/test_send_time.py`;
- whoever names no hours at all (one in four) is there by day alone, see `windows`;
- three in ten do not say their gender, and nobody gives a name: no request asks for one.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from simulation.population import screening
from simulation.population.by_hand import BY_HAND
from simulation.population.chance import Weighted, stream
from simulation.population.changes import Change, change_of_mind
from simulation.population.languages import spoken
from simulation.population.places import Home, home
from simulation.population.windows import safe_windows
from simulation.population.wishes import wishes

SUBMITTED_TWICE = 0.01
LATE = 0.01  # filled in without a connection, and sent when there is one again

GENDERS = Weighted({"woman": 0.55, "man": 0.44, "other": 0.01})
AGES = Weighted({"13-17": 0.08, "18-24": 0.27, "25-34": 0.33, "35-44": 0.17, "45-59": 0.11, "60+": 0.04})
PROBLEMS = Weighted(
    {
        "low_mood": 0.26,
        "anxiety": 0.23,
        "relationship": 0.14,
        "grief": 0.06,
        "trauma": 0.07,
        "perinatal": 0.05,
        "stress": 0.07,
        "addiction": 0.03,
        "ocd": 0.03,
        "psychosis": 0.03,
        "child": 0.02,
        "other": 0.01,
    }
)
# Where there is a site near: online video, audio or telephone, in person alone, either.
NEAR = Weighted({"video": 0.35, "audio": 0.20, "in_person": 0.25, "either": 0.20})
FAR = Weighted({"video": 0.62, "audio": 0.36, "in_person": 0.02})
BUDGETS = Weighted({0: 0.30, 1000: 0.20, 2000: 0.20, 3500: 0.17, 6000: 0.09, None: 0.04})
HOURS = Weighted({"any": 0.60, "evening": 0.30, "weekend": 0.10})
CHANNELS = Weighted({"whatsapp": 0.55, "sms": 0.17, "call": 0.13, "email": 0.05, "inbox": 0.10})
OWNERS = Weighted({"own": 0.80, "shared": 0.15, "trusted": 0.05})
NARROW = {True: 0.20, False: 0.02}  # two hours a day or less, by whether it is a woman
IN_ROMAN_URDU = 0.7
CANNOT_READ = {True: 0.25, False: 0.08}  # by whether they live in a village; asked aloud, yes or no


@dataclass(frozen=True, slots=True)
class Person:
    """One person: the body of the request, and what the simulation knows besides it.

    `address` is the contact address in the form in which messages reach a sink, None for the inbox. `late`: what they
    have filled in leaves their phone after everybody else has asked.
    """

    number: int
    body: dict[str, Any]
    address: str | None
    open_now: bool
    submits: int
    alarming: bool
    change: Change | None = None
    late: bool = False

    @property
    def others(self) -> frozenset[str]:
        """Where those are reached who take part, in the same form."""
        contacts = (one.get("contact", {}) for one in self.body.get("attendees", ()))
        found = (_as_it_arrives(contact.get("address")) for contact in contacts)
        return frozenset(address for address in found if address)

    @property
    def guarded(self) -> bool:
        """Whether a guardian has to agree first."""
        return bool(self.body["age_band"] == "13-17")

    @property
    def chooses(self) -> bool:
        """Whether they wish to choose their therapist themselves."""
        return bool(self.body.get("booking_mode") == "choose")


def people(seed: int, count: int, now: datetime) -> Iterator[Person]:
    """The first `count` people of this country; `now` is local wall time. Person n is the same in any count."""
    return (person(seed, number, now) for number in range(count))


def person(seed: int, number: int, now: datetime) -> Person:
    """The number-th person."""
    chance, more = stream(seed, "person", number), stream(seed, "screening", number)
    gender, age, lives = GENDERS.draw(chance), AGES.draw(chance), home(chance)
    woman = gender == "woman"
    windows, is_open = safe_windows(chance, now, narrow=chance.random() < NARROW[woman])
    body: dict[str, Any] = {
        "kind": "individual",
        "modalities": _modalities(chance, lives),
        "languages": list(spoken(chance, lives.city.province, lives.city.name, rural=lives.rural)),
        "problem_areas": _problems(chance, woman, age),
        "province": lives.city.province,
        "age_band": age,
        "wanted_times": _wanted_times(chance),
        "contact": _contact(chance, seed, number) | _if_known(safe_windows=windows or None),
        "consent": {"care": True, "contact": True, "text_version": "2026-01"},
        "answers": screening.questionnaires(chance, more, reads=more.random() >= CANNOT_READ[lives.rural]),
    }
    if flags := screening.red_flags(more, body["problem_areas"]):
        body["red_flags"] = flags
    body |= _if_known(city=None if lives.rural else lives.city.name, max_fee=BUDGETS.draw(chance))
    body |= wishes(seed, number, body, gender=gender, lives=lives)
    submits = 2 if chance.random() < SUBMITTED_TWICE else 1
    if number in BY_HAND:
        BY_HAND[number](body)
    known = _known(number, body, submits, is_open, change_of_mind(seed, number, body, now))
    return replace(known, late=stream(seed, "late", number).random() < LATE)


def _known(number: int, body: dict[str, Any], submits: int, is_open: bool, change: Change | None) -> Person:
    contact, alarming = body["contact"], screening.is_alarming(body)
    open_now = is_open or contact["channel"] == "inbox"
    return Person(number, body, _as_it_arrives(contact.get("address")), open_now, submits, alarming, change)


def _as_it_arrives(address: str | None) -> str | None:
    """A number as E.164; a mail address as it is."""
    if address is None or "@" in address:
        return address
    digits = "".join(sign for sign in address if sign.isdigit())
    return f"+92{digits[-10:]}"


def _if_known(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _modalities(chance: random.Random, lives: Home) -> list[str]:
    wish = (NEAR if lives.near_a_site else FAR).draw(chance)
    if wish == "in_person" and lives.rural:
        wish = "audio"
    if wish == "either":
        return chance.choice([["video", "in_person"], ["in_person", "video", "audio"]])
    return {"video": ["video", "audio"], "audio": ["audio", "phone"], "in_person": ["in_person"]}[wish]


def _problems(chance: random.Random, woman: bool, age: str) -> list[str]:
    areas = [_problem(chance, woman, age)]
    if chance.random() < 0.25:
        areas.append(_problem(chance, woman, age))
    return list(dict.fromkeys(areas))


def _problem(chance: random.Random, woman: bool, age: str) -> str:
    while True:
        area = PROBLEMS.draw(chance)
        if area == "perinatal" and not (woman and age in ("18-24", "25-34", "35-44")):
            continue
        if area == "child" and age != "13-17":
            continue
        return area


def _wanted_times(chance: random.Random) -> list[dict[str, int | str]]:
    match HOURS.draw(chance):
        case "evening":
            return [{"day": day, "start": "17:00", "end": "21:00"} for day in range(1, 8)]
        case "weekend":
            return [{"day": day, "start": "10:00", "end": "18:00"} for day in (6, 7)]
        case _:
            return []


def _contact(chance: random.Random, seed: int, number: int) -> dict[str, Any]:
    channel = CHANNELS.draw(chance)
    language = "ur" if chance.random() < IN_ROMAN_URDU else "en"
    contact = {"channel": channel, "language": language, "script": "Latn", "owner": OWNERS.draw(chance)}
    if channel == "inbox":
        return contact
    if channel == "email":
        return contact | {"address": f"person-{seed}-{number}@example.org"}
    # +92 399 is reserved for made-up people; each has a number of its own, written as people write them.
    digits = f"399{(seed * 1_000_003 + number) % 9_999_999:07}"
    spellings = [f"+92{digits}", f"0{digits}", f"0{digits[:3]} {digits[3:]}", f"0092-{digits}"]
    return contact | {"address": chance.choice(spellings)}
