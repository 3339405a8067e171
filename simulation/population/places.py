"""Where people ask from. Coordinates: GeoNames; weights are design, its populations are not usable for that."""

import random
from dataclasses import dataclass

from simulation.population.chance import Weighted

# No city named: somewhere in the country, within reach of a phone alone.
RURAL = 0.085


@dataclass(frozen=True, slots=True)
class City:
    """A city with its share of those who ask."""

    name: str
    province: str
    latitude: float
    longitude: float
    weight: float


CITIES: tuple[City, ...] = (
    City("Karachi", "PK-SD", 24.8608, 67.0104, 0.20),
    City("Lahore", "PK-PB", 31.5580, 74.3507, 0.15),
    City("Islamabad", "PK-IS", 33.7215, 73.0433, 0.07),
    City("Rawalpindi", "PK-PB", 33.5973, 73.0479, 0.06),
    City("Faisalabad", "PK-PB", 31.4155, 73.0897, 0.06),
    City("Peshawar", "PK-KP", 34.0080, 71.5785, 0.05),
    City("Multan", "PK-PB", 30.1968, 71.4782, 0.04),
    City("Hyderabad", "PK-SD", 25.3969, 68.3772, 0.035),
    City("Gujranwala", "PK-PB", 32.1557, 74.1871, 0.03),
    City("Quetta", "PK-BA", 30.1841, 67.0014, 0.025),
    City("Sialkot", "PK-PB", 32.4927, 74.5313, 0.02),
    City("Bahawalpur", "PK-PB", 29.3978, 71.6752, 0.02),
    City("Sargodha", "PK-PB", 32.0859, 72.6742, 0.02),
    City("Sukkur", "PK-SD", 27.7032, 68.8589, 0.02),
    City("Dera Ghazi Khan", "PK-PB", 30.0459, 70.6403, 0.015),
    City("Abbottabad", "PK-KP", 34.1463, 73.2117, 0.015),
    City("Mardan", "PK-KP", 34.1979, 72.0497, 0.015),
    City("Larkana", "PK-SD", 27.5590, 68.2120, 0.015),
    City("Mingora", "PK-KP", 34.7795, 72.3627, 0.015),
    City("Khuzdar", "PK-BA", 27.8119, 66.6110, 0.01),
    City("Mirpur Khas", "PK-SD", 25.5276, 69.0126, 0.01),
    City("Gilgit", "PK-GB", 35.9187, 74.3125, 0.01),
    City("Muzaffarabad", "PK-JK", 34.3700, 73.4708, 0.01),
)
BY_NAME = {city.name: city for city in CITIES}

# Where people are seen in person: four of five therapists work in these.
BIG_CITIES = ("Karachi", "Lahore", "Islamabad", "Rawalpindi", "Peshawar")

_CITIES = Weighted({city: city.weight for city in CITIES})


@dataclass(frozen=True, slots=True)
class Home:
    """Where one person asks from; in the countryside no city is named."""

    city: City
    rural: bool

    @property
    def near_a_site(self) -> bool:
        return not self.rural and self.city.name in BIG_CITIES


def home(chance: random.Random) -> Home:
    """A home by the weights."""
    rural = chance.random() < RURAL
    return Home(_CITIES.draw(chance), rural)
