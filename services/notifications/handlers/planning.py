"""Kafka in: an appointment's change, a place on the waiting list or an invitation becomes messages to the people of the
case."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.notifications.domain import planning
from services.notifications.domain.planning import Change, Fact
from services.notifications.domain.sending import AFTER_THE_END
from services.notifications.handlers import by_hand
from services.notifications.handlers.taking_back import take_back
from services.notifications.repository import messages, offers, projections
from shared.contracts.base import Event
from shared.contracts.intake import InvitationMade
from shared.contracts.matching import (
    AlternativeOffered,
    CaseWaitlisted,
    MatchAccepted,
    MatchDeclined,
    MatchOffered,
    OfferExpired,
)
from shared.contracts.scheduling import (
    Appointment,
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCertaintyChanged,
    AppointmentCorrected,
    AppointmentDisplaced,
    AppointmentFulfilled,
    AppointmentNoShow,
    AppointmentRescheduled,
)
from shared.messaging import Transaction


async def tell_of_bookings(events: Sequence[AppointmentBooked], tx: Transaction) -> None:
    """Told now, and again a day ahead."""
    await _tell(tx, events, "booked", "booked")


async def tell_of_changes(events: Sequence[AppointmentRescheduled], tx: Transaction) -> None:
    """The new time is told; what was planned for the old one is taken back."""
    await _tell(tx, events, "changed", "booked")


async def tell_of_cancellations(events: Sequence[AppointmentCancelled], tx: Transaction) -> None:
    """Told, and everything else about the appointment is taken back in the same transaction."""
    await _tell(tx, events, "cancelled", "cancelled")


async def hear_who_came(events: Sequence[AppointmentArrived | AppointmentFulfilled], tx: Transaction) -> None:
    """Whoever is here needs no reminder; nothing is told."""
    for state, kind in (("arrived", AppointmentArrived), ("fulfilled", AppointmentFulfilled)):
        ours = [event for event in events if isinstance(event, kind)]
        if ours:
            await _tell(tx, ours, "over", state)


async def ask_after_missed_hours(events: Sequence[AppointmentNoShow], tx: Transaction) -> None:
    """Whoever did not come is asked for once, a while later, and blamed for nothing."""
    await _tell(tx, events, "checkin", "no_show")


async def take_slips_back(events: Sequence[AppointmentCorrected], tx: Transaction) -> None:
    """Nothing was missed after all: what was to be asked because of it is not, and nothing is told."""
    await _tell(tx, events, "corrected", "booked")


async def tell_of_lost_days(events: Sequence[AppointmentDisplaced], tx: Transaction) -> None:
    """Told, and nobody is reminded of an hour that may not take place."""
    await _tell(tx, events, "displaced", "booked")


async def follow_certainty(events: Sequence[AppointmentCertaintyChanged], tx: Transaction) -> None:
    """The hour stays: what is told of it is told all the same, in words that say how certain it is by then."""
    await projections.fold_appointments(tx, events, "booked", certainty_alone=True)


async def tell_of_waiting(events: Sequence[CaseWaitlisted], tx: Transaction) -> None:
    """Somebody who waits is told that they are on the list, and not again because they paused for a moment."""
    await _close_offers(tx, events)
    since = tx.now - planning.WAITING_IS_KNOWN_FOR
    told = await messages.waiting_told(tx, [(one.case_id, one.person_id) for one in events], since)
    news = [one for one in events if (one.case_id, one.person_id) not in told]
    await _plan(tx, [(event, _of_waiting("waitlisted", event)) for event in news], {})


async def tell_of_other_help(events: Sequence[AlternativeOffered], tx: Transaction) -> None:
    """Whoever waits is told that there is another way meanwhile, not which one; and not again within a day."""
    # Matching says right after the place on the list what may be done meanwhile, and the text of the second says both:
    # told apart they would be two messages for one fact. Only where the first has left is there one more, since nobody
    # who was told to wait would look at their page.
    await messages.say_with_waiting(tx, [(one.case_id, one.person_id, one.attempt) for one in events])
    # The same words again are no news, whichever help it is by now: their page names it.
    since = tx.now - planning.WAITING_IS_KNOWN_FOR
    told = await messages.other_help_told(tx, [(one.case_id, one.person_id) for one in events], since)
    news = [one for one in events if (one.case_id, one.person_id) not in told]
    await _plan(tx, [(event, _of_waiting("alternative", event)) for event in news], {})


async def tell_of_offers(events: Sequence[MatchOffered], tx: Transaction) -> None:
    """Whoever may choose is told so a little later, unless they have chosen by then."""
    await offers.open_offers(tx, events)
    await by_hand.close_decided(tx, {one.case_id for one in events})
    await take_back(tx, await messages.void_offers(tx, [(one.case_id, one.attempt - 1) for one in events]))
    await _plan(tx, [(event, _offer(event)) for event in events], {})


async def hear_of_choices(
    events: Sequence[MatchAccepted | MatchDeclined | OfferExpired], tx: Transaction
) -> None:
    """There is nothing to choose any more; nothing is told."""
    await _close_offers(tx, events)


async def invite(events: Sequence[InvitationMade], tx: Transaction) -> None:
    """Somebody is asked once whether they take part, or agree for a young person."""
    await projections.save_invitations(tx, events)
    # The event is about a person, its message follows from the request of a case.
    for event in events:
        tx.trace(str(event.case_id), tx.traceparent_of(event.key))
    await _plan(tx, [(event, _invitation(event)) for event in events], {})


async def _close_offers(
    tx: Transaction, events: Sequence[CaseWaitlisted | MatchAccepted | MatchDeclined | OfferExpired]
) -> None:
    over = [(one.case_id, one.attempt) for one in events]
    await by_hand.close_decided(tx, await offers.close_offers(tx, over))
    await take_back(tx, await messages.void_offers(tx, over))


async def _tell(tx: Transaction, events: Sequence[Appointment], change: Change, state: str) -> None:
    """These hours are in that state now; what is to be told of the change is planned."""
    standing = await projections.fold_appointments(tx, events, state)
    await _plan(tx, [(event, _fact(change, event)) for event in events], standing)


async def _plan(tx: Transaction, told: Sequence[tuple[Event, Fact]], standing: Mapping[UUID, int]) -> None:
    facts = [fact for _, fact in told]
    people = {person for fact in facts for person in fact.people}
    sites = {site for fact in facts if (site := planning.needed_site(fact))}
    known = await projections.known(tx, sorted(people), sorted(sites))
    decided = planning.plan(facts, standing, known, tx.now)
    pointless = await messages.add(tx, decided.messages, AFTER_THE_END)
    await take_back(tx, [*pointless, *await messages.void(tx, decided.voids)])
    await by_hand.close_outdated(tx, decided.voids)
    events = {fact: event for event, fact in told}
    await tx.wait_for([(events[fact], awaited) for fact, awaited in decided.waiting])


def _fact(change: Change, event: Appointment) -> Fact:
    return Fact(
        change=change,
        subject_id=event.appointment_id,
        version=event.version,
        attempt=event.attempt,
        case_id=event.case_id,
        people=tuple(attendee.person_id for attendee in event.attendees),
        start=event.start,
        site_id=event.site_id if event.modality == "in_person" else None,
    )


def _of_waiting(change: Change, event: CaseWaitlisted | AlternativeOffered) -> Fact:
    return Fact(change, event.case_id, event.attempt, event.attempt, event.case_id, (event.person_id,))


def _offer(event: MatchOffered) -> Fact:
    people = (event.person_id,)
    return Fact("offer", event.match_id, event.attempt, event.attempt, event.case_id, people)


def _invitation(event: InvitationMade) -> Fact:
    return Fact(event.purpose, event.attendee_id, 1, 0, event.case_id, (event.person_id,))
