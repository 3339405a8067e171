"""All therapists as columns, so that a rule over all of them is one operation on bits.

A mark ("speaks Urdu") is a row of bits, one per therapist; what is asked of many rows or of numbers is worked out once and kept
until a therapist or a site changes. A directory is never altered: a change of a few makes another one, in which only
their places are made anew.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import numpy as np

from services.matching.domain.bits import Bits, Flags, Numbers, column, pack, row_of, unpack
from services.matching.domain.credentials import CredentialTable
from services.matching.domain.memory import Memory
from services.matching.domain.places import Cities, Site
from services.matching.domain.policy import LANGUAGES_COUNTED
from services.matching.domain.practice import Practice, credential, marks_of_practice
from services.matching.domain.reach import Reach
from services.matching.domain.rows import Mark, Places, Rows
from services.matching.domain.therapists import Therapist
from services.matching.domain.vocabulary import FLUENCIES

T = TypeVar("T")

EPOCH, NEVER = datetime(1970, 1, 1, tzinfo=UTC), np.iinfo(np.int64).max


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
        self._sites, self._cities, self._credentials = sites, cities, credentials
        self.ids = tuple(therapist.id for therapist in everybody)
        self.number_of = {identity: number for number, identity in enumerate(self.ids)}
        self.reach = Reach([profile.sites for profile in profiles], sites, cities)
        ends = [credentials.validity.ends(one.register_status, one.valid_until) for one in profiles]
        self._lapsing = {n: one for n, (one, moment) in enumerate(zip(profiles, ends, strict=True)) if moment}
        self._suspended = {n: one for n, one in enumerate(everybody) if one.suspension}
        self._columns = {
            "weekly_limits": column(profile.weekly_limit for profile in profiles),
            "sliding_shares": column(100 if p.sliding_share is None else p.sliding_share for p in profiles),
            "fees": column(profile.least_fee for profile in profiles),
            "full_fees": column(profile.fee for profile in profiles),
            "highest_steps": column(
                max((step for one in p.competences for step in one.steps), default=0) for p in profiles
            ),
            "ends": column(_microseconds(moment) if moment else NEVER for moment in ends),
        }
        self._know(Rows.of(map(_marks, everybody)))

    def _know(self, rows: Rows) -> None:
        self._rows = rows
        self.practice = Practice(rows, self._credentials)
        self.everybody: Bits = rows.everybody
        # Without a moment to ask about, whoever has a suspension at all counts as suspended.
        self.active = rows.having("active")
        self._memory = Memory()

    @property
    def weekly_limits(self) -> Numbers:
        """Sessions a week that each therapist may have."""
        return self._columns["weekly_limits"]

    @property
    def sliding_shares(self) -> Numbers:
        """How many in a hundred of them may be at the sliding fee."""
        return self._columns["sliding_shares"]

    def changed(self, therapists: Iterable[Therapist]) -> tuple["Directory", Places]:
        """As if it had been made with these, who are new or described anew; and where everybody stands in it."""
        few = Directory(therapists, self._sites, self._cities, self._credentials)
        after = copy(self)
        if new := [one for one in few.ids if one not in self.number_of]:
            after.ids = tuple(sorted([*self.ids, *new]))
            after.number_of = {identity: number for number, identity in enumerate(after.ids)}
        numbers = column(after.number_of[one] for one in few.ids)
        stood = np.ones(len(after.ids), bool)
        stood[[after.number_of[one] for one in new]] = False
        places = Places(len(after.ids), np.flatnonzero(stood), numbers)
        after.reach = self.reach.changed(places, few.reach)
        after._lapsing = _moved(self._lapsing, few._lapsing, places)
        after._suspended = _moved(self._suspended, few._suspended, places)
        after._columns = {
            name: places.column(before, few._columns[name]) for name, before in self._columns.items()
        }
        after._know(self._rows.changed(places, few._rows))
        return after, places

    def at_sites(self, sites: Mapping[UUID, Site], sites_of: Sequence[Sequence[UUID]]) -> "Directory":
        """The same where these are all sites; `sites_of` are those of each therapist."""
        after = copy(self)
        after._sites, after.reach = sites, Reach(sites_of, sites, self._cities)
        return after

    def at(self, now: datetime) -> "Directory":
        """The same at a moment: suspensions that have not begun or are over leave people active, and credentials
        whose last day is over are what they lapse to."""
        back = [n for n, therapist in self._suspended.items() if therapist.standing(now) == "active"]
        lapsed = np.flatnonzero(self._columns["ends"] <= _microseconds(now))
        if not back and not len(lapsed):
            return self
        later = copy(self)
        later.active = self.active | row_of(back, len(self.ids))
        if len(lapsed):
            key = ("lapsed", lapsed.tobytes())
            later.practice = self._memory.once(key, lambda: self._practice_at(lapsed.tolist(), now))
        return later

    def _practice_at(self, lapsed: Iterable[int], now: datetime) -> Practice:
        exchanged: dict[tuple[Mark, Mark], list[int]] = {}
        for number in lapsed:
            one = self._lapsing[number]
            status = self._credentials.validity.at(one.register_status, one.valid_until, now)
            marks = credential(one, one.register_status), credential(one, status)
            exchanged.setdefault(marks, []).append(number)
        return Practice(self._rows.exchanged(exchanged), self._credentials)

    def speaking(self, languages: Sequence[str]) -> Bits:
        """Who speaks at least one of these."""
        return self._rows.any("languages", languages)

    def covering(self, areas: Sequence[str]) -> Bits:
        """Who works with every one of these; nobody is sent to someone untrained for what they named."""
        return self._rows.all("problem_areas", areas)

    def seeing(self, age_band: str | None) -> Bits:
        """Who sees people of this age; somebody who did not say theirs may be seen by all."""
        return self._rows.all("age_bands", (age_band,) if age_band else ())

    def within(self, max_fee: int | None) -> Bits:
        """Whose session can cost no more than this, in rupees; None is no limit."""
        # Between two fees that somebody asks every limit means the same, so the question is the level.
        levels = self._levels("fees")
        level = len(levels) if max_fee is None else bisect_right(levels, max_fee)
        return self._memory.once(("fee", level), lambda: pack(np.isin(self._columns["fees"], levels[:level])))

    def accepting(self, coverage: Sequence[str]) -> Bits:
        """Whom one of these payers pays: the fee is none of the person's business then."""
        return self._rows.any("coverage", coverage)

    def at_sliding_fee(self, max_fee: int | None, coverage: Sequence[str]) -> Bits:
        """Whom the person can pay, but not in full, and nobody pays for them."""
        if max_fee is None:
            return 0
        levels = self._levels("full_fees")
        level = bisect_right(levels, max_fee)
        less = self._memory.once(
            ("less", level), lambda: pack(np.isin(self._columns["full_fees"], levels[level:]))
        )
        payers = self.accepting(coverage) if coverage else 0
        return self.within(max_fee) & less & ~payers

    def taking(self, kind: str) -> Bits:
        """Who offers this kind of care: to one person, a couple, a family, a group, a child."""
        return self._rows.having("kinds", kind)

    def of_gender(self, gender: str) -> Bits:
        """Who is of this gender."""
        return self._rows.having("gender", gender)

    def giving_access(self, needs: Sequence[str]) -> Bits:
        """Who meets every one of these access needs."""
        return self._rows.all("access", needs)

    def offering(self, modality: str) -> Bits:
        """Who works in this way."""
        return self._rows.having("modalities", modality)

    def language_places(self, languages: Sequence[str]) -> Numbers:
        """The place, from 0, of the first language of this list that each therapist speaks."""
        return self._memory.once(("places", *languages), lambda: self._first_language(languages)[0])

    def fluency_levels(self, languages: Sequence[str]) -> Numbers:
        """How far below a native each therapist speaks that language: 0, 1, 2."""
        return self._memory.once(("levels", *languages), lambda: self._first_language(languages)[1])

    def steps_above(self, step: int, of: Numbers) -> Numbers:
        """By how many steps each of these could do more than this one; below zero for who cannot do it."""
        return self._columns["highest_steps"][of] - step

    def no_specialist(self, areas: Sequence[str], of: Numbers) -> Numbers:
        """1 for each of these who is a specialist in none of the areas, else 0; 0 for all where nothing was named."""
        return self._without(self._rows.any("specialist", areas), of) if areas else np.zeros_like(of)

    def no_wished_gender(self, gender: str, of: Numbers) -> Numbers:
        """1 for each of these who is not of this gender, else 0."""
        return self._without(self.of_gender(gender), of)

    def no_faith(self, of: Numbers) -> Numbers:
        """1 for each of these who does not offer to work with a person's faith, else 0."""
        return self._without(self._rows.having("faith"), of)

    def all_but(self, identities: Iterable[UUID]) -> Bits:
        """Everybody else; unknown ids leave everybody."""
        row = self.everybody
        for identity in identities:
            if (number := self.number_of.get(identity)) is not None:
                row &= ~(1 << number)
        return row

    def _levels(self, name: str) -> list[int]:
        """The fees that somebody asks, rising."""
        return self._memory.once(("levels of", name), lambda: np.unique(self._columns[name]).tolist())

    def _without(self, row: Bits, of: Numbers) -> Numbers:
        return (~unpack(row, len(self.ids))[of]).astype(np.int64)

    def _has(self, attribute: str, code: str) -> Flags:
        return unpack(self._rows.having(attribute, code), len(self.ids))

    def _first_language(self, languages: Sequence[str]) -> tuple[Numbers, Numbers]:
        places = np.full(len(self.ids), LANGUAGES_COUNTED, np.int64)
        levels = np.full(len(self.ids), len(FLUENCIES), np.int64)
        for place, language in reversed(list(enumerate(languages[:LANGUAGES_COUNTED]))):
            for level, fluency in enumerate(FLUENCIES):
                who = self._has(fluency, language)
                places[who], levels[who] = place, level
        return places, levels


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _moved(before: Mapping[int, T], few: Mapping[int, T], places: Places) -> dict[int, T]:
    """What is known by number, after a change."""
    kept, changed = places.kept.tolist(), places.changed.tolist()
    gone = set(changed)
    after = {now: what for number, what in before.items() if (now := kept[number]) not in gone}
    return after | {changed[number]: what for number, what in few.items()}


def _marks(therapist: Therapist) -> Iterator[Mark]:
    """Codes are open: a new one needs no release."""
    profile = therapist.profile
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
        yield ("faith",)
    if profile.status == "active" and not therapist.suspension:
        yield ("active",)
    yield from marks_of_practice(profile)
