"""People chance would seldom make: each stands for a way in which systems like this one have failed before."""

from collections.abc import Callable
from typing import Any

Body = dict[str, Any]


def balochi_in_khuzdar(body: Body) -> None:
    """Speaks Balochi alone, with a woman alone, needs it free, has no camera, lives far from all: nobody may fit."""
    body |= {
        "therapist_gender": {"wish": "woman", "must": True},
        "languages": ["bal"],
        "modalities": ["audio"],
        "province": "PK-BA",
        "city": "Khuzdar",
        "max_fee": 0,
    }


def grave_answer_in_a_light_total(body: Body) -> None:
    """Item 9 answered `nearly every day` while the total is 5: the alarm must not look at the total."""
    body["answers"] = {"phq9": [1, 0, 0, 1, 0, 0, 0, 0, 3]}


def on_a_shared_number(body: Body) -> None:
    """Two people of one household: the number is not the person."""
    contact = {"channel": "sms", "address": "+923999999999", "owner": "shared"}
    body["contact"] = body["contact"] | contact


def afraid_of_the_guardian(body: Body) -> None:
    """Sixteen, and not safe at home: a human the same day, and no message that a guardian could read."""
    body.pop("attendees", None)
    contact = {name: value for name, value in body["contact"].items() if name != "address"}
    body |= {
        "kind": "individual",
        "age_band": "13-17",
        "red_flags": ["violence"],
        "answers": {},
        "contact": contact | {"channel": "inbox", "owner": "own"},
    }


def a_couple(body: Body) -> None:
    """Waits for the other one, who alone can say yes."""
    body |= {
        "kind": "couple",
        "problem_areas": ["relationship"],
        "age_band": "35-44",
        "attendees": [{"role": "partner"}],
    }


def away_from_home(body: Body) -> None:
    """Works abroad: the hours they name are those of another zone."""
    body |= {
        "time_zone": "Asia/Dubai",
        "modalities": ["video", "audio"],
        "wanted_times": [{"day": day, "start": "18:00", "end": "22:00"} for day in range(1, 8)],
    }
    contact = {name: value for name, value in body["contact"].items() if name != "address"}
    body["contact"] = contact | {"channel": "inbox"}


# Where a file is handed over that has their rows, an office has typed them wrongly at first, and sends it all again.
BROKEN_AT_FIRST = frozenset({53, 67})

BY_HAND: dict[int, Callable[[Body], None]] = {
    17: balochi_in_khuzdar,
    29: grave_answer_in_a_light_total,
    41: on_a_shared_number,
    42: on_a_shared_number,
    53: afraid_of_the_guardian,
    61: a_couple,
    73: away_from_home,
}
