"""What notifications hears: one function per event type, for the worker and for the pager."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from services.notifications.handlers import calling, knowing, paging, planning
from services.notifications.handlers.telling_staff import StaffNews
from shared.contracts.base import Event
from shared.contracts.console import TaskDone
from shared.contracts.intake import (
    AlarmAcknowledged,
    AlarmClosed,
    AlarmEscalated,
    AlarmHandedOver,
    AlarmLevelChanged,
    AlarmRaised,
    CaseEnded,
    ConsentChanged,
    ContactChanged,
    ContactStopped,
    InvitationMade,
)
from shared.contracts.matching import (
    AlternativeOffered,
    CaseWaitlisted,
    MatchAccepted,
    MatchDeclined,
    MatchOffered,
    OfferExpired,
)
from shared.contracts.scheduling import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCertaintyChanged,
    AppointmentCorrected,
    AppointmentDisplaced,
    AppointmentFulfilled,
    AppointmentNoShow,
    AppointmentRescheduled,
    SiteChanged,
)
from shared.messaging import Transaction

Handler = Callable[..., Awaitable[Any]]
Handlers = Mapping[type[Event], Handler]

HANDLERS: Handlers = {
    AppointmentBooked: planning.tell_of_bookings,
    AppointmentRescheduled: planning.tell_of_changes,
    AppointmentCancelled: planning.tell_of_cancellations,
    AppointmentArrived: planning.hear_who_came,
    AppointmentFulfilled: planning.hear_who_came,
    AppointmentNoShow: planning.ask_after_missed_hours,
    AppointmentCorrected: planning.take_slips_back,
    AppointmentCertaintyChanged: planning.follow_certainty,
    AppointmentDisplaced: planning.tell_of_lost_days,
    CaseWaitlisted: planning.tell_of_waiting,
    AlternativeOffered: planning.tell_of_other_help,
    MatchOffered: planning.tell_of_offers,
    MatchAccepted: planning.hear_of_choices,
    MatchDeclined: planning.hear_of_choices,
    OfferExpired: planning.hear_of_choices,
    InvitationMade: planning.invite,
    ContactChanged: knowing.remember_contacts,
    ContactStopped: knowing.stop_contact,
    CaseEnded: knowing.end_cases,
    ConsentChanged: knowing.follow_consent,
    SiteChanged: knowing.remember_sites,
    TaskDone: calling.hear_what_was_done,
}

PAGER_HANDLERS: Handlers = {
    AlarmRaised: paging.page_alarms,
    AlarmAcknowledged: paging.hear_acknowledgements,
    AlarmLevelChanged: paging.follow_levels,
    AlarmHandedOver: paging.follow_handovers,
    AlarmEscalated: paging.follow_escalations,
    AlarmClosed: paging.hear_closures,
}


def telling_staff_too(staff: StaffNews) -> Handlers:
    """What the worker does where staff have numbers: whatever people are told of an hour, those it is with are told too."""
    return {
        **HANDLERS,
        AppointmentBooked: _both(planning.tell_of_bookings, staff.note_bookings),
        AppointmentRescheduled: _both(planning.tell_of_changes, staff.note_changes),
        AppointmentCancelled: _both(planning.tell_of_cancellations, staff.note_changes),
    }


def _both(first: Handler, then: Handler) -> Handler:
    async def both(events: Sequence[Any], tx: Transaction) -> None:
        await first(events, tx)
        await then(events, tx)

    return both
