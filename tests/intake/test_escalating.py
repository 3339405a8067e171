"""A handover counts when the colleague says that they have the alarm; until then others on the rota are asked in turn."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.alarms import AlarmStanding, Staff, acknowledge, close, hand_over
from services.intake.domain.policy import Policy
from services.intake.domain.rota import Shift, Staffing, next_on
from services.intake.handlers.escalating import DUE, escalate_handovers
from services.intake.handlers.rota import Entering, enter_shifts
from shared.messaging import Due
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_attending import an_alarm, asma, bilal, to

__all__ = ["asma", "bilal"]
NOW = datetime(2027, 1, 5, 8, tzinfo=UTC)
ASMA, BILAL, CAREEM, DANA = (Staff(f"s-{name.lower()}", name) for name in ("Asma", "Bilal", "Careem", "Dana"))


def on(*staff: Staff, levels: Any = ("R1", "R2", "R3")) -> Staffing:
    hour = timedelta(hours=1)
    shifts = tuple(
        Shift(uuid4(), one, NOW - hour * (9 - place), NOW + hour, levels) for place, one in enumerate(staff)
    )
    return Staffing(NOW, entered=True, shifts=shifts)


def taken(by: Staff = ASMA) -> AlarmStanding:
    return AlarmStanding(uuid4(), uuid4(), "acknowledged", "R3", NOW, by.id, None)


def test_a_handover_waits_for_the_word_of_the_colleague_and_a_relief_does_not() -> None:
    handover = uuid4()
    verdict, given_away = hand_over(taken(), ASMA, BILAL, handover)
    assert (verdict, given_away.acknowledged_by, given_away.unconfirmed_handover) == (
        "done",
        BILAL.id,
        handover,
    )
    assert hand_over(taken(), BILAL, BILAL, handover)[1].unconfirmed_handover is None


@pytest.mark.parametrize("staff", [BILAL, CAREEM])
def test_whoever_says_first_that_they_have_it_has_it(staff: Staff) -> None:
    _, given_away = hand_over(taken(), ASMA, BILAL, uuid4())
    verdict, has_it = acknowledge(given_away, staff)
    assert (verdict, has_it.acknowledged_by, has_it.unconfirmed_handover) == ("done", staff.id, None)
    assert acknowledge(has_it, staff)[0] == "done_already"
    assert acknowledge(has_it, DANA)[0] == "taken_by_another"
    assert close(given_away, staff)[1].unconfirmed_handover is None


def test_the_next_on_the_rota_is_somebody_who_was_not_asked_yet() -> None:
    staffing = on(ASMA, BILAL, CAREEM, DANA)
    assert next_on(staffing, "R3", [ASMA.id, BILAL.id]) == CAREEM
    assert next_on(staffing, "R3", [ASMA.id, BILAL.id, CAREEM.id]) == DANA
    assert next_on(staffing, "R3", [ASMA.id, BILAL.id, CAREEM.id, DANA.id]) == ASMA
    assert next_on(on(CAREEM, levels=("R1",)), "R3", []) is None
    assert next_on(Staffing(NOW, entered=False), "R3", []) is None


@given(st.integers(1, 5), st.integers(1, 20))
def test_everybody_who_is_on_is_asked_before_anybody_is_asked_twice(count: int, times: int) -> None:
    everybody = [Staff(f"s-{number}", "x") for number in range(count)]
    asked: list[str] = []
    for _ in range(times):
        staff = next_on(on(*everybody), "R3", asked)
        assert staff
        asked.append(staff.id)
    for start in range(0, times - count + 1, count):
        assert len(set(asked[start : start + count])) == count


async def due_of(store: IntakeDatabase, alarm_id: UUID) -> Due:
    """When its handover is looked at again, as it is kept."""
    query = "SELECT key, at, body::text FROM intake.due WHERE kind = $1 AND body ->> 'alarm_id' = $2"
    row = await store.admin.fetchrow(query, DUE, str(alarm_id))
    return Due(DUE, row["key"], row["at"], orjson.loads(row["body"]))


async def escalate(store: IntakeDatabase, policy: Policy, alarm_id: UUID, minutes: int) -> Sequence[Any]:
    """Everything of this alarm that comes due by then."""
    due = await due_of(store, alarm_id)
    async with store.intake.transaction() as tx:
        tx._now = tx.now + timedelta(minutes=minutes)
        if due.at > tx.now:
            return []
        await escalate_handovers([due], tx, policy.alarms)
    return await escalations(store, alarm_id)


async def escalations(store: IntakeDatabase, alarm_id: UUID) -> list[Any]:
    said = [one for one in await store.said() if one.type == "intake.alarm_escalated.v1"]
    assert {one.lane for one in said} <= {"crisis"}
    return [one.event["to_staff_id"] for one in said if one.event["alarm_id"] == str(alarm_id)]


Roster = Callable[..., Awaitable[None]]


@pytest_asyncio.fixture(loop_scope="session")
async def roster(store: IntakeDatabase) -> AsyncIterator[Roster]:
    """Enters who is on, each a minute longer than the next; no rota is left afterwards."""

    async def enter(*staff: Staff) -> None:
        now = datetime.now(UTC)
        async with store.intake.transaction() as tx:
            for place, one in enumerate(staff):
                begins = now - timedelta(minutes=60 - place)
                shift = Entering(
                    one, begins, now + timedelta(days=1), ("R1", "R2", "R3"), one, str(uuid4()), b""
                )
                await enter_shifts([shift], tx)

    await store.admin.execute("DELETE FROM intake.duty_shifts")
    yield enter
    await store.admin.execute("DELETE FROM intake.duty_shifts")


async def handed_over(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> tuple[str, UUID]:
    at, _ = await an_alarm(people, store)
    await duty.post(f"{at}/acknowledge", headers=asma)
    assert (await duty.post(f"{at}/handover", json=to("s-bilal", "Bilal"), headers=asma)).status_code == 200
    return at, UUID(at.rpartition("/")[2])


async def test_a_handover_nobody_confirms_goes_round_the_rota_until_somebody_has_it(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy,
    roster: Roster, asma: dict[str, str], token: Any,
) -> None:  # fmt: skip
    await roster(ASMA, BILAL, CAREEM)
    at, alarm_id = await handed_over(people, duty, store, asma)
    assert (await duty.get(at, headers=asma)).json()["confirmed"] is False
    assert await escalate(store, policy, alarm_id, 1) == []
    assert await escalate(store, policy, alarm_id, 61) == ["s-careem"]
    assert await escalate(store, policy, alarm_id, 122) == ["s-careem", "s-asma"]
    assert await escalate(store, policy, alarm_id, 183) == ["s-careem", "s-asma", "s-bilal"]
    careem = token("duty_clinician", subject="s-careem", name="Careem")
    confirmed = await duty.post(f"{at}/acknowledge", headers=careem)
    assert (confirmed.status_code, confirmed.json()["by"]) == (200, "Careem")
    assert await escalate(store, policy, alarm_id, 300) == ["s-careem", "s-asma", "s-bilal"]
    whole = (await duty.get(at, headers=asma)).json()
    assert (whole["confirmed"], whole["acknowledged_by"]) == (True, "s-careem")
    told = {one["what"]: one for one in whole["history"]}
    assert told["acknowledged"]["by"] == "s-asma"
    assert (told["confirmed"]["by_name"], told["escalated"]["to_name"]) == ("Careem", "Bilal")
    others = await duty.post(f"{at}/acknowledge", headers=asma)
    assert (others.status_code, others.json()["code"]) == (409, "taken_by_another")


async def test_with_nobody_on_the_rota_the_desk_is_asked_again_for_ever(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy,
    roster: Roster, asma: dict[str, str], bilal: dict[str, str],
) -> None:  # fmt: skip
    await roster()
    at, alarm_id = await handed_over(people, duty, store, asma)
    assert await escalate(store, policy, alarm_id, 61) == [None]
    assert await escalate(store, policy, alarm_id, 130) == [None, None]
    assert "nobody is on duty" in (await _page(duty, at, asma)).text
    assert (await duty.post(f"{at}/acknowledge", headers=bilal)).status_code == 200
    said = [one.type for one in await store.said() if one.event.get("alarm_id") == str(alarm_id)]
    assert said[-1] == "intake.alarm_acknowledged.v1"


async def _page(duty: httpx2.AsyncClient, at: str, asma: dict[str, str]) -> httpx2.Response:
    token = asma["Authorization"].removeprefix("Bearer ")
    return await duty.get(f"/desk/alarms/{at.rpartition('/')[2]}", headers={"Cookie": f"desk={token}"})


@pytest.mark.parametrize("act", ["confirm", "close", "again"])
async def test_an_older_handover_says_nothing_once_it_was_confirmed_closed_or_followed(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy,
    roster: Roster, asma: dict[str, str], bilal: dict[str, str], act: str,
) -> None:  # fmt: skip
    await roster(CAREEM)
    at, alarm_id = await handed_over(people, duty, store, asma)
    first = await due_of(store, alarm_id)
    if act == "confirm":
        await duty.post(f"{at}/acknowledge", headers=bilal)
    elif act == "close":
        done = {"outcome": "reached_and_safe", "reason": "Spoke with her."}
        assert (await duty.post(f"{at}/close", json=done, headers=bilal)).status_code == 200
    else:
        again = await duty.post(f"{at}/handover", json=to("s-dana", "Dana"), headers=bilal)
        assert again.status_code == 200
    async with store.intake.transaction() as tx:
        tx._now = first.at
        await escalate_handovers([first], tx, policy.alarms)
    assert await escalations(store, alarm_id) == []
