"""How soon the system answers: which case of those that were just answered tells how far it has come."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median_low
from uuid import UUID

from services.intake.domain.states import FactKind, Progress

FIRST_ANSWERS: frozenset[FactKind] = frozenset({"match_offered", "appointment_booked", "case_waitlisted"})
# Whoever asked earlier than this was not answered late by the system alone: they chose, paused, or all is read anew.
RECENT = timedelta(minutes=10)


def come_to(advanced: Iterable[tuple[Progress, Progress]], now: datetime) -> UUID | None:
    """The case in the middle of those that have their first answer now; ids are in the order in which people asked.

    One that waits for a colleague's word or comes from the slower lane does not tell how it stands for the others.
    """
    answered = [after.case_id for before, after in advanced if _is_first_answer(before, after, now)]
    return median_low(answered) if answered else None


def _is_first_answer(before: Progress, after: Progress, now: datetime) -> bool:
    if before.fact is not None and before.fact.kind != "match_made":
        return False
    said = after.fact is not None and after.fact.kind in FIRST_ANSWERS
    return said and now - before.stands_since < RECENT
