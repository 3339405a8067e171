"""What helps a person to choose: facts of a therapist, how far away, and which of their wishes are met."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.matching.domain.places import Cities, Point, kilometres
from services.matching.domain.therapists import Profile
from services.matching.domain.vocabulary import Modality
from services.matching.domain.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Wishes:
    """Of a request, what a person may be reminded of by rule names; no need is among it."""

    modalities: tuple[Modality, ...]
    languages: tuple[str, ...]
    gender: str | None
    max_fee: int | None
    city: str | None
    knows_them: bool


def why(wishes: Wishes, profile: Profile, modality: Modality, within_km: int | None) -> list[str]:
    """The names of the wishes that this therapist meets, in the order in which they matter to most."""
    met = {
        "known_to_you": wishes.knows_them,
        "speaks_your_language": bool(set(wishes.languages[:1]) & {one.language for one in profile.languages}),
        f"{wishes.gender}_as_wished": wishes.gender == profile.gender,
        "way_you_wished": wishes.modalities[:1] == (modality,),
        "near_you": within_km is not None,
        "within_your_fee": wishes.max_fee is not None and profile.least_fee <= wishes.max_fee,
    }
    return [name for name, is_met in met.items() if is_met]


def within_km(city: str | None, sites: Sequence[Point], cities: Cities, waiting: Waiting) -> int | None:
    """The band of the distance from the city's centre to the nearest of these sites; None if it is not known."""
    start = cities.get(city.casefold()) if city else None
    if start is None or not sites:
        return None
    return waiting.band_km(_least(kilometres(start, sites).tolist()))


def _least(distances: Iterable[float]) -> float:
    return min(distances)
