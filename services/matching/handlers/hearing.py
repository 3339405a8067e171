"""The two tables of what matching hears, and the one of what comes due: event type or kind -> handler."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from services.matching.handlers import continuity
from services.matching.handlers.alarms import AlarmBook
from services.matching.handlers.backfill import Backfill, note_freed_hours
from services.matching.handlers.capacity import know_capacity
from services.matching.handlers.changes import ChangeDesk
from services.matching.handlers.choosing import ChoiceDesk
from services.matching.handlers.continuity import ContinuityDesk, close_what_was_done
from services.matching.handlers.dates import DateKeeper
from services.matching.handlers.keeping import follow_kept_hours
from services.matching.handlers.matchmaking import Matchmaker
from services.matching.handlers.sites import know_sites
from services.matching.handlers.standing import (
    close_cases,
    count_certain_again,
    count_hours,
    free_past_hours,
    withdraw_matches,
)
from services.matching.handlers.waiting import WaitingRoom
from services.matching.repository.therapists import DUE
from shared.contracts.base import Event
from shared.contracts.console import TaskDone
from shared.contracts.intake import (
    AlarmClosed,
    AlarmLevelChanged,
    AlarmRaised,
    CaseClosed,
    CaseSubmitted,
    CaseUpdated,
    CaseWithdrawn,
)
from shared.contracts.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCertaintyChanged,
    AppointmentDisplaced,
    AppointmentHeld,
    AppointmentReleased,
    AppointmentRescheduled,
    CapacityChanged,
    SiteChanged,
    SlotFreed,
    SlotNotFound,
)

HEARD = (
    "intake.cases",
    "scheduling.openings",
    "scheduling.appointments",
    "scheduling.sites",
    "scheduling.capacity",
    "console.tasks",
)
HEARD_OF_CRISIS = ("intake.alarms",)

Handlers = Mapping[type[Event], Callable[..., Awaitable[Any]]]


def handlers(matchmaker: Matchmaker) -> Handlers:
    """The group `matching`."""
    return {
        CaseSubmitted: matchmaker.match_cases,
        CaseUpdated: ChangeDesk(matchmaker).follow_changes,
        CaseWithdrawn: withdraw_matches,
        CaseClosed: close_cases,
        SlotNotFound: matchmaker.match_again,
        AppointmentBooked: count_hours,
        AppointmentRescheduled: count_hours,
        AppointmentCancelled: count_hours,
        AppointmentDisplaced: count_hours,
        AppointmentCertaintyChanged: count_certain_again,
        AppointmentHeld: follow_kept_hours,
        AppointmentReleased: follow_kept_hours,
        SlotFreed: note_freed_hours,
        SiteChanged: know_sites,
        CapacityChanged: know_capacity,
        TaskDone: close_what_was_done,
    }


def crisis_handlers(alarms: AlarmBook) -> Handlers:
    """The group `matching.crisis`."""
    return {
        AlarmRaised: alarms.raise_priorities,
        AlarmLevelChanged: alarms.follow_levels,
        AlarmClosed: alarms.lower_priorities,
    }


def due_handlers(matchmaker: Matchmaker) -> Mapping[str, Callable[..., Awaitable[Any]]]:
    """What comes by its date."""
    return {
        "review": matchmaker.review_waiting,
        "offer": ChoiceDesk(matchmaker).expire_offers,
        "wake": WaitingRoom(matchmaker).wake_waiting,
        "rested": WaitingRoom(matchmaker).wake_rested,
        "backfill": Backfill(matchmaker).serve_waiting,
        "past_hours": free_past_hours,
        DUE: DateKeeper(matchmaker.policy.credentials.validity).follow_dates,
        continuity.DUE: ContinuityDesk(matchmaker.policy).look,
    }
