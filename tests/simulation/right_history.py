"""A small history in which every promise was kept; tests break it in exactly one way each."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from simulation.client_log import Told
from simulation.history.facts import (
    Alarm,
    Appointment,
    Booking,
    Case,
    History,
    Message,
    Reading,
    Receipt,
    Record,
    Reservation,
    Streams,
    Task,
)

T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SHOWN_LINES = 2


def uid(number: int) -> UUID:
    return UUID(int=number)


BOOKED, SECOND, WAITING, HELD = uid(101), uid(102), uid(103), uid(104)
HOUR_1, HOUR_2 = uid(201), uid(202)
THERAPIST, ROOM = uid(301), uid(302)
BUFFER = timedelta(minutes=10)


def right() -> History:
    """Four people: two booked with the same therapist (one at the partner's site), one waitlisted, one held."""
    appointments = [
        _appointment(HOUR_1, BOOKED, 401, 2, "online"),
        _appointment(HOUR_2, SECOND, 402, 4, "in_person"),
    ]
    needed = {a.appointment_id: _needed(a) for a in appointments}
    return History(
        told=[_told(n, case) for n, case in enumerate((BOOKED, SECOND, WAITING, HELD))],
        cases=[
            _case(BOOKED, 401, "open", "booked", alarmed=True),
            _case(SECOND, 402, "open", "booked"),
            _case(WAITING, 403, "open", "waitlisted", reason="no_language"),
            _case(HELD, 404, "waits_for_consent", "held"),
        ],
        matched=frozenset({BOOKED, SECOND}),
        waitlisted=frozenset({WAITING}),
        alarms=[Alarm(uid(501), BOOKED)],
        tasks=[Task(uid(551), BOOKED, "hour", "done", "told", "staff-1", "Amina K.", "told")],
        alarms_on_topic=frozenset({uid(501)}),
        paged=frozenset({uid(501)}),
        expects_card=frozenset({0}),
        streams=_streams(),
        appointments=appointments,
        reservations=[one for group in needed.values() for one in group],
        needed=needed,
        messages=[
            _message(601, BOOKED, HOUR_1, "booked", "sms"),
            _message(602, SECOND, HOUR_2, "booked", "inbox"),
            _message(603, WAITING, WAITING, "waitlisted", "email"),
            _message(604, BOOKED, HOUR_1, "reminder", None, due=T0 + timedelta(hours=5)),
        ],
        receipts=[
            Receipt(str(uid(601)), "+923990000000", T0.timestamp() + 0.4),
            Receipt(str(uid(603)), "person-2@example.org", T0.timestamp() + 0.9),
        ],
        addresses={0: "+923990000000", 1: None, 2: "person-2@example.org", 3: "+923990000003"},
        references={"REF1": HOUR_1, "REF2": HOUR_2},
        bookings=[_booking("REF1", appointments[0]), _booking("REF2", appointments[1])],
        partners=frozenset({"rehmat-hospital", "humqadam-network"}),
    )


def _told(number: int, case_id: UUID) -> Told:
    lines = SHOWN_LINES if number == 0 else None
    return Told(
        f"key-{number}", number, T0.timestamp(), T0.timestamp() + 0.01, 202, f"CODE{case_id.int}", lines
    )


def _case(
    case_id: UUID, person: int, gate: str, state: str, *, reason: str | None = None, alarmed: bool = False
) -> Case:
    at = T0 + timedelta(milliseconds=300)
    return Case(case_id, f"CODE{case_id.int}", uid(person), gate, state, reason, alarmed, False, at)


def _appointment(appointment_id: UUID, case_id: UUID, person: int, hours: int, lane: str) -> Appointment:
    start = T0 + timedelta(days=1, hours=hours)
    room = ROOM if lane == "in_person" else None
    return Appointment(
        appointment_id, case_id, 1, "booked", True, THERAPIST, (uid(person),), "rehmat-hospital", lane, None, room,
        start, start + timedelta(minutes=50),
    )  # fmt: skip


def _needed(a: Appointment) -> Sequence[Reservation]:
    resources = [a.therapist_id, *a.people, *([a.room_id] if a.room_id else [])]
    return [Reservation(one, a.appointment_id, a.start - BUFFER, a.end + BUFFER) for one in resources]


def _booking(reference: str, a: Appointment) -> Booking:
    return Booking(reference, a.organisation, a.version, a.therapist_id, a.site_id, a.room_id, a.start, a.end)


def _message(
    number: int,
    case_id: UUID,
    subject: UUID,
    purpose: str,
    channel: str | None,
    due: datetime = T0,
) -> Message:
    state, settled = ("delivered", T0 + timedelta(milliseconds=500)) if channel else ("planned", None)
    person = uid(case_id.int + 300)
    return Message(
        uid(number), case_id, person, subject, 1, purpose, state, None, channel, due, due, settled
    )  # fmt: skip


def _streams() -> Streams:
    topic, key = "scheduling.appointments", str(BOOKED)
    site, where = "scheduling.sites", str(uid(900))
    records = [
        Record(topic, 3, 10, key, uid(701), "scheduling.appointment_booked.v1", 1),
        Record(topic, 3, 11, key, uid(702), "scheduling.appointment_rescheduled.v1", 2),
        Record(topic, 3, 12, key, uid(701), "scheduling.appointment_booked.v1", 1),  # the relay sent it again
        Record(site, 0, 5, where, uid(703), "scheduling.site_changed.v1", 4),
    ]
    return Streams(
        records=records,
        said={(topic, key): 2, (site, where): 4},
        readings=[Reading("notifications", "notifications", topic), Reading("matching", "matching", site)],
        read={("notifications", "notifications"): frozenset({uid(701), uid(702)})},
        reached={
            ("notifications", "notifications", topic, key): 2,
            ("matching", "matching", site, where): 4,
        },
        compacted=frozenset({site}),
    )
