"""Provinces and their cities, as far as distances are known."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.intake.domain.refusals import Refusal


@dataclass(frozen=True, slots=True)
class City:
    """A city with its centre in degrees (WGS 84)."""

    name: str
    province: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Places:
    """Cities by their name in lower case."""

    cities: Mapping[str, City]

    def read_city(self, name: str, province: str) -> str | Refusal:
        """The city's one spelling; spaces at the ends and capitals do not matter."""
        city = self.cities.get(name.strip().casefold())
        if city is None:
            return Refusal("/city", "unknown_city", "this city is not known; see /v1/reference")
        if city.province != province:
            return Refusal("/city", "not_in_province", "this city is in another province")
        return city.name
