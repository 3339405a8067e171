"""Cases are paused and go on again: matching hears the whole request, in the transaction of the wish."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.intake.domain.pauses import (
    Refused,
    going_on,
    last_ended,
    over,
    paused,
    resumed,
    without_consent,
)
from services.intake.domain.refusals import Refusal
from services.intake.domain.requests import Consent
from services.intake.domain.states import Progress, standing
from services.intake.domain.wishes import KeptRequest
from services.intake.handlers.gates import keep
from services.intake.repository import attendees, gates, pauses, requests, standings
from services.intake.repository.pauses import Act, By
from shared.messaging import Due, Transaction

DUE = "pause"
Answer = Refused | list[Refusal] | None


@dataclass(frozen=True, slots=True)
class Pausing:
    """One case that is to wait, until a day or until somebody asks, if nobody changed it since that version."""

    case_id: UUID
    seen_version: int
    until: date | None
    by: By
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Resuming:
    """One case that is to go on; `consent` is what its person agrees to with it, who had only called for help."""

    case_id: UUID
    seen_version: int
    consent: Consent | None
    by: By
    traceparent: str | None


async def pause_cases(wishes: Sequence[Pausing], tx: Transaction) -> list[Answer]:
    """In the order of the wishes; None where it holds."""
    before, stand = await _lock(tx, [one.case_id for one in wishes])
    known, answers = dict(before), list[Answer]()
    acts: list[Act] = []
    for one in wishes:
        stands = standing(stand[one.case_id])
        after = paused(known[one.case_id], stands, one.seen_version, one.until, tx.now)
        if isinstance(after, KeptRequest):
            if after != known[one.case_id]:
                acts.append(Act(one.case_id, "paused", one.by, after.paused_until))
                tx.trace(str(one.case_id), one.traceparent)
            known[one.case_id] = after
            answers.append(None)
        else:
            answers.append([after] if isinstance(after, Refusal) else after)
    await pauses.save_acts(tx, acts)
    await keep(tx, before, list(known.values()))
    await tx.schedule([_due(act, tx) for act in acts if act.until])
    return answers


async def resume_cases(wishes: Sequence[Resuming], tx: Transaction, texts: Sequence[str]) -> list[Answer]:
    """In the order of the wishes; None where it holds. `texts` are the consent texts there are."""
    before, stand = await _lock(tx, [one.case_id for one in wishes])
    asked = await gates.asked_for_care(tx, set(before))
    reached = await attendees.askers_written_to(tx, {one.case_id for one in wishes if one.consent})
    known, answers = dict(before), list[Answer]()
    done: list[Resuming] = []
    for one in wishes:
        missing = without_consent(one.consent, reached[one.case_id].channel, texts) if one.consent else []
        after = resumed(
            known[one.case_id],
            standing(stand[one.case_id]),
            one.seen_version,
            after_attempt=last_ended(stand[one.case_id].fact),
            agreed_to_care=one.case_id in asked or one.consent is not None,
            now=tx.now,
        )
        if not isinstance(after, KeptRequest):
            answers.append(after)
        elif missing:
            answers.append(missing)
        else:
            answers.append(None)
            known[one.case_id] = after
            done.append(one)
            tx.trace(str(one.case_id), one.traceparent)
    agreed = [(known[one.case_id].person_id, one.case_id, one.consent) for one in done if one.consent]
    await attendees.save_consents(tx, agreed)
    await pauses.save_acts(tx, [Act(one.case_id, "resumed", one.by) for one in done])
    await keep(tx, before, list(known.values()))
    return answers


async def end_pauses(dues: Sequence[Due], tx: Transaction) -> None:
    """The date of a pause has come. One that was moved or ended before leaves its row, which then says nothing."""
    before, stand = await _lock(tx, [UUID(due.body["case_id"]) for due in dues])
    ended = [
        going_on(one, last_ended(stand[one.case_id].fact), tx.now)
        for one in before.values()
        if over(one, tx.now)
    ]
    for due in dues:
        tx.trace(due.body["case_id"], due.traceparent)
    await pauses.save_acts(tx, [Act(one.case_id, "resumed", By("clock")) for one in ended])
    await keep(tx, before, ended)


async def _lock(
    tx: Transaction, case_ids: Sequence[UUID]
) -> tuple[dict[UUID, KeptRequest], dict[UUID, Progress]]:
    return await requests.lock_requests(tx, case_ids), await standings.lock_progress(tx, case_ids)


def _due(act: Act, tx: Transaction) -> Due:
    # A key for each date: to move a row under the case's lock could wait for the one who works it off and waits for
    # the case.
    assert act.until is not None
    key = f"{act.case_id} {act.until.isoformat()}"
    return Due(DUE, key, act.until, {"case_id": str(act.case_id)}, tx.traceparent_of(str(act.case_id)))


DUE_HANDLERS: Mapping[str, Callable[[Sequence[Due], Transaction], Awaitable[None]]] = {DUE: end_pauses}
