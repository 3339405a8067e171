"""Events of the others, as matching hears them."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from services.matching.domain.places import Site
from shared.contracts.intake import (
    AlarmRaised,
    Attendee,
    CaseClosed,
    CaseSubmitted,
    CaseWithdrawn,
    WeeklyWindow,
)
from shared.contracts.matching import MatchAttendee
from shared.contracts.scheduling import (
    Appointment,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentReleased,
    AppointmentRescheduled,
    SiteChanged,
    SlotNotFound,
)
from tests.matching.examples import NOW


def a_case(**changes: Any) -> CaseSubmitted:
    """Somebody in Lahore who wants to talk by video, in Urdu, about anxiety, in the evening."""
    person = uuid4()
    said: dict[str, Any] = {
        "case_id": uuid4(),
        "person_id": person,
        "attendees": (Attendee(attendee_id=uuid4(), person_id=person, role="person", consent="given"),),
        "gate": "open",
        "kind": "individual",
        "problem_areas": ("anxiety",),
        "step": 2,
        "step_reasons": ("phq9_10_to_14",),
        "step_table_version": "2026-11-draft",
        "priority": 0,
        "modalities": ("video",),
        "languages": ("ur",),
        "age_band": "25-34",
        "province": "PK-PB",
        "city": "Lahore",
        "wanted_times": (WeeklyWindow(day=1, start=1020, end=1200),),
        "max_fee": 2000,
        "submitted_at": NOW,
    }
    return CaseSubmitted(**said | changes)


def withdrawal(case_id: UUID) -> CaseWithdrawn:
    return CaseWithdrawn(case_id=case_id, reason="found_help", withdrawn_at=NOW)


def closing(case_id: UUID, by: Literal["therapist", "coordinator"] = "therapist") -> CaseClosed:
    return CaseClosed(case_id=case_id, reason="stepped_up", by=by, closed_at=NOW)


def no_hour(match: dict[str, Any]) -> SlotNotFound:
    """Scheduling's answer to a match as it stands in the outbox."""
    return SlotNotFound(
        case_id=match["case_id"],
        match_id=match["match_id"],
        attempt=match["attempt"],
        lane=match["lane"],
        reason="no_hour",
        sought_at=NOW,
    )


def booked(match: dict[str, Any], therapist: int | None = None, **changes: Any) -> AppointmentBooked:
    """An hour with the first candidate, or with another."""
    start: datetime = changes.pop("start", NOW + timedelta(days=2))
    said: dict[str, Any] = {
        "case_id": match["case_id"],
        "appointment_id": uuid4(),
        "version": 1,
        "match_id": match["match_id"],
        "attempt": match["attempt"],
        "attendees": (MatchAttendee(attendee_id=uuid4(), person_id=uuid4()),),
        "therapist_id": UUID(int=therapist) if therapist else match["candidates"][0]["therapist_id"],
        "organisation": "humqadam-network",
        "lane": match["lane"],
        "modality": match["modality"],
        "site_id": None,
        "room_id": None,
        "start": start,
        "end": start + timedelta(minutes=50),
        "time_zone": "Asia/Karachi",
        "by": "system",
        "changed_at": NOW,
    }
    return AppointmentBooked(**said | changes)


def kept(match: dict[str, Any], therapist: int | None = None, **changes: Any) -> AppointmentHeld:
    """The hour that scheduling keeps for an offer, which stands in the outbox."""
    until = datetime.fromisoformat(match["expires_at"])
    hour = booked(match, therapist, **{"start": NOW + timedelta(days=2)} | changes).model_dump()
    return AppointmentHeld(**hour | {"take_by": until, "held_until": until + timedelta(minutes=10)} | changes)


def released(hour: AppointmentHeld) -> AppointmentReleased:
    return AppointmentReleased(**hour.model_dump() | {"version": hour.version + 1, "reason": "expired"})


def moved(appointment: AppointmentBooked, days: int) -> AppointmentRescheduled:
    later = timedelta(days=days)
    return AppointmentRescheduled(
        **appointment.model_dump()
        | {
            "version": appointment.version + 1,
            "start": appointment.start + later,
            "end": appointment.end + later,
            "previous_start": appointment.start,
        }
    )


def cancelled(appointment: Appointment) -> AppointmentCancelled:
    return AppointmentCancelled(
        **appointment.model_dump()
        | {"version": appointment.version + 1, "reason": "person_cannot", "by": "person"}
    )


def a_site(site: Site) -> SiteChanged:
    return SiteChanged(
        site_id=site.id,
        organisation="humqadam-network",
        city="Lahore",
        latitude=site.point.latitude,
        longitude=site.point.longitude,
        time_zone="Asia/Karachi",
        step_free=site.step_free,
        directions={"en": "Main gate."},
        status="open" if site.is_open else "closed",
        changed_at=NOW,
    )


def alarm(case_id: UUID) -> AlarmRaised:
    """Somebody of this case may be in danger, of the second level."""
    return AlarmRaised(
        case_id=case_id,
        alarm_id=uuid4(),
        person_id=uuid4(),
        level="R2",
        rule="phq9_item9",
        rule_version="1",
        province="PK-PB",
        languages=("ur",),
        reachable=True,
        due_by=NOW,
        raised_at=NOW,
    )
