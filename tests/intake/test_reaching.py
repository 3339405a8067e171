"""How the duty clinician reaches the person: by the vault's key, by whoever took the alarm, written down, until it closes."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio

from deploy.local.ports import free_port
from services.intake import roles
from services.intake.domain.contacts import USUAL_WINDOWS, Contact
from services.intake.domain.policy import Policy
from services.intake.handlers.erasing import erase_keys
from services.intake.handlers.renewing import renew_open_alarms
from services.intake.repository.keys import KeyQuestion, read_keys
from services.intake.settings import Settings
from shared.privacy import Sealer, open_box
from tests.browser.serving import serving
from tests.intake.conftest import WRAPPING_KEY, IntakeDatabase, _app, _client
from tests.intake.test_asking import ask, asking
from tests.intake.test_attending import an_alarm
from tests.intake.test_desk_page import Browser
from tests.intake.test_help import PHONE, alarms_of, call
from tests.intake.test_over_http import NOTIFICATIONS, case_id_of, come_back

Token = Callable[..., dict[str, str]]
INTAKE = {"Authorization": "Bearer " + "i" * 32}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(store: IntakeDatabase, secrets: Settings, policy: Policy) -> AsyncIterator[httpx2.AsyncClient]:
    """The crisis role's routes with a vault process to ask."""
    vault, crisis = _app(policy), _app(policy)
    roles.serve_keys(vault, secrets, store.vault)
    async with serving(vault) as url:
        roles.serve_crisis(crisis, secrets.model_copy(update={"vault_url": url}), policy, store.intake)
        async with _client(crisis) as client:
            yield client


@pytest.fixture
def asma(token: Token) -> dict[str, str]:
    return token("duty_clinician", subject="s-asma", name="Asma")


async def readings(store: IntakeDatabase, at: str) -> list[Any]:
    query = "SELECT staff_id, staff_name FROM intake.alarm_contact_readings WHERE alarm_id = $1"
    return [tuple(row) for row in await store.admin.fetch(query, UUID(at.rpartition("/")[2]))]


async def test_whoever_took_the_alarm_reads_the_contact_and_that_is_written_down(
    people: httpx2.AsyncClient, desk: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, _ = await an_alarm(people, store)
    await desk.post(f"{at}/acknowledge", headers=asma)
    answer = await desk.get(f"{at}/contact", headers=asma)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    contact = answer.json()["contact"]
    assert (contact["channel"], contact["address"], contact["owner"]) == ("sms", "+923991234567", "own")
    assert {"day", "start", "end"} == set(contact["safe_windows"][0])
    assert contact["time_zone"] == "Asia/Karachi"
    assert await readings(store, at) == [("s-asma", "Asma")]
    kept = await store.admin.fetchrow("SELECT * FROM vault.readings ORDER BY id DESC LIMIT 1")
    assert (kept["principal"], kept["purpose"], kept["given"]) == ("intake", "alarm_contact", 1)
    whole = (await desk.get(at, headers=asma)).json()
    assert [one["what"] for one in whole["history"]][-1] == "contact_read"
    assert "399123" not in str(whole) + str(await store.said())


async def test_nobody_reads_it_before_taking_the_alarm_nor_when_somebody_else_has_it_nor_afterwards(
    people: httpx2.AsyncClient,
    desk: httpx2.AsyncClient,
    store: IntakeDatabase,
    asma: dict[str, str],
    token: Token,
) -> None:
    at, _ = await an_alarm(people, store)
    bilal = token("duty_clinician", subject="s-bilal", name="Bilal")
    first = await desk.get(f"{at}/contact", headers=asma)
    await desk.post(f"{at}/acknowledge", headers=bilal)
    second = await desk.get(f"{at}/contact", headers=asma)
    for refused in (first, second):
        assert (refused.status_code, refused.json()["code"]) == (403, "take_it_first")
    await desk.post(f"{at}/close", json={"outcome": "raised_in_error", "reason": "A test."}, headers=bilal)
    assert (await desk.get(f"{at}/contact", headers=bilal)).status_code == 409
    assert (await desk.get(f"/v1/alarms/{uuid4()}/contact", headers=asma)).status_code == 404
    for role in ("person", "coordinator", "operator"):
        assert (await desk.get(f"{at}/contact", headers=token(role, name="X"))).status_code == 403
    assert (await desk.get(f"{at}/contact", headers=token("duty_clinician"))).json()["code"] == "name_needed"
    assert await readings(store, at) == []


async def test_who_wants_no_messages_can_still_be_called_when_an_answer_raised_the_alarm(
    people: httpx2.AsyncClient, desk: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    path, session = await come_back(people, item9=2)
    await people.post(f"{path}/withdraw", json={"stop_contact": True}, headers=session)
    [alarm] = await alarms_of(store, await case_id_of(store, path))
    at = f"/v1/alarms/{alarm['alarm_id']}"
    await desk.post(f"{at}/acknowledge", headers=asma)
    assert (await desk.get(f"{at}/contact", headers=asma)).json()["contact"]["address"] == "+923991234567"


async def test_a_call_for_help_is_reached_where_it_said_or_by_the_case_unless_that_was_stopped(
    people: httpx2.AsyncClient, desk: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    path, session = await come_back(people)
    await call(desk, {}, session)
    [alarm] = await alarms_of(store, await case_id_of(store, path))
    at = f"/v1/alarms/{alarm['alarm_id']}"
    await desk.post(f"{at}/acknowledge", headers=asma)
    assert (await desk.get(f"{at}/contact", headers=asma)).json()["contact"]["address"] == "+923991234567"
    await people.post(f"{path}/withdraw", json={"stop_contact": True}, headers=session)
    assert (await desk.get(f"{at}/contact", headers=asma)).json() == {"contact": None, "reason": "stopped"}
    await call(desk, {"contact": PHONE | {"address": "03992222222"}}, session)
    assert (await desk.get(f"{at}/contact", headers=asma)).json()["contact"]["address"] == "+923992222222"


async def test_an_erased_persons_alarm_opens_nothing(
    people: httpx2.AsyncClient, desk: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, case_id = await an_alarm(people, store)
    await desk.post(f"{at}/acknowledge", headers=asma)
    await store.admin.execute(
        "INSERT INTO vault.stops SELECT person_id, 'answers', 'erased', now() FROM intake.cases"
        " WHERE case_id::text = $1",
        case_id,
    )
    assert (await desk.get(f"{at}/contact", headers=asma)).json() == {"contact": None, "reason": "erased"}


async def test_a_contact_that_changes_is_renewed_in_every_open_alarm_and_the_old_one_is_gone(
    people: httpx2.AsyncClient, desk: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    path, session = await come_back(people, item9=2)
    case_id = await case_id_of(store, path)
    [before] = await alarms_of(store, case_id)
    old_key = await key_of(store, before["alarm_id"])
    at = f"/v1/alarms/{before['alarm_id']}"
    await desk.post(f"{at}/acknowledge", headers=asma)
    await call(desk, {"contact": PHONE | {"address": "03992222222"}}, session)
    assert (await desk.get(f"{at}/contact", headers=asma)).json()["contact"]["address"] == "+923992222222"
    await call(desk, {"contact": PHONE | {"address": "03993333333"}}, session)
    for alarm in await alarms_of(store, case_id):
        at = f"/v1/alarms/{alarm['alarm_id']}"
        await desk.post(f"{at}/acknowledge", headers=asma)
        found = (await desk.get(f"{at}/contact", headers=asma)).json()["contact"]
        assert found["address"] == "+923993333333"
    keys = await store.admin.fetch("SELECT wrapped FROM vault.alarm_keys")
    assert old_key not in [row["wrapped"] for row in keys]


async def test_whoever_can_be_called_no_more_leaves_no_number_behind(
    people: httpx2.AsyncClient, desk: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    _, case_id = await an_alarm(people, store)
    [alarm] = await alarms_of(store, UUID(case_id))
    inbox = Contact("inbox", None, "ur", "Latn", USUAL_WINDOWS, "own")
    async with store.intake.transaction() as tx:
        await renew_open_alarms(tx, {alarm["person_id"]: inbox}, Sealer(WRAPPING_KEY))
    [alarm] = await alarms_of(store, UUID(case_id))
    assert (alarm["contact_box"], alarm["reachable"]) == (None, False)
    assert await key_of(store, alarm["alarm_id"]) is None


async def test_a_closed_alarm_takes_no_contact_any_more(
    people: httpx2.AsyncClient, desk: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    path, session = await come_back(people, item9=2)
    [alarm] = await alarms_of(store, await case_id_of(store, path))
    at = f"/v1/alarms/{alarm['alarm_id']}"
    await desk.post(f"{at}/acknowledge", headers=asma)
    await desk.post(f"{at}/close", json={"outcome": "raised_in_error", "reason": "A test."}, headers=asma)
    await call(desk, {"contact": PHONE}, session)
    closed, called = await alarms_of(store, await case_id_of(store, path))
    assert (closed["contact_box"], await key_of(store, closed["alarm_id"])) == (None, None)
    assert called["contact_box"] is not None


async def key_of(store: IntakeDatabase, alarm_id: UUID) -> bytes | None:
    found: bytes | None = await store.admin.fetchval(
        "SELECT wrapped FROM vault.alarm_keys WHERE alarm_id = $1", alarm_id
    )
    return found


async def test_erasing_a_person_leaves_boxes_that_nothing_opens(
    people: httpx2.AsyncClient, desk: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    path, session = await come_back(people, item9=2)
    await call(desk, {"contact": PHONE}, session)
    alarms = await alarms_of(store, await case_id_of(store, path))
    person_id, copies = alarms[0]["person_id"], [alarm["contact_box"] for alarm in alarms]
    for alarm, copy in zip(alarms, copies, strict=True):  # somebody may have kept them
        wrapped = await key_of(store, alarm["alarm_id"])
        place: dict[str, Any] = {"purpose": "alarm_contact", "person_id": person_id, "field": "contact"}
        assert wrapped
        assert open_box(Sealer(WRAPPING_KEY).unwrap(wrapped), copy, version=1, **place)
    stranger, _ = await an_alarm(people, store)
    await erased(store, person_id)
    await erased(store, person_id)  # twice is once
    for table in ("alarm_keys", "person_keys"):
        left = f"SELECT count(*) FROM vault.{table} WHERE person_id = $1"
        assert await store.admin.fetchval(left, person_id) == 0
    for alarm in await alarms_of(store, alarms[0]["case_id"]):
        assert alarm["contact_box"] is None
        at = f"/v1/alarms/{alarm['alarm_id']}"
        await desk.post(f"{at}/acknowledge", headers=asma)
        assert (await desk.get(f"{at}/contact", headers=asma)).json()["contact"] is None
    asked = [alarm["alarm_id"] for alarm in alarms]
    for ids, purpose in ((asked, "alarm_contact"), ([person_id], "contact")):
        async with store.vault.transaction() as tx:
            given = await read_keys(tx, KeyQuestion(tuple(ids), purpose, "intake"))
        assert [one.wrapped for one in given] == [None] * len(ids)
    await desk.post(f"{stranger}/acknowledge", headers=asma)
    assert (await desk.get(f"{stranger}/contact", headers=asma)).json()["contact"]["address"]


async def test_no_key_is_made_again_for_somebody_who_was_erased(
    people: httpx2.AsyncClient, desk: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    path, session = await come_back(people, item9=2)
    [alarm] = await alarms_of(store, await case_id_of(store, path))
    await erased(store, alarm["person_id"])
    assert (await call(desk, {"contact": PHONE}, session)).status_code == 202
    kept = "SELECT count(*) FROM vault.alarm_keys WHERE person_id = $1"
    assert await store.admin.fetchval(kept, alarm["person_id"]) == 0


async def erased(store: IntakeDatabase, person_id: UUID) -> None:
    async with store.intake.transaction() as tx:
        await erase_keys([person_id], tx)


async def test_who_is_reached_in_the_inbox_only_has_no_address(
    people: httpx2.AsyncClient, desk: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    accepted = (await ask(people, asking(2, contact={"channel": "inbox"}))).json()
    [alarm] = await alarms_of(store, await case_id_of(store, accepted["status_url"]))
    at = f"/v1/alarms/{alarm['alarm_id']}"
    await desk.post(f"{at}/acknowledge", headers=asma)
    assert (await desk.get(f"{at}/contact", headers=asma)).json() == {"contact": None, "reason": "inbox"}


async def test_while_the_vault_is_away_it_is_said_so_and_the_wish_is_written_down(
    people: httpx2.AsyncClient, store: IntakeDatabase, secrets: Settings, policy: Policy, asma: dict[str, str]
) -> None:
    at, _ = await an_alarm(people, store)
    away, app = f"http://127.0.0.1:{free_port()}", _app(policy)
    roles.serve_crisis(app, secrets.model_copy(update={"vault_url": away}), policy, store.intake)
    async with _client(app) as client:
        await client.post(f"{at}/acknowledge", headers=asma)
        answer = await client.get(f"{at}/contact", headers=asma)
    assert (answer.status_code, answer.json()["code"]) == (503, "vault_away")
    assert len(await readings(store, at)) == 1


async def test_alarm_keys_are_for_the_desk_alone(
    people: httpx2.AsyncClient, vault: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    at, _ = await an_alarm(people, store)
    asked = {"ids": [at.rpartition("/")[2]], "purpose": "alarm_contact"}
    assert (await vault.post("/internal/v1/keys", json=asked, headers=INTAKE)).json()["keys"]
    for purpose, headers in (("alarm_contact", NOTIFICATIONS), ("answers", INTAKE)):
        refused = await vault.post("/internal/v1/keys", json=asked | {"purpose": purpose}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "purpose_not_allowed")
    nobody = {"ids": [str(uuid4())], "purpose": "alarm_contact"}
    answer = (await vault.post("/internal/v1/keys", json=nobody, headers=INTAKE)).json()
    assert answer == {"keys": {}, "refused": {nobody["ids"][0]: "unknown"}}


async def test_on_the_page_it_is_shown_once_asked_for_and_not_again_by_itself(
    people: httpx2.AsyncClient, desk: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, _ = await an_alarm(people, store)
    browser = Browser(desk)
    await browser.sign_in(asma)
    page = await browser.open(at.replace("/v1/", "/desk/"))
    assert "Show it" not in page.text
    page = await browser.submit("take")
    assert "Show it" in page.text
    assert "399" not in page.text
    page = await browser.submit("reach")
    assert "+923991234567" in page.text
    assert page.headers["cache-control"] == "no-store"
    page = await browser.open(at.replace("/v1/", "/desk/"))
    assert "+923991234567" not in page.text
    assert "contact read by Asma" in page.text
