"""Staff end cases: a therapist their own, a coordinator any."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.closing import Refused, may_close
from services.intake.handlers.endings import end_cases
from services.intake.repository import requests
from services.intake.repository.standings import Ending
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Closing:
    """One case that named staff close, if nobody changed it since that version."""

    case_id: UUID
    seen_version: int
    ending: Ending
    traceparent: str | None


async def close_cases(closings: Sequence[Closing], tx: Transaction) -> list[Refused | None]:
    """In the order of the closings; None where the case has ended. Of two that come together the first counts."""
    before = await requests.lock_requests(tx, [one.case_id for one in closings])
    refusals = [may_close(before[one.case_id], one.seen_version) for one in closings]
    first: dict[UUID, Closing] = {}
    for one, refused in zip(closings, refusals, strict=True):
        if refused is None and not before[one.case_id].closed:
            first.setdefault(one.case_id, one)
    for case_id, one in first.items():
        tx.trace(str(case_id), one.traceparent)
    await end_cases(tx, [before[one] for one in first], {c: one.ending for c, one in first.items()})
    return refusals
