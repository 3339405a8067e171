"""Cases whose standing changes without a search: withdrawn, closed, booked, moved, cancelled, over."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from services.matching.domain.cases import (
    Case,
    End,
    Hour,
    after_hour,
    ended,
    load_changes,
    may_have_hours,
    over,
)
from services.matching.domain.offers import OfferState
from services.matching.handlers.announcing import EndedBy, match_withdrawn
from services.matching.handlers.continuity import look_after
from services.matching.repository import cases, offers, therapists
from shared.contracts.intake import CaseClosed, CaseWithdrawn
from shared.contracts.scheduling import (
    Appointment,
    AppointmentCancelled,
    AppointmentCertaintyChanged,
    AppointmentDisplaced,
)
from shared.messaging import Due, Transaction

PAST_HOURS_EVERY = timedelta(minutes=10)
PAST_HOURS_AT_ONCE = 500
# A coordinator speaks for the clinic, as where they give an hour back themselves.
CLOSED_BY: Mapping[str, EndedBy] = {"therapist": "therapist", "coordinator": "clinic"}


async def withdraw_matches(events: Sequence[CaseWithdrawn], tx: Transaction) -> None:
    """A match that stands is withdrawn on its lane; a case not heard of yet will not be matched when it comes."""
    gone = await _end(tx, [event.case_id for event in events], "withdrawn")
    tx.emit(match_withdrawn(case, "case_withdrawn", tx) for case in gone if may_have_hours(case))


async def close_cases(events: Sequence[CaseClosed], tx: Transaction) -> None:
    """The same for a case that staff have ended: whoever held it has their place free again."""
    by = {event.case_id: CLOSED_BY[event.by] for event in events}
    gone = await _end(tx, list(by), "closed")
    tx.emit(
        match_withdrawn(case, "case_closed", tx, by[case.case_id]) for case in gone if may_have_hours(case)
    )


async def _end(tx: Transaction, case_ids: Sequence[UUID], end: End) -> list[Case]:
    """Whatever is under way for these cases ends; returns those that had not ended before, as they were."""
    known = await cases.lock_cases(tx, case_ids)
    before = [known.get(case_id) or Case(case_id, None, "held") for case_id in case_ids]
    changed = [(case, after) for case in before if (after := ended(case, end)) != case]
    await settle(tx, changed)
    await look_after_the_booked(tx, changed)
    await tx.unschedule("review", [str(case.case_id) for case, _ in changed if case.state == "waitlisted"])
    await end_offers(tx, [case for case, _ in changed], "withdrawn")
    return [case for case, _ in changed]


async def end_offers(tx: Transaction, known: Sequence[Case], state: OfferState) -> None:
    """Whoever of these cases was to choose need not any more. Their rows are locked."""
    offered = [case.case_id for case in known if case.state == "offered"]
    await offers.end_offers(tx, offered, state)


async def count_hours(events: Sequence[Appointment], tx: Transaction) -> None:
    """Whoever was booked holds the case, and nobody once the hour is cancelled. An hour that lost its day needs a human
    until it has one again. Says nothing."""
    known = await cases.lock_cases(tx, [event.case_id for event in events])
    hours = [(known[event.case_id], _hour(event)) for event in events if event.case_id in known]
    changed = [(case, after) for case, hour in hours if (after := after_hour(case, hour)) != case]
    await settle(tx, changed)
    await look_after_the_booked(tx, changed)


async def count_certain_again(events: Sequence[AppointmentCertaintyChanged], tx: Transaction) -> None:
    """An hour that takes place although its day was lost; how certain the others are changes nothing here."""
    known = await cases.lock_cases(tx, [event.case_id for event in events])
    await count_hours([one for one in events if one.case_id in known and known[one.case_id].displaced], tx)


async def free_past_hours(dues: Sequence[Due], tx: Transaction) -> None:
    """Hours that are over count for nobody; the row comes again, at once while there are more."""
    past = await cases.lock_past_hours(tx, tx.now, PAST_HOURS_AT_ONCE)
    await settle(tx, [(case, over(case)) for case in past])
    pause = timedelta() if len(past) == PAST_HOURS_AT_ONCE else PAST_HOURS_EVERY
    await tx.schedule([Due(due.kind, due.key, tx.now + pause) for due in dues])


async def settle(tx: Transaction, changed: Sequence[tuple[Case, Case]]) -> None:
    """Saves how cases stand now, and with them the loads of those who held or hold them."""
    await therapists.move_loads(tx, load_changes(changed), frees=True)
    await cases.save_cases(tx, [(after, None) for _, after in changed])


async def look_after_the_booked(tx: Transaction, changed: Sequence[tuple[Case, Case]]) -> None:
    """An hour that came, moved or went with somebody who is out for a time may need a coordinator, or none any more; so may
    one that lost its day or had lost it."""
    holders = {case.holder for pair in changed for case in pair if case.holder}
    displaced = {
        case.holder for pair in changed if any(one.displaced for one in pair) for case in pair if case.holder
    }
    await look_after(tx, sorted({*displaced, *await therapists.out_for_a_time(tx, sorted(holders))}))


def _hour(event: Appointment) -> Hour:
    until = None if isinstance(event, AppointmentCancelled) else event.end
    displaced = isinstance(event, AppointmentDisplaced)
    return Hour(event.case_id, event.match_id, event.version, event.therapist_id, until, displaced)
