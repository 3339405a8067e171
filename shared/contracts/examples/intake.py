"""What intake says in the story: somebody in Lahore asks, is thought to be in danger, and is reached."""

from typing import Any

from shared.contracts.base import Event
from shared.contracts.examples import story
from shared.contracts.intake import (
    AlarmAcknowledged,
    AlarmAttempted,
    AlarmClosed,
    AlarmEscalated,
    AlarmHandedOver,
    AlarmLevelChanged,
    AlarmRaised,
    Attendee,
    CaseClosed,
    CaseEnded,
    CaseSubmitted,
    CaseUpdated,
    CaseWithdrawn,
    ConsentChanged,
    ContactChanged,
    ContactStopped,
    InvitationMade,
    Sealed,
    TherapistGender,
    WeeklyWindow,
)

EVENINGS = (WeeklyWindow(day=1, start=1020, end=1200), WeeklyWindow(day=2, start=1020, end=1200))
REQUEST: dict[str, Any] = {
    "case_id": story.CASE,
    "person_id": story.PERSON,
    "attendees": (
        Attendee(attendee_id=story.ATTENDEE, person_id=story.PERSON, role="person", consent="given"),
    ),
    "gate": "open",
    "kind": "individual",
    "problem_areas": ("anxiety",),
    "step": 2,
    "step_reasons": ("phq9_10_to_14",),
    "step_table_version": "2026-11-draft-3",
    "priority": 2,
    "modalities": ("video", "in_person"),
    "languages": ("ur", "en"),
    "therapist_gender": TherapistGender(wish="woman"),
    "age_band": "25-34",
    "province": "PK-PB",
    "city": "Lahore",
    "wanted_times": EVENINGS,
    "max_fee": 2000,
    "submitted_at": story.ASKED,
}

EXAMPLES: tuple[Event, ...] = (
    CaseSubmitted(**REQUEST),
    CaseUpdated(**REQUEST | {"modalities": ("in_person",)}, request_version=2, updated_at=story.LATER),
    CaseWithdrawn(case_id=story.CASE, reason="found_other_help", withdrawn_at=story.LATER),
    CaseClosed(case_id=story.CASE, reason="completed", by="therapist", closed_at=story.IN_TWO_WEEKS),
    CaseEnded(person_id=story.PERSON, case_ids=(story.CASE,), ended_at=story.IN_TWO_WEEKS),
    ConsentChanged(
        person_id=story.PERSON,
        case_ids=(story.CASE,),
        purpose="care",
        state="withdrawn",
        text_version="2026-01",
        changed_at=story.LATER,
    ),
    ContactStopped(person_id=story.PERSON, case_ids=(story.CASE,), stopped_at=story.LATER),
    ContactChanged(
        person_id=story.PERSON,
        channels=("sms",),
        language="ur",
        script="Latn",
        safe_windows=EVENINGS,
        time_zone=story.LAHORE_TIME,
        owner="own",
        confirmed_until=story.IN_TWO_WEEKS,
        address=Sealed(
            field="address", version=1, box="q1d0bm90IGEgcmVhbCBib3gsIGJ1dCBhcyBsb25nIGFzIG9uZQ=="
        ),
        changed_at=story.ASKED,
    ),
    InvitationMade(
        person_id=story.PARTNER,
        case_id=story.CASE,
        attendee_id=story.PARTNERS_PLACE,
        purpose="invitation",
        codes=Sealed(
            field="invitation", version=1, box="q1d0bm90IGEgcmVhbCBib3gsIGJ1dCBhcyBsb25nIGFzIG9uZQ=="
        ),
        expires_at=story.IN_TWO_WEEKS,
        made_at=story.ASKED,
    ),
    AlarmRaised(
        case_id=story.CASE,
        alarm_id=story.ALARM,
        person_id=story.PERSON,
        level="R1",
        rule="phq9_item9_any",
        rule_version="2026-11-draft",
        province="PK-PB",
        languages=("ur", "en"),
        reachable=True,
        due_by=story.LATER,
        raised_at=story.ASKED,
    ),
    AlarmAcknowledged(
        case_id=story.CASE, alarm_id=story.ALARM, staff_id=story.STAFF, acknowledged_at=story.SOON
    ),
    AlarmAttempted(
        case_id=story.CASE,
        alarm_id=story.ALARM,
        staff_id=story.STAFF,
        outcome="no_answer",
        attempted_at=story.SOON,
    ),
    AlarmLevelChanged(
        case_id=story.CASE,
        alarm_id=story.ALARM,
        staff_id=story.STAFF,
        level="R2",
        due_by=story.LATER,
        changed_at=story.SOON,
    ),
    AlarmHandedOver(
        case_id=story.CASE,
        alarm_id=story.ALARM,
        staff_id=story.STAFF,
        to_staff_id=story.COLLEAGUE,
        handed_over_at=story.SOON,
    ),
    AlarmEscalated(
        case_id=story.CASE,
        alarm_id=story.ALARM,
        level="R2",
        to_staff_id=story.COLLEAGUE,
        escalated_at=story.LATER,
    ),
    AlarmClosed(
        case_id=story.CASE,
        alarm_id=story.ALARM,
        staff_id=story.STAFF,
        outcome="reached_and_safe",
        closed_at=story.LATER,
    ),
)
