"""Intake takes cities by name and matching measures from them: both must mean the same places."""

from pathlib import Path
from typing import Any

import yaml

SERVICES = Path(__file__).parents[2] / "services"


def cities(service: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((SERVICES / service / "data" / "places.yaml").read_text())[
        "cities"
    ]
    return sorted(found, key=lambda city: str(city["name"]))


def test_intake_and_matching_know_the_same_cities() -> None:
    assert cities("intake") == cities("matching")
