"""An alarm that nobody takes in time goes round the rota, one after the other and for ever, until a named human has it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio

from services.intake.domain.alarms import AlarmStanding, AlarmState, Staff, escalates
from services.intake.domain.policy import Policy
from services.intake.handlers import escalating
from shared.messaging import Database, Due, DueLoop, Transaction
from tests.intake.conftest import LANES, SERVICE, IntakeDatabase
from tests.intake.test_attending import Token, an_alarm, asma, bilal, to
from tests.intake.test_escalating import Roster, roster
from tests.intake.test_help import PHONE, call

__all__ = ["asma", "bilal", "roster"]
NOW = datetime(2027, 1, 5, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ASMA, BILAL = Staff("s-asma", "Asma"), Staff("s-bilal", "Bilal")

ComeDue = Callable[[datetime], Awaitable[None]]


@pytest.mark.parametrize(
    ("state", "minutes", "asked"),
    [("open", -1, False), ("open", 0, True), ("open", 9000, True), ("acknowledged", 1, False), ("closed", 1, False)],
)  # fmt: skip
def test_only_what_nobody_has_taken_by_its_time_goes_to_the_next(
    state: AlarmState, minutes: int, asked: bool
) -> None:
    alarm = AlarmStanding(uuid4(), uuid4(), state, "R3", NOW, None, None)
    assert escalates(alarm, NOW + minutes * MINUTE) is asked


@pytest_asyncio.fixture(loop_scope="session")
async def come_due(store: IntakeDatabase, policy: Policy) -> ComeDue:
    """Works off what is due at a moment, as the crisis process does; what other tests left is not."""
    await store.admin.execute("DELETE FROM intake.due WHERE kind = ANY ($1)", list(kinds(policy)))

    async def work(moment: datetime) -> None:
        await DueLoop(at_that_time(store, moment), escalating.due_handlers(policy.alarms))._round(100)

    return work


def kinds(policy: Policy) -> Sequence[str]:
    return list(escalating.due_handlers(policy.alarms))


def at_that_time(store: IntakeDatabase, moment: datetime) -> Database:
    return Database(
        store.intake.pool,
        source="intake",
        dsn=store.intake_dsn,
        lane_of=LANES.__getitem__,
        clock=lambda: moment,
    )


async def due_by(store: IntakeDatabase, at: str) -> datetime:
    query = "SELECT due_by FROM intake.alarms WHERE alarm_id = $1"
    found: datetime = await store.admin.fetchval(query, UUID(at.rpartition("/")[2]))
    return found


async def asked(store: IntakeDatabase, case_id: str) -> list[Any]:
    """Whom the alarm of this case was told to, as it is said; each is a row of its own too."""
    said = [one for one in await store.said(case_id) if one.type == "intake.alarm_escalated.v1"]
    assert {(one.lane, one.event["missing"]) for one in said} <= {("crisis", "acknowledgement")}
    rows = await store.admin.fetch(
        "SELECT to_id, escalated_at FROM intake.alarm_escalations JOIN intake.alarms USING (alarm_id)"
        " WHERE case_id::text = $1 AND handover_id IS NULL ORDER BY escalated_at",
        case_id,
    )
    told = [(one.event["to_staff_id"], datetime.fromisoformat(one.event["escalated_at"])) for one in said]
    assert told == [tuple(row) for row in rows]
    return [staff_id for staff_id, _ in told]


async def test_an_alarm_that_nobody_takes_goes_round_the_rota_until_somebody_has_it(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy,
    roster: Roster, come_due: ComeDue, asma: dict[str, str], token: Token,
) -> None:  # fmt: skip
    await roster(ASMA, BILAL)
    at, case_id = await an_alarm(people, store)
    late, pace = await due_by(store, at), policy.alarms.confirm_within["R2"]
    await come_due(late - MINUTE)
    assert await asked(store, case_id) == []
    await come_due(late)
    assert await asked(store, case_id) == ["s-asma"]
    await come_due(late + pace - MINUTE)
    assert await asked(store, case_id) == ["s-asma"]
    for times in (1, 2, 3):
        await come_due(late + pace * times)
    assert await asked(store, case_id) == ["s-asma", "s-bilal", "s-asma", "s-bilal"]
    bilal = token("duty_clinician", subject="s-bilal", name="Bilal")
    assert (await duty.post(f"{at}/acknowledge", headers=bilal)).status_code == 200
    for times in (4, 5, 900):
        await come_due(late + pace * times)
    assert len(await asked(store, case_id)) == 4
    assert (
        await store.admin.fetchval("SELECT count(*) FROM intake.due WHERE kind = ANY ($1)", kinds(policy))
        == 0
    )
    history = (await duty.get(at, headers=asma)).json()["history"]
    assert [one["to_name"] for one in history if one["what"] == "escalated"] == ["Asma", "Bilal"] * 2


async def test_with_nobody_on_the_rota_it_is_said_that_nobody_is_there_again_and_again(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy,
    roster: Roster, come_due: ComeDue, asma: dict[str, str],
) -> None:  # fmt: skip
    await roster()
    at, case_id = await an_alarm(people, store)
    late, pace = await due_by(store, at), policy.alarms.confirm_within["R2"]
    for times in range(3):
        await come_due(late + pace * times)
    assert await asked(store, case_id) == [None] * 3
    cookie = {"Cookie": f"desk={asma['Authorization'].removeprefix('Bearer ')}"}
    page = await duty.get(f"/desk/alarms/{at.rpartition('/')[2]}", headers=cookie)
    assert page.text.count("nobody is on duty") >= 3


async def test_a_call_for_help_that_nobody_takes_goes_round_the_rota_too(
    duty: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy, roster: Roster, come_due: ComeDue,
    people: httpx2.AsyncClient,
) -> None:  # fmt: skip
    await roster(ASMA)
    assert (await call(duty, {"contact": PHONE})).status_code == 202
    newest = "SELECT case_id::text, due_by FROM intake.alarms ORDER BY raised_at DESC LIMIT 1"
    opened = await store.admin.fetchrow(newest)
    await come_due(opened["due_by"])
    assert await asked(store, opened["case_id"]) == ["s-asma"]


async def test_a_help_call_on_a_case_that_there_is_goes_round_the_rota_too(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, roster: Roster, come_due: ComeDue
) -> None:  # fmt: skip
    await roster(ASMA)
    _, case_id = await an_alarm(people, store)
    code = await store.admin.fetchval("SELECT case_code FROM intake.cases WHERE case_id::text = $1", case_id)
    assert (await call(duty, {"case_code": code})).status_code == 202
    graver = "SELECT due_by FROM intake.alarms WHERE case_id::text = $1 ORDER BY due_by LIMIT 1"
    await come_due(await store.admin.fetchval(graver, case_id))
    assert await asked(store, case_id) == ["s-asma"]


async def test_a_graver_level_is_waited_for_less_and_a_lighter_one_longer(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase,
    roster: Roster, come_due: ComeDue, asma: dict[str, str],
) -> None:  # fmt: skip
    await roster(ASMA)
    at, case_id = await an_alarm(people, store, item9=1)
    assert (await duty.post(f"{at}/level", json={"level": "R3"}, headers=asma)).status_code == 200
    soon = await due_by(store, at)
    lighter = {"level": "R1", "reason": "Her sister stays tonight."}
    await come_due(soon)
    assert await asked(store, case_id) == ["s-asma"]
    assert (await duty.post(f"{at}/level", json=lighter, headers=asma)).status_code == 200
    late = await due_by(store, at)
    await come_due(late - MINUTE)
    assert await asked(store, case_id) == ["s-asma"]
    await come_due(late)
    assert len(await asked(store, case_id)) == 2


async def test_a_level_that_a_process_of_the_last_release_has_lowered_waits_for_its_new_time(
    people: httpx2.AsyncClient, store: IntakeDatabase, roster: Roster, come_due: ComeDue
) -> None:
    await roster(ASMA)
    at, case_id = await an_alarm(people, store)
    before = await due_by(store, at)
    later = "UPDATE intake.alarms SET due_by = due_by + interval '1 hour' WHERE case_id::text = $1"
    await store.admin.execute(later, case_id)
    await come_due(before)
    assert await asked(store, case_id) == []
    await come_due(before + 60 * MINUTE)
    assert await asked(store, case_id) == ["s-asma"]


async def test_a_step_that_is_cut_short_is_made_once_by_whoever_starts_again(
    people: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy, roster: Roster, come_due: ComeDue
) -> None:
    await roster(ASMA, BILAL)
    at, case_id = await an_alarm(people, store)
    late = await due_by(store, at)

    async def cut_short(dues: Sequence[Due], tx: Transaction) -> None:
        await escalating.escalate_alarms(dues, tx, policy.alarms)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await DueLoop(at_that_time(store, late), {escalating.UNTAKEN: cut_short})._round(100)
    assert await asked(store, case_id) == []
    await come_due(late + MINUTE)
    await come_due(late + MINUTE)
    assert await asked(store, case_id) == ["s-asma"]
    loops = [come_due(late + 60 * MINUTE) for _ in range(2)]
    await asyncio.gather(*loops)
    assert await asked(store, case_id) == ["s-asma", "s-bilal"]


@pytest.mark.parametrize("first", ["taken", "judged"])
async def test_whoever_acts_while_it_comes_due_and_the_step_wait_for_each_other(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase,
    roster: Roster, come_due: ComeDue, asma: dict[str, str], first: str,
) -> None:  # fmt: skip
    await roster(ASMA)
    at, case_id = await an_alarm(people, store, item9=1)
    late = await due_by(store, at)
    acts: dict[str, Any] = {"taken": ("acknowledge", None), "judged": ("level", {"level": "R3"})}
    path, body = acts[first]
    answer, _ = await asyncio.gather(duty.post(f"{at}/{path}", json=body, headers=asma), come_due(late))
    assert answer.status_code == 200
    assert len(await asked(store, case_id)) <= 1


async def test_what_was_handed_over_is_asked_after_as_a_handover_alone(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase,
    roster: Roster, come_due: ComeDue, asma: dict[str, str],
) -> None:  # fmt: skip
    await roster(ASMA, BILAL)
    at, case_id = await an_alarm(people, store)
    late = await due_by(store, at)
    await duty.post(f"{at}/acknowledge", headers=asma)
    assert (await duty.post(f"{at}/handover", json=to("s-bilal", "Bilal"), headers=asma)).status_code == 200
    await come_due(late)
    said = [one.event for one in await store.said(case_id) if one.type == "intake.alarm_escalated.v1"]
    assert [one["missing"] for one in said] == ["confirmation"]


async def test_alarms_that_were_open_before_this_release_go_round_the_rota_as_well(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy,
    roster: Roster, come_due: ComeDue, asma: dict[str, str],
) -> None:  # fmt: skip
    await roster(ASMA)
    at, case_id = await an_alarm(people, store)
    has_it, _ = await an_alarm(people, store)
    await duty.post(f"{has_it}/acknowledge", headers=asma)
    await store.admin.execute("DELETE FROM intake.due WHERE kind = ANY ($1)", kinds(policy))
    async with store.intake.pool.acquire() as connection:
        await connection.execute((SERVICE / "migrations" / "0025_escalate_alarms.sql").read_text())
    keys = {
        row["key"] for row in await store.admin.fetch("SELECT key FROM intake.due WHERE kind = 'untaken'")
    }
    assert at.rpartition("/")[2] in keys
    assert has_it.rpartition("/")[2] not in keys
    await come_due(await due_by(store, at))
    assert await asked(store, case_id) == ["s-asma"]
