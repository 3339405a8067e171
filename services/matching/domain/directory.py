"""All therapists as columns, so that a rule over all of them is one operation on bits.

A rule's outcome for one value ("speaks Urdu or Punjabi") is a row of bits, one per therapist, made once and kept
until a therapist or a site changes. Then the whole directory is made anew; it is never altered.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import numpy as np

from services.matching.domain.bits import Bits, Flags, Numbers, column, pack
from services.matching.domain.credentials import CredentialTable
from services.matching.domain.memory import Memory
from services.matching.domain.places import Cities, Site
from services.matching.domain.policy import LANGUAGES_COUNTED
from services.matching.domain.practice import Practice
from services.matching.domain.reach import Reach
from services.matching.domain.therapists import Profile, Therapist
from services.matching.domain.vocabulary import FLUENCIES


class Directory:
    """Therapists are numbered in the order of their ids, so that the order of reading decides nothing."""

    def __init__(
        self,
        therapists: Iterable[Therapist],
        sites: Mapping[UUID, Site],
        cities: Cities,
        credentials: CredentialTable,
    ) -> None:
        everybody = sorted(therapists, key=lambda therapist: therapist.id)
        profiles = [therapist.profile for therapist in everybody]
        self.ids = tuple(therapist.id for therapist in everybody)
        self.number_of = {identity: number for number, identity in enumerate(self.ids)}
        self.reach = Reach([profile.sites for profile in profiles], sites, cities)
        self.practice = Practice(profiles, credentials)
        self._profiles, self._credentials = profiles, credentials
        ends = [credentials.validity.ends(one.register_status, one.valid_until) for one in profiles]
        self._lapsing = [(number, moment) for number, moment in enumerate(ends) if moment]
        self.weekly_limits = column(profile.weekly_limit for profile in profiles)
        self._highest_steps = column(
            max((step for one in p.competences for step in one.steps), default=0) for p in profiles
        )
        self.everybody: Bits = (1 << len(self.ids)) - 1
        # Without a moment to ask about, whoever has a suspension at all counts as suspended.
        self.active = pack(
            np.array([one.profile.status == "active" and not one.suspension for one in everybody], bool)
        )
        self._suspended = [(n, one) for n, one in enumerate(everybody) if one.suspension]
        self.sliding_shares = column(
            100 if profile.sliding_share is None else profile.sliding_share for profile in profiles
        )
        self._fees = column(profile.least_fee for profile in profiles)
        self._full_fees = column(profile.fee for profile in profiles)
        self._full_fee_levels: list[int] = np.unique(self._full_fees).tolist()
        self._fee_levels: list[int] = np.unique(self._fees).tolist()
        self._coded = _by_code(profiles)
        self._memory = Memory()

    def at(self, now: datetime) -> "Directory":
        """The same at a moment: suspensions that have not begun or are over leave people active, and credentials
        whose last day is over are what they lapse to."""
        active = self.active
        for number, therapist in self._suspended:
            if therapist.standing(now) == "active":
                active |= 1 << number
        lapsed = frozenset(number for number, ends in self._lapsing if ends <= now)
        if active == self.active and not lapsed:
            return self
        later = copy(self)
        later.active = active
        if lapsed:
            later.practice = self._memory.once(("lapsed", lapsed), lambda: self._practice_at(lapsed, now))
        return later

    def _practice_at(self, lapsed: frozenset[int], now: datetime) -> Practice:
        validity = self._credentials.validity
        profiles = [
            replace(one, register_status=validity.at(one.register_status, one.valid_until, now))
            if number in lapsed
            else one
            for number, one in enumerate(self._profiles)
        ]
        return Practice(profiles, self._credentials)

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

    def within(self, max_fee: int | None) -> Bits:
        """Whose session can cost no more than this, in rupees; None is no limit."""
        # Between two fees that somebody asks every limit means the same, so the question is the level.
        levels = self._fee_levels
        level = len(levels) if max_fee is None else bisect_right(levels, max_fee)
        return self._memory.once(("fee", level), lambda: pack(np.isin(self._fees, levels[:level])))

    def accepting(self, coverage: Sequence[str]) -> Bits:
        """Whom one of these payers pays: the fee is none of the person's business then."""
        return self._memory.once(("coverage", *coverage), lambda: pack(self._any("coverage", coverage)))

    def at_sliding_fee(self, max_fee: int | None, coverage: Sequence[str]) -> Bits:
        """Whom the person can pay, but not in full, and nobody pays for them."""
        if max_fee is None:
            return 0
        level = bisect_right(self._full_fee_levels, max_fee)
        above = self._full_fee_levels[level:]
        less = self._memory.once(("less", level), lambda: pack(np.isin(self._full_fees, above)))
        payers = self.accepting(coverage) if coverage else 0
        return self.within(max_fee) & less & ~payers

    def taking(self, kind: str) -> Bits:
        """Who offers this kind of care: to one person, a couple, a family, a group, a child."""
        return self._memory.once(("kind", kind), lambda: pack(self._has("kinds", kind)))

    def of_gender(self, gender: str) -> Bits:
        """Who is of this gender."""
        return self._memory.once(("gender", gender), lambda: pack(self._has("gender", gender)))

    def giving_access(self, needs: Sequence[str]) -> Bits:
        """Who meets every one of these access needs."""
        return self._memory.once(("access", *needs), lambda: pack(self._all("access", needs)))

    def offering(self, modality: str) -> Bits:
        """Who works in this way."""
        return self._memory.once(("modality", modality), lambda: pack(self._has("modalities", modality)))

    def language_places(self, languages: Sequence[str]) -> Numbers:
        """The place, from 0, of the first language of this list that each therapist speaks."""
        return self._memory.once(("places", *languages), lambda: self._first_language(languages)[0])

    def fluency_levels(self, languages: Sequence[str]) -> Numbers:
        """How far below a native each therapist speaks that language: 0, 1, 2."""
        return self._memory.once(("levels", *languages), lambda: self._first_language(languages)[1])

    def steps_above(self, step: int) -> Numbers:
        """By how many steps each therapist could do more than this one; below zero for who cannot do it."""
        return self._memory.once(("above", step), lambda: self._highest_steps - step)

    def no_specialist(self, areas: Sequence[str]) -> Numbers:
        """1 for who is a specialist in none of these, else 0; 0 for everybody where nothing was named."""
        if not areas:
            return np.zeros(len(self.ids), np.int64)
        return self._memory.once(
            ("special", *areas), lambda: (~self._any("specialist", areas)).astype(np.int64)
        )

    def no_wished_gender(self, gender: str) -> Numbers:
        """1 for who is not of this gender, else 0."""
        return self._memory.once(("not", gender), lambda: (~self._has("gender", gender)).astype(np.int64))

    def no_faith(self) -> Numbers:
        """1 for who does not offer to work with a person's faith, else 0."""
        return self._memory.once("faith", lambda: (~self._has("faith", "sensitive")).astype(np.int64))

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

    def _first_language(self, languages: Sequence[str]) -> tuple[Numbers, Numbers]:
        places = np.full(len(self.ids), LANGUAGES_COUNTED, np.int64)
        levels = np.full(len(self.ids), len(FLUENCIES), np.int64)
        for place, language in reversed(list(enumerate(languages[:LANGUAGES_COUNTED]))):
            for level, fluency in enumerate(FLUENCIES):
                who = self._has(fluency, language)
                places[who], levels[who] = place, level
        return places, levels


def _by_code(profiles: Sequence[Profile]) -> dict[tuple[str, str], list[int]]:
    """Who has which code: (attribute, code) -> numbers. Codes are open: a new one needs no release."""
    found: dict[tuple[str, str], list[int]] = {}
    for number, profile in enumerate(profiles):
        for mark in _marks(profile):
            found.setdefault(mark, []).append(number)
    return found


def _marks(profile: Profile) -> Iterator[tuple[str, str]]:
    for attribute in ("age_bands", "modalities", "kinds", "coverage", "access"):
        yield from ((attribute, code) for code in getattr(profile, attribute))
    for one in profile.languages:
        yield from (("languages", one.language), (one.fluency, one.language))
    for competence in profile.competences:
        yield ("problem_areas", competence.problem_area)
        if competence.specialist:
            yield ("specialist", competence.problem_area)
    yield ("gender", profile.gender)
    if profile.faith_sensitive:
        yield ("faith", "sensitive")
