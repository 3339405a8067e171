"""What each therapist may do by their credential, and at which steps with which problem area.

A register's word may differ by the province of the person, so everything here is asked with it; only provinces that
the table of credentials names make a difference.
"""

from collections.abc import Callable, Sequence

import numpy as np

from services.matching.domain.bits import Bits, Numbers, column, pack
from services.matching.domain.credentials import Allowance, CredentialTable
from services.matching.domain.memory import Memory
from services.matching.domain.therapists import Profile
from services.matching.domain.vocabulary import Lane

Province = str | None


class Practice:
    """Rows and columns by the number of the therapist."""

    def __init__(self, profiles: Sequence[Profile], credentials: CredentialTable) -> None:
        self._profiles = profiles
        self._credentials = credentials
        self._memory = Memory()

    def permitted(self, province: Province) -> Bits:
        """Whose credential lets them practise at all."""
        return self._row("permitted", province, _permitted)

    def supervised(self, province: Province) -> Bits:
        """Who has a supervisor, or needs none."""
        return self._row("supervised", province, _supervised)

    def in_lane(self, lane: Lane, province: Province) -> Bits:
        """Whose credential covers this lane."""
        return self._row(lane, province, _IN_LANE[lane])

    def able(self, areas: Sequence[str], step: int, province: Province) -> Bits:
        """Who can and may work at this step or a higher one with every one of these: a case's step is a floor."""
        place = self._credentials.province(province)
        return self._memory.once((areas, step, place), lambda: self._able(areas, step, place))

    def _able(self, areas: Sequence[str], step: int, place: str) -> Bits:
        columns = [self._tops(area, place) for area in areas] or [self._tops(None, place)]
        return pack(np.logical_and.reduce([tops >= step for tops in columns]))

    def _tops(self, area: str | None, place: str) -> Numbers:
        """The highest step at which each may work with this problem area, or with any; 0 for none."""
        return self._memory.once(
            (area, place), lambda: column(self._top(p, area, place) for p in self._profiles)
        )

    def _top(self, profile: Profile, area: str | None, place: str) -> int:
        allowed = self._allowance(profile, place).steps
        return max(
            (
                step
                for competence in profile.competences
                if area in (None, competence.problem_area)
                for step in competence.steps
                if step in allowed
            ),
            default=0,
        )

    def _row(self, name: str, province: Province, holds: Callable[[Profile, Allowance], bool]) -> Bits:
        place = self._credentials.province(province)

        def row() -> Bits:
            return pack(np.array([holds(one, self._allowance(one, place)) for one in self._profiles], bool))

        return self._memory.once((name, place), row)

    def _allowance(self, profile: Profile, place: str) -> Allowance:
        return self._credentials.allowance(profile.profession, profile.register_status, place)


def _permitted(_: Profile, allowance: Allowance) -> bool:
    return allowance.may_practise


def _supervised(profile: Profile, allowance: Allowance) -> bool:
    return profile.supervisor is not None or not allowance.needs_supervision


def _online(_: Profile, allowance: Allowance) -> bool:
    return "online" in allowance.lanes


def _in_person(_: Profile, allowance: Allowance) -> bool:
    return "in_person" in allowance.lanes


_IN_LANE: dict[Lane, Callable[[Profile, Allowance], bool]] = {"online": _online, "in_person": _in_person}
