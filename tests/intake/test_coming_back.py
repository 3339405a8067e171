"""Code and PIN, taking a request back, the duty desk and the vault, on real tables."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.intake.domain.alarms import Staff
from services.intake.domain.codes import pin
from services.intake.handlers.alarms import Closing, Taking, acknowledge_alarms, close_alarms
from services.intake.handlers.lookups import look_up_cases
from services.intake.handlers.sessions import Knock, Refused, open_sessions
from services.intake.handlers.submission import Accepted, Asked, Desk, submit_cases
from services.intake.handlers.withdrawal import Withdrawal, withdraw_cases
from services.intake.repository import keys
from services.intake.repository.keys import KeyQuestion
from services.intake.repository.sessions import Holder
from shared.messaging import Database
from tests.intake.conftest import IntakeDatabase
from tests.intake.people import CALM, somebody

PIN_KEY = b"p" * 32
ASMA, BILAL = Staff("s-1", "Asma"), Staff("s-2", "Bilal")


async def opened(store: IntakeDatabase, desk: Desk, item9: int = 0) -> Accepted:
    async with store.intake.transaction() as tx:
        [accepted] = await submit_cases([Asked(somebody((*CALM[:8], item9)), None)], tx, desk)
    return accepted


async def knock(store: IntakeDatabase, *knocks: Knock, later: int = 0) -> list[Holder | Refused]:
    async with store.intake.transaction() as tx:
        tx._now = tx.now + timedelta(seconds=later)
        return await open_sessions(knocks, tx, PIN_KEY)


async def test_code_and_pin_open_the_case_they_belong_to(store: IntakeDatabase, desk: Desk) -> None:
    case = await opened(store, desk)
    [found] = await knock(store, Knock(case.case_code, pin(PIN_KEY, case.case_id)))
    assert isinstance(found, Holder)
    assert found.case_id == case.case_id


async def test_a_wrong_pin_and_an_unknown_code_are_refused_alike(store: IntakeDatabase, desk: Desk) -> None:
    case = await opened(store, desk)
    right = pin(PIN_KEY, case.case_id)
    wrong = "000000" if right != "000000" else "000001"
    assert await knock(store, Knock(case.case_code, wrong)) == [Refused(0)]
    assert await knock(store, Knock("ZZZZZZZZZZ", right)) == [Refused(0)]
    assert await knock(store, Knock("ZZZZZZZZZY", pin(PIN_KEY, UUID(int=0)))) == [Refused(0)]


@pytest.mark.parametrize("known", [True, False])
async def test_wrong_tries_slow_down_whether_or_not_there_is_such_a_case(
    store: IntakeDatabase, desk: Desk, known: bool
) -> None:
    case = await opened(store, desk)
    code = case.case_code if known else f"{case.case_code[:9]}U"
    tries = [await knock(store, Knock(code, "nonsense")) for _ in range(4)]
    assert [one[0].wait_seconds for one in tries if isinstance(one[0], Refused)] == [0, 0, 0, 1]
    assert await knock(store, Knock(code, "nonsense"), later=2) == [Refused(0)]
    assert await knock(store, Knock(code, "nonsense"), later=3) == [Refused(1)]


async def test_the_right_pin_is_not_looked_at_too_soon_and_clears_the_slate_later(
    store: IntakeDatabase, desk: Desk
) -> None:
    case = await opened(store, desk)
    right = Knock(case.case_code, pin(PIN_KEY, case.case_id))
    for _ in range(3):
        await knock(store, replace(right, pin="nonsense"))
    assert await knock(store, right) == [Refused(1)]
    [found] = await knock(store, right, later=2)
    assert isinstance(found, Holder)
    assert await knock(store, replace(right, pin="nonsense")) == [Refused(0)]


async def test_tries_that_come_together_are_counted_one_by_one(store: IntakeDatabase, desk: Desk) -> None:
    case = await opened(store, desk)
    answers = await knock(store, *(Knock(case.case_code, f"{guess:06d}x") for guess in range(10)))
    assert answers == [Refused(0)] * 3 + [Refused(1)] * 7


async def withdraw(store: IntakeDatabase, case_id: UUID, *, stop: bool = False) -> None:
    async with store.intake.transaction() as tx:
        await withdraw_cases([Withdrawal(case_id, "changed_mind", stop)], tx)


async def test_taking_a_request_back_twice_is_said_once(store: IntakeDatabase, desk: Desk) -> None:
    case = await opened(store, desk)
    await withdraw(store, case.case_id)
    await withdraw(store, case.case_id)
    said = [one for one in await store.said(str(case.case_id)) if one.type == "intake.case_withdrawn.v1"]
    assert [one.event["reason"] for one in said] == ["changed_mind"]
    async with store.intake.transaction() as tx:
        [view] = await look_up_cases([case.case_code], tx)
    assert view is not None
    assert (view.standing.state, view.standing.reason, view.version) == ("closed", "withdrawn", 2)


async def test_a_stop_closes_the_vault_in_the_same_transaction_even_after_the_withdrawal(
    store: IntakeDatabase, desk: Desk
) -> None:
    case = await opened(store, desk)
    person = await person_of(store, case)
    await withdraw(store, case.case_id)
    assert (await read(store.vault, person))[person] is None
    await withdraw(store, case.case_id, stop=True)
    await withdraw(store, case.case_id, stop=True)
    assert (await read(store.vault, person))[person] == "stopped"
    stopped = [one for one in await store.said() if one.key == str(person)]
    assert [one.type for one in stopped] == [
        "intake.contact_changed.v1",
        "intake.case_ended.v1",
        "intake.contact_stopped.v1",
    ]
    assert stopped[1].event["case_ids"] == [str(case.case_id)]


async def test_taking_a_request_back_never_closes_an_alarm(store: IntakeDatabase, desk: Desk) -> None:
    case = await opened(store, desk, item9=2)
    await withdraw(store, case.case_id, stop=True)
    state = "SELECT state FROM intake.alarms WHERE case_id = $1"
    assert await store.admin.fetchval(state, case.case_id) == "open"


async def person_of(store: IntakeDatabase, case: Accepted) -> UUID:
    found: UUID = await store.admin.fetchval(
        "SELECT person_id FROM intake.cases WHERE case_id = $1", case.case_id
    )
    return found


async def read(vault: Database, *people: UUID) -> dict[UUID, str | None]:
    """Per person the reason for a refusal, None where a key was given."""
    async with vault.transaction() as tx:
        answers = await keys.read_keys(tx, KeyQuestion(people, "contact", "notifications"))
    return {a.person_id: a.state or (None if a.wrapped else "unknown") for a in answers}


async def test_the_vault_gives_keys_of_people_who_may_be_reached_and_writes_down_who_asked(
    store: IntakeDatabase, desk: Desk
) -> None:
    open_one, erased = [await person_of(store, await opened(store, desk)) for _ in range(2)]
    await store.admin.execute("INSERT INTO vault.stops VALUES ($1, 'contact', 'erased', now())", erased)
    nobody = uuid4()
    assert await read(store.vault, open_one, erased, nobody, open_one) == {
        open_one: None,
        erased: "erased",
        nobody: "unknown",
    }
    row = await store.admin.fetchrow("SELECT * FROM vault.readings ORDER BY id DESC LIMIT 1")
    assert (row["principal"], row["purpose"], row["asked"], row["given"]) == (
        "notifications",
        "contact",
        3,
        1,
    )
    assert set(row["person_ids"]) == {open_one, erased, nobody}


async def test_an_alarm_is_taken_and_closed_by_name_and_said_on_the_crisis_lane(
    store: IntakeDatabase, desk: Desk
) -> None:
    case = await opened(store, desk, item9=1)
    alarm: UUID = await store.admin.fetchval(
        "SELECT alarm_id FROM intake.alarms WHERE case_id = $1", case.case_id
    )
    gates = desk.policy.gates
    closings = [Closing(alarm, who, "reached_and_safe", "spoke with her sister") for who in (ASMA, BILAL)]
    async with store.intake.transaction() as tx:
        assert await close_alarms(closings[:1], tx, gates) == ["not_acknowledged"]
        takings = [Taking(alarm, ASMA), Taking(alarm, BILAL), Taking(alarm, ASMA), Taking(uuid4(), ASMA)]
        assert await acknowledge_alarms(takings, tx) == ["done", "taken_by_another", "done_already", None]
    async with store.intake.transaction() as tx:
        verdicts = await close_alarms([closings[1], *closings], tx, gates)
        assert verdicts == ["done", "closed_already", "done_already"]
    row = await store.admin.fetchrow("SELECT * FROM intake.alarms WHERE alarm_id = $1", alarm)
    assert (row["acknowledged_name"], row["closed_name"], row["outcome"]) == (
        "Asma",
        "Bilal",
        "reached_and_safe",
    )
    said = [one for one in await store.said(str(case.case_id)) if one.lane == "crisis"]
    assert [one.type.split(".")[1] for one in said] == ["alarm_raised", "alarm_acknowledged", "alarm_closed"]
    assert not any("sister" in str(one.event) for one in said)
