"""The checker passes a right history and finds each way of breaking it, and nothing else with it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from simulation.history import CHECKS, History, judge
from simulation.history.facts import Case, KeptHour, Receipt, Record, Reservation, Streams, Task
from tests.simulation import broken_silence
from tests.simulation.breaking import BREAKS, Break, breaks
from tests.simulation.right_history import BOOKED, HOUR_1, HOUR_2, SECOND, T0, THERAPIST, WAITING, right, uid


def recase(history: History, case_id: object, **changes: object) -> None:
    history.cases = [c._replace(**changes) if c.case_id == case_id else c for c in history.cases]  # type: ignore[arg-type]


def restream(history: History, **changes: object) -> None:
    history.streams = replace(history.streams, **changes)  # type: ignore[arg-type]


@breaks("lost")
def a_case_that_was_never_saved(history: History) -> None:
    history.told = [*history.told, replace(history.told[3], key="key-9", case_code="GONE")]


@breaks("lost")
def a_case_that_still_has_no_outcome(history: History) -> None:
    history.waitlisted = frozenset()


@breaks("two_outcomes")
def waitlisted_and_booked(history: History) -> None:
    history.waitlisted |= {BOOKED}


@breaks("state_shown_wrongly")
def booked_but_the_person_still_sees_matching(history: History) -> None:
    recase(history, BOOKED, state="matching")


@breaks("request_repeated")
def one_key_two_cases(history: History) -> None:
    extra = Case(
        uid(105),
        "CODE105",
        uid(405),
        "waits_for_consent",
        "held",
        None,
        False,
        False,
        history.cases[0].stated_at,
    )
    history.cases = [*history.cases, extra]
    history.told = [*history.told, replace(history.told[1], case_code="CODE105")]


@breaks("request_repeated")
def two_keys_one_case(history: History) -> None:
    history.told = [*history.told, replace(history.told[1], key="key-other")]


@breaks("alarm_missing")
def an_alarm_without_a_row(history: History) -> None:
    history.alarms = []


@breaks("alarm_missing")
def an_alarm_that_never_reached_the_topic(history: History) -> None:
    history.alarms_on_topic = frozenset()


@breaks("crisis_answer_without_lines")
def an_alarming_answer_without_a_card(history: History) -> None:
    history.told = [replace(history.told[0], lines=None), *history.told[1:]]


@breaks("crisis_answer_without_lines")
def a_card_without_lines(history: History) -> None:
    history.told = [replace(history.told[0], lines=0), *history.told[1:]]


@breaks("crisis_answer_without_lines")
def a_refusal_without_a_card(history: History) -> None:
    history.told = [*history.told, replace(history.told[3], key="key-9", status=422, case_code=None)]


@breaks("reordered")
def the_second_event_came_first(history: History) -> None:
    first, second, repeat, site = history.streams.records
    restream(history, records=[second, first, repeat, site])


@breaks("reordered")
def one_key_on_two_partitions(history: History) -> None:
    first, second, repeat, site = history.streams.records
    restream(history, records=[first, second._replace(partition=4), repeat, site])


@breaks("reordered")
def one_sequence_for_two_events(history: History) -> None:
    twin = history.streams.records[0]._replace(event_id=uid(799), offset=13)
    read = {("notifications", "notifications"): frozenset({uid(701), uid(702), uid(799)})}
    restream(history, records=[*history.streams.records, twin], read=read)


@breaks("not_on_topic")
def a_committed_event_that_was_never_sent(history: History) -> None:
    said = dict(history.streams.said)
    said["scheduling.appointments", str(BOOKED)] = 3
    restream(history, said=said)


@breaks("not_on_topic")
def an_event_nobody_committed(history: History) -> None:
    stray = Record("matching.outcomes", 0, 1, "key", uid(711), "matching.case_waitlisted.v1", 1)
    restream(history, records=[*history.streams.records, stray])


@breaks("not_read")
def an_event_a_reader_never_applied(history: History) -> None:
    restream(history, read={("notifications", "notifications"): frozenset({uid(701)})})


@breaks("not_read")
def a_compacted_state_a_reader_never_reached(history: History) -> None:
    reached = {
        key: 3 if key[2] == "scheduling.sites" else last for key, last in history.streams.reached.items()
    }
    restream(history, reached=reached)


@breaks("case_booked_twice")
def a_second_hour_for_one_case(history: History) -> None:
    moved = timedelta(hours=5)
    extra = history.appointments[0]._replace(appointment_id=uid(203), organisation="another-network")
    extra = extra._replace(start=extra.start + moved, end=extra.end + moved)
    own = [
        r._replace(appointment_id=uid(203), start=r.start + moved, end=r.end + moved)
        for r in history.needed[HOUR_1]
    ]
    history.appointments = [*history.appointments, extra]
    history.reservations = [*history.reservations, *own]
    history.needed = {**history.needed, uid(203): own}
    told = history.messages[0]._replace(message_id=uid(605), subject_id=uid(203), channel="inbox")
    history.messages = [*history.messages, told]


@breaks("appointments_overlap")
def the_therapist_in_two_places(history: History) -> None:
    first, second = history.appointments
    earlier = second._replace(
        start=first.start + timedelta(minutes=30), end=first.end + timedelta(minutes=30)
    )
    history.appointments = [first, earlier]
    history.bookings = [
        history.bookings[0],
        history.bookings[1]._replace(start=earlier.start, end=earlier.end),
    ]


@breaks("reservations_overlap")
def two_reservations_of_one_resource(history: History) -> None:
    shift = timedelta(minutes=115)
    moved = [r._replace(end=r.end + shift) if r.appointment_id == HOUR_1 else r for r in history.reservations]
    history.reservations = moved
    history.needed = {**history.needed, HOUR_1: [r for r in moved if r.appointment_id == HOUR_1]}


@breaks("reservations_overlap")
def an_hour_that_is_kept_for_one_and_booked_for_another(history: History) -> None:
    history.held = [Reservation(THERAPIST, uid(298), *history.reservations[0][2:])]


@breaks("kept_hour_lost")
def an_hour_that_was_taken_in_time_and_is_not_booked(history: History) -> None:
    history.kept_hours = [KeptHour(uid(297), BOOKED, "released", "superseded", True)]


@breaks("appointment_incomplete")
def an_appointment_without_its_room(history: History) -> None:
    history.reservations = [r for r in history.reservations if r != history.needed[HOUR_2][-1]]


@breaks("appointment_incomplete")
def a_reservation_of_nothing(history: History) -> None:
    stray = Reservation(uid(399), uid(299), *history.reservations[0][2:])
    history.reservations = [*history.reservations, stray]


@breaks("partner_differs")
def the_partner_missed_one(history: History) -> None:
    history.bookings = history.bookings[:1]


@breaks("partner_differs")
def the_partner_has_another_hour(history: History) -> None:
    later = history.bookings[0].start + timedelta(hours=1)
    history.bookings = [history.bookings[0]._replace(start=later), history.bookings[1]]


@breaks("partner_differs")
def the_partner_has_one_too_many(history: History) -> None:
    history.bookings = [*history.bookings, history.bookings[0]._replace(booking_ref="REF9")]


@breaks("partner_differs")
def another_partner_has_it(history: History) -> None:
    history.bookings = [history.bookings[0]._replace(holder="humqadam-network"), history.bookings[1]]


@breaks("partner_complains")
def the_partner_misses_a_position(history: History) -> None:
    history.complaints = ["position 2 is missing"]


@breaks("told_twice")
def the_same_id_arrived_twice(history: History) -> None:
    history.receipts = [*history.receipts, history.receipts[1]]


@breaks("told_twice")
def the_same_promise_under_another_id(history: History) -> None:
    history.messages = [*history.messages, history.messages[0]._replace(message_id=uid(699))]
    history.receipts = [*history.receipts, history.receipts[0]._replace(message_id=str(uid(699)))]


@breaks("told_twice")
def a_message_nobody_planned(history: History) -> None:
    history.receipts = [*history.receipts, Receipt(str(uid(698)), "+923990000003", 0.0)]


@breaks("told_elsewhere")
def a_message_to_somebody_else(history: History) -> None:
    history.receipts = [history.receipts[0]._replace(to="+923990000003"), history.receipts[1]]


@breaks("told_elsewhere")
def what_somebody_else_should_answer_with_at_the_asker(history: History) -> None:
    invitation = history.messages[0]._replace(
        message_id=uid(698), person_id=uid(498), subject_id=uid(499), purpose="invitation"
    )
    history.messages = [*history.messages, invitation]
    history.receipts = [*history.receipts, Receipt(str(uid(698)), "+923990000000", 0.0)]


@breaks("sent_never_arrived")
def delivered_but_in_no_sink(history: History) -> None:
    history.receipts = history.receipts[:1]


@breaks("nobody_told")
def an_hour_nobody_was_told_of(history: History) -> None:
    history.messages = [m for m in history.messages if m.case_id != SECOND]


@breaks("nobody_told")
def waitlisted_and_never_told(history: History) -> None:
    history.messages = [m for m in history.messages if m.case_id != WAITING]
    history.receipts = history.receipts[:1]


def missed_hour(history: History) -> None:
    """The first hour was missed, as its person, the partner and the messages say."""
    history.appointments = [
        one._replace(state="no_show", version=2) if one.appointment_id == HOUR_1 else one
        for one in history.appointments
    ]
    history.bookings = [history.bookings[0]._replace(version=2), history.bookings[1]]
    recase(history, BOOKED, state="paused")


@breaks("missed_not_asked_after")
def missed_and_nobody_asks_why(history: History) -> None:
    missed_hour(history)
    history.messages = [one for one in history.messages if one.purpose != "reminder"]


@breaks("told_of_what_is_over")
def missed_and_still_to_be_reminded(history: History) -> None:
    missed_hour(history)
    asked = history.messages[0]._replace(message_id=uid(650), purpose="checkin", version=2, channel="inbox")
    history.messages = [*history.messages, asked]


@breaks("task_done_by_nobody")
def a_task_done_without_a_name(history: History) -> None:
    history.tasks = [replace_task(history, done_name=None)]


@breaks("task_done_by_nobody")
def a_task_that_closed_by_itself_as_if_somebody_had_told(history: History) -> None:
    history.tasks = [replace_task(history, done_by="system")]


@breaks("task_not_heard")
def a_task_whose_service_was_never_told(history: History) -> None:
    history.tasks = [replace_task(history, heard=None)]


@breaks("task_not_heard")
def a_task_whose_service_knows_something_else(history: History) -> None:
    history.tasks = [replace_task(history, heard="not_reached")]


@breaks("called_by_nobody")
def a_message_that_counts_as_told_by_a_call_nobody_made(history: History) -> None:
    history.messages = [
        message._replace(channel="call")
        if message.state == "delivered" and message.channel == "inbox"
        else message
        for message in history.messages
    ]
    assert any(message.channel == "call" for message in history.messages)


def replace_task(history: History, **changes: object) -> Task:
    return history.tasks[0]._replace(**changes)  # type: ignore[arg-type]


def test_hours_that_were_let_go_or_chosen_otherwise_break_no_promise() -> None:
    history = right()
    history.kept_hours = [
        KeptHour(uid(296), BOOKED, "confirmed", None, True),
        KeptHour(uid(295), SECOND, "released", "expired", False),
        KeptHour(uid(294), WAITING, "held", None, False),
    ]
    history.held = [Reservation(THERAPIST, uid(294), T0, T0 + timedelta(minutes=50))]
    assert judge(history).clean


def test_whoever_is_told_of_other_help_while_they_wait_has_been_told() -> None:
    history = right()
    history.messages = [
        m._replace(purpose="alternative") if m.case_id == WAITING else m for m in history.messages
    ]
    assert judge(history).clean, judge(history)


def test_a_right_history_passes() -> None:
    findings = judge(right())
    assert findings.clean, findings


def test_nothing_happened_is_right() -> None:
    assert judge(History()).clean


@pytest.mark.parametrize(
    ("check", "how"), [(c, f) for c, _, f in BREAKS], ids=[name for _, name, _ in BREAKS]
)
def test_a_broken_history_is_caught_by_its_check_alone(check: str, how: Break) -> None:
    history = right()
    how(history)
    found = {name: number for name, number in judge(history).counts.items() if number}
    assert found == {check: 1}


def test_every_check_has_been_seen_failing() -> None:
    assert {check for check, _, _ in BREAKS} == set(CHECKS)


def test_what_came_just_in_time_is_right() -> None:
    history = right()
    broken_silence.right_in_time(history)
    assert judge(history).clean, judge(history)


def test_a_repeat_on_the_topic_is_legal_because_the_relay_is_at_least_once() -> None:
    history = right()
    history.streams.records = [*history.streams.records, *history.streams.records]
    assert judge(history).clean


def test_what_somebody_is_told_about_an_earlier_request_is_no_unknown_message() -> None:
    history = right()
    a_message_nobody_planned(history)
    history.earlier = frozenset({str(uid(698))})
    assert judge(history).clean


def test_findings_say_where() -> None:
    history = right()
    history.waitlisted = frozenset()
    assert f"CODE{WAITING.int}" in str(judge(history))
    assert str(judge(right())) == "every promise was kept"


def test_an_empty_streams_value_has_no_expectations() -> None:
    assert judge(History(streams=Streams())).clean
