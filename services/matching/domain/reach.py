"""How far a city is from the sites at which therapists see people."""

from collections.abc import Mapping, Sequence
from copy import copy
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.bits import Bits, Numbers, pack
from services.matching.domain.memory import Memory
from services.matching.domain.places import Cities, Site, kilometres
from services.matching.domain.policy import KILOMETRES_COUNTED
from services.matching.domain.rows import Places

Distances = NDArray[np.float64]


class Reach:
    """`sites_of[n]` are the sites of therapist number n; those unknown or closed are as if they were not."""

    def __init__(
        self, sites_of: Sequence[Sequence[UUID]], sites: Mapping[UUID, Site], cities: Cities
    ) -> None:
        self._therapists = len(sites_of)
        self._cities = cities
        self._sites = [sites[identity] for identity in sorted(sites) if sites[identity].is_open]
        number_of = {site.id: number for number, site in enumerate(self._sites)}
        pairs = [
            (therapist, number_of[site])
            for therapist, mine in enumerate(sites_of)
            for site in mine
            if site in number_of
        ]
        self._who, self._where = np.array(pairs, np.int64).reshape(-1, 2).T
        self._step_free = np.array([site.step_free for site in self._sites], bool)
        self._memory = Memory()

    def changed(self, places: Places, few: "Reach") -> "Reach":
        """The same after a change of those in `few`, who know the same sites; what is remembered stays where nobody moved."""
        who = places.kept[self._who]
        theirs = np.isin(who, places.changed)
        moved = places.changed[few._who]
        same = np.array_equal(who[theirs], moved) and np.array_equal(self._where[theirs], few._where)
        if places.same and same:
            return self
        after = copy(self)
        after._therapists, after._memory = places.count, Memory()
        who = np.concatenate([who[~theirs], moved])
        order = np.argsort(who, kind="stable")
        after._who, after._where = who[order], np.concatenate([self._where[~theirs], few._where])[order]
        return after

    def near(self, city: str | None, radius_km: float, *, step_free: bool = False) -> Bits:
        """Who sees people at an open site within this distance of the city's centre."""
        question = ("near", city, radius_km, step_free)
        return self._memory.once(question, lambda: pack(self._nearest(city, step_free) <= radius_km))

    def whole_kilometres(self, city: str | None, *, step_free: bool = False) -> Numbers:
        """From the city's centre to each therapist's nearest site, counted up to a limit."""
        return self._memory.once(
            ("km", city, step_free),
            lambda: np.minimum(self._nearest(city, step_free), KILOMETRES_COUNTED).astype(np.int64),
        )

    def sites_near(
        self, number: int, city: str | None, radius_km: float, *, step_free: bool = False
    ) -> tuple[UUID, ...]:
        """This therapist's open sites within the distance, the nearest first."""
        first, last = np.searchsorted(self._who, (number, number + 1))
        mine = self._where[first:last]
        away = self._from(city, step_free)[mine]
        order = np.argsort(away, kind="stable")
        return tuple(self._sites[mine[place]].id for place in order if away[place] <= radius_km)

    def _from(self, city: str | None, step_free: bool) -> Distances:
        """Kilometres from a city to every site that will do; without a known city none is within reach."""
        start = self._cities.get(city.casefold()) if city else None
        if start is None:
            return np.full(len(self._sites), np.inf)
        away = self._memory.once(
            ("from", city), lambda: kilometres(start, [site.point for site in self._sites])
        )
        return np.where(self._step_free, away, np.inf) if step_free else away

    def _nearest(self, city: str | None, step_free: bool) -> Distances:
        nearest = np.full(self._therapists, np.inf)
        np.minimum.at(nearest, self._who, self._from(city, step_free)[self._where])
        return nearest
