"""A person changes what they wish for: matching hears the whole request again, in the transaction of the change."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.requests import Needs
from services.intake.domain.wishes import KeptRequest, Refused, change
from services.intake.handlers.announcements import updated
from services.intake.repository import requests, standings
from services.intake.repository.standings import CaseView
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Wished:
    """How a case stands and what is wished for, as its person sees both."""

    view: CaseView
    needs: Needs


@dataclass(frozen=True, slots=True)
class Change:
    """What one case's needs are to be, if nobody changed it since that version, and the trace it came in."""

    case_id: UUID
    seen_version: int
    needs: Needs
    traceparent: str | None


async def look_up_wishes(codes: Sequence[str], tx: Transaction) -> list[Wished | None]:
    """In the order of the codes; None where there is no such case."""
    views = await standings.views(tx, codes)
    needs = await requests.needs_by_code(tx, codes)
    return [Wished(views[code], needs[code]) if code in views else None for code in codes]


async def change_wishes(changes: Sequence[Change], tx: Transaction) -> list[Refused | None]:
    """None where the change holds. Of two from the same version the first one counts."""
    known = await requests.lock_requests(tx, [one.case_id for one in changes])
    before = dict(known)
    answers: list[Refused | None] = []
    for one in changes:
        after = change(known[one.case_id], one.seen_version, one.needs)
        answers.append(None if isinstance(after, KeptRequest) else after)
        if isinstance(after, KeptRequest):
            known[one.case_id] = after
            tx.trace(str(one.case_id), one.traceparent)
    changed = [after for case_id, after in known.items() if after != before[case_id]]
    await requests.save_requests(tx, changed)
    tx.emit([updated(request, tx.now) for request in changed])
    return answers
