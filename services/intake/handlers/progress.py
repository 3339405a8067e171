"""What other services say about a case becomes how the case stands for its person."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.domain.offers import KeptHour, OfferedOption
from services.intake.domain.pace import come_to
from services.intake.domain.states import Alternative, Fact, FactKind, Telling, advance
from services.intake.handlers.contacting import confirm_contacts
from services.intake.handlers.stopping import close_the_gate
from services.intake.repository import pace, standings, taking_part
from shared.contracts.base import Event
from shared.contracts.matching import (
    AlternativeOffered,
    CaseWaitlisted,
    MatchAccepted,
    MatchDeclined,
    MatchMade,
    MatchOffered,
    MatchWithdrawn,
    OfferExpired,
    Option,
)
from shared.contracts.notifications import ContactReconfirmed, MessageDelivered, MessageSent, StopAsked
from shared.contracts.scheduling import (
    Appointment,
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCertaintyChanged,
    AppointmentCorrected,
    AppointmentDisplaced,
    AppointmentFulfilled,
    AppointmentHeld,
    AppointmentNoShow,
    AppointmentReleased,
    AppointmentRescheduled,
)
from shared.messaging import Transaction

TELLS_OF_AN_HOUR = ("booked", "changed")
HOURS: Mapping[type[Appointment], FactKind] = {
    AppointmentBooked: "appointment_booked",
    AppointmentRescheduled: "appointment_booked",
    AppointmentArrived: "appointment_arrived",
    AppointmentFulfilled: "appointment_fulfilled",
    AppointmentNoShow: "appointment_no_show",
    AppointmentCorrected: "appointment_booked",
    AppointmentCertaintyChanged: "appointment_booked",
    AppointmentDisplaced: "appointment_booked",
    AppointmentCancelled: "appointment_cancelled",
}


OfACase = (
    MatchMade
    | MatchWithdrawn
    | CaseWaitlisted
    | MatchOffered
    | MatchAccepted
    | MatchDeclined
    | OfferExpired
    | AlternativeOffered
    | AppointmentBooked
    | AppointmentRescheduled
    | AppointmentArrived
    | AppointmentFulfilled
    | AppointmentNoShow
    | AppointmentCorrected
    | AppointmentCertaintyChanged
    | AppointmentDisplaced
    | AppointmentCancelled
    | AppointmentHeld
    | AppointmentReleased
    | MessageSent
    | MessageDelivered
)


async def project(events: Sequence[OfACase], tx: Transaction) -> None:
    """Folds what was said into the standing; an event about a case that is not here waits for it. One case may be spoken of
    more than once: the lanes are topics of their own."""
    telling = [(event, said) for event in events if any(said := _said(event, tx.now))]
    before = await standings.lock_progress(tx, [event.case_id for event, _ in telling])
    await tx.wait_for(
        [(event, f"case:{event.case_id}") for event, _ in telling if event.case_id not in before]
    )
    after = dict(before)
    for event, said in telling:
        if event.case_id in after:
            after[event.case_id] = advance(after[event.case_id], *said)
    advanced = [(before[case_id], one) for case_id, one in after.items() if one != before[case_id]]
    await standings.save_progress(tx, [one for _, one in advanced])
    await taking_part.save_hours(tx, _own_hours([event for event, _ in telling if event.case_id in before]))
    await pace.save(tx, come_to(advanced, tx.now))


def _own_hours(events: Sequence[OfACase]) -> dict[UUID, UUID]:
    """The hour by attendee, of hours for more than one: whoever comes alone has no other view than the asker's."""
    return {
        one.attendee_id: event.appointment_id
        for event in events
        if isinstance(event, Appointment) and HOURS.get(type(event)) == "appointment_booked"
        if len(event.attendees) > 1
        for one in event.attendees
    }


def _said(
    event: OfACase, now: datetime
) -> tuple[list[Fact], list[Telling], list[Alternative], list[KeptHour]]:
    """All that it says of its case, in the order in which `advance` takes it."""
    return facts_of(event, now), tellings_of(event), alternatives_of(event), kept_hours_of(event)


def facts_of(event: OfACase, now: datetime) -> list[Fact]:
    """What the event says about the state; `now` stands in where the event carries no time of its own."""
    case_id = event.case_id
    match event:
        case MatchMade(mode="offer"):
            return []  # an hour is to be kept, which is told when it is
        case MatchMade():
            return [Fact(case_id, "match_made", event.attempt, 0, now)]
        case MatchWithdrawn():
            return [Fact(case_id, "match_withdrawn", event.attempt, 0, event.withdrawn_at)]
        case CaseWaitlisted():
            return [
                Fact(
                    case_id,
                    "case_waitlisted",
                    event.attempt,
                    0,
                    event.waitlisted_at,
                    event.next_review,
                    event.reason,
                )
            ]
        case MatchOffered() | MatchAccepted() | MatchDeclined() | OfferExpired():
            return [_choice(event)]
        case Appointment() if type(event) in HOURS:
            return [_hour(event)]
        case _:
            return []


def tellings_of(event: OfACase) -> list[Telling]:
    """Whether the event says that the person was told of an hour, as far as a gateway took the message."""
    if not isinstance(event, MessageSent | MessageDelivered) or event.purpose not in TELLS_OF_AN_HOUR:
        return []
    if event.appointment_id is None or event.appointment_version is None:
        return []
    return [Telling(event.appointment_id, event.case_id, event.appointment_version, told=True)]


def alternatives_of(event: OfACase) -> list[Alternative]:
    """Other help that the event offers while the case waits."""
    if not isinstance(event, AlternativeOffered):
        return []
    return [Alternative(event.case_id, event.kind, event.attempt, event.offered_at)]


def kept_hours_of(event: OfACase) -> list[KeptHour]:
    """The hour that is kept for an offer, or is not any more. What staff keep is told by them."""
    if not isinstance(event, AppointmentHeld | AppointmentReleased):
        return []
    take_by = event.take_by if isinstance(event, AppointmentHeld) else None
    who, start = event.therapist_id, event.start
    return [KeptHour(event.case_id, event.match_id, event.attempt, event.version, who, start, take_by)]


def _choice(event: MatchOffered | MatchAccepted | MatchDeclined | OfferExpired) -> Fact:
    match event:
        case MatchOffered(offered_at=at, expires_at=until, match_id=match_id):
            options = tuple(map(_option, event.options))
            fact = Fact(event.case_id, "match_offered", event.attempt, 0, at, until, match_id=match_id)
            return replace(fact, options=options)
        case MatchAccepted(accepted_at=at):
            return Fact(event.case_id, "match_accepted", event.attempt, 0, at)
        case MatchDeclined(declined_at=at):
            return Fact(event.case_id, "match_declined", event.attempt, 0, at)
        case OfferExpired(expired_at=at):
            return Fact(event.case_id, "offer_expired", event.attempt, 0, at)


def _option(said: Option) -> OfferedOption:
    return OfferedOption(
        said.option_id,
        said.modality,
        said.gender,
        said.languages,
        said.fee,
        said.sliding_fee,
        said.within_km,
        said.therapist_id,
    )


def _hour(event: Appointment) -> Fact:
    kind, hour = HOURS[type(event)], event.appointment_id
    until = event.start if kind in ("appointment_booked", "appointment_arrived") else None
    return Fact(
        event.case_id,
        kind,
        event.attempt,
        event.version,
        event.changed_at,
        until,
        None,
        hour,
        therapist_id=event.therapist_id,
    )


HANDLERS: Mapping[type[Event], Callable[[Sequence[Any], Transaction], Awaitable[None]]] = {
    MatchMade: project,
    MatchWithdrawn: project,
    CaseWaitlisted: project,
    MatchOffered: project,
    MatchAccepted: project,
    MatchDeclined: project,
    OfferExpired: project,
    AlternativeOffered: project,
    StopAsked: close_the_gate,
    ContactReconfirmed: confirm_contacts,
    AppointmentBooked: project,
    AppointmentRescheduled: project,
    AppointmentCancelled: project,
    AppointmentHeld: project,
    AppointmentReleased: project,
    AppointmentArrived: project,
    AppointmentFulfilled: project,
    AppointmentNoShow: project,
    AppointmentCorrected: project,
    AppointmentCertaintyChanged: project,
    AppointmentDisplaced: project,
    MessageSent: project,
    MessageDelivered: project,
}
