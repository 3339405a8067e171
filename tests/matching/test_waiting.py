"""The waiting list: served in its order, woken when there may be more room, looked at by coordinators."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.matching.domain.requests import Request
from services.matching.handlers.alarms import AlarmBook
from services.matching.handlers.choosing import ChoiceDesk
from services.matching.handlers.standing import close_cases, count_hours, withdraw_matches
from services.matching.handlers.waiting import WaitingRoom
from services.matching.repository import waitlist
from services.matching.repository.waitlist import Filter
from shared.contracts.intake import CaseSubmitted
from shared.messaging import Due
from tests.matching.choosing import offered
from tests.matching.conftest import Office
from tests.matching.events import a_case, alarm, booked, cancelled, closing, no_hour, withdrawal
from tests.matching.examples import NOW, POLICY

PAGE = POLICY.waiting.woken_at_once


async def waits(office: Office, **changes: Any) -> CaseSubmitted:
    case = a_case(**{"languages": ("bal",)} | changes)
    await office.hear(office.matchmaker.match_cases, case)
    return case


async def wake(office: Office) -> dict[str, Any]:
    """One look, as the due loop makes it; returns what the row says then."""
    row = await office.database.pool.fetchrow("DELETE FROM due WHERE kind = 'wake' RETURNING *")
    due = Due("wake", "all", NOW, row["body"] if row else {})
    await office.hear(WaitingRoom(office.matchmaker).wake_waiting, due)
    again = await office.database.pool.fetchrow("SELECT at, body FROM due WHERE kind = 'wake'")
    assert again is not None
    assert again["at"] == office.now["now"] + POLICY.waiting.wake_every
    body: dict[str, Any] = again["body"]
    return body


async def states(office: Office) -> dict[UUID, str]:
    rows = await office.database.pool.fetch("SELECT case_id, state FROM cases")
    return {row["case_id"]: row["state"] for row in rows}


async def test_a_new_therapist_is_found_for_whoever_waits_before_their_date(office: Office) -> None:
    case, other = await waits(office), await waits(office, languages=("brh",))
    await wake(office)
    assert await office.made() == []
    await office.describe(1, languages=("bal",))
    await wake(office)
    [match] = await office.made()
    assert (match["case_id"], match["attempt"]) == (str(case.case_id), 2)
    assert (await states(office))[other.case_id] == "waitlisted"
    await office.hear(office.matchmaker.review_waiting, Due("review", str(case.case_id), NOW))
    assert len(await office.made()) == 1  # the promised day has nothing left to do


async def test_whoever_still_finds_nobody_is_told_nothing_and_keeps_everything(office: Office) -> None:
    case = await waits(office)
    before = await office.case(case.case_id)
    await office.describe(1)
    await wake(office)
    assert await office.case(case.case_id) == before
    assert len(await office.said("case_waitlisted")) == 1


async def test_nothing_is_searched_while_there_is_no_more_room_than_before(office: Office) -> None:
    await office.describe(1, weekly_limit=1)
    for _ in range(5):
        await waits(office, languages=("ur",))
    await wake(office)
    await wake(office)
    searched = 0
    look = office.roster.look

    async def counted(tx: Any) -> Any:
        nonlocal searched
        searched += 1
        return await look(tx)

    office.roster.look = counted  # type: ignore[method-assign]
    await wake(office)
    assert searched == 0


@pytest.mark.parametrize("how", ["cancelled", "withdrawn", "closed", "raised", "resumed"])
async def test_whatever_makes_room_wakes_who_waits(office: Office, how: str) -> None:
    await office.describe(1, weekly_limit=1)
    for _ in range(4):
        await waits(office, languages=("ur",))
    waiting = await waits(office, languages=("ur",))
    match = (await office.made())[0]
    hour = booked(match)
    await office.hear(count_hours, hour)
    if how == "resumed":
        await office.describe(1, weekly_limit=1, status="suspended")
        await office.describe(2, weekly_limit=1, status="suspended")
    await wake(office)
    await wake(office)
    assert (await states(office))[waiting.case_id] == "waitlisted"
    if how == "cancelled":
        await office.hear(count_hours, cancelled(hour))
    elif how == "withdrawn":
        await office.hear(withdraw_matches, withdrawal(UUID(match["case_id"])))
    elif how == "closed":
        await office.hear(close_cases, closing(UUID(match["case_id"])))
    elif how == "raised":
        await office.describe(1, weekly_limit=2)
    else:
        await office.describe(2, weekly_limit=1)
    await wake(office)
    assert (await states(office))[waiting.case_id] == "matched"


async def test_the_most_urgent_get_the_room_there_is(office: Office) -> None:
    for _ in range(3):
        await waits(office)
    urgent = [await waits(office, priority=1) for _ in range(4)]
    await wake(office)
    await office.describe(1, languages=("bal",), weekly_limit=1)
    await wake(office)
    told = {UUID(one["case_id"]) for one in await office.made()}
    assert told == {case.case_id for case in urgent}


async def test_a_head_of_the_list_that_fits_nobody_does_not_hide_who_stands_behind_it(office: Office) -> None:
    for number in range(2 * PAGE):
        await waits(office, languages=("brh",), submitted_at=NOW - timedelta(days=1, seconds=number))
    last = await waits(office)
    await office.describe(1, languages=("bal",))
    looks = 0
    while (await states(office))[last.case_id] == "waitlisted":
        await wake(office)
        looks += 1
    assert looks == 3
    assert (await wake(office))["after"] is None


async def test_room_that_comes_while_the_list_is_walked_is_not_overlooked(office: Office) -> None:
    for number in range(2 * PAGE):
        await waits(office, languages=("brh",), submitted_at=NOW - timedelta(days=1, seconds=number))
    second = await waits(office, submitted_at=NOW - timedelta(hours=36), priority=0)
    await office.describe(1)
    await wake(office)
    await wake(office)
    await office.describe(2, languages=("bal",))
    for _ in range(5):
        await wake(office)
    assert (await states(office))[second.case_id] == "matched"


async def test_who_let_an_offer_pass_is_offered_again_on_the_promised_day_only(office: Office) -> None:
    await office.describe(1)
    offer = await offered(office)
    office.now["now"] = NOW + timedelta(hours=72)
    await office.hear(
        ChoiceDesk(office.matchmaker).expire_offers,
        Due("offer", offer["match_id"], NOW, {"case_id": offer["case_id"]}),
    )
    await wake(office)
    await office.describe(2)
    await wake(office)
    assert len(await office.said("match_offered")) == 1
    await office.hear(office.matchmaker.review_waiting, Due("review", offer["case_id"], NOW))
    assert len(await office.said("match_offered")) == 2


async def test_whoever_had_no_hour_is_not_asked_for_again_and_again(office: Office) -> None:
    await office.describe(1)
    await office.hear(office.matchmaker.match_cases, case := a_case())
    await office.hear(office.matchmaker.match_again, no_hour((await office.made())[0]))
    for _ in range(3):
        await wake(office)
    await office.describe(2, languages=("en",))  # more room, but not a day has passed
    await wake(office)
    assert len(await office.made()) == len(await office.said("case_waitlisted")) == 1
    office.now["now"] = NOW + timedelta(hours=48)
    await wake(office)
    assert len(await office.made()) == 1  # rested, but there is no more room
    await office.describe(3)
    await wake(office)
    assert [one["attempt"] for one in await office.made()] == [1, 3]
    assert (await office.case(case.case_id))["state"] == "matched"


async def test_the_list_stands_in_the_order_in_which_a_search_would_serve_it(office: Office) -> None:
    days = (0, 3, 15, 40)
    cases = [
        await waits(office, priority=priority, submitted_at=NOW - timedelta(days=wait, seconds=priority))
        for priority in range(3)
        for wait in days
    ]
    await office.hear(AlarmBook(POLICY).raise_priorities, alarm(cases[0].case_id))
    ageing = POLICY.waiting.ageing
    async with office.database.transaction() as tx:
        found = await waitlist.page(tx, ageing, 50)
    assert len(found) == len(cases)
    assert found[0].case_id == cases[0].case_id  # who may be in danger
    for one in found:
        raised = ageing.raised(one.priority, NOW - one.submitted_at)
        assert one.effective == one.priority + raised
    assert [_urgency(one) for one in found] == sorted(_urgency(one) for one in found)


def _urgency(one: waitlist.Waits) -> tuple[Any, ...]:
    asked: dict[str, Any] = dict.fromkeys(Request.__dataclass_fields__)
    asked |= {"case_id": one.case_id, "priority": one.priority, "submitted_at": one.submitted_at}
    return Request(**asked | {"raised": one.effective - one.priority}).urgency


async def test_pages_tell_everybody_once(office: Office) -> None:
    cases = [await waits(office, province="PK-PB" if n % 2 else "PK-SD") for n in range(7)]
    seen: list[UUID] = []
    after = None
    async with office.database.transaction() as tx:
        while found := await waitlist.page(tx, POLICY.waiting.ageing, 3, after):
            seen += [one.case_id for one in found]
            after = found[-1].place(NOW)
        only = await waitlist.page(tx, POLICY.waiting.ageing, 50, None, Filter(province="PK-SD"))
        none = await waitlist.page(tx, POLICY.waiting.ageing, 50, None, Filter(reason="no_hour"))
    assert sorted(seen) == sorted(case.case_id for case in cases)
    assert (len(only), none) == (4, [])
