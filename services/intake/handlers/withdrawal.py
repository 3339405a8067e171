"""Taking a request back: always possible, twice is once, and it never closes an alarm."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.vocabulary import WithdrawReason
from services.intake.handlers.endings import Ended, end_cases, stopped
from services.intake.repository import keys, standings
from services.intake.repository.standings import Ending
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
    fresh = [progress for progress in found.values() if progress.ended_at is None]
    quiet = {one.person_id: case_id for case_id, one in found.items() if wishes[case_id].stop_contact}
    await end_cases(tx, fresh, {one.case_id: Ending(wishes[one.case_id].reason) for one in fresh})
    stopped_now = await keys.stop_contact(tx, list(quiet))
    tx.emit([stopped(person_id, quiet[person_id], tx) for person_id in stopped_now])
    return [None] * len(withdrawals)


async def end_for_refusal(cases: Sequence[Ended], tx: Transaction) -> None:
    """Cases under lock of which no guardian is left who might agree."""
    await end_cases(tx, cases, {one.case_id: Ending(REFUSED) for one in cases})
