"""Histories in which something was done twice, or was said where silence was owed."""

from dataclasses import replace

from simulation.history import History
from simulation.history.facts import Case, Parking, Receipt
from tests.simulation.breaking import breaks
from tests.simulation.right_history import BOOKED, HOUR_1, HOUR_2, T0, THERAPIST, WAITING, uid

PERSON = uid(401)
ARRIVED = T0.timestamp() + 0.4  # the first receipt of the right history


@breaks("applied_twice")
def an_event_whose_effect_was_said_under_two_ids(history: History) -> None:
    first, *others = history.streams.records
    once = first._replace(fact="match-1")
    twice = once._replace(sequence=3, offset=13, event_id=uid(704))
    said = {**history.streams.said, (first.topic, first.key): 3}
    reader, stream = (
        ("notifications", "notifications"),
        ("notifications", "notifications", first.topic, first.key),
    )
    history.streams = replace(
        history.streams,
        records=[once, *others, twice],
        said=said,
        read={reader: history.streams.read[reader] | {uid(704)}},
        reached={**history.streams.reached, stream: 3},
    )


@breaks("weekly_limit_passed")
def a_therapist_with_more_hours_than_they_take(history: History) -> None:
    history.limits = {THERAPIST: 1}


@breaks("told_after_a_stop")
def a_message_six_seconds_after_the_stop(history: History) -> None:
    history.stops = {PERSON: ARRIVED - 6}


@breaks("told_while_parked")
def a_message_for_a_case_with_a_dead_letter(history: History) -> None:
    history.parkings = [Parking(str(BOOKED), ARRIVED - 60, ARRIVED + 60)]


@breaks("told_while_parked")
def a_message_for_a_person_with_a_dead_letter(history: History) -> None:
    history.parkings = [Parking(str(PERSON), ARRIVED - 60, ARRIVED + 60)]


@breaks("told_after_a_cancellation")
def news_of_an_hour_that_was_given_back_long_before(history: History) -> None:
    history.cancelled = {HOUR_1: ARRIVED - 60}


@breaks("told_after_the_end")
def news_about_a_case_that_ended_long_before(history: History) -> None:
    history.ended = {BOOKED: ARRIVED - 60}
    history.messages = [one for one in history.messages if one.purpose != "reminder"]


@breaks("told_of_what_is_over")
def a_reminder_that_is_still_to_be_sent_about_a_case_that_has_ended(history: History) -> None:
    history.ended = {BOOKED: ARRIVED}


@breaks("held_after_the_end")
def a_case_that_was_closed_and_counts_against_a_therapist(history: History) -> None:
    history.cases = [_closed(one) if one.case_id == WAITING else one for one in history.cases]
    history.waitlisted, history.holders = frozenset(), frozenset({WAITING})


@breaks("alarm_held_up")
def an_alarm_that_the_pager_never_heard_of(history: History) -> None:
    history.paged = frozenset()


@breaks("alarm_held_up")
def an_alarm_that_waits_behind_another_event(history: History) -> None:
    history.parked_alarms = [str(BOOKED)]


def _closed(case: Case) -> Case:
    return case._replace(state="closed", withdrawn=True, closed_by="coordinator")


def right_in_time(history: History) -> None:
    """All of it just in time: a stop, a block and a cancellation that came as the message was under way, a message about
    the cancellation itself, and a week that is full."""
    history.stops = {PERSON: ARRIVED - 4}
    history.parkings = [
        Parking(str(BOOKED), ARRIVED - 11, ARRIVED + 60),
        Parking(str(PERSON), ARRIVED - 60, ARRIVED - 30),
    ]
    history.cancelled = {HOUR_1: ARRIVED - 11, HOUR_2: ARRIVED}
    told = history.messages[1]._replace(message_id=uid(606), purpose="cancelled", channel="sms", state="sent")
    history.messages = [*history.messages, told]
    history.addresses = {**history.addresses, 1: "+923990000001"}
    history.receipts = [*history.receipts, Receipt(str(uid(606)), "+923990000001", ARRIVED + 60)]
    history.limits = {THERAPIST: 2}
