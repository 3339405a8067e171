"""Planning: which messages follow from a fact, whom they wait for, and what they make untrue."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.addresses import refusal
from services.notifications.domain.paging import reference
from services.notifications.domain.planning import Change, Fact, Void, contact_fact, plan, site_fact
from services.notifications.templates import load_paging_rules, load_reserved

NOW = datetime(2027, 1, 5, 8, 0, tzinfo=UTC)
PERSON, OTHER = uuid4(), uuid4()


def a_fact(
    change: Change = "booked", *, hours: float = 72, version: int = 1, people: tuple[UUID, ...] = (PERSON,)
) -> Fact:
    return Fact(change, uuid4(), version, 1, uuid4(), people, NOW + timedelta(hours=hours))


def test_a_booking_is_told_now_and_again_a_day_before() -> None:
    fact = a_fact()
    planned = plan([fact], {}, {PERSON}, NOW)
    assert [(m.purpose, m.due_at) for m in planned.messages] == [
        ("booked", NOW),
        ("reminder", NOW + timedelta(hours=48)),
    ]


def test_a_booking_for_tomorrow_has_no_reminder() -> None:
    assert [m.purpose for m in plan([a_fact(hours=24)], {}, {PERSON}, NOW).messages] == ["booked"]


def test_a_change_is_told_and_makes_what_was_planned_before_untrue() -> None:
    fact = a_fact("changed", version=2)
    planned = plan([fact], {}, {PERSON}, NOW)
    assert [m.purpose for m in planned.messages] == ["changed", "reminder"]
    assert planned.voids == [Void(fact.case_id, fact.subject_id, 2, "superseded")]


def test_a_cancellation_makes_everything_before_untrue_and_brings_no_reminder() -> None:
    fact = a_fact("cancelled", version=2)
    planned = plan([fact], {}, {PERSON}, NOW)
    assert [m.purpose for m in planned.messages] == ["cancelled"]
    assert planned.voids == [Void(fact.case_id, fact.subject_id, 2, "cancelled")]


def test_a_booking_takes_back_the_message_of_the_waiting_list() -> None:
    fact = a_fact()
    assert Void(fact.case_id, fact.case_id, 2, "superseded") in plan([fact], {}, {PERSON}, NOW).voids


def test_a_proposal_takes_back_what_was_to_be_told_of_the_wait_before_it_and_not_of_one_that_follows() -> (
    None
):
    fact = replace(a_fact("offer", version=3), attempt=3)
    assert Void(fact.case_id, fact.case_id, 3, "superseded") in plan([fact], {}, {PERSON}, NOW).voids


def test_other_help_is_told_at_once_and_takes_back_what_was_offered_before_and_not_told() -> None:
    fact = replace(a_fact("alternative", version=2), start=None)
    planned = plan([fact], {}, {PERSON}, NOW)
    assert [(m.purpose, m.due_at) for m in planned.messages] == [("alternative", NOW)]
    assert planned.voids == [Void(fact.case_id, fact.subject_id, 2, "superseded")]


def test_old_news_says_nothing() -> None:
    fact = a_fact(version=1)
    planned = plan([fact], {fact.subject_id: 2}, {PERSON}, NOW)
    assert (planned.messages, planned.voids, planned.waiting) == ([], [], [])


def test_one_person_without_a_contact_does_not_hold_up_the_others() -> None:
    both = a_fact(people=(PERSON, OTHER))
    alone = a_fact(people=(PERSON,))
    planned = plan([both, alone], {}, {OTHER}, NOW)
    assert {m.person_id for m in planned.messages} == {OTHER}
    assert planned.waiting == [(both, contact_fact(PERSON)), (alone, contact_fact(PERSON))]


def test_a_message_that_must_name_a_place_waits_for_it_but_what_is_untrue_ends_at_once() -> None:
    site = uuid4()
    fact = replace(a_fact("changed", version=2), site_id=site)
    planned = plan([fact], {}, {PERSON}, NOW)
    assert planned.messages == []
    assert planned.waiting == [(fact, site_fact(site))]
    assert planned.voids == [Void(fact.case_id, fact.subject_id, 2, "superseded")]
    assert plan([replace(fact, change="cancelled")], {}, {PERSON}, NOW).waiting == []


@given(
    st.lists(st.tuples(st.sampled_from(["booked", "changed", "cancelled"]), st.floats(1, 1000)), max_size=8)
)
def test_a_reminder_lies_ahead_and_before_its_appointment(rows: list[tuple[Change, float]]) -> None:
    facts = [a_fact(change, hours=hours, version=number) for number, (change, hours) in enumerate(rows, 1)]
    for message in plan(facts, {}, {PERSON}, NOW).messages:
        assert message.due_at >= NOW
        assert message.fact.start is not None
        assert message.due_at < message.fact.start
        assert message.purpose != "reminder" or message.due_at > NOW


def test_outside_production_only_addresses_nobody_owns_are_written_to() -> None:
    reserved = load_reserved()
    assert refusal("sms", "+923991234567", reserved) is None
    assert refusal("sms", "+923001234567", reserved) == "address_not_reserved"
    assert refusal("sms", "+923001234567", None) is None
    assert refusal("email", "a@example.org", reserved) is None
    assert refusal("email", "a@mail.example", reserved) is None
    assert refusal("email", "a@notexample.org", reserved) == "address_not_reserved"
    assert refusal("inbox", "", reserved) is None


def test_an_address_of_another_kind_is_unusable() -> None:
    for address in ("a@example.org", "03991234567", "+92 399 1", "+", "+92399123456789012", "+٩٢٣٩٩١٢٣٤٥٦"):
        assert refusal("sms", address, None) == "address_unusable"
    for address in ("+923991234567", "a@", "@b", "a@b\r\nBcc: c@d", "a@b,c@d", "a b@c"):
        assert refusal("email", address, None) == "address_unusable"


def test_a_page_names_an_alarm_by_six_random_characters() -> None:
    assert reference(UUID("018f0000-0000-7000-8000-00000a9f3c2b")) == "9F3C2B"


def test_the_highest_level_is_paged_every_quarter_of_an_hour() -> None:
    rules = load_paging_rules()
    assert rules.wait_minutes("R3") == 15
    assert rules.wait_minutes("a level of tomorrow") == rules.otherwise
