"""What comes back from scheduling and from people: tries again with a bound, withdrawals, loads, reviews."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.matching.handlers.alarms import AlarmBook
from services.matching.handlers.standing import close_cases, count_hours, free_past_hours, withdraw_matches
from shared.contracts.intake import AlarmClosed, AlarmLevelChanged, AlarmRaised
from shared.messaging import Due
from tests.matching.conftest import Office
from tests.matching.events import a_case, alarm, booked, cancelled, closing, moved, no_hour, withdrawal
from tests.matching.examples import NOW, POLICY


async def matched(office: Office, case: Any = None) -> dict[str, Any]:
    """A case with a match; returns what was said of it."""
    await office.hear(office.matchmaker.match_cases, case or a_case())
    return (await office.made())[-1]


async def test_others_are_asked_at_most_three_times_then_the_case_waits(office: Office) -> None:
    for number in range(1, 21):
        await office.describe(number)
    match = await matched(office)
    for _ in range(3):
        match = (await office.made())[-1]
        await office.hear(office.matchmaker.match_again, no_hour(match))
    matches = await office.made()
    assert [one["attempt"] for one in matches] == [1, 2, 3]
    asked = [candidate["therapist_id"] for one in matches for candidate in one["candidates"]]
    assert len(asked) == len(set(asked)) == 15
    [waiting] = await office.said("case_waitlisted")
    assert (waiting["attempt"], waiting["reason"]) == (3, "no_hour")
    assert await office.loads() == {}


async def test_with_nobody_left_to_ask_the_case_waits_at_once(office: Office) -> None:
    await office.describe(1)
    match = await matched(office)
    await office.hear(office.matchmaker.match_again, no_hour(match))
    assert len(await office.made()) == 1
    [waiting] = await office.said("case_waitlisted")
    assert (waiting["attempt"], waiting["reason"]) == (2, "no_hour")


async def test_the_same_answer_twice_or_about_an_older_match_changes_nothing(office: Office) -> None:
    for number in range(1, 21):
        await office.describe(number)
    match = await matched(office)
    for _ in range(3):
        await office.hear(office.matchmaker.match_again, no_hour(match))
    assert [one["attempt"] for one in await office.made()] == [1, 2]
    assert sum((await office.loads()).values()) == 1


async def test_an_answer_about_an_unknown_case_is_harmless(office: Office) -> None:
    match = {"case_id": uuid4(), "match_id": uuid4(), "attempt": 1, "lane": "online", "modality": "video"}
    await office.hear(office.matchmaker.match_again, no_hour(match))
    await office.hear(count_hours, booked(match, therapist=1))
    assert await office.said() == []


async def test_a_withdrawn_case_withdraws_its_match_on_its_lane_once(office: Office) -> None:
    await office.describe(1)
    match = await matched(office)
    for _ in range(2):
        await office.hear(withdraw_matches, withdrawal(match["case_id"]))
    [said] = await office.said("match_withdrawn")
    assert (said["topic"], said["match_id"]) == ("matching.matches.online", match["match_id"])
    assert (said["attempt"], said["reason"]) == (1, "case_withdrawn")
    assert await office.loads() == {}
    await office.hear(office.matchmaker.match_again, no_hour(match))
    await office.hear(count_hours, booked(match))
    assert await office.loads() == {}
    assert len(await office.made()) == 1


async def test_a_booked_case_can_be_withdrawn_too(office: Office) -> None:
    await office.describe(1)
    match = await matched(office)
    appointment = booked(match)
    await office.hear(count_hours, appointment)
    await office.hear(withdraw_matches, withdrawal(match["case_id"]))
    await office.hear(count_hours, cancelled(appointment))
    assert len(await office.said("match_withdrawn")) == 1
    assert await office.loads() == {}
    assert (await office.case(UUID(match["case_id"])))["state"] == "withdrawn"


@pytest.mark.parametrize(("by", "said_by"), [("therapist", "therapist"), ("coordinator", "clinic")])
async def test_a_closed_case_frees_its_therapist_and_takes_back_what_is_booked(
    office: Office, by: Any, said_by: str
) -> None:
    await office.describe(1)
    match = await matched(office)
    await office.hear(count_hours, booked(match))
    assert await office.loads() == {1: 1}
    for _ in range(2):
        await office.hear(close_cases, closing(UUID(match["case_id"]), by))
    assert await office.loads() == {}
    [said] = await office.said("match_withdrawn")
    assert (said["reason"], said["by"], said["match_id"]) == ("case_closed", said_by, match["match_id"])
    assert "stepped" not in str(said)
    await office.hear(withdraw_matches, withdrawal(UUID(match["case_id"])))
    await office.hear(count_hours, booked(match))
    assert (await office.case(UUID(match["case_id"])))["state"] == "closed"
    assert await office.loads() == {}


@pytest.mark.parametrize("end", [withdrawal, closing])
async def test_an_hour_that_staff_may_have_found_after_a_cancelled_one_is_taken_back_too(
    office: Office, end: Any
) -> None:
    """It may not have been heard of here yet: scheduling has to be told that the case is over."""
    await office.describe(1)
    match = await matched(office)
    hour = booked(match)
    await office.hear(count_hours, hour)
    await office.hear(count_hours, cancelled(hour))
    ending = end(UUID(match["case_id"]))
    await office.hear(close_cases if end is closing else withdraw_matches, ending)
    assert len(await office.said("match_withdrawn")) == 1


async def test_a_waiting_held_or_offered_case_is_closed_and_not_looked_at_again(office: Office) -> None:
    waiting, held = a_case(), a_case(gate="waits_for_consent")
    await office.hear(office.matchmaker.match_cases, waiting, held)
    await office.describe(1)
    choosing = a_case(booking_mode="choose")
    await office.hear(office.matchmaker.match_cases, choosing)
    unknown = a_case()
    everybody = [case.case_id for case in (waiting, held, choosing, unknown)]
    await office.hear(close_cases, *map(closing, everybody))
    await office.hear(office.matchmaker.match_cases, unknown)
    assert {(await office.case(one))["state"] for one in everybody} == {"closed"}
    # Whoever was to choose has an hour kept for them, perhaps.
    assert [one["case_id"] for one in await office.said("match_withdrawn")] == [str(choosing.case_id)]
    pool = office.database.pool
    assert await pool.fetchval("SELECT count(*) FROM due WHERE kind = 'review'") == 0
    assert await pool.fetchval("SELECT count(*) FROM offers WHERE state = 'open'") == 0


async def test_a_case_withdrawn_before_it_was_heard_of_is_never_matched(office: Office) -> None:
    await office.describe(1)
    case = a_case()
    await office.hear(withdraw_matches, withdrawal(case.case_id))
    await office.hear(office.matchmaker.match_cases, case)
    assert await office.said("match_") == []
    assert (await office.case(case.case_id))["state"] == "withdrawn"


async def test_a_waiting_or_held_case_is_withdrawn_silently_and_not_reviewed(office: Office) -> None:
    waiting, held = a_case(), a_case(gate="waits_for_consent")
    await office.hear(office.matchmaker.match_cases, waiting, held)
    await office.hear(withdraw_matches, withdrawal(waiting.case_id), withdrawal(held.case_id))
    assert await office.said("match_withdrawn") == []
    assert await office.database.pool.fetchval("SELECT count(*) FROM due WHERE kind = 'review'") == 0


async def test_the_one_who_is_booked_carries_the_load_and_nobody_after_a_cancellation(office: Office) -> None:
    await office.describe(1)
    await office.describe(2)
    match = await matched(office)
    assigned, other = (UUID(one["therapist_id"]).int for one in match["candidates"])
    assert await office.loads() == {assigned: 1}
    appointment = booked(match, therapist=other)
    for _ in range(2):
        await office.hear(count_hours, appointment)
    assert await office.loads() == {other: 1}
    await office.hear(count_hours, moved(appointment, days=1))
    await office.hear(count_hours, appointment)  # told again, late
    case = await office.case(UUID(match["case_id"]))
    assert case["held_until"] == appointment.end + timedelta(days=1)
    before = len(await office.said())
    await office.hear(count_hours, cancelled(moved(appointment, days=1)))
    assert await office.loads() == {}
    assert len(await office.said()) == before
    await office.hear(count_hours, moved(appointment, days=1))
    assert await office.loads() == {}


async def test_a_booking_of_another_match_changes_nothing(office: Office) -> None:
    await office.describe(1)
    match = await matched(office)
    await office.hear(count_hours, booked(match | {"match_id": uuid4()}, therapist=2))
    assert await office.loads() == {1: 1}
    assert (await office.case(UUID(match["case_id"])))["state"] == "matched"


async def test_an_hour_that_is_over_counts_for_nobody_and_the_sweep_comes_again(office: Office) -> None:
    await office.describe(1)
    first, second = await matched(office), await matched(office)
    await office.hear(count_hours, booked(first), booked(second, start=NOW + timedelta(days=9)))
    office.now["now"] = NOW + timedelta(days=3)
    await office.hear(free_past_hours, Due("past_hours", "all", NOW))
    assert await office.loads() == {1: 1}
    assert (await office.case(UUID(first["case_id"])))["state"] == "booked"
    again = await office.database.pool.fetchval("SELECT at FROM due WHERE kind = 'past_hours'")
    assert again == office.now["now"] + timedelta(minutes=10)


async def test_whoever_waits_is_looked_at_again_on_the_promised_day(office: Office) -> None:
    case = a_case()
    await office.hear(office.matchmaker.match_cases, case)
    row = await office.database.pool.fetchrow("SELECT * FROM due WHERE kind = 'review'")
    assert (row["key"], row["at"]) == (str(case.case_id), NOW + timedelta(days=14))
    office.now["now"] = row["at"]
    review = Due("review", row["key"], row["at"])
    await office.hear(office.matchmaker.review_waiting, review)
    told = await office.said("case_waitlisted")
    assert [one["attempt"] for one in told] == [1, 2]
    assert told[1]["next_review"] > told[0]["next_review"]
    await office.describe(1)
    await office.hear(office.matchmaker.review_waiting, review)
    [match] = await office.made()
    assert match["attempt"] == 3
    await office.hear(office.matchmaker.review_waiting, review)
    assert len(await office.made()) == 1


async def test_after_a_review_those_without_an_hour_may_be_asked_again_and_three_times(
    office: Office,
) -> None:
    await office.describe(1)
    match = await matched(office)
    await office.hear(office.matchmaker.match_again, no_hour(match))
    await office.hear(office.matchmaker.review_waiting, Due("review", match["case_id"], NOW))
    assert [one["attempt"] for one in await office.made()] == [1, 3]


async def test_an_open_alarm_moves_its_case_forward_even_when_it_comes_first(office: Office) -> None:
    book = AlarmBook(POLICY)
    await office.describe(1, weekly_limit=1)
    usual = [a_case(submitted_at=NOW - timedelta(days=1)) for _ in range(4)]
    alarmed = a_case()
    raised = alarm(alarmed.case_id)
    await office.hear(book.raise_priorities, raised)
    await office.hear(office.matchmaker.match_cases, *usual, alarmed)
    told = {one["case_id"]: one for one in await office.made()}
    assert told[str(alarmed.case_id)]["priority"] == 3
    assert len(told) == 4


async def test_a_closed_alarm_counts_no_longer_whatever_comes_late(office: Office) -> None:
    book = AlarmBook(POLICY)
    await office.describe(1)
    case = a_case()
    raised = alarm(case.case_id)
    closed = AlarmClosed(
        case_id=case.case_id, alarm_id=raised.alarm_id, staff_id="s", outcome="reached", closed_at=NOW
    )
    await office.hear(book.lower_priorities, closed)
    await office.hear(book.raise_priorities, raised)
    await office.hear(office.matchmaker.match_cases, case)
    assert (await office.made())[0]["priority"] == 0


@pytest.mark.parametrize(("level", "priority"), [("R1", 2), ("R3", 3)])
async def test_the_priority_follows_what_a_human_judged_whatever_comes_late(
    office: Office, level: str, priority: int
) -> None:
    book = AlarmBook(POLICY)
    await office.describe(1)
    case = a_case()
    raised = alarm(case.case_id)
    judged = [level_changed(raised, one, minutes) for minutes, one in ((1, "R1"), (2, "R3"), (3, level))]
    await office.hear(book.follow_levels, judged[2])
    await office.hear(book.raise_priorities, raised)
    await office.hear(book.follow_levels, judged[1])
    await office.hear(book.follow_levels, judged[0])
    await office.hear(office.matchmaker.match_cases, case)
    assert (await office.made())[0]["priority"] == priority


async def test_a_level_does_not_open_an_alarm_that_is_closed(office: Office) -> None:
    book = AlarmBook(POLICY)
    await office.describe(1)
    case = a_case()
    raised = alarm(case.case_id)
    closed = AlarmClosed(
        case_id=case.case_id, alarm_id=raised.alarm_id, staff_id="s", outcome="reached", closed_at=NOW
    )
    await office.hear(book.raise_priorities, raised)
    await office.hear(book.lower_priorities, closed)
    await office.hear(book.follow_levels, level_changed(raised, "R3", 1))
    await office.hear(office.matchmaker.match_cases, case)
    assert (await office.made())[0]["priority"] == 0


def level_changed(raised: AlarmRaised, level: Any, minutes: int) -> AlarmLevelChanged:
    return AlarmLevelChanged(
        case_id=raised.case_id,
        alarm_id=raised.alarm_id,
        staff_id="s",
        level=level,
        due_by=NOW,
        changed_at=NOW + timedelta(minutes=minutes),
    )
