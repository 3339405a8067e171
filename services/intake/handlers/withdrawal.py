"""Taking a request back: always possible, twice is once, and it never closes an alarm."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.vocabulary import WithdrawReason
from services.intake.repository import attendees, keys, standings
from shared.contracts.base import Event
from shared.contracts.intake import CaseWithdrawn, ContactStopped
from shared.messaging import Transaction

REFUSED = "consent_refused"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One case that its person takes back, and whether no message may follow any more."""

    case_id: UUID
    reason: WithdrawReason
    stop_contact: bool


async def withdraw_cases(withdrawals: Sequence[Withdrawal], tx: Transaction) -> list[None]:
    """Closes the cases; the quick stop is in the vault and on its way in the same transaction."""
    # Of two wishes about one case that come together, a stop is not lost.
    wishes = {one.case_id: one for one in sorted(withdrawals, key=lambda one: one.stop_contact)}
    found = await standings.lock_progress(tx, list(wishes))
    fresh = [progress for progress in found.values() if progress.withdrawn_at is None]
    quiet = {one.person_id: case_id for case_id, one in found.items() if wishes[case_id].stop_contact}
    await standings.save_withdrawals(tx, {p.case_id: wishes[p.case_id].reason for p in fresh})
    stopped = await keys.stop_contact(tx, list(quiet))
    tx.emit([_withdrawn(wishes[progress.case_id], tx) for progress in fresh])
    tx.emit([_stopped(person_id, quiet[person_id], tx) for person_id in stopped])
    await take_back_invitations([progress.case_id for progress in fresh], tx)
    return [None] * len(withdrawals)


async def end_for_refusal(case_ids: Sequence[UUID], tx: Transaction) -> None:
    """Cases under lock of which no guardian is left who might agree."""
    await standings.save_withdrawals(tx, dict.fromkeys(case_ids, REFUSED))
    tx.emit([CaseWithdrawn(case_id=one, reason=REFUSED, withdrawn_at=tx.now) for one in case_ids])
    await take_back_invitations(case_ids, tx)


async def take_back_invitations(case_ids: Sequence[UUID], tx: Transaction) -> None:
    """Whoever has not answered for these cases is not written to any more: nobody learns of what was taken back."""
    invited = await attendees.unanswered(tx, case_ids)
    stopped = await keys.stop_contact(tx, list(invited))
    tx.emit([_stopped(person_id, invited[person_id], tx) for person_id in stopped])


def _withdrawn(wish: Withdrawal, tx: Transaction) -> Event:
    return CaseWithdrawn(case_id=wish.case_id, reason=wish.reason, withdrawn_at=tx.now)


def _stopped(person_id: UUID, case_id: UUID, tx: Transaction) -> Event:
    return ContactStopped(person_id=person_id, case_ids=(case_id,), stopped_at=tx.now)
