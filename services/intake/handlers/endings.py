"""The end of a case, whoever ends it: kept with its reason, said to all, and who was still invited learns of nothing."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from services.intake.repository import attendees, keys, standings
from services.intake.repository.standings import Ending
from shared.contracts.base import Event
from shared.contracts.intake import CaseClosed, CaseEnded, CaseWithdrawn, ContactStopped
from shared.messaging import Transaction


class Ended(Protocol):
    """A case that ends, and whose it is."""

    @property
    def case_id(self) -> UUID: ...

    @property
    def person_id(self) -> UUID: ...


async def end_cases(tx: Transaction, cases: Sequence[Ended], endings: Mapping[UUID, Ending]) -> None:
    """Of cases under lock that had not ended before; `endings` is for each of them."""
    await standings.save_endings(tx, endings)
    tx.emit([_said(one.case_id, endings[one.case_id], tx) for one in cases])
    tx.emit(
        [CaseEnded(person_id=one.person_id, case_ids=(one.case_id,), ended_at=tx.now) for one in cases],
        causes=[str(one.case_id) for one in cases],
    )
    await _take_back_invitations([one.case_id for one in cases], tx)


def stopped(person_id: UUID, case_id: UUID, tx: Transaction) -> Event:
    """Nobody writes to them any more."""
    return ContactStopped(person_id=person_id, case_ids=(case_id,), stopped_at=tx.now)


async def _take_back_invitations(case_ids: Sequence[UUID], tx: Transaction) -> None:
    """Whoever has not answered for these cases is not written to any more: nobody learns of what is over."""
    invited = await attendees.unanswered(tx, case_ids)
    stopped_now = await keys.stop_contact(tx, list(invited))
    tx.emit([stopped(person_id, invited[person_id], tx) for person_id in stopped_now])


def _said(case_id: UUID, ending: Ending, tx: Transaction) -> Event:
    if ending.role is None:
        return CaseWithdrawn(case_id=case_id, reason=ending.reason, withdrawn_at=tx.now)
    return CaseClosed(case_id=case_id, reason=ending.reason, by=ending.role, closed_at=tx.now)
