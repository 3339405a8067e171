"""People chance would seldom make: each stands for a way in which systems like this one have failed before."""

from collections.abc import Callable
from typing import Any

Body = dict[str, Any]


def balochi_in_khuzdar(body: Body) -> None:
    """Speaks Balochi alone, needs it free, has no camera and lives far from every site: nobody may fit."""
    body |= {
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


BY_HAND: dict[int, Callable[[Body], None]] = {
    17: balochi_in_khuzdar,
    29: grave_answer_in_a_light_total,
    41: on_a_shared_number,
    42: on_a_shared_number,
}
