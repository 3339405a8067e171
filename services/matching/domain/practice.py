"""What each therapist may do by their credential, and at which steps with which problem area.

A register's word may differ by the province of the person, so everything here is asked with it; only provinces that
the table of credentials names make a difference.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import reduce
from operator import and_, or_

from services.matching.domain.bits import Bits
from services.matching.domain.credentials import Allowance, CredentialTable
from services.matching.domain.memory import Memory
from services.matching.domain.rows import Mark, Rows
from services.matching.domain.therapists import Profile
from services.matching.domain.vocabulary import HIGHEST_STEP, Lane

Province = str | None

CREDENTIAL, SUPERVISOR, STEPS = "credential", "supervisor", "steps"
ANY_AREA = None


def credential(profile: Profile, status: str) -> Mark:
    """The mark of somebody of this profession whose credential has this status."""
    return CREDENTIAL, profile.profession, status


def marks_of_practice(profile: Profile) -> Iterator[Mark]:
    """What is asked about somebody's practice."""
    yield credential(profile, profile.register_status)
    if profile.supervisor is not None:
        yield (SUPERVISOR,)
    steps = {
        (area, step)
        for one in profile.competences
        for step in one.steps
        for area in (one.problem_area, ANY_AREA)
    }
    yield from ((STEPS, area, step) for area, step in steps)


class Practice:
    """Rows by the number of the therapist."""

    def __init__(self, rows: Rows, credentials: CredentialTable) -> None:
        self._rows = rows
        self._credentials = credentials
        self._memory = Memory()

    def permitted(self, province: Province) -> Bits:
        """Whose credential lets them practise at all."""
        return self._allowed("permitted", province, lambda one: one.may_practise)

    def supervised(self, province: Province) -> Bits:
        """Who has a supervisor, or needs none."""
        needless = self._allowed("needless", province, lambda one: not one.needs_supervision)
        return needless | self._rows.having(SUPERVISOR)

    def in_lane(self, lane: Lane, province: Province) -> Bits:
        """Whose credential covers this lane."""
        return self._allowed(lane, province, lambda one: lane in one.lanes)

    def able(self, areas: Sequence[str], step: int, province: Province) -> Bits:
        """Who can and may work at this step or a higher one with every one of these: a case's step is a floor."""
        return reduce(and_, (self._able(area, step, province) for area in areas or (ANY_AREA,)))

    def _able(self, area: str | None, step: int, province: Province) -> Bits:
        """The same with one area, or with any."""
        if step <= 0:
            return self._rows.everybody

        def row() -> Bits:
            steps = range(step, HIGHEST_STEP + 1)
            return reduce(
                or_,
                (self._rows.having(STEPS, area, one) & self._at_step(one, province) for one in steps),
                0,
            )

        return self._memory.once((STEPS, area, step, self._credentials.province(province)), row)

    def _at_step(self, step: int, province: Province) -> Bits:
        return self._allowed(("at", step), province, lambda one: step in one.steps)

    def _allowed(self, name: Hashable, province: Province, holds: Callable[[Allowance], bool]) -> Bits:
        """Whose credential allows what is called so."""
        place = self._credentials.province(province)

        def row() -> Bits:
            rows = (
                self._rows.having(*mark)
                for mark in self._rows.marks(CREDENTIAL)
                if holds(self._credentials.allowance(mark[1], mark[2], place))
            )
            return reduce(or_, rows, 0)

        return self._memory.once((name, place), row)
