"""Where cities and sites are, and how far apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_KM = 6371.0088  # mean radius R1 of the GRS 80 ellipsoid


@dataclass(frozen=True, slots=True)
class Point:
    """WGS 84, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Site:
    """A place where people are seen, as far as matching needs it."""

    id: UUID
    point: Point
    is_open: bool
    step_free: bool = False


Cities = Mapping[str, Point]  # by name in casefold


def kilometres(start: Point, others: Sequence[Point]) -> NDArray[np.float64]:
    """Great-circle distances in kilometres by the haversine formula (Sinnott 1984: exact for small angles)."""
    if not others:
        return np.empty(0)
    latitudes, longitudes = np.radians([(p.latitude, p.longitude) for p in others]).T
    latitude, longitude = np.radians((start.latitude, start.longitude))
    across = np.sin((latitudes - latitude) / 2) ** 2
    along = np.sin((longitudes - longitude) / 2) ** 2 * np.cos(latitude) * np.cos(latitudes)
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(across + along)))
