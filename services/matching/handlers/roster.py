"""The therapists as this process knows them: brought up to date at the start of every batch, never stale.

Where a therapist or a site has changed their columns are made in a thread, so that whoever else is served meanwhile does not wait.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from services.matching.domain.capacity import Capacity, capacity_of, with_loads
from services.matching.domain.directory import Directory
from services.matching.domain.places import Cities, Point, Site
from services.matching.domain.policy import Policy
from services.matching.domain.therapists import Profile, Therapist
from services.matching.repository.changes import BEGINNING, Changes, Own, changes_since
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Known:
    """What was read, and the columns made of it; never altered, only replaced."""

    therapists: dict[UUID, Therapist]
    sites: dict[UUID, Site]
    directory: Directory
    capacity: Capacity


class Roster:
    """One per process."""

    def __init__(self, policy: Policy, cities: Cities) -> None:
        self._policy = policy
        self._cities = cities
        nobody = Directory((), {}, cities, policy.credentials)
        self._known = Known({}, {}, nobody, capacity_of(nobody, {}, policy.weeks))
        self._begin = BEGINNING
        self._again = Own()
        self._turn = asyncio.Lock()

    async def look(self, tx: Transaction) -> tuple[Directory, Capacity]:
        """All therapists and what they can still take, as this transaction sees them now.

        What the transaction itself has written counts for this look only: it may yet be rolled back. It is read
        again at the next.
        """
        async with self._turn:
            changes = await changes_since(tx, self._begin, self._again)
            self._known = await self._with(self._known, changes, own=False)
            self._begin, self._again = changes.begin_next, changes.own
            seen = await self._with(self._known, changes, own=True)
        return seen.directory.at(tx.now), seen.capacity

    def described(self, ids: Iterable[UUID]) -> dict[UUID, Profile]:
        """The profiles of those of these therapists who are known, as of the last look."""
        known = self._known.therapists
        return {one: known[one].profile for one in ids if one in known}

    def points(self, sites: Iterable[UUID]) -> list[Point]:
        """Where those of these sites are that are known, as of the last look."""
        return [self._known.sites[one].point for one in sites if one in self._known.sites]

    @property
    def cities(self) -> Cities:
        """Where each city is."""
        return self._cities

    async def _with(self, known: Known, changes: Changes, *, own: bool) -> Known:
        """With the changes of others, or with this transaction's own."""
        # What is told a second time, because an older transaction had not ended, makes nothing anew.
        therapists = {
            one.id: one
            for one in changes.therapists
            if (one.id in changes.own.profiles) == own and known.therapists.get(one.id) != one
        }
        sites = {
            one.id: one
            for one in changes.sites
            if (one.id in changes.own.profiles) == own and known.sites.get(one.id) != one
        }
        loads = {one: load for one, load in changes.loads.items() if (one in changes.own.loads) == own}
        if therapists or sites:
            known = await asyncio.to_thread(self._changed, known, therapists, sites)
        if loads:
            known = replace(known, capacity=with_loads(known.capacity, known.directory, loads))
        return known

    def _changed(self, known: Known, therapists: dict[UUID, Therapist], sites: dict[UUID, Site]) -> Known:
        everybody, places = known.therapists | therapists, known.sites | sites
        directory, moved = known.directory.changed(therapists.values())
        capacity = known.capacity.changed(directory, moved, self._policy.weeks)
        if sites:
            directory = directory.at_sites(places, [everybody[one].profile.sites for one in directory.ids])
        return Known(everybody, places, directory, capacity)
