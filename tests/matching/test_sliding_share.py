"""Places at the sliding fee: counted like the limit, given back like an hour, and told to whoever asks why."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.matching.api.profiles import EXAMPLE
from services.matching.handlers.standing import count_hours, withdraw_matches
from services.matching.handlers.waiting import WaitingRoom
from shared.contracts.intake import CaseSubmitted
from shared.messaging import Due
from tests.matching.choosing import decide, offered
from tests.matching.conftest import Office
from tests.matching.events import a_case, booked, cancelled, no_hour, withdrawal
from tests.matching.examples import NOW

# One place of a hundred: twenty-five a week, four weeks.
ONE_PLACE = {"sliding_fee": 400, "sliding_share": 1, "weekly_limit": 25}


async def sliding(office: Office) -> dict[int, int]:
    """Cases at the sliding fee by therapist; they must agree with the cases that name them."""
    rows = await office.database.pool.fetch(
        "SELECT therapist_id, sliding_cases FROM loads WHERE sliding_cases > 0"
    )
    held = await office.database.pool.fetch(
        "SELECT holder, count(*) AS cases FROM cases WHERE holder = ANY (sliding_with) GROUP BY holder"
    )
    counted = {row["therapist_id"].int: row["sliding_cases"] for row in rows}
    assert counted == {row["holder"].int: row["cases"] for row in held}
    await office.loads()
    return counted


async def ask(office: Office, max_fee: int | None = 500, **changes: Any) -> CaseSubmitted:
    case = a_case(max_fee=max_fee, **changes)
    await office.hear(office.matchmaker.match_cases, case)
    return case


async def wake(office: Office, **body: Any) -> Any:
    await office.hear(WaitingRoom(office.matchmaker).wake_waiting, Due("wake", "all", NOW, body))
    return await office.database.pool.fetchval("SELECT body FROM due WHERE kind = 'wake'")


async def test_the_last_place_is_given_once_and_the_fee_in_full_needs_none(office: Office) -> None:
    await office.describe(1, **ONE_PLACE)
    await ask(office)
    assert await sliding(office) == {1: 1}
    await ask(office)
    [waiting] = await office.said("case_waitlisted")
    assert waiting["reason"] == "no_sliding_place"
    await ask(office, max_fee=1000)
    await ask(office, max_fee=None)
    assert (await sliding(office), await office.loads()) == ({1: 1}, {1: 3})


@pytest.mark.parametrize("how", ["withdrawn", "cancelled"])
async def test_a_place_that_is_given_back_wakes_whoever_waits_for_it(office: Office, how: str) -> None:
    await office.describe(1, **ONE_PLACE)
    first, second = await ask(office), await ask(office)
    seen = await wake(office)
    [match] = await office.made()
    if how == "withdrawn":
        await office.hear(withdraw_matches, withdrawal(first.case_id))
    else:
        hour = booked(match)
        await office.hear(count_hours, hour)
        assert await sliding(office) == {1: 1}
        await office.hear(count_hours, cancelled(hour))
    assert await sliding(office) == {}
    await wake(office, **seen)
    assert [one["case_id"] for one in await office.made()] == [
        str(first.case_id),
        str(second.case_id),
    ]
    assert await sliding(office) == {1: 1}


async def test_whoever_has_the_hour_in_the_end_is_whose_place_it_is(office: Office) -> None:
    await office.describe(1, fee=400)
    await office.describe(2, sliding_fee=400, sliding_share=50, languages=(("ur", "working"),))
    await ask(office)
    [match] = await office.made()
    assert [UUID(one["therapist_id"]).int for one in match["candidates"]] == [1, 2]
    assert await sliding(office) == {}
    await office.hear(count_hours, booked(match, therapist=2))
    assert await sliding(office) == {2: 1}


async def test_a_place_is_free_again_when_there_was_no_hour(office: Office) -> None:
    await office.describe(1, **ONE_PLACE)
    await ask(office)
    [match] = await office.made()
    await office.hear(office.matchmaker.match_again, no_hour(match))
    assert await sliding(office) == {}


async def test_a_chosen_therapist_gives_the_place_and_one_that_is_gone_is_not_available(
    office: Office,
) -> None:
    await office.describe(1, **ONE_PLACE)
    one, two = [await offered(office, max_fee=500) for _ in range(2)]
    assert await sliding(office) == {}
    assert (await decide(office, one, option=0))["state"] == "accepted"
    assert await sliding(office) == {1: 1}
    assert (await decide(office, two, option=0)).why == "option_gone"


async def test_a_share_that_is_lowered_takes_no_place_away(office: Office) -> None:
    await office.describe(1, **ONE_PLACE | {"sliding_share": 2})
    for _ in range(2):
        await ask(office)
    await office.describe(1, **ONE_PLACE)
    await ask(office)
    assert await sliding(office) == {1: 2}
    await office.describe(1, **ONE_PLACE | {"sliding_share": None})
    await ask(office)
    assert await sliding(office) == {1: 3}


async def test_why_nobody_was_found_names_the_rule_with_its_count(
    office: Office, frontend: httpx2.AsyncClient, session: Callable[..., dict[str, str]]
) -> None:
    await office.describe(1, **ONE_PLACE | {"sliding_share": 0})
    case = await ask(office)
    told = await frontend.get(f"/v1/matches?case_id={case.case_id}", headers=session(role="coordinator"))
    assert told.json()["reason"] == "no_sliding_place"
    left = told.json()["attempts"][0]["left"]
    assert (left["fee"], left["sliding_share"]) == (1, 0)
    listed = await frontend.get("/v1/waitlist?reason=no_sliding_place", headers=session(role="coordinator"))
    assert [one["case_id"] for one in listed.json()["waiting"]] == [str(case.case_id)]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"sliding_share": 101}, "less_than_equal"),
        ({"sliding_share": -1}, "greater_than_equal"),
        ({"sliding_share": "30"}, "int_type"),
        ({"sliding_share": 30, "sliding_fee": None}, "needs_sliding_fee"),
    ],
)
async def test_a_share_that_cannot_be_names_the_field_and_writes_nothing(
    office: Office,
    frontend: httpx2.AsyncClient,
    session: Callable[..., dict[str, str]],
    sent: dict[str, Any],
    code: str,
) -> None:
    path = f"/v1/therapists/{UUID(int=1)}"
    refused = await frontend.put(path, json=EXAMPLE | sent, headers=session(role="coordinator"))
    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [("/sliding_share", code)]
    assert (await frontend.get(path, headers=session(role="coordinator"))).status_code == 404
