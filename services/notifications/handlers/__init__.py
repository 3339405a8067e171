"""What notifications hears: one function per event type, for the worker and for the pager."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from services.notifications.handlers import calling, knowing, paging, planning
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

Handlers = Mapping[type[Event], Callable[..., Awaitable[Any]]]

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
