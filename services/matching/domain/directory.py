"""All therapists as columns, so that a rule over all of them is one operation on bits.

A rule's outcome for one value ("speaks Urdu or Punjabi") is a row of bits, one per therapist, made once and kept
until a therapist or a site changes. Then the whole directory is made anew; it is never altered.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.matching.domain.bits import Bits, Numbers, column, pack
from services.matching.domain.memory import Memory
from services.matching.domain.places import Cities, Site
from services.matching.domain.policy import LANGUAGES_COUNTED
from services.matching.domain.reach import Reach
from services.matching.domain.therapists import Profile, Therapist

Flags = NDArray[np.bool_]
CODED = ("languages", "problem_areas", "age_bands", "modalities")


class Directory:
    """Therapists are numbered in the order of their ids, so that the order of reading decides nothing."""

    def __init__(
        self,
        therapists: Iterable[Therapist],
        sites: Mapping[UUID, Site],
        cities: Cities,
        register_allowed: frozenset[str],
    ) -> None:
        everybody = sorted(therapists, key=lambda therapist: therapist.id)
        profiles = [therapist.profile for therapist in everybody]
        self.ids = tuple(therapist.id for therapist in everybody)
        self.number_of = {identity: number for number, identity in enumerate(self.ids)}
        self.reach = Reach([profile.sites for profile in profiles], sites, cities)
        self.weekly_limits = column(profile.weekly_limit for profile in profiles)
        self._highest_steps = column(max(profile.steps, default=0) for profile in profiles)
        self.everybody: Bits = (1 << len(self.ids)) - 1
        self.active = pack(np.array([p.status == "active" for p in profiles], bool))
        self.registered = pack(np.array([p.register_status in register_allowed for p in profiles], bool))
        self._fees = column(profile.fee for profile in profiles)
        self._fee_levels = np.unique(self._fees)
        self._coded = _by_code(profiles)
        self._memory = Memory()

    def speaking(self, languages: Sequence[str]) -> Bits:
        """Who speaks at least one of these."""
        return self._memory.once(("languages", *languages), lambda: pack(self._any("languages", languages)))

    def covering(self, areas: Sequence[str]) -> Bits:
        """Who works with every one of these; nobody is sent to someone untrained for what they named."""
        return self._memory.once(("areas", *areas), lambda: pack(self._all("problem_areas", areas)))

    def seeing(self, age_band: str | None) -> Bits:
        """Who sees people of this age; somebody who did not say theirs may be seen by all."""
        bands = (age_band,) if age_band else ()
        return self._memory.once(("age", age_band), lambda: pack(self._all("age_bands", bands)))

    def able(self, step: int) -> Bits:
        """Who can work at this step or a higher one: a case's step is a floor."""
        return self._memory.once(("step", step), lambda: pack(self._highest_steps >= step))

    def within(self, max_fee: int | None) -> Bits:
        """Whose session costs no more than this, in rupees; None is no limit."""
        # Between two fees that somebody asks every limit means the same, so the question is the level.
        levels = self._fee_levels
        level = len(levels) if max_fee is None else int(np.searchsorted(levels, max_fee, "right"))
        return self._memory.once(("fee", level), lambda: pack(np.isin(self._fees, levels[:level])))

    def offering(self, modality: str) -> Bits:
        """Who works in this way."""
        return self._memory.once(("modality", modality), lambda: pack(self._any("modalities", (modality,))))

    def language_places(self, languages: Sequence[str]) -> Numbers:
        """The place, from 0, of the first language of this list that each therapist speaks."""
        return self._memory.once(("places", *languages), lambda: self._language_places(languages))

    def steps_above(self, step: int) -> Numbers:
        """By how many steps each therapist could do more than this one; below zero for who cannot do it."""
        return self._memory.once(("above", step), lambda: self._highest_steps - step)

    def all_but(self, identities: Iterable[UUID]) -> Bits:
        """Everybody else; unknown ids leave everybody."""
        row = self.everybody
        for identity in identities:
            if (number := self.number_of.get(identity)) is not None:
                row &= ~(1 << number)
        return row

    def _any(self, attribute: str, codes: Sequence[str]) -> Flags:
        nobody = np.zeros(len(self.ids), bool)
        flags: Flags = np.logical_or.reduce([nobody, *(self._has(attribute, code) for code in codes)])
        return flags

    def _all(self, attribute: str, codes: Sequence[str]) -> Flags:
        everybody = np.ones(len(self.ids), bool)
        flags: Flags = np.logical_and.reduce([everybody, *(self._has(attribute, code) for code in codes)])
        return flags

    def _has(self, attribute: str, code: str) -> Flags:
        flags = np.zeros(len(self.ids), bool)
        flags[self._coded.get((attribute, code), [])] = True
        return flags

    def _language_places(self, languages: Sequence[str]) -> Numbers:
        found = np.full(len(self.ids), LANGUAGES_COUNTED, np.int64)
        for place, language in reversed(list(enumerate(languages[:LANGUAGES_COUNTED]))):
            found[self._has("languages", language)] = place
        return found


def _by_code(profiles: Sequence[Profile]) -> dict[tuple[str, str], list[int]]:
    """Who has which code: (attribute, code) -> numbers. Codes are open: a new one needs no release."""
    found: dict[tuple[str, str], list[int]] = {}
    for number, profile in enumerate(profiles):
        for attribute in CODED:
            for code in getattr(profile, attribute):
                found.setdefault((attribute, code), []).append(number)
    return found
