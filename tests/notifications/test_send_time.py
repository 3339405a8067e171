"""The send-time table: what is true now decides, never what was true when the message was planned."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.outcomes import (
    Accepted,
    NotTaken,
    Rejected,
    Unclear,
    after,
    settle,
    unknown,
)
from services.notifications.domain.sending import (
    CHECKIN_WITHIN,
    MAX_TRIES,
    WHILE_WAITING,
    Channel,
    Contact,
    Decision,
    Due,
    Exhausted,
    Later,
    Send,
    Skip,
    Subject,
    Unknown,
    decide,
    next_channel,
    wait_seconds,
)
from services.notifications.domain.windows import Window, is_open

NOW = datetime(2027, 1, 5, 8, 0, tzinfo=UTC)  # Tuesday 13:00 in Karachi
START = NOW + timedelta(hours=24)
ALWAYS = tuple(Window(day, 0, 1440) for day in range(1, 8))
EVENING = tuple(Window(day, 18 * 60, 19 * 60) for day in range(1, 8))
CONTACT = Contact(("sms",), ALWAYS, "Asia/Karachi", NOW + timedelta(days=30), True)
BOOKED = Subject(2, "booked", START)
REMINDER = Due("reminder", 2, None, False, False, BOOKED, CONTACT)
MISSED = Due("checkin", 2, None, False, False, BOOKED, CONTACT)
INVITED = Subject(1, "invited", START)
ASKED = Due("consent_request", 1, None, False, False, INVITED, CONTACT)


def with_contact(**changes: object) -> Due:
    return replace(REMINDER, contact=replace(CONTACT, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("message", "decision"),
    [
        (REMINDER, Send("sms")),
        (ASKED, Send("sms")),
        (replace(ASKED, subject=replace(INVITED, state="answered")), Skip("superseded")),
        (replace(ASKED, subject=replace(INVITED, start=NOW)), Skip("too_late")),
        (replace(ASKED, subject=None), Skip("superseded")),
        (replace(REMINDER, stopped=True), Skip("stopped")),
        (replace(REMINDER, subject=replace(BOOKED, state="cancelled")), Skip("cancelled")),
        (replace(REMINDER, subject=replace(BOOKED, state="cancelled", version=3)), Skip("cancelled")),
        (replace(REMINDER, subject=replace(BOOKED, version=3)), Skip("superseded")),
        (replace(REMINDER, subject=replace(BOOKED, state="no_show")), Skip("hour_over")),
        (replace(MISSED, subject=replace(BOOKED, state="no_show")), Send("sms")),
        (
            replace(MISSED, subject=replace(BOOKED, state="no_show", start=NOW - timedelta(hours=2))),
            Send("sms"),
        ),
        (
            replace(MISSED, subject=replace(BOOKED, state="no_show", start=NOW - CHECKIN_WITHIN)),
            Skip("too_late"),
        ),
        (replace(MISSED, subject=replace(BOOKED, state="fulfilled")), Skip("superseded")),
        (replace(MISSED, subject=BOOKED), Skip("superseded")),
        (replace(REMINDER, subject=None), Skip("superseded")),
        (replace(REMINDER, subject=replace(BOOKED, start=NOW)), Skip("too_late")),
        (replace(REMINDER, contact=None), Skip("no_channel")),
        (with_contact(channels=()), Skip("no_channel")),
        (with_contact(channels=("whatsapp", "email", "sms")), Send("whatsapp")),
        (replace(with_contact(channels=("whatsapp", "sms")), given_up=("whatsapp",)), Send("sms")),
        (replace(with_contact(channels=("sms", "inbox")), given_up=("sms",)), Send("inbox")),
        (replace(with_contact(channels=("sms",)), given_up=("sms",)), Exhausted("sms")),
        (replace(with_contact(channels=("whatsapp",)), tried_by="whatsapp"), Unknown("whatsapp")),
        (with_contact(has_address=False), Skip("no_address")),
        (with_contact(confirmed_until=NOW), Later(START, "contact_unconfirmed")),
        (with_contact(confirmed_until=None), Later(START, "contact_unconfirmed")),
        (replace(with_contact(confirmed_until=NOW), tried_by="sms"), Skip("contact_unconfirmed")),
        (
            replace(
                with_contact(confirmed_until=NOW),
                purpose="waitlisted",
                subject=Subject(1, "waitlisted", None),
            ),
            Skip("contact_unconfirmed"),
        ),
        (
            with_contact(channels=("inbox",), has_address=False, confirmed_until=None, windows=EVENING),
            Send("inbox"),
        ),
        (with_contact(windows=EVENING), Later(datetime(2027, 1, 5, 13, 0, tzinfo=UTC))),
        (with_contact(windows=(Window(2, 600, 660),)), Skip("no_safe_window")),
        (with_contact(windows=(Window(2, 600, 600),)), Skip("no_safe_window")),
        (replace(REMINDER, held=True), Later(NOW + timedelta(seconds=30))),
        (replace(REMINDER, held=True, stopped=True), Skip("stopped")),
        (replace(REMINDER, purpose="cancelled", subject=replace(BOOKED, state="cancelled")), Send("sms")),
        (replace(REMINDER, purpose="waitlisted", subject=Subject(1, "waitlisted", None)), Send("sms")),
        (
            replace(REMINDER, purpose="waitlisted", subject=Subject(1, "left_waitlist", None)),
            Skip("superseded"),
        ),
        (replace(REMINDER, purpose="alternative", subject=Subject(1, "waitlisted", None)), Send("sms")),
        (
            replace(REMINDER, purpose="alternative", subject=Subject(1, "left_waitlist", None)),
            Skip("superseded"),
        ),
        (replace(REMINDER, tried_by="email"), Unknown("email")),
        (replace(REMINDER, tried_by="sms"), Send("sms")),
        (replace(REMINDER, tried_by="sms", stopped=True), Unknown("sms")),
        (replace(REMINDER, tried_by="sms", subject=replace(BOOKED, state="cancelled")), Unknown("sms")),
        (replace(with_contact(channels=("email",)), tried_by="sms"), Unknown("sms")),
    ],
)
def test_the_table(message: Due, decision: Decision) -> None:
    assert decide(message, NOW) == decision


moments = st.datetimes(datetime(2027, 1, 1), datetime(2027, 3, 1)).map(  # noqa: DTZ001  # naive bounds
    lambda naive: naive.replace(tzinfo=UTC)
)
subjects = st.none() | st.builds(
    Subject,
    st.integers(1, 4),
    st.sampled_from(
        ["booked", "arrived", "fulfilled", "no_show", "cancelled", "waitlisted", "left_waitlist"]
    ),
    moments,
)
contacts = st.none() | st.builds(
    Contact,
    st.lists(st.sampled_from(["sms", "whatsapp", "email", "inbox"]), max_size=3).map(tuple),
    st.lists(st.builds(Window, st.integers(1, 7), st.integers(0, 1439), st.integers(0, 1440)), max_size=3),
    st.just("Asia/Karachi"),
    st.none() | moments,
    st.booleans(),
)
messages = st.builds(
    Due,
    st.sampled_from(["booked", "changed", "cancelled", "reminder", "checkin", "waitlisted", "alternative"]),
    st.integers(1, 4),
    st.sampled_from([None, None, "sms", "email"]),
    st.booleans(),
    st.booleans(),
    subjects,
    contacts,
)


@given(messages, moments)
def test_nothing_is_sent_to_the_stopped_or_outside_what_they_said_is_safe(
    message: Due, now: datetime
) -> None:
    decision = decide(message, now)
    if isinstance(decision, Send):
        assert not message.stopped
        assert not message.held
        assert message.contact is not None
        assert decision.channel in message.contact.channels
        if decision.channel != "inbox":
            assert is_open(message.contact.windows, message.contact.time_zone, now)
            assert message.contact.confirmed_until is not None
            assert message.contact.confirmed_until > now


@given(messages, moments)
def test_nothing_untrue_is_sent(message: Due, now: datetime) -> None:
    if isinstance(decide(message, now), Send):
        subject = message.subject
        assert subject is not None
        if message.purpose not in WHILE_WAITING:
            assert subject.version == message.version
            assert (subject.state == "cancelled") <= (message.purpose == "cancelled")
            assert (subject.state == "no_show") == (message.purpose == "checkin")
            assert message.purpose == "checkin" or subject.start is None or subject.start > now


@given(messages, moments)
def test_a_message_that_waits_comes_again_before_it_is_too_late(message: Due, now: datetime) -> None:
    decision = decide(message, now)
    if isinstance(decision, Later):
        assert decision.at > now
        start = (
            message.subject.start
            if message.subject and message.purpose not in {*WHILE_WAITING, "checkin"}
            else None
        )
        assert message.held or start is None or decision.at < start


@given(messages, moments)
def test_a_mail_that_may_have_arrived_is_never_sent_again(message: Due, now: datetime) -> None:
    if message.tried_by == "email":
        assert decide(message, now) == Unknown("email")


def test_a_gateways_answer_decides_what_becomes_of_a_try() -> None:
    accepted = settle(Accepted("g1"), "sms", "booked", 1, NOW)
    assert (accepted.state, accepted.tried_by) == ("sent", None)
    rejected = settle(Rejected("address_unusable"), "sms", "booked", 1, NOW)
    assert (rejected.state, rejected.reason, rejected.last_chance) == ("failed", "address_unusable", True)
    again = settle(NotTaken("gateway_away"), "email", "booked", 1, NOW)
    assert (again.state, again.due_at, again.tried_by) == ("planned", NOW + timedelta(seconds=2), None)
    unclear = settle(Unclear("timeout"), "sms", "booked", 2, NOW)
    assert (unclear.state, unclear.tried_by) == ("sending", "sms")
    assert settle(Unclear("timeout"), "email", "booked", 1, NOW) == unknown("booked", "email")


def test_a_channel_that_will_not_take_it_gives_way_to_the_next_one_allowed() -> None:
    rejected = settle(Rejected("whatsapp_rejected"), "whatsapp", "booked", 1, NOW, others=True)
    assert (rejected.state, rejected.due_at, rejected.given_up, rejected.last_chance) == (
        "planned",
        NOW,
        True,
        False,
    )
    worn_out = settle(NotTaken("gateway_away"), "sms", "booked", MAX_TRIES, NOW, others=True)
    assert (worn_out.state, worn_out.given_up) == ("planned", True)
    not_yet = settle(NotTaken("gateway_away"), "sms", "booked", MAX_TRIES - 1, NOW, others=True)
    assert (not_yet.state, not_yet.given_up) == ("planned", False)


@pytest.mark.parametrize("tries", [1, MAX_TRIES])
@pytest.mark.parametrize("channel", ["sms", "whatsapp", "email"])
def test_what_may_have_arrived_goes_no_other_way(channel: Channel, tries: int) -> None:
    assert not settle(Unclear("silent"), channel, "booked", tries, NOW, others=True).given_up
    assert after(channel, NotTaken("busy")) == Unclear("busy")
    assert after(None, NotTaken("busy")) == NotTaken("busy")


@given(contacts, st.lists(st.sampled_from(["sms", "whatsapp", "email", "inbox"]), max_size=4))
def test_only_channels_that_were_allowed_and_not_given_up_are_taken(
    contact: Contact | None, given_up: list[str]
) -> None:
    channel = next_channel(contact, given_up)
    allowed = contact.channels if contact else ()
    assert channel is None or (channel in allowed and channel not in given_up)
    assert (channel is None) == (set(allowed) <= set(given_up))


def test_after_enough_tries_a_human_is_asked() -> None:
    last = settle(NotTaken("gateway_away"), "sms", "booked", MAX_TRIES, NOW)
    assert (last.state, last.last_chance) == ("failed", True)
    assert not unknown("reminder", "email").last_chance
    assert unknown("cancelled", "email").last_chance


def test_waits_grow_and_end() -> None:
    waits = [wait_seconds(tries) for tries in range(1, MAX_TRIES)]
    assert all(wait is not None and wait > 0 for wait in waits)
    assert waits == sorted(waits, key=lambda wait: wait or 0)
    assert wait_seconds(MAX_TRIES) is None
