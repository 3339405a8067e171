"""What intake says of cases: codes and bands to matching, sealed contacts to notifications, alarms to people."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from services.intake.domain.contact_changes import KeptContact
from services.intake.domain.contacts import CONFIRMED_FOR_DAYS, Window
from services.intake.domain.invitations import OPEN_FOR, purpose_of
from services.intake.domain.new_case import AlarmOfCase, NewAttendee, NewCase, NewContact
from services.intake.domain.requests import Needs
from services.intake.domain.wishes import KeptRequest
from shared.contracts.base import Event
from shared.contracts.intake import (
    AlarmRaised,
    Attendee,
    CaseSubmitted,
    CaseUpdated,
    ContactChanged,
    InvitationMade,
    PreviousTherapist,
    Sealed,
    TherapistGender,
    WeeklyWindow,
)
from shared.messaging import Transaction


def announce(case: NewCase, tx: Transaction, step_table_version: str) -> None:
    """Everything others must hear of this case; each event goes on in the trace of its request."""
    cause = str(case.case_id)
    tx.trace(cause, case.traceparent)
    said: list[Event] = [
        *contacts_changed(case.contacts, tx.now),
        _submitted(case, step_table_version, tx.now),
    ]
    said += invited(case.case_id, case.attendees, tx.now)
    said += [alarm_raised(alarm, tx.now) for alarm in case.alarms]
    tx.emit(said, causes=[cause] * len(said))


def _submitted(case: NewCase, step_table_version: str, now: datetime) -> Event:
    triage = case.admission.triage
    person = Attendee(attendee_id=case.attendee_id, person_id=case.person_id, role="person", consent="given")
    others = (
        Attendee(
            attendee_id=one.attendee_id,
            person_id=one.person_id,
            role=one.participant.role,
            consent=one.participant.consent,
        )
        for one in case.attendees
    )
    return CaseSubmitted(
        case_id=case.case_id,
        person_id=case.person_id,
        attendees=(person, *others),
        gate=case.admission.gate,
        step=triage.step,
        step_reasons=triage.reasons,
        step_table_version=step_table_version,
        priority=triage.priority,
        continues=case.request.proved_earlier,
        alarm_open=case.alarm is not None,
        submitted_at=now,
        **asked_for(case.request.needs),
    )


def updated(request: KeptRequest, now: datetime) -> Event:
    """The whole request again, as it stands from now on."""
    person = Attendee(
        attendee_id=request.attendee_id, person_id=request.person_id, role="person", consent="given"
    )
    others = (
        Attendee(attendee_id=one.attendee_id, person_id=one.person_id, role=one.role, consent=one.consent)
        for one in request.attendees
    )
    return CaseUpdated(
        case_id=request.case_id,
        person_id=request.person_id,
        attendees=(person, *others),
        gate=request.gate,
        step=request.triage.step,
        step_reasons=request.triage.reasons,
        step_table_version=request.step_table_version,
        priority=request.triage.priority,
        continues=request.continues,
        alarm_open=request.alarm_open,
        resumed_after=request.resumed_after,
        submitted_at=request.submitted_at,
        request_version=request.request_version,
        updated_at=now,
        **asked_for(request.needs),
    )


def asked_for(needs: Needs) -> dict[str, Any]:
    """The needs as fields of an event with a whole request."""
    gender, known = needs.therapist_gender, needs.previous_therapist
    return {
        "kind": needs.kind,
        "problem_areas": needs.problem_areas,
        "modalities": needs.modalities,
        "languages": needs.languages,
        "therapist_gender": gender and TherapistGender(wish=gender.wish, must=gender.must),
        "faith_sensitive": needs.faith_sensitive,
        "age_band": needs.age_band,
        "province": needs.province,
        "city": needs.city,
        "area": needs.area,
        "radius_km": needs.radius_km,
        "time_zone": needs.time_zone,
        "wanted_times": _windows(needs.wanted_times),
        "max_fee": needs.max_fee,
        "coverage": needs.coverage,
        "access_needs": needs.access_needs,
        "source": needs.source,
        "previous_therapist": known and PreviousTherapist(therapist_id=known.therapist_id, wish=known.wish),
        "booking_mode": needs.booking_mode,
    }


def contacts_changed(contacts: Sequence[NewContact], now: datetime) -> list[Event]:
    """How people may be reached from now on who could not be before."""
    return [
        contact_changed(person_id, KeptContact(contact, box, 1, time_zone), now)
        for person_id, contact, box, time_zone in contacts
    ]


def contact_changed(person_id: UUID, kept: KeptContact, now: datetime) -> Event:
    """How somebody may be reached from now on; said or said again just now, so that it holds for its whole time."""
    contact, box = kept.contact, kept.box
    return ContactChanged(
        person_id=person_id,
        channels=contact.channels,
        language=contact.language,
        script=contact.script,
        safe_windows=_windows(contact.safe_windows),
        time_zone=kept.time_zone,
        owner=contact.owner,
        confirmed_until=now + timedelta(days=CONFIRMED_FOR_DAYS),
        address=Sealed(field="address", version=kept.version, box=box) if box else None,
        changed_at=now,
    )


def invited(case_id: UUID, others: Sequence[NewAttendee], now: datetime) -> list[Event]:
    """Those of them who are written to."""
    return [
        InvitationMade(
            person_id=one.person_id,
            case_id=case_id,
            attendee_id=one.attendee_id,
            purpose=purpose_of(one.participant.role),
            codes=Sealed(field="invitation", version=1, box=one.invitation),
            expires_at=now + OPEN_FOR,
            made_at=now,
        )
        for one in others
        if one.invitation
    ]


def alarm_raised(one: AlarmOfCase, now: datetime) -> Event:
    """Somebody may be in danger; how to reach them stays here."""
    return AlarmRaised(
        case_id=one.case_id,
        alarm_id=one.alarm.alarm_id,
        person_id=one.person_id,
        level=one.alarm.raised.level,
        rule=one.alarm.raised.rule,
        rule_version=one.alarm.raised.version,
        province=one.province,
        languages=one.languages,
        reachable=one.reachable,
        due_by=one.alarm.due_by,
        raised_at=now,
    )


# Most people name no windows or whole hours of the evening: the same few sets come again and again.
@lru_cache(maxsize=1024)
def _windows(windows: tuple[Window, ...]) -> tuple[WeeklyWindow, ...]:
    return tuple(WeeklyWindow(day=w.day, start=w.start, end=w.end) for w in windows)
