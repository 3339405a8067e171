"""Offers: shown to whoever wishes to choose, decided once, and never in anybody's way."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.matching.handlers.alarms import AlarmBook
from services.matching.handlers.changes import ChangeDesk
from services.matching.handlers.choosing import ChoiceDesk, Refused
from services.matching.handlers.hearing import due_handlers
from services.matching.handlers.standing import count_hours, withdraw_matches
from shared.contracts.intake import CaseSubmitted
from shared.messaging import Due
from shared.messaging.due_loop import DueLoop
from tests.matching.choosing import decide, offered, state_of
from tests.matching.conftest import Office
from tests.matching.events import a_case, alarm, booked, no_hour, withdrawal
from tests.matching.examples import NOW, POLICY
from tests.matching.test_changes import changed


async def expire(office: Office, offer: dict[str, Any]) -> None:
    due = Due("offer", offer["match_id"], NOW, {"case_id": offer["case_id"]})
    await office.hear(ChoiceDesk(office.matchmaker).expire_offers, due)


async def team(office: Office, count: int = 8, **changes: Any) -> None:
    for number in range(1, count + 1):
        await office.describe(number, **changes)


async def test_whoever_wishes_to_choose_is_offered_three_and_nobody_is_booked(office: Office) -> None:
    await team(office)
    offer = await offered(office, priority=1)
    assert (offer["topic"], offer["attempt"], len(offer["options"])) == ("matching.outcomes", 1, 3)
    assert len({one["therapist_id"] for one in offer["options"]}) == 3
    assert offer["expires_at"] == (NOW + timedelta(hours=48)).isoformat().replace("+00:00", "Z")
    assert await office.made() == []
    assert await office.loads() == {}
    due = await office.database.pool.fetchrow("SELECT * FROM due WHERE kind = 'offer'")
    assert (due["key"], due["at"]) == (offer["match_id"], NOW + timedelta(hours=48))


async def test_what_an_offer_is_called_by_tells_no_time_and_cannot_be_guessed(office: Office) -> None:
    await team(office)
    offer = await offered(office)
    shown = [offer["match_id"], *(one["option_id"] for one in offer["options"])]
    assert [UUID(one).version for one in shown] == [4] * 4
    await decide(office, offer, option=0)
    [match] = await office.made()
    assert match["match_id"] == offer["match_id"]


async def test_with_nobody_who_fits_they_wait_like_everybody(office: Office) -> None:
    await team(office)
    await office.hear(office.matchmaker.match_cases, a_case(booking_mode="choose", languages=("bal",)))
    assert await office.said("match_offered") == []
    assert [one["reason"] for one in await office.said("case_waitlisted")] == ["no_language"]


async def test_the_chosen_one_and_nobody_else_is_asked_for_an_hour(office: Office) -> None:
    await team(office)
    offer = await offered(office)
    answer = await decide(office, offer, option=1)
    chosen = offer["options"][1]
    assert (answer["state"], answer["option_id"]) == ("accepted", chosen["option_id"])
    [accepted], [match] = await office.said("match_accepted"), await office.made()
    assert accepted["option_id"] == chosen["option_id"]
    assert [one["therapist_id"] for one in match["candidates"]] == [chosen["therapist_id"]]
    assert (match["match_id"], match["attempt"], match["mode"]) == (offer["match_id"], 1, "book")
    assert await office.loads() == {UUID(chosen["therapist_id"]).int: 1}
    await office.hear(count_hours, booked(match))
    assert (await office.case(UUID(offer["case_id"])))["state"] == "booked"


async def test_when_the_chosen_one_has_no_hour_the_person_may_choose_again_among_the_others(
    office: Office,
) -> None:
    await team(office, 3)
    offer = await offered(office)
    await decide(office, offer, option=0)
    [match] = await office.made()
    await office.hear(office.matchmaker.match_again, no_hour(match))
    again = (await office.said("match_offered"))[-1]
    assert again["attempt"] == 2
    chosen = offer["options"][0]["therapist_id"]
    assert {one["therapist_id"] for one in again["options"]} == {
        one["therapist_id"] for one in offer["options"]
    } - {chosen}


async def test_who_declines_is_offered_others_three_times_and_then_waits(office: Office) -> None:
    await team(office, 12)
    await offered(office)
    for _ in range(3):
        await decide(office, (await office.said("match_offered"))[-1], reason="none_suits")
    offers = await office.said("match_offered")
    assert [one["attempt"] for one in offers] == [1, 2, 3]
    shown = [option["therapist_id"] for one in offers for option in one["options"]]
    assert len(shown) == len(set(shown)) == 9
    [waiting] = await office.said("case_waitlisted")
    assert (waiting["attempt"], waiting["reason"]) == (3, "no_other")
    assert [one["reason"] for one in await office.said("match_declined")] == ["none_suits"] * 3


async def test_whom_a_person_declined_is_not_offered_in_a_later_search_nor_in_another_way(
    office: Office,
) -> None:
    await team(office, 3)
    offer = await offered(office, modalities=("video", "phone"))
    await decide(office, offer, reason="none_suits")
    [waiting] = await office.said("case_waitlisted")
    assert waiting["reason"] == "no_other"
    await office.describe(9)
    await office.hear(office.matchmaker.review_waiting, Due("review", offer["case_id"], NOW))
    again = (await office.said("match_offered"))[-1]
    assert [UUID(one["therapist_id"]).int for one in again["options"]] == [9]


async def test_an_offer_nobody_decides_ends_and_the_case_waits_with_its_place(office: Office) -> None:
    await team(office)
    offer = await offered(office)
    await expire(office, offer)
    assert await state_of(office, offer) == "open"  # its time has not come
    office.now["now"] = NOW + timedelta(hours=72)
    for _ in range(2):
        await expire(office, offer)
    assert await state_of(office, offer) == "expired"
    [ended], [waiting] = await office.said("offer_expired"), await office.said("case_waitlisted")
    assert ended["match_id"] == offer["match_id"]
    assert (waiting["reason"], waiting["attempt"]) == ("offer_expired", 1)
    assert await office.database.pool.fetchval("SELECT count(*) FROM due WHERE kind = 'review'") == 1


async def test_after_its_time_an_offer_is_refused_even_before_anybody_ended_it(office: Office) -> None:
    await team(office)
    offer = await offered(office)
    office.now["now"] = NOW + timedelta(hours=72)
    assert await decide(office, offer, option=0) == Refused("expired")
    assert await office.made() == []


async def test_one_decision_is_one_whatever_comes_after_it(office: Office) -> None:
    await team(office)
    offer = await offered(office)
    first = await decide(office, offer, key="the-same-key", option=0)
    assert await decide(office, offer, key="the-same-key", option=0) == first
    assert await decide(office, offer, option=1) == Refused("accepted")
    assert await decide(office, offer, reason="too_far") == Refused("accepted")
    office.now["now"] = NOW + timedelta(hours=99)
    await expire(office, offer)
    assert await state_of(office, offer) == "accepted"
    assert len(await office.made()) == 1


async def test_somebody_elses_offer_is_no_offer(office: Office) -> None:
    await team(office)
    offer = await offered(office)
    for case_id in (uuid4(), None):
        assert await decide(office, offer, option=0, case_id=case_id) == Refused("not_found")
    assert await decide(office, offer | {"match_id": str(uuid4())}, option=0) == Refused("not_found")
    unknown = offer | {"options": [{"option_id": str(uuid4())}]}
    assert await decide(office, unknown, option=0) == Refused("unknown_option")
    assert await state_of(office, offer) == "open"


async def test_whoever_has_no_place_any_more_cannot_be_chosen_but_another_can(office: Office) -> None:
    await team(office, 3)
    offer = await offered(office)
    gone = UUID(offer["options"][0]["therapist_id"]).int
    await office.describe(gone, status="suspended")
    assert await decide(office, offer, option=0) == Refused("option_gone")
    assert await state_of(office, offer) == "open"
    assert (await decide(office, offer, option=1))["state"] == "accepted"


async def test_a_place_somebody_else_has_taken_is_gone_too(office: Office) -> None:
    await office.describe(1, weekly_limit=1)
    offers = [await offered(office) for _ in range(6)]
    answers = [await decide(office, offer, option=0) for offer in offers]
    assert answers[4:] == [Refused("option_gone")] * 2
    assert await office.loads() == {1: 4}


async def test_of_two_who_accept_at_once_one_is_heard_and_there_is_one_match(office: Office) -> None:
    await team(office)
    offer = await offered(office)
    answers = await asyncio.gather(*(decide(office, offer, option=n % 3) for n in range(4)))
    assert sum(isinstance(answer, dict) for answer in answers) == 1
    assert answers.count(Refused("accepted")) == 3
    assert len(await office.made()) == len(await office.said("match_accepted")) == 1
    assert sum((await office.loads()).values()) == 1


@pytest.mark.parametrize("other", ["expiry", "withdrawal", "update", "decline"])
async def test_of_an_accept_and_anything_else_at_once_exactly_one_counts(office: Office, other: str) -> None:
    await team(office)
    offer = await offered(office)
    case_id = UUID(offer["case_id"])
    submitted = await office.database.pool.fetchval("SELECT request FROM cases WHERE case_id = $1", case_id)
    office.now["now"] = NOW + timedelta(hours=72) - timedelta(seconds=other != "expiry")
    rivals: dict[str, Any] = {
        "expiry": lambda: expire(office, offer),
        "withdrawal": lambda: office.hear(withdraw_matches, withdrawal(case_id)),
        "update": lambda: office.hear(
            ChangeDesk(office.matchmaker).follow_changes, changed(_as_submitted(submitted), max_fee=1900)
        ),
        "decline": lambda: decide(office, offer, reason="too_far"),
    }
    answer, _ = await asyncio.gather(decide(office, offer, option=0), rivals[other]())
    accepted = isinstance(answer, dict)
    assert len(await office.said("match_accepted")) == accepted
    assert (await state_of(office, offer) == "accepted") == accepted
    made, withdrawn = await office.made(), await office.said("match_withdrawn")
    case = await office.case(case_id)
    if other == "withdrawal":
        assert case["state"] == "withdrawn"
        assert (len(made), len(withdrawn)) == (accepted, 1)
    if other == "expiry":
        assert (accepted, case["state"]) == (False, "waitlisted")
    if other == "update":
        assert case["state"] == "offered"
        assert (len(made), withdrawn) == (accepted, [])
    await office.loads()


def _as_submitted(request: str) -> CaseSubmitted:
    return CaseSubmitted.model_validate_json(request)


async def test_who_decides_while_offers_come_due_is_answered_and_nothing_is_decided_twice(
    office: Office,
) -> None:
    await team(office)
    offers = [await offered(office) for _ in range(6)]
    office.now["now"] = NOW + timedelta(hours=72)
    loop, stop = DueLoop(office.database, due_handlers(office.matchmaker)), asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    answers = await asyncio.gather(*(decide(office, one, option=0) for one in offers for _ in range(3)))
    async with asyncio.timeout(20):
        while len(await office.said("offer_expired")) < 6:
            await asyncio.sleep(0.02)
    stop.set()
    await running
    assert set(answers) == {Refused("expired")}
    assert {await state_of(office, one) for one in offers} == {"expired"}
    assert len(await office.said("case_waitlisted")) == 6
    assert loop.metrics()["due_failed_total"] == 0


async def test_other_wishes_supersede_an_offer_and_scheduling_need_not_hear_of_it(office: Office) -> None:
    await team(office)
    offer = await offered(office)
    stored = (await office.case(UUID(offer["case_id"])))["request"]
    await office.hear(
        ChangeDesk(office.matchmaker).follow_changes, changed(_as_submitted(stored), languages=("en",))
    )
    assert await state_of(office, offer) == "superseded"
    assert await decide(office, offer, option=0) == Refused("superseded")
    again = (await office.said("match_offered"))[-1]
    assert again["attempt"] == 2
    assert await office.said("match_withdrawn") == []
    assert (await decide(office, again, option=0))["state"] == "accepted"


async def test_a_withdrawn_case_ends_its_offer_and_scheduling_keeps_nothing_for_it(office: Office) -> None:
    await team(office)
    offer = await offered(office)
    await office.hear(withdraw_matches, withdrawal(UUID(offer["case_id"])))
    assert await state_of(office, offer) == "withdrawn"
    [withdrawn] = await office.said("match_withdrawn")
    assert (withdrawn["match_id"], withdrawn["attempt"]) == (offer["match_id"], 1)
    assert await decide(office, offer, option=0) == Refused("withdrawn")


async def test_whoever_may_be_in_danger_is_booked_at_once_instead_of_asked_to_choose(office: Office) -> None:
    for number in (1, 2, 3):
        await office.describe(number)
    alarmed = a_case(booking_mode="choose", alarm_open=True, priority=2)
    await office.hear(office.matchmaker.match_cases, alarmed)
    [match] = await office.made()
    assert (match["case_id"], match["mode"]) == (str(alarmed.case_id), "book")
    assert await office.said("match_offered") == []


async def test_when_the_alarm_is_closed_the_wish_to_choose_counts_again(office: Office) -> None:
    await office.describe(1)
    case = a_case(booking_mode="choose", gate="waits_for_human", alarm_open=True, priority=3)
    await office.hear(office.matchmaker.match_cases, case)
    raised = alarm(case.case_id)
    await office.hear(AlarmBook(POLICY).raise_priorities, raised)
    # The alarm's closing is on another topic, and may be heard of later than the gate.
    opened = changed(case, gate="open", alarm_open=False)
    await office.hear(ChangeDesk(office.matchmaker).follow_changes, opened)
    [offer] = await office.said("match_offered")
    assert offer["case_id"] == str(case.case_id)


async def test_a_search_that_begins_again_while_an_alarm_is_open_asks_nobody_to_choose(
    office: Office,
) -> None:
    case = a_case(booking_mode="choose")
    await office.hear(office.matchmaker.match_cases, case)  # nobody is there: the case waits
    await office.hear(AlarmBook(POLICY).raise_priorities, alarm(case.case_id))
    await office.describe(1)
    await office.hear(office.matchmaker.review_waiting, Due("review", str(case.case_id), NOW))
    assert await office.said("match_offered") == []
    [match] = await office.made()
    assert match["priority"] == POLICY.priority_of("R2")
