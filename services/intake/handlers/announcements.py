"""What intake says of new cases: codes and bands to matching, sealed contacts to notifications, alarms to people."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from services.intake.domain.contacts import CONFIRMED_FOR_DAYS, Window
from services.intake.domain.new_case import NewAlarm, NewCase
from services.intake.domain.vocabulary import TIME_ZONE
from shared.contracts.base import Event
from shared.contracts.intake import (
    AlarmRaised,
    Attendee,
    CaseSubmitted,
    ContactChanged,
    Sealed,
    WeeklyWindow,
)
from shared.messaging import Transaction


def announce(opened: Sequence[NewCase], tx: Transaction, step_table_version: str) -> None:
    """Everything others must hear of these cases; each event goes on in the trace of its request."""
    events: list[Event] = []
    causes: list[str] = []
    for case in opened:
        cause = str(case.case_id)
        tx.trace(cause, case.traceparent)
        said = [_contact_changed(case, tx.now), _submitted(case, step_table_version, tx.now)]
        events += said + ([_alarm_raised(case, case.alarm, tx.now)] if case.alarm else [])
        causes += [cause] * (len(events) - len(causes))
    tx.emit(events, causes=causes)


def _submitted(case: NewCase, step_table_version: str, now: datetime) -> Event:
    needs, triage = case.request.needs, case.admission.triage
    person = Attendee(attendee_id=case.attendee_id, person_id=case.person_id, role="person", consent="given")
    return CaseSubmitted(
        case_id=case.case_id,
        person_id=case.person_id,
        attendees=(person,),
        gate=case.admission.gate,
        kind=needs.kind,
        problem_areas=needs.problem_areas,
        step=triage.step,
        step_reasons=triage.reasons,
        step_table_version=step_table_version,
        priority=triage.priority,
        modalities=needs.modalities,
        languages=needs.languages,
        age_band=needs.age_band,
        province=needs.province,
        city=needs.city,
        time_zone=TIME_ZONE,
        wanted_times=_windows(needs.wanted_times),
        max_fee=needs.max_fee,
        submitted_at=now,
    )


def _contact_changed(case: NewCase, now: datetime) -> Event:
    contact, box = case.request.contact, case.sealed.address
    return ContactChanged(
        person_id=case.person_id,
        channels=(contact.channel,),
        language=contact.language,
        script=contact.script,
        safe_windows=_windows(contact.safe_windows),
        time_zone=TIME_ZONE,
        owner=contact.owner,
        confirmed_until=now + timedelta(days=CONFIRMED_FOR_DAYS),
        address=Sealed(field="address", version=1, box=box) if box else None,
        changed_at=now,
    )


def _alarm_raised(case: NewCase, alarm: NewAlarm, now: datetime) -> Event:
    return AlarmRaised(
        case_id=case.case_id,
        alarm_id=alarm.alarm_id,
        person_id=case.person_id,
        level=alarm.raised.level,
        rule=alarm.raised.rule,
        rule_version=alarm.raised.version,
        province=case.request.needs.province,
        languages=case.request.needs.languages,
        reachable=case.request.contact.reachable,
        due_by=alarm.due_by,
        raised_at=now,
    )


# Most people name no windows or whole hours of the evening: the same few sets come again and again.
@lru_cache(maxsize=1024)
def _windows(windows: tuple[Window, ...]) -> tuple[WeeklyWindow, ...]:
    return tuple(WeeklyWindow(day=w.day, start=w.start, end=w.end) for w in windows)
