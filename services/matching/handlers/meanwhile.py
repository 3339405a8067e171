"""Whoever is put on the waiting list is offered other help in the same transaction, once for each reason."""

from collections.abc import Sequence
from uuid import UUID

from services.matching.domain.alternatives import Alternatives
from services.matching.domain.cases import Case
from services.matching.repository import alternatives
from services.matching.repository.alternatives import Alternative
from shared.contracts.intake import RequestForCare
from shared.contracts.matching import AlternativeOffered
from shared.messaging import Transaction

Waiting = tuple[Case, RequestForCare, int]  # as it stands now, what was asked, its priority


async def offer_meanwhile(tx: Transaction, rules: Alternatives, cases: Sequence[Waiting]) -> None:
    """Of these cases those that wait; they keep their place, and are searched as before."""
    fitting = [
        (Alternative(case.case_id, case.reason, kind, case.attempt), request.person_id)
        for case, request, priority in cases
        if case.reason and (kind := rules.kind_for(request.step, priority, case.reason))
    ]
    fresh = await alternatives.offer(tx, [one for one, _ in fitting])
    tx.emit(_offered(one, person_id, tx) for one, person_id in fitting if one.case_id in fresh)


def _offered(one: Alternative, person_id: UUID, tx: Transaction) -> AlternativeOffered:
    return AlternativeOffered(
        case_id=one.case_id, person_id=person_id, attempt=one.attempt, kind=one.kind, offered_at=tx.now
    )
