"""Whoever had no hour is left alone for a time, and looked for once more at its end: each rest has an end of its own."""

import asyncio
from datetime import timedelta
from typing import Any

from services.matching.handlers.choosing import ChoiceDesk
from services.matching.handlers.hearing import due_handlers
from shared.contracts.intake import CaseSubmitted
from shared.messaging import Due
from tests.matching.conftest import Office
from tests.matching.events import a_case, no_hour
from tests.matching.examples import NOW, POLICY
from tests.matching.test_changes import changed, follow
from tests.matching.test_waiting import states, wake


async def rests(office: Office, **changes: Any) -> CaseSubmitted:
    """Somebody for whom everybody who fits was asked, in vain."""
    await office.describe(1)
    await office.hear(office.matchmaker.match_cases, case := a_case(**changes))
    await wake(office)
    await office.hear(office.matchmaker.match_again, no_hour((await office.made())[0]))
    return case


async def rested(office: Office) -> None:
    """The row of the end of each rest, as the due loop works it off."""
    rows = await office.database.pool.fetch("DELETE FROM due WHERE kind = 'rested' RETURNING *")
    assert {row["at"] for row in rows} == {NOW + POLICY.waiting.rest}
    office.now["now"] = NOW + POLICY.waiting.rest
    handler: Any = due_handlers(office.matchmaker)["rested"]
    await office.hear(handler, *(Due("rested", row["key"], row["at"], row["body"]) for row in rows))


async def test_room_that_appears_while_somebody_rests_is_theirs_at_the_end_of_the_rest(
    office: Office,
) -> None:
    case = await rests(office)
    await office.describe(2, fee=900)
    await wake(office)
    assert (await states(office))[case.case_id] == "waitlisted"
    await rested(office)
    assert (await states(office))[case.case_id] == "matched"


async def test_nobody_is_asked_in_vain_after_a_rest_in_which_no_room_appeared(office: Office) -> None:
    await rests(office)
    said = len(await office.said())
    await rested(office)
    assert len(await office.said()) == said


async def has_no_hour_again(office: Office, case: CaseSubmitted) -> None:
    await office.hear(office.matchmaker.review_waiting, Due("review", str(case.case_id), NOW))
    async with asyncio.timeout(5):
        await office.hear(office.matchmaker.match_again, no_hour((await office.made())[-1]))


async def test_who_has_no_hour_again_is_not_kept_by_the_end_of_a_rest_that_is_worked_off(
    office: Office,
) -> None:
    case = await rests(office)
    async with office.database.pool.acquire() as loop, loop.transaction():
        await loop.execute("DELETE FROM due WHERE kind = 'rested'")  # and waits for the case, which we have
        await has_no_hour_again(office, case)
    assert (await office.case(case.case_id))["reason"] == "no_hour"


async def test_who_has_no_hour_again_rests_anew(office: Office) -> None:
    case = await rests(office)
    office.now["now"] = NOW + timedelta(hours=1)
    await has_no_hour_again(office, case)
    await office.describe(2, fee=900)
    rows = await office.database.pool.fetch("DELETE FROM due WHERE kind = 'rested' RETURNING * ")
    handler: Any = due_handlers(office.matchmaker)["rested"]
    for row in sorted(rows, key=lambda row: row["at"]):
        assert (await states(office))[case.case_id] == "waitlisted"
        office.now["now"] = row["at"]
        await office.hear(handler, Due("rested", row["key"], row["at"], row["body"]))
    assert office.now["now"] == NOW + timedelta(hours=1) + POLICY.waiting.rest
    assert (await states(office))[case.case_id] == "matched"


async def test_who_waits_for_another_reason_by_the_end_of_a_rest_is_left_to_their_date(
    office: Office,
) -> None:
    case = await rests(office, priority=2)
    await follow(office, changed(case, booking_mode="choose"))
    [offer] = await office.said("match_offered")
    office.now["now"] = NOW + POLICY.waiting.time_to_choose(2)
    expire = ChoiceDesk(office.matchmaker).expire_offers
    await office.hear(expire, Due("offer", offer["match_id"], NOW, {"case_id": offer["case_id"]}))
    await office.describe(2)
    before = await office.case(case.case_id)
    await rested(office)
    assert await office.case(case.case_id) == before
    assert before["reason"] == "offer_expired"
