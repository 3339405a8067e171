"""Those who were invited answer for themselves; a gate that opens by it, and a case that ends by it, is heard by matching
in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.invitations import Rejected, Reply, replied
from services.intake.domain.requests import Consent
from services.intake.domain.wishes import KeptRequest
from services.intake.handlers.gates import keep
from services.intake.handlers.sessions import Knock, Refused, let_in
from services.intake.repository import attendees, requests, sessions
from shared.contracts.base import Event
from shared.contracts.intake import ConsentChanged
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Answered:
    """Code and PIN of an invitation, what is answered to it, and the trace it came in."""

    knock: Knock
    consent: Consent | None
    traceparent: str | None


Outcome = Refused | Rejected | None


async def answer_invitations(answers: Sequence[Answered], tx: Transaction, pin_key: bytes) -> list[Outcome]:
    """In the order of the answers; None where it holds. Several at one code are taken one after the other."""
    codes = [one.knock.case_code for one in answers]
    tries = await sessions.lock_tries(tx, codes)
    invited = await attendees.by_code(tx, codes)
    known = await requests.lock_requests(tx, [one.case_id for one in invited.values()])
    before = dict(known)
    outcomes: list[Outcome] = []
    said: list[tuple[UUID, UUID, Consent | None]] = []
    for one in answers:
        code, who = one.knock.case_code, invited.get(one.knock.case_code)
        refused, tries[code] = let_in(one.knock, who.attendee_id if who else None, tries[code], tx, pin_key)
        if who is None or refused:
            outcomes.append(refused)
            continue
        after = replied(known[who.case_id], Reply(who.attendee_id, one.consent), tx.now)
        outcomes.append(None if isinstance(after, KeptRequest) else after)
        if isinstance(after, KeptRequest) and after != known[who.case_id]:
            known[who.case_id] = after
            said.append((who.person_id, who.case_id, one.consent))
            tx.trace(str(who.case_id), one.traceparent)
    await sessions.save_tries(tx, list(tries.values()))
    await _save(tx, [after for case_id, after in known.items() if after != before[case_id]], before, said)
    return outcomes


async def _save(
    tx: Transaction,
    changed: Sequence[KeptRequest],
    before: dict[UUID, KeptRequest],
    said: Sequence[tuple[UUID, UUID, Consent | None]],
) -> None:
    await attendees.save_answers(tx, [other for one in changed for other in one.attendees])
    await attendees.save_consents(tx, said)
    await keep(tx, before, changed)
    tx.emit([_contact(person_id, case_id, consent, tx) for person_id, case_id, consent in said])


def _contact(person_id: UUID, case_id: UUID, consent: Consent | None, tx: Transaction) -> Event:
    """Messages follow their own word. Of care nothing is said here: that would stop the whole case."""
    return ConsentChanged(
        person_id=person_id,
        case_ids=(case_id,),
        purpose="contact",
        state="given" if consent and consent.contact else "withdrawn",
        text_version=consent.text_version if consent else "none",
        changed_at=tx.now,
    )
