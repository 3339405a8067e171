"""The figures of demo.json follow from the facts."""

from datetime import timedelta

import pytest

from simulation.counting import count
from simulation.figures import Leftovers
from simulation.history.facts import Receipt, Step
from simulation.timing import first_news, percentile
from tests.simulation.right_history import BOOKED, HOUR_1, HOUR_2, SECOND, T0, WAITING, right, uid


def test_a_right_run_is_counted_and_every_zero_is_zero() -> None:
    figures, findings = count(right(), Leftovers(), people=4, now=T0)
    assert findings.clean
    assert figures.promises_kept()
    assert (figures.people, figures.accepted, figures.alarms, figures.matched) == (4, 4, 1, 2)
    assert (figures.waitlisted, figures.held_for_human) == (1, 1)
    assert (figures.booked_online, figures.booked_in_person) == (1, 1)
    assert (figures.messages_planned, figures.messages_delivered, figures.messages_waiting) == (4, 3, 1)
    assert figures.messages_waiting_reasons == {"reminder_not_due": 1}
    assert figures.waitlist_reasons == {"no_language": 1}
    assert figures.partner_bookings_seen == figures.partner_bookings_expected == 2


def test_who_moves_and_who_meets_in_the_other_way_are_told_apart() -> None:
    history = right()
    history.steps = [
        Step(HOUR_1, BOOKED, 2, "appointment_rescheduled", "person"),
        Step(HOUR_2, SECOND, 2, "appointment_rescheduled", "person"),
    ]
    history.lanes = {BOOKED: "online", SECOND: "online"}
    figures, _ = count(history, Leftovers(), people=4, now=T0)
    assert (figures.moved, figures.switched) == (1, 1)
    history.lanes = {BOOKED: "online", SECOND: "in_person"}
    assert count(history, Leftovers(), people=4, now=T0)[0].switched == 0
    history.would_only_come = frozenset({0, 1})  # the first one is booked online all the same
    assert count(history, Leftovers(), people=4, now=T0)[0].switched == 1
    history.steps = [one._replace(by="clinic") for one in history.steps]
    assert count(history, Leftovers(), people=4, now=T0)[0].moved == 0


@pytest.mark.parametrize(("channel", "delivered", "waiting"), [("sms", 2, 2), ("email", 3, 1)])
def test_an_sms_waits_for_its_receipt_and_mail_for_none(channel: str, delivered: int, waiting: int) -> None:
    history = right()
    told = next(m for m in history.messages if m.channel == "sms")
    sent = told._replace(state="sent", channel=channel)
    history.messages = [sent if m is told else m for m in history.messages]
    figures, _ = count(history, Leftovers(), people=4, now=T0)
    assert figures.promises_kept()
    assert (figures.messages_delivered, figures.messages_waiting) == (delivered, waiting)
    assert figures.messages_waiting_reasons.get("no_receipt_yet", 0) == waiting - 1


def test_seconds_run_from_the_first_post_to_the_last_message() -> None:
    figures, _ = count(right(), Leftovers(), people=4, now=T0)
    assert figures.seconds == 0.9
    assert figures.journeys == 2  # one by SMS, one in the own inbox
    assert figures.journeys_per_second == round(2 / 0.9, 1)
    assert figures.p50_s == figures.p99_s == 0.4


def test_how_long_a_call_takes_to_be_made_is_no_speed_of_ours() -> None:
    history = right()
    told = next(m for m in history.messages if m.channel == "sms")
    called = told._replace(channel="call", state="delivered", settled_at=T0 + timedelta(minutes=5))
    history.messages = [called if m is told else m for m in history.messages]
    history.receipts = [one for one in history.receipts if one.message_id != str(told.message_id)]
    assert count(history, Leftovers(), people=4, now=T0)[0].seconds < 1


def test_what_is_left_over_fails_the_run() -> None:
    for left in (Leftovers(outbox=1), Leftovers(dead_letters=1), Leftovers(skipped=1), Leftovers(waiting=1)):
        figures, _ = count(right(), left, people=4, now=T0)
        assert not figures.promises_kept()


def test_a_failed_message_leaves_the_sum_open() -> None:
    history = right()
    history.messages = [*history.messages[:3], history.messages[3]._replace(state="failed")]
    figures, _ = count(history, Leftovers(), people=4, now=T0)
    assert figures.messages_failed == 1
    assert not figures.promises_kept()


def test_a_mail_of_unknown_fate_is_right_only_where_processes_were_killed() -> None:
    history = right()
    unknown = history.messages[3]._replace(state="failed", reason="outcome_unknown")
    history.messages = [*history.messages[:3], unknown]
    figures, _ = count(history, Leftovers(), people=4, now=T0)
    assert (figures.messages_failed, figures.messages_unknown) == (0, 1)
    assert not figures.promises_kept()
    assert figures.promises_kept(faults=True)


def test_what_had_failed_before_the_run_is_not_its_fault() -> None:
    left = Leftovers(outbox=1, dead_letters=3, skipped=5).since(
        Leftovers(outbox=9, dead_letters=2, skipped=5)
    )
    assert left == Leftovers(outbox=1, dead_letters=1, skipped=0)


def test_a_loss_or_a_double_message_fails_the_run() -> None:
    history = right()
    history.waitlisted -= {WAITING}
    assert count(history, Leftovers(), people=4, now=T0)[0].lost == 1
    history = right()
    history.receipts = [*history.receipts, Receipt(str(uid(601)), "+923990000000", 1.0)]
    figures, _ = count(history, Leftovers(), people=4, now=T0)
    assert figures.duplicated == 1
    assert not figures.promises_kept()


def test_a_message_that_could_have_gone_is_told_from_one_that_may_not_yet() -> None:
    history = right()
    late = history.messages[3]._replace(due_at=T0 - timedelta(minutes=1))
    closed = history.messages[3]._replace(message_id=uid(606), reason="safe_window")
    history.messages = [*history.messages[:3], late, closed]
    figures, _ = count(history, Leftovers(), people=4, now=T0)
    assert figures.messages_waiting_reasons == {"due_now": 1, "safe_window": 1}


def test_other_help_is_news_of_the_wait_as_the_place_on_the_list_is() -> None:
    history = right()
    before = first_news(history)
    history.messages = [
        one._replace(purpose="alternative") if one.purpose == "waitlisted" else one
        for one in history.messages
    ]
    assert WAITING in before
    assert first_news(history) == before


def test_percentiles_are_by_nearest_rank() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.50) == 50.0
    assert percentile(values, 0.99) == 99.0
    assert percentile([], 0.5) == 0.0
